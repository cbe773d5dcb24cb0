"""Models that are no mixers yet, each for a reason of its own."""

import sys
import threading
import time

import numpy as np
import torch
from torch import nn


class Base(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.map = nn.Linear(width, width)

    def forward(self, x):
        return self.map(x)


class Printing(Base):
    def forward(self, x):
        print("shape", tuple(x.shape))
        return super().forward(x)


class SeesAheadFromZero(Base):
    """Its map starts from zero, and would hide everything."""

    def __init__(self, width):
        super().__init__(width)
        nn.init.zeros_(self.map.weight)
        nn.init.zeros_(self.map.bias)

    def forward(self, x):
        return super().forward(x + x.flip(1))


class Starting(Base):
    def forward(self, x):
        threading.Thread(target=time.sleep, args=(1.0,), name="left", daemon=True).start()
        return super().forward(x)


class Seeding(Base):
    def __init__(self, width):
        torch.manual_seed(0)
        super().__init__(width)


class SettingTypes(Base):
    def forward(self, x):
        torch.set_default_dtype(torch.float64)
        return super().forward(x)


class DrawnByNumPy(Base):
    def __init__(self, width):
        super().__init__(width)
        with torch.no_grad():
            self.map.weight.copy_(torch.as_tensor(np.random.rand(width, width)))  # noqa: NPY002


class Hidden(Base):
    """Depends on a tensor that is neither a parameter nor a buffer."""

    def __init__(self, width):
        super().__init__(width)
        self.scale = torch.rand(width) + 0.5

    def forward(self, x):
        return super().forward(x) * self.scale.to(x)


class Unconverted(Base):
    """Its tensor stays as it is, in type and on its device."""

    def __init__(self, width):
        super().__init__(width)
        self.register_buffer("kept", torch.eye(width), persistent=True)

    def forward(self, x):
        return super().forward(x) @ torch.eye(x.shape[-1])


class OnCPU(Base):
    def forward(self, x):
        return super().forward(x) * torch.arange(1, x.shape[1] + 1)[:, None]


class InPlace(Base):
    def forward(self, x):
        x.mul_(2.0)
        return super().forward(x)


class WithoutGradient(Base):
    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)


class SeesAheadInGradients(Base):
    """The future enters with a factor of zero in value, and of one in gradient."""

    def forward(self, x):
        y = super().forward(x)
        ahead = y.roll(-1, 1)
        return y + ahead - ahead.detach()


class SeesAheadInTraining(Base):
    def forward(self, x):
        y = super().forward(x)
        return y - y.mean(1, keepdim=True) if self.training else y


class DividedByLength(Base):
    def forward(self, x):
        return super().forward(x).cumsum(1) / x.shape[1]


class WritingStep(Base):
    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.map.in_features, dtype=self.map.weight.dtype)

    def step(self, x_k, state):
        state += self.map(x_k)
        return state.clone(), state

    def forward(self, x):
        return super().forward(x).cumsum(1)


class Slow(Base):
    def forward(self, x):
        time.sleep(0.03 * x.shape[1])
        return super().forward(x)


class Leaving(Base):
    def forward(self, x):
        sys.exit("no")


class NeedsCUDA(Base):
    def forward(self, x):
        raise RuntimeError("Expected a CUDA tensor")


class Broken(Base):
    def forward(self, x):
        return self.map(x).view(3, 3)


class Bounded(Base):
    """Has no number at all."""

    def forward(self, x):
        return super().forward(x) / 0.0


class Normed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        return self.norm(x.mT).mT


class Coarse(Base):
    def forward(self, x):
        return super().forward(x).bfloat16()


class Upcast(Base):
    """Normed in single precision, whatever it is given."""

    def forward(self, x):
        normed = nn.functional.normalize(x.float(), dim=-1)
        return super().forward(normed.to(x.dtype))


class Complex(Base):
    def __init__(self, width):
        super().__init__(width)
        self.rotation = nn.Parameter(torch.exp(1j * torch.rand(width)))

    def forward(self, x):
        return (super().forward(x) * self.rotation).cumsum(1).real


class Importing(Base):
    def forward(self, x):
        import not_there_at_all

        return not_there_at_all.of(x)


class TupleOfTwo(Base):
    def forward(self, x):
        return super().forward(x), None


class Declared(Base):
    causal = False

    def forward(self, x):
        return super().forward(x).flip(1)


class Rounded(Base):
    straight_through = True

    def forward(self, x):
        y = super().forward(x)
        return y + (y.round() - y).detach()


class Convolution(nn.Module):
    """Causal: padded on the left alone."""

    def __init__(self, width):
        super().__init__()
        self.convolution = nn.Conv1d(width, width, 4)

    def forward(self, x):
        return self.convolution(nn.functional.pad(x.mT, (3, 0))).mT


def lstm(width):
    return nn.LSTM(width, width, batch_first=True)


def lstm_of_other_axes(width):
    return nn.LSTM(width, width)


def two(width, depth):
    return Base(width)


class SeesAheadAtAChunk(Base):
    """The last position of the first 64 sees the first of the next."""

    def forward(self, x):
        y = super().forward(x)
        ahead = torch.zeros_like(y)
        ahead[:, 63:64] = 0.1 * x[:, 64:65] if x.shape[1] > 64 else 0.0
        return y + ahead


class WrongPrefill(Base):
    """Hands on the state before the last position."""

    def initial_state(self, batch_size):
        return self.map.weight.new_zeros(batch_size, self.map.in_features)

    def step(self, x_k, state):
        state = state + self.map(x_k)
        return state, state

    def prefill(self, x, state=None):
        sums = self.forward(x)
        return sums, sums[:, -2]

    def forward(self, x):
        return super().forward(x).cumsum(1)

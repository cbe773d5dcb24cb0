"""A sound recurrence, and ten that have one fault each."""

import torch
from torch import nn
from torch.nn import functional


class Sound(nn.Module):
    """h_k = a_k h_{k-1} + (1 - a_k) v_k with a_k = sigmoid(A x_k) and v_k = V x_k."""

    def __init__(self, width):
        super().__init__()
        self.width, self.maps = width, nn.Linear(width, 2 * width)

    def initial_state(self, batch_size):
        return self.maps.weight.new_zeros(batch_size, self.width)

    def gates(self, x):
        gate, value = self.maps(x).chunk(2, -1)
        return gate.sigmoid(), value

    def step(self, x_k, state):
        gate, value = self.gates(x_k)
        state = gate * state + (1 - gate) * value
        return state, state

    def run(self, x, state):
        outputs = []
        for x_k in x.unbind(1):
            y, state = Sound.step(self, x_k, state)
            outputs.append(y)
        return torch.stack(outputs, 1), state

    def forward(self, x):
        return self.run(x, Sound.initial_state(self, len(x)))[0]


class LeakFromTheFuture(Sound):
    def forward(self, x):
        return super().forward(x) + 0.01 * x.roll(-1, 1)


class LeakBetweenRows(Sound):
    def gates(self, x):
        return super().gates(x - 0.1 * x.mean(0, keepdim=True))


class StateKept(Sound):
    held = None

    def forward(self, x):
        fresh = self.held is None or len(self.held) != len(x)
        state = self.initial_state(len(x)) if fresh else self.held.to(x)
        y, state = self.run(x, state)
        self.held = state.detach()
        return y


class WrongStep(Sound):
    def step(self, x_k, state):
        gate, value = self.gates(x_k)
        state = gate * state + value
        return state, state


class Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, slope):
        return slope / 2


class WrongGradient(Sound):
    def gates(self, x):
        gate, value = super().gates(x)
        return gate, Halved.apply(value)


class DoubleInside(Sound):
    def forward(self, x):
        state = torch.zeros(len(x), self.width, dtype=torch.float64, device=x.device)
        return self.run(x, state)[0].to(x.dtype)


class DropoutInEvaluation(Sound):
    def forward(self, x):
        return functional.dropout(super().forward(x), 0.1)


class LengthLimit(Sound):
    def __init__(self, width):
        super().__init__(width)
        self.positions = nn.Parameter(0.1 * torch.randn(100, width))

    def initial_state(self, batch_size):
        return super().initial_state(batch_size), 0

    def step(self, x_k, state):
        y, after = super().step(x_k + self.positions[state[1]], state[0])
        return y, (after, state[1] + 1)

    def forward(self, x):
        return super().forward(x + self.positions[: x.shape[1]])


class GrowingState(Sound):
    def initial_state(self, batch_size):
        return super().initial_state(batch_size)[:, None]

    def step(self, x_k, state):
        y, after = super().step(x_k, state[:, -1])
        return y, torch.cat([state, after[:, None]], 1)


class NotANumberAtLength(Sound):
    """The same recurrence by products from the start, which vanish."""

    def forward(self, x):
        gate, value = self.gates(x)
        product = gate.cumprod(1)
        return product * ((1 - gate) * value / product).cumsum(1)

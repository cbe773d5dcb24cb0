"""The model under test: built from a seed whenever that matters, and called under known draws."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from experiments.bench.contract.finding import Fault, Skip
from experiments.bench.contract.globals import drawn, kept

if TYPE_CHECKING:
    import torch
    from torch import nn

    from experiments.bench.contract.conduct import Witness
    from experiments.bench.model import Candidate

# How far apart equal outputs may be, relative to the largest, and gradients and differences.
_TOLERANCES = {"double": (1e-8, 1e-5), "single": (2e-4, 2e-2), "half": (5e-2, float("inf"))}


class Subject:
    """What the points of a check share.

    Parameters
    ----------
    candidate
        The model.
    witness
        Of what is printed and started.
    changed
        Settings of the process that the model has changed, and what they became; it may grow.
    width
        Channels.
    length
        Positions of an ordinary sequence.
    times
        The longest sequence has this many times as many.
    device
        Where it is run.
    patience
        Seconds that one point may take, by what the calls before it took.

    Attributes
    ----------
    dtype, precision
        Type in which outputs are compared, double where the model runs in it; and the least that
        anything inside has then: ``double``, ``single`` or ``half``.
    isolated
        Whether each call is made on a module that was never called, since it keeps what it saw.
    separate
        Whether its rows are known not to meet, so that several inputs may share a call.
    longest
        Length up to which it is known to run and to stay finite.
    numbers
        What was measured by the way.
    """

    def __init__(
        self,
        candidate: Candidate,
        witness: Witness,
        changed: dict[str, str],
        *,
        width: int,
        length: int,
        times: int,
        device: str = "cpu",
        patience: float = 20.0,
    ) -> None:
        self.candidate, self.width, self.device = candidate, width, device
        self.length, self.times, self.patience = length, times, patience
        self.precision, self.longest = "double", length
        self.isolated, self.separate = False, False
        self.witness, self.changed = witness, changed
        self.numbers: dict[str, float] = {}
        self._seconds = float("inf")  # of one position

    @property
    def tolerance(self) -> float:
        """How far apart two outputs may be that are to be equal."""
        return _TOLERANCES[self.precision][0]

    @property
    def slope_tolerance(self) -> float:
        """How far apart a gradient and differences may be; infinite, where these say nothing."""
        return _TOLERANCES[self.precision][1]

    @functools.cached_property
    def dtype(self) -> torch.dtype:
        """Type in which outputs are compared: double, if the model runs in it."""
        import torch

        return torch.float64

    @functools.cached_property
    def model(self) -> nn.Module:
        """One module in evaluation mode, in the type of comparisons, for all points."""
        return self.build(dtype=self.dtype)

    def build(
        self, *, seed: int = 0, foreign: int | None = None, dtype: torch.dtype | None = None
    ) -> nn.Module:
        """Draw a module in evaluation mode; `dtype` None leaves its numbers as they are drawn.

        Where it gives nothing but zeros at first, every point would hold: what is compared then has
        other numbers in the place of parameters that start from zero.
        """
        with kept(self.changed), drawn(seed, foreign=foreign, device=self.device):
            module = self.candidate.settings.build(self.width).to(self.device).eval()
        if dtype is None:
            return module
        return _awake(converted(module, dtype)) if self.silent else converted(module, dtype)

    @functools.cached_property
    def silent(self) -> bool:
        """Whether a module as drawn maps everything to zero; not, if it cannot be called."""
        import torch

        model = self.build()
        with torch.no_grad(), kept(self.changed), drawn(0, device=self.device):
            try:
                y: Any = model(self.inputs(dtype=kind(model)))
            except Exception:  # which the point on its shape reports
                return False
        return isinstance(y, torch.Tensor) and not y.any()

    def inputs(
        self, rows: int = 3, time: int | None = None, *, seed: int = 0, dtype: Any = None
    ) -> torch.Tensor:
        """Sequences of standard normal numbers; a longer one begins as a shorter one does."""
        import torch

        time = self.length if time is None else time
        shape = (time, rows, self.width)
        generator = torch.Generator().manual_seed(seed)
        x = torch.stack([torch.randn(shape[1:], generator=generator) for _ in range(time)], 1)
        return x.to(self.device, self.dtype if dtype is None else dtype)

    def map(self, x: torch.Tensor, model: nn.Module | None = None, draw: int = 0) -> torch.Tensor:
        """Map sequences, the global generators standing at `draw`; the shape is seen to be kept."""
        import torch

        model = self.model if model is None else model
        called: Callable[[torch.Tensor], Any] = self._twin(model) if self.isolated else model
        with kept(self.changed), drawn(draw, device=self.device):
            start = time.perf_counter()
            y = called(x.clone())
            self._seconds = min(self._seconds, (time.perf_counter() - start) / x.shape[1])
        if not isinstance(y, torch.Tensor):
            raise Fault(f"gives a {type(y).__name__} in place of a tensor")
        if y.shape != x.shape:
            raise Fault(f"maps {tuple(x.shape)} to {tuple(y.shape)}")
        return y

    def afford(self, calls: float, time: int, what: str) -> None:
        """Skip a point whose calls would take longer than there is patience for."""
        expected = self._seconds * calls * time
        if expected > self.patience:
            raise Skip(
                f"too slow: {what} would take some {expected:,.0f} s, "
                f"at {1e3 * self._seconds:.3g} ms a position"
            )

    def _twin(self, model: nn.Module) -> Callable[[torch.Tensor], Any]:
        """Give a module that was never called the parameters of another."""
        import torch

        never_called = self.build(dtype=kind(model)).train(model.training)
        return functools.partial(
            torch.func.functional_call, never_called, dict(model.named_parameters())
        )


def _awake(module: nn.Module) -> nn.Module:
    """Draw anew, with variance 1 / columns, every parameter that is zero throughout."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.is_floating_point() and not parameter.any():
                drawn_anew = torch.randn(parameter.shape, generator=generator)
                size = parameter.shape[-1] if parameter.ndim else 1
                parameter.copy_(drawn_anew / max(1, size) ** 0.5)
    return module


def kind(module: nn.Module) -> torch.dtype:
    """Type of a module's first real parameter; single precision where it has none."""
    import torch

    kinds = [p.dtype for p in module.parameters() if p.is_floating_point()]
    return kinds[0] if kinds else torch.float32


def converted(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Convert a module's real numbers, and its complex ones to the complex type beside.

    ``module.double()`` leaves complex numbers as they are, and ``module.to(dtype)`` drops their
    imaginary parts.
    """

    def other(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.is_complex():
            return tensor.to(dtype.to_complex())
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    return module._apply(other)


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """Largest difference of two outputs, relative to the largest of their numbers."""
    if not (one.isfinite().all() and other.isfinite().all()):
        raise Skip("its outputs are not finite, so that there is nothing to compare")
    scale = max(one.abs().max().item(), other.abs().max().item())
    return (one - other).abs().max().item() / scale if scale else 0.0

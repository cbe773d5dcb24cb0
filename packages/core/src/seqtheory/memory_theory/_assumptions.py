"""Tests, before a measurement, of what a memory function assumes of a model."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_choice
from seqtheory.memory_theory._settling import settling
from seqtheory.memory_theory._stimulus import Stimulus

if TYPE_CHECKING:
    from jaxtyping import Float, Num

Model: TypeAlias = Callable[[Any], Any]
"""(batch, time, channel) float64, or (batch, time) int64 -> array-like (batch, time, output)."""

ASSUMPTIONS = ("deterministic", "independent", "causal", "time_homogeneous")

# Differences below these shares of the response and of the output are rounding in float32.
_OF_RESPONSE, _OF_OUTPUT = 1e-4, 1e-6
_SHORTEST = 3  # least number of steps of input for the tests


class AssumptionError(ValueError):
    """A model breaks an assumption of its memory function; `assumption` names it.

    One of "shape", "finite", "deterministic", "independent", "causal", "time_homogeneous" and
    "linear". A sweep can catch it and store the name as its result. For a model that is not
    time-homogeneous, `rest` is a sufficient number of steps of rest, or None if no rest is enough.
    """

    def __init__(self, assumption: str, message: str, rest: int | None = None) -> None:
        super().__init__(message)
        self.assumption = assumption
        self.rest = rest

    def __reduce__(self) -> tuple[type[AssumptionError], tuple[str, str, int | None]]:
        """Pickle with all arguments, so that it may cross a process."""
        return type(self), (self.assumption, str(self), self.rest)


def outputs_of(
    model: Model, inputs: Num[np.ndarray, "batch time ..."]
) -> Float[np.ndarray, "batch time output"]:
    """Call the model and refuse outputs that are not real, finite and of the right shape."""
    given = model(inputs)
    try:
        outputs = as_array(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"the model gave a {type(given).__name__} that NumPy cannot read ({error}). Wrap the "
            "model so that it ends in an array on the processor, such as y.detach().cpu().numpy()."
        ) from error
    if outputs.dtype.kind not in "iuf":
        raise TypeError(f"the model's outputs must be real, but have dtype {outputs.dtype}.")
    if outputs.ndim != 3 or outputs.shape[:2] != inputs.shape[:2] or outputs.shape[2] == 0:
        raise AssumptionError(
            "shape",
            f"the model must map (batch, time{', channel' if inputs.ndim == 3 else ''}) to (batch, "
            f"time, output): got shape {outputs.shape} for inputs of shape {inputs.shape}.",
        )
    if not np.all(np.isfinite(outputs)):
        step = int(np.argmin(np.isfinite(outputs).all(axis=(0, 2))))
        raise AssumptionError(
            "finite",
            f"the model's outputs hold NaN or infinity from step {step} on: it is unstable on "
            "this input, or overflows. Shorten the horizon or lower the amplitude.",
        )
    # A constant offset in float32 outputs is better taken off in float64.
    return outputs.astype(np.float64, copy=False)


def check_assumptions(
    model: Model,
    stimulus: Stimulus,
    *,
    length: int,
    rest: int,
    assumptions: Collection[str],
    rng: np.random.Generator,
) -> None:
    """Probe a model with random input and raise at the first assumption that fails.

    Three calls with at most four sequences of `length` steps: a signal after `rest` quiet steps,
    that signal shifted later, that signal with another future, and no input.
    """
    for name in assumptions:
        require_choice("check", name, ASSUMPTIONS)
    if not assumptions:
        return
    steps = max(length - rest, _SHORTEST)
    late = steps // 3 | 1  # odd, so that alternating models are caught too
    cut = rest + steps // 2
    signal = stimulus.pair(steps, rng)
    inputs = stimulus.quiet(4, rest + steps)
    inputs[0, rest:] = signal[0]
    inputs[1, rest + late :] = signal[0, : steps - late]
    inputs[2, rest:cut], inputs[2, cut:] = signal[0, : cut - rest], signal[1, cut - rest :]
    first = outputs_of(model, inputs)
    response = first - first[3]
    scale = float(np.abs(response).max())
    rounding = _OF_RESPONSE * scale + _OF_OUTPUT * float(np.abs(first).max())

    def different(one: Any, other: Any) -> float:
        """Largest difference as a share of the largest response; 0 if it is rounding."""
        gap = float(np.abs(one - other).max(initial=0.0))
        return gap / max(scale, np.finfo(float).tiny) if gap > rounding else 0.0

    for name, gap in (
        ("deterministic", lambda: different(outputs_of(model, inputs), first)),
        ("independent", lambda: different(outputs_of(model, inputs[[0, 3]]), first[[0, 3]])),
        ("causal", lambda: different(first[2, :cut], first[0, :cut])),
    ):
        if name in assumptions and (share := gap()) > 0:
            raise AssumptionError(name, _MESSAGES[name].format(share=share, cut=cut))
    if "time_homogeneous" in assumptions and different(
        response[1, rest + late :], response[0, rest : rest + steps - late]
    ):
        raise _inhomogeneous(model, stimulus, signal[0], late, rest)


def _inhomogeneous(
    model: Model, stimulus: Stimulus, signal: Num[np.ndarray, "time ..."], late: int, rest: int
) -> AssumptionError:
    """Make the error, with advice on rest from trying longer rests."""
    tolerances: list[float] = []

    def difference(after: int) -> float:
        """Largest difference of the responses to the signal and to the same `late` steps later."""
        inputs = stimulus.quiet(3, after + len(signal))
        inputs[0, after:] = signal
        inputs[1, after + late :] = signal[: len(signal) - late]
        outputs = outputs_of(model, inputs)
        response = outputs - outputs[2]
        scale = max(float(np.abs(response).max()), np.finfo(float).tiny)
        tolerances.append(_OF_RESPONSE + _OF_OUTPUT * float(np.abs(outputs).max()) / scale)
        same = response[0, after : after + len(signal) - late]
        return float(np.abs(response[1, after + late :] - same).max()) / scale

    share = difference(rest)
    found = settling(difference, rest, tolerances[0])
    seen = _MESSAGES["time_homogeneous"].format(share=share, late=late, most=tolerances[0])
    return AssumptionError("time_homogeneous", f"{seen} {found.advice}", found.rest)


_MESSAGES = {
    "deterministic": (
        "the model is not deterministic: the same inputs gave answers that differ by {share:.1e} "
        "of the largest response. Is dropout on (call .eval()), or a state kept between calls?"
    ),
    "independent": (
        "the model is not independent over the batch: a sequence's answer changes by {share:.1e} "
        "of the largest response with its company. Does it take (time, batch, channel), attend "
        "over the batch axis, or normalise over it?"
    ),
    "causal": (
        "the model is not causal: changing its input from step {cut} on changes earlier outputs "
        "by {share:.1e} of the largest response. Is a causal mask missing, or a scan bidirectional?"
    ),
    "time_homogeneous": (
        "the model is not time-homogeneous: the same input {late} steps later gives a response "
        "that differs by {share:.1e} of the largest, expected at most {most:.1e}."
    ),
}

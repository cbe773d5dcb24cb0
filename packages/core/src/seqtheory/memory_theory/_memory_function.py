"""Memory functions: how strongly a model still reacts, k steps after its input changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.memory_theory._assumptions import (
    ASSUMPTIONS,
    AssumptionError,
    Model,
    check_assumptions,
    outputs_of,
)
from seqtheory.memory_theory._directions import optimised_memory, spread_directions
from seqtheory.memory_theory._letters import letter_memory
from seqtheory.memory_theory._probes import Probe
from seqtheory.memory_theory._stimulus import Channels, Letters

if TYPE_CHECKING:
    from jaxtyping import Float

    Respond = Callable[
        [Float[np.ndarray, "batch channel"]], Float[np.ndarray, "batch horizon output"]
    ]


def memory_function(
    model: Model,
    horizon: int,
    *,
    channels: int | None = None,
    letters: int | None = None,
    baseline: int = 0,
    dt: float = 1.0,
    probe: Literal["step", "impulse", "reversed"] = "step",
    directions: Literal["exact", "optimised", "upstream"] | int = "exact",
    amplitude: float | Sequence[float] = 1.0,
    rest: int = 0,
    warm_up: int | None = None,
    check: Collection[str] = ASSUMPTIONS,
    seed: int = 0,
) -> Float[np.ndarray, " horizon"]:
    r"""Memory function of any causal model, measured from its responses.

    With :math:`y` the response to a probe minus the response to zero input,

    .. math::
        M[k] = \max_x |y_k - y_{k-1}|_\infty / (dt\, |x|_\infty), \qquad y_{-1} = 0,

    for the step probe, the discrete form of
    :math:`M(t) = \sup_x |\tfrac{d}{dt} H_t(u^x)| / |x|_\infty`. For a linear functional
    with kernel :math:`\rho`, every probe gives the largest L1 norm of the rows of
    :math:`\rho(k\,dt)`.

    For a model of letters the result is :math:`M[k] = \max_a |y_k(a) - y_k|_\infty`: the change of
    the output k steps after one letter of a sequence of baseline letters is replaced by a.

    Parameters
    ----------
    model
        Maps (batch, time, channel) float64, or with `letters` (batch, time) int64, to
        (batch, time, output). It must be causal, time-homogeneous and deterministic.
    horizon
        Number of steps to report.
    channels
        Input channels of `model`; None for a model of letters.
    letters
        Number of letters of a model that takes integers; None for a model of channels. Letters
        cannot be scaled or added, so `dt`, `probe`, `amplitude` and `warm_up` do not apply;
        `directions` is ``"exact"`` for all letters, or the number of letters to draw.
    baseline
        The letter that stands for no input: one that changes the state least, such as a blank.
    dt
        Time per step.
    probe
        ``"step"``: x from step 0 on. ``"impulse"``: x / dt at step 0, zero after, and
        :math:`|y_k|` is reported. ``"reversed"``: x up to step -1, zero after, and the
        change of y is reported as for the step.
    directions
        ``"exact"`` responds to each channel alone and is exact for linear models; it tests
        superposition and refuses a model that fails it. An integer draws that many directions, half
        of them vertices of the cube. ``"optimised"`` starts from 64 such directions and improves
        them for each step separately. Both give lower bounds of the maximum. ``"upstream"`` takes
        one normal draw of x, the 2-norm of outputs and no division by :math:`|x|`, as the published
        code does.
    amplitude
        Largest entry :math:`|x|_\infty` of the directions; matters for nonlinear models. Given
        several, the maximum over them is taken.
    rest
        Steps of zeros before the probe, in which the model may settle to its state at rest.
    warm_up
        Steps of input before the reversed probe's switch-off, ``4 * horizon`` by default.
        The error of the reversed probe is the memory at ages of `warm_up` steps and more.
    check
        Assumptions to test first: ``"deterministic"``, ``"independent"`` over the batch,
        ``"causal"`` and ``"time_homogeneous"``.
    seed
        Draws the directions, and the inputs of all tests.

    Returns
    -------
    M at steps 0, 1, ..., horizon - 1; non-negative.

    Raises
    ------
    AssumptionError
        A ValueError: the model gives NaN or a wrong shape, or fails a test of `check`, or of
        superposition with ``directions="exact"``. The attribute `assumption` names the assumption.
        For a model that is not time-homogeneous, `rest` is a sufficient rest or None, judged by
        trying rests of up to 1024 further steps.
    TypeError, ValueError
        If not one of `channels` and `letters` is given, or a parameter does not apply.

    Notes
    -----
    The response to zero is taken off step by step, so a constant offset (a bias) does not
    count as memory. The tests call `model` three times with up to four sequences, the
    measurement once with ``channels + 3`` or ``directions + 1`` (``"optimised"``: 13 times
    65), times the number of amplitudes.

    References
    ----------
    arXiv:2305.19190, definition 3.1 and appendices F, G.

    Examples
    --------
    A leaky sum, y_k = 0.5 y_{k-1} + x_k, remembers 0.5^k:

    >>> def leaky_sum(x):
    ...     y = np.zeros_like(x)
    ...     for k in range(x.shape[1]):
    ...         y[:, k] = x[:, k] + (0.5 * y[:, k - 1] if k else 0.0)
    ...     return y
    >>> memory_function(leaky_sum, 4, channels=1)
    array([1.   , 0.5  , 0.25 , 0.125])

    The same sum of the values of letters 0, 1 and 2:

    >>> memory_function(lambda words: leaky_sum(1.0 * words[..., None]), 4, letters=3)
    array([2.  , 1.  , 0.5 , 0.25])
    """
    require_integer("horizon", horizon, 1)
    require_integer("seed", seed, 0)
    if letters is not None:
        own = {"channels": channels, "dt": dt, "probe": probe, "amplitude": amplitude}
        _require_letters_alone(own | {"warm_up": warm_up})
        known = Letters(letters, baseline)
        return letter_memory(model, known, horizon, directions, rest, check, seed)
    if channels is None:
        raise TypeError(
            "got neither channels nor letters: give channels=... for a model of real inputs "
            "(batch, time, channel), letters=... for a model of integers (batch, time)."
        )
    require_integer("channels", channels, 1)
    sizes = _amplitudes(amplitude)
    if isinstance(directions, str):
        require_choice("directions", directions, ("exact", "optimised", "upstream"))
    else:
        require_integer("directions", directions, 1)
    probing = Probe(probe, horizon, dt, rest, 4 * horizon if warm_up is None else warm_up)
    several = directions if isinstance(directions, int) else 4
    probing.require_memory(channels if directions == "exact" else several, channels)
    rng = np.random.default_rng(seed)
    check_assumptions(
        model,
        Channels(channels, float(sizes.max())),
        length=probing.length,
        rest=rest,
        assumptions=check,
        rng=np.random.default_rng([seed, 1]),
    )

    def respond(x: Float[np.ndarray, "batch channel"]) -> Float[np.ndarray, "batch time output"]:
        return probing.reading(outputs_of(model, probing.inputs(x)))

    if directions == "exact":
        return _exact(respond, channels, float(sizes.max()), rng)
    if directions == "upstream":
        return np.linalg.norm(respond(rng.standard_normal((1, channels)))[0], axis=-1)

    def memory(x: Float[np.ndarray, "batch channel"]) -> Float[np.ndarray, "batch horizon"]:
        return np.abs(respond(x)).max(axis=2) / np.abs(x).max(axis=1, keepdims=True)

    if directions == "optimised":
        return optimised_memory(memory, channels, sizes, rng)
    x = spread_directions(int(directions), channels, rng)
    return memory(np.concatenate([size * x for size in sizes])).max(axis=0)


def _require_letters_alone(given: dict[str, Any]) -> None:
    """Raise ValueError for a parameter that only applies to signals on channels."""
    plain = {"channels": None, "dt": 1.0, "probe": "step", "amplitude": 1.0, "warm_up": None}
    for name, value in given.items():
        if value is not plain[name] and value != plain[name]:
            raise ValueError(
                f"{name}={value!r} with letters: letters have neither channels nor size. Leave it "
                "out; one letter is replaced, and its effect followed."
            )


def _amplitudes(amplitude: float | Sequence[float]) -> Float[np.ndarray, " amplitude"]:
    several: list[Any] = list(np.atleast_1d(as_array(amplitude, dtype=object)))
    if not several:
        raise ValueError("amplitude=[] is empty: give a positive number, or several.")
    for size in several:
        require_positive("amplitude", size)
    return np.array(several, dtype=np.float64)


def _exact(
    respond: Respond, channels: int, amplitude: float, rng: np.random.Generator
) -> Float[np.ndarray, " horizon"]:
    """Row-wise L1 norm of the responses to unit vectors, after a test of superposition."""
    # Opposite signs and two sizes, so that neither |x| nor a saturating function passes.
    tests = np.array([[-1.0], [2.0]]) * spread_directions(2, channels, rng)
    x = amplitude * np.concatenate([np.eye(channels), tests])
    responses = respond(x) / amplitude
    units, found = responses[:channels], responses[channels:]
    expected = np.einsum("bc,cto->bto", tests, units)
    scale = max(float(np.abs(found).max()), float(np.abs(units).max()))
    gap = float(np.abs(found - expected).max())
    if gap > 1e-4 * scale:
        raise AssumptionError(
            "linear",
            f"directions='exact' needs a linear model, but superposition fails by "
            f"{gap / scale:.1e} of the largest response. Give a number of directions to draw, "
            "such as directions=256, or directions='optimised'.",
        )
    return np.abs(units).sum(axis=0).max(axis=1)

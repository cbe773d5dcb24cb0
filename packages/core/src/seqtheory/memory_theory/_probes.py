"""Memory functions: how strongly a model still reacts, k steps after its input changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from seqtheory._settings import require_choice, require_integer, require_positive

if TYPE_CHECKING:
    from jaxtyping import Float

Model: TypeAlias = Callable[[Any], Any]
"""(batch, time, channel) float64 -> array-like (batch, time, output)."""

PROBES = ("step", "impulse", "reversed")


def memory_function(
    model: Model,
    horizon: int,
    *,
    channels: int,
    dt: float = 1.0,
    probe: Literal["step", "impulse", "reversed"] = "step",
    directions: Literal["exact"] | int = "exact",
    amplitude: float = 1.0,
    warm_up: int | None = None,
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

    Parameters
    ----------
    model
        Maps (batch, time, channel) float64 to (batch, time, output). Causal,
        time-homogeneous and the same at every call.
    horizon
        Number of steps to report.
    channels
        Input channels of `model`.
    dt
        Time per step.
    probe
        ``"step"``: x from step 0 on. ``"impulse"``: x / dt at step 0, zero after, and
        :math:`|y_k|` is reported. ``"reversed"``: x up to step -1, zero after, and the
        change of y is reported as for the step.
    directions
        ``"exact"`` responds to each channel alone and is exact for linear models; it tests
        superposition and refuses a model that fails it. An integer draws that many
        directions, half of them vertices of the cube: a lower bound of the maximum.
    amplitude
        Largest entry :math:`|x|_\infty` of the drawn directions; matters for nonlinear models.
    warm_up
        Steps of input before the reversed probe's switch-off, ``4 * horizon`` by default.
        Its error is the memory at ages of `warm_up` steps and more.
    seed
        Draws the directions, and those of the superposition test.

    Returns
    -------
    M at steps 0, 1, ..., horizon - 1; non-negative.

    Notes
    -----
    The response to zero is taken off step by step, so a constant offset (a bias) does not
    count as memory. One call of `model` with a batch of ``channels + 3`` or
    ``directions + 1`` sequences.

    References
    ----------
    arXiv:2305.19190, definition 3.1 and appendices F, G. The code published with it draws
    a single direction and does not divide by :math:`|x|`.

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
    """
    require_integer("horizon", horizon, 1)
    require_integer("channels", channels, 1)
    require_positive("dt", dt)
    require_positive("amplitude", amplitude)
    require_choice("probe", probe, PROBES)
    require_integer("seed", seed, 0)
    if warm_up is not None:
        require_integer("warm_up", warm_up, 1)
    warm = 4 * horizon if warm_up is None else warm_up
    rng = np.random.default_rng(seed)

    def respond(x: Float[np.ndarray, "batch channel"]) -> Float[np.ndarray, "batch time output"]:
        inputs = _inputs(x, probe, horizon, dt, warm)
        return _response(_call(model, inputs), probe, horizon, dt)

    if directions == "exact":
        return _exact(respond, channels, amplitude, rng)
    if isinstance(directions, str):
        require_choice("directions", directions, ("exact",))
    require_integer("directions", directions, 1)
    x = amplitude * _directions(int(directions), channels, rng)
    return np.abs(respond(x)).max(axis=(0, 2)) / amplitude


def _inputs(
    x: Float[np.ndarray, "batch channel"], probe: str, horizon: int, dt: float, warm_up: int
) -> Float[np.ndarray, "batch_and_zero time channel"]:
    """Probe sequences, one per direction, and last the one of zeros."""
    x = np.concatenate([x, np.zeros_like(x[:1])])
    if probe == "step":
        return np.repeat(x[:, None], horizon, axis=1)
    if probe == "impulse":
        inputs = np.zeros((len(x), horizon, x.shape[1]))
        inputs[:, 0] = x / dt
        return inputs
    inputs = np.zeros((len(x), warm_up + horizon, x.shape[1]))
    inputs[:, :warm_up] = x[:, None]
    return inputs


def _call(
    model: Model, inputs: Float[np.ndarray, "batch time channel"]
) -> Float[np.ndarray, "batch time output"]:
    """Call the model, check its outputs, take off the response to zero (the last one)."""
    outputs = np.asarray(model(inputs))
    if outputs.ndim != 3 or outputs.shape[:2] != inputs.shape[:2] or outputs.shape[2] == 0:
        raise ValueError(
            f"the model must map (batch, time, channel) to (batch, time, output): got shape "
            f"{outputs.shape} for inputs of shape {inputs.shape}."
        )
    if outputs.dtype.kind not in "iuf":
        raise TypeError(f"the model's outputs must be real, but have dtype {outputs.dtype}.")
    if not np.all(np.isfinite(outputs)):
        step = int(np.argmin(np.isfinite(outputs).all(axis=(0, 2))))
        raise ValueError(
            f"the model's outputs hold NaN or infinity from step {step} on: it is unstable on "
            "this input, or overflows. Shorten the horizon or lower the amplitude."
        )
    # A constant offset in float32 outputs is better taken off in float64.
    outputs = outputs.astype(np.float64, copy=False)
    return outputs[:-1] - outputs[-1]


def _response(
    outputs: Float[np.ndarray, "batch time output"], probe: str, horizon: int, dt: float
) -> Float[np.ndarray, "batch horizon output"]:
    """Take from the outputs what is reported, for each of the last `horizon` steps."""
    if probe == "impulse":
        return outputs
    before = np.zeros_like(outputs[:, :1])
    return np.diff(outputs, axis=1, prepend=before)[:, -horizon:] / dt


def _exact(
    respond: Callable[[Any], Float[np.ndarray, "batch time output"]],
    channels: int,
    amplitude: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, " horizon"]:
    """Row-wise L1 norm of the responses to unit vectors, after a test of superposition."""
    # Opposite signs and two sizes, so that neither |x| nor a saturating function passes.
    tests = np.array([[-1.0], [2.0]]) * _directions(2, channels, rng)
    x = amplitude * np.concatenate([np.eye(channels), tests])
    responses = respond(x) / amplitude
    units, found = responses[:channels], responses[channels:]
    expected = np.einsum("bc,cto->bto", tests, units)
    scale = max(float(np.abs(found).max()), float(np.abs(units).max()))
    gap = float(np.abs(found - expected).max())
    if gap > 1e-4 * scale:
        raise ValueError(
            f"directions='exact' needs a linear model, but superposition fails by "
            f"{gap / scale:.1e} of the largest response. Give a number of directions to draw, "
            "such as directions=256."
        )
    return np.abs(units).sum(axis=0).max(axis=1)


def _directions(
    count: int, channels: int, rng: np.random.Generator
) -> Float[np.ndarray, "count channel"]:
    """Directions with largest entry 1: first half vertices of the cube, the rest its faces."""
    x = rng.uniform(-1.0, 1.0, (count, channels))
    vertices = (count + 1) // 2
    x[:vertices] = np.where(x[:vertices] < 0, -1.0, 1.0)
    return x / np.abs(x).max(axis=1, keepdims=True)

"""Terminal states of block-diagonal linear CDEs, for many paths at once, in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

LARGEST_EXPONENT = 600.0  # of a bound of the state's growth; float64 ends at exp(709)
LARGEST_NORM = 4.0  # of one Taylor series: rounding costs a factor exp(4) at most
ROUNDING = np.finfo(np.float64).eps
NUMBERS_AT_ONCE = 2**20  # of the products of a batch of states with all matrices


class Equation(NamedTuple):
    r"""Parameters of :math:`dy = \sum_i A_i y\,dw^i + B\,dw` with :math:`y_0 = C w_0 + d`.

    Attributes
    ----------
    A
        Blocks on the diagonals of the matrices, one matrix per channel.
    B, C
        Forcing, and the map from the path's start.
    d
        The initial state of a path that starts at the origin.
    """

    A: Float[np.ndarray, "channel block size size"]
    B: Float[np.ndarray, "width channel"]
    C: Float[np.ndarray, "width channel"]
    d: Float[np.ndarray, " width"]


def draw_equation(
    width: int, block_size: int, channels: int, random: np.random.RandomState
) -> Equation:
    """Draw entries N(0, 1 / block_size) for A and N(0, 1) for all else, independent."""
    blocks = width // block_size
    A = random.standard_normal((channels, blocks, block_size, block_size)) / np.sqrt(block_size)
    B, C = random.standard_normal((2, width, channels))
    return Equation(A, B, C, random.standard_normal(width))


def growth_bound(equation: Equation) -> float:
    r"""Root K of the norm of :math:`\sum_i A_i A_i^\top`, so :math:`|\sum g_i A_i| \le K |g|`."""
    squares = np.einsum("ckij,cklj->kil", equation.A, equation.A)
    return float(np.sqrt(np.linalg.norm(squares, 2, axis=(1, 2)).max()))


def terminal_states(
    equation: Equation, paths: list[Float[np.ndarray, "time channel"]]
) -> Float[np.ndarray, "path width"]:
    """Solve the equation on piecewise-linear paths of any lengths, to rounding.

    Raises
    ------
    ValueError
        If a path is so long that its state could exceed float64.

    Notes
    -----
    Paths of similar lengths go together, the shorter ones standing still at the end. Costs
    width * block_size * channels operations for each Taylor term of each step; the slow twin is
    `seqtheory.linear_cde.solve`.
    """
    width, channels = equation.B.shape
    bound = growth_bound(equation)
    for place, path in enumerate(paths):
        _check_length(place, path, bound)
    states = np.empty((len(paths), width))
    order = np.argsort([len(path) for path in paths], kind="stable")
    size = max(1, NUMBERS_AT_ONCE // (width * channels))
    for start in range(0, len(paths), size):
        rows = order[start : start + size]
        states[rows] = _solve(equation, [paths[row] for row in rows], bound)
    return states


def _check_length(place: int, path: np.ndarray, bound: float) -> None:
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    if bound * length > LARGEST_EXPONENT:
        raise ValueError(
            f"the path of series {place} is {length:.3g} long in the units of the equation, and "
            f"its state could exceed float64 from {LARGEST_EXPONENT / bound:.3g} on. Is there an "
            "outlier in it? Else choose a smaller length, or clip the series."
        )


def _solve(equation: Equation, paths: list[np.ndarray], bound: float) -> np.ndarray:
    longest = max(len(path) for path in paths)
    padded = np.stack([np.pad(p, ((0, longest - len(p)), (0, 0)), "edge") for p in paths])
    channels, blocks, size, _ = equation.A.shape
    matrices = equation.A.transpose(1, 0, 3, 2).reshape(blocks, channels * size, size)
    state = _in_blocks(padded[:, 0] @ equation.C.T + equation.d, size)
    for step in np.diff(padded, axis=1).swapaxes(0, 1):
        norm = bound * float(np.linalg.norm(step, axis=1).max())
        parts = max(1, int(np.ceil(norm / LARGEST_NORM)))
        forcing = _in_blocks(step @ equation.B.T, size) / parts
        for _ in range(parts):
            state = _advance(matrices, forcing, state, step / parts)
    return state.swapaxes(0, 1).reshape(len(paths), -1)


def _advance(
    matrices: Float[np.ndarray, "block channel_and_in size"],
    forcing: Float[np.ndarray, "block path size"],
    state: Float[np.ndarray, "block path size"],
    step: Float[np.ndarray, "path channel"],
) -> Float[np.ndarray, "block path size"]:
    """Taylor series of the exponential on one piece of a path of constant velocity."""
    term = _moved(matrices, state, step) + forcing
    total, count = state + term, 1
    while (_largest(term) > ROUNDING * _largest(total)).any():
        count += 1
        term = _moved(matrices, term, step) / count
        total += term
    return total


def _moved(matrices: np.ndarray, state: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Product of each state with the matrix of its own step."""
    weighted = state[:, :, None, :] * step[:, :, None]
    return weighted.reshape(*state.shape[:2], -1) @ matrices


def _in_blocks(states: np.ndarray, size: int) -> np.ndarray:
    return np.ascontiguousarray(states.reshape(len(states), -1, size).swapaxes(0, 1))


def _largest(states: np.ndarray) -> Float[np.ndarray, " path"]:
    return np.abs(states).max(axis=(0, 2))

"""The signature kernel: the inner product of two whole signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtheory.checks import require_memory
from seqtheory.signature._arena import Arena
from seqtheory.signature._validate import as_order, as_path, flatten, require_finite

if TYPE_CHECKING:
    from jaxtyping import Float

Real = NDArray[np.floating[Any]]
BLOCK_BYTES = 2**21  # of scratch for one block of pairs; a single pair may need more


def kernel(
    x: Float[np.ndarray, "*lead time_x channel"],
    y: Float[np.ndarray, "*lead time_y channel"],
    dyadic_order: int = 0,
) -> Float[np.ndarray, "*lead"]:
    r"""Signature kernel of two piecewise-linear paths.

    .. math:: k(x, y) = 1 + \sum_{w} S^w(x) \, S^w(y), \qquad
              \frac{\partial^2 k}{\partial s \, \partial t} = \langle \dot x_s, \dot y_t \rangle k,
              \quad k(0, \cdot) = k(\cdot, 0) = 1.

    Parameters
    ----------
    x, y
        Vertices; leading axes broadcast, lengths may differ, channels must agree. float32 or
        float64, kept; integers become float64.
    dyadic_order
        Every segment is halved this many times for the solver, at 4**dyadic_order the cost.

    Returns
    -------
    One number per pair. The error falls by about 4 per dyadic order.

    Raises
    ------
    ValueError
        If a path has fewer than two vertices, no channel, NaN or infinity, or if channels or
        leading axes do not agree.
    TypeError
        If a path is not real, or `dyadic_order` no integer.
    MemoryError
        If the refined segments of one pair do not fit this machine.

    Notes
    -----
    The Goursat equation is solved on the grid of segments by the second-order scheme of the
    paper, along anti-diagonals and over all pairs of a block at once. Costs
    O(time_x * time_y * channel * 4**dyadic_order) per pair; scratch is linear in the lengths,
    about 2 MiB unless one pair needs more. Compare two orders to see the error: it is small only
    where the increments' inner products are well below one, so scale the paths first.

    References
    ----------
    C. Salvi, T. Cass, J. Foster, T. Lyons and W. Yang, The Signature Kernel is the Solution of a
    Goursat PDE, arXiv:2006.14794, sections 2 and 3.

    Examples
    --------
    Two unit segments: the kernel is the sum of 1 / n!^2.

    >>> line = np.array([[0.0], [1.0]])
    >>> round(float(kernel(line, line, dyadic_order=6)), 4)
    2.2796
    """
    first, second, order = *_same_channels(x, y, ("x", "y")), as_order(dyadic_order)
    xs, lead_x = flatten(first)
    ys, lead_y = flatten(second)
    try:
        lead = np.broadcast_shapes(lead_x, lead_y)
    except ValueError:
        raise ValueError(
            f"x has leading axes {lead_x} and y {lead_y}, which do not broadcast. "
            "For all pairs use gram(xs, ys)."
        ) from None
    rows = np.broadcast_to(np.arange(len(xs)).reshape(lead_x), lead).ravel()
    columns = np.broadcast_to(np.arange(len(ys)).reshape(lead_y), lead).ravel()
    return _pairs(xs, ys, rows, columns, order).reshape(lead)[()]


def gram(
    xs: Float[np.ndarray, "n time_x channel"],
    ys: Float[np.ndarray, "m time_y channel"] | None = None,
    dyadic_order: int = 0,
) -> Float[np.ndarray, "n m"]:
    """Signature kernel of every path of one set with every path of another.

    Parameters
    ----------
    xs, ys
        Sets of paths, three axes each. If `ys` is None, `xs` is paired with itself; each pair is
        then computed once, so that the matrix is exactly symmetric.
    dyadic_order
        Every segment is halved this many times for the solver, at 4**dyadic_order the cost.

    Returns
    -------
    The Gram matrix. It is positive semidefinite up to the error of the solver.

    Raises
    ------
    ValueError
        If a path has fewer than two vertices, no channel, NaN or infinity, or if channels do not
        agree.
    TypeError
        If a path is not real, or `dyadic_order` no integer.
    MemoryError
        If the matrix, or the refined segments of one pair, do not fit this machine.

    Examples
    --------
    >>> lines = np.array([[[0.0], [1.0]], [[0.0], [0.0]]])
    >>> gram(lines, dyadic_order=6).round(4).tolist()
    [[2.2796, 1.0], [1.0, 1.0]]
    """
    first, second = _same_channels(xs, xs if ys is None else ys, ("xs", "ys"))
    order = as_order(dyadic_order)
    for name, paths in (("xs", first), ("ys", second)):
        if paths.ndim != 3:
            raise ValueError(
                f"{name} has shape {paths.shape}; expected (paths, time, channel). "
                "For single pairs, or pairs along leading axes, use kernel(x, y)."
            )
    if ys is not None:
        rows, columns = np.indices((len(first), len(second))).reshape(2, -1)
        return _pairs(first, second, rows, columns, order).reshape(len(first), len(second))
    rows, columns = np.triu_indices(len(first))
    values = _pairs(first, first, rows, columns, order)
    out = np.empty((len(first), len(first)), values.dtype)
    out[rows, columns] = values
    out[columns, rows] = values
    return out


def _same_channels(x: object, y: object, names: tuple[str, str]) -> tuple[Real, Real]:
    first = as_path(x, names[0])  # pyright: ignore[reportArgumentType]
    second = as_path(y, names[1])  # pyright: ignore[reportArgumentType]
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(
            f"{names[0]} has {first.shape[-1]} channels and {names[1]} has {second.shape[-1]}; "
            "expected the same number. Did one of them get a time channel and the other not?"
        )
    require_finite(first, names[0])
    require_finite(second, names[1])
    dtype = np.result_type(first, second)
    return first.astype(dtype, copy=False), second.astype(dtype, copy=False)


def _pairs(
    xs: Real, ys: Real, rows: NDArray[np.intp], columns: NDArray[np.intp], order: int
) -> Real:
    """Kernel of ``xs[rows[p]]`` and ``ys[columns[p]]`` for every pair p, in blocks."""
    channels = xs.shape[-1]
    per_pair = (xs.shape[1] * (channels + 6) + ys.shape[1] * channels) * xs.itemsize
    per_pair <<= min(order, 64)  # no machine holds more
    require_memory(per_pair, f"one pair of paths at dyadic_order {order}")
    size = max(1, BLOCK_BYTES // per_pair)
    out = np.empty(len(rows), xs.dtype)
    arena = Arena(xs.dtype)
    for start in range(0, len(rows), size):
        arena.reset()
        block = slice(start, start + size)
        x_steps = _refined_steps(xs[rows[block]], order, arena)
        y_steps = _refined_steps(ys[columns[block]][:, ::-1], order, arena)
        y_steps *= -1  # the reversed path has the opposite increments
        out[block] = _goursat(x_steps, y_steps, arena)
    return out


def _refined_steps(paths: Real, order: int, arena: Arena) -> Real:
    """Increments `(channel, segment, pair)` with every segment cut into 2**order equal ones."""
    num_pairs, num_vertices, channels = paths.shape
    cuts = 1 << order
    steps = arena.take(channels, (num_vertices - 1) * cuts, num_pairs)
    coarse = np.diff(paths, axis=1).transpose(2, 1, 0) / paths.dtype.type(cuts)
    steps.reshape(channels, num_vertices - 1, cuts, num_pairs)[:] = coarse[:, :, None]
    return steps


def _goursat(x_steps: Real, y_reversed: Real, arena: Arena) -> Real:
    r"""Solve the Goursat problem along anti-diagonals i + j = d of the grid.

    .. math:: k_{i+1,j+1} = (k_{i+1,j} + k_{i,j+1}) (1 + \tfrac12 D + \tfrac1{12} D^2)
              - k_{i,j} (1 - \tfrac1{12} D^2), \qquad D = \langle dx_i, dy_j \rangle
    """
    _, num_x, num_pairs = x_steps.shape
    num_y = y_reversed.shape[1]
    # Diagonals are indexed by i. Ones are the boundary values, and are never overwritten
    # before they are read: diagonal d writes indices 1 to d - 1 only.
    oldest, old, new = (arena.take(num_x + 1, num_pairs) for _ in range(3))
    for diagonal in (oldest, old, new):
        diagonal[:] = 1
    scratch = [arena.take(num_x, num_pairs) for _ in range(2)]
    for d in range(2, num_x + num_y + 1):
        low, high = max(1, d - num_y), min(d - 1, num_x)
        product, factor = (array[: high - low + 1] for array in scratch)
        x_part = x_steps[:, low - 1 : high]
        y_part = y_reversed[:, num_y - d + low : num_y - d + high + 1]
        np.multiply(x_part[0], y_part[0], out=product)
        for a, b in zip(x_part[1:], y_part[1:], strict=True):
            product += np.multiply(a, b, out=factor)
        value = new[low : high + 1]
        np.add(old[low - 1 : high], old[low : high + 1], out=value)
        _update(value, oldest[low - 1 : high], product, factor)
        oldest, old, new = old, new, oldest
    return old[num_x]


def _update(value: Real, corner: Real, product: Real, factor: Real) -> None:
    """One anti-diagonal: on entry `value` is the sum of the two neighbours; overwrites scratch."""
    scalar = value.dtype.type
    np.multiply(product, scalar(1 / 12), out=factor)
    factor *= product
    product *= scalar(0.5)
    product += factor
    product += scalar(1)
    value *= product
    factor -= scalar(1)
    factor *= corner
    value += factor

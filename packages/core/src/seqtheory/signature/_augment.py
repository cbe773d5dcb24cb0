"""Two changes of a path that signatures often need: a time channel and a starting point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.signature._validate import as_path, as_real

if TYPE_CHECKING:
    from jaxtyping import Float


def add_time(
    path: Float[np.ndarray, "*lead time channel"], start: float = 0.0, end: float = 1.0
) -> Float[np.ndarray, "*lead time channel_plus_one"]:
    """Put evenly spaced time in front of the other channels, as channel 0.

    Parameters
    ----------
    path
        Vertices; every path along the leading axes gets these times. float32 or float64, kept;
        integers become float64.
    start, end
        Times of the first and the last vertex, finite.

    Returns
    -------
    A new array with one channel more. The data's channel i is now channel i + 1.

    Notes
    -----
    A signature does not see the speed at which a path is run through, nor an excursion that is
    retraced; with time as a channel it sees both, and determines the path up to translation.

    Examples
    --------
    >>> add_time(np.array([[5.0], [7.0], [6.0]])).tolist()
    [[0.0, 5.0], [0.5, 7.0], [1.0, 6.0]]
    """
    array = as_path(path)
    if not (np.isfinite(start) and np.isfinite(end)):
        raise ValueError(f"start is {start} and end is {end}; expected finite times.")
    out = np.empty((*array.shape[:-1], array.shape[-1] + 1), array.dtype)
    out[..., 0] = np.linspace(start, end, array.shape[-2])
    out[..., 1:] = array
    return out


def add_basepoint(
    path: Float[np.ndarray, "*lead time channel"],
) -> Float[np.ndarray, "*lead time_plus_one channel"]:
    """Put the origin in front of the other vertices.

    Parameters
    ----------
    path
        One vertex or more. float32 or float64, kept; integers become float64.

    Returns
    -------
    A new array with one vertex more.

    Notes
    -----
    A signature does not see where a path starts. With the origin as first vertex it does: the
    first increment is the first vertex of the data.

    Examples
    --------
    >>> add_basepoint(np.array([[5.0, 7.0]])).tolist()
    [[0.0, 0.0], [5.0, 7.0]]
    """
    array = as_real(path, "path")
    if array.ndim < 2 or array.shape[-1] == 0:
        raise ValueError(
            f"path has shape {array.shape}; expected (..., time, channel) with a channel or more."
        )
    origin = np.zeros((*array.shape[:-2], 1, array.shape[-1]), array.dtype)
    return np.concatenate([origin, array], axis=-2)

"""What counts as an observation: times, gaps and padding of series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Float


class Series(NamedTuple):
    """The rows of one series that hold a value.

    Attributes
    ----------
    times
        `(time,)`, strictly increasing.
    values
        `(time, channel)`; NaN where a channel was not observed, and no row is NaN throughout.
    """

    times: Float[np.ndarray, " time"]
    values: Float[np.ndarray, "time channel"]


def is_table(X: Any) -> bool:
    """Whether X is one table, a series of one channel per row, and not a sequence of series."""
    if hasattr(X, "shape"):  # an array of objects holds one series in each
        of_objects = getattr(X, "dtype", None) == np.dtype(object)
        return len(X.shape) != 3 and not (len(X.shape) == 1 and of_objects)
    try:
        return not (len({np.shape(item) for item in X}) > 1 or np.ndim(X[0]) == 2)
    except (TypeError, ValueError, IndexError, KeyError):
        return True  # whatever is wrong with it, the check of tables says so


def series_of_table(table: Float[np.ndarray, "series time"]) -> list[Series]:
    """Take each row as one channel, observed at the times 0, 1, 2, and so on."""
    return [_series(row[:, None], False, place) for place, row in enumerate(table)]


def series_of_list(X: Any, timed: bool) -> list[Series]:
    """Read arrays `(time, column)` of any lengths, or `(time,)` for one channel.

    Raises
    ------
    ValueError
        If there is none, an axis is missing, values are infinite, the number of columns differs
        between series, a series holds no value, or times are missing or do not increase.
    TypeError
        If values are not real numbers.
    """
    if len(X) == 0:
        raise ValueError("got 0 series, expected at least one.")
    arrays = [_array(item, place) for place, item in enumerate(X)]
    widths = sorted({array.shape[1] for array in arrays})
    if len(widths) > 1:
        raise ValueError(f"got series of {widths} columns: give all of them the same channels.")
    if timed and widths[0] < 2:
        raise ValueError(
            "got series of one column with timed=True: column 0 holds the times, so that the first "
            "channel is column 1."
        )
    return [_series(array, timed, place) for place, array in enumerate(arrays)]


def driving_path(
    series: Series, mean: Float[np.ndarray, " channel"], deviation: Float[np.ndarray, " channel"]
) -> Float[np.ndarray, "time channel"]:
    """Standardised values with all gaps filled.

    Between two observations of a channel its values lie on a straight line; before the first one
    and after the last they are constant; a channel that was never observed is at its mean.
    """
    standard = (series.values - mean) / deviation
    for channel in standard.T:
        seen = ~np.isnan(channel)
        if not seen.all():
            known = (series.times[seen], channel[seen]) if seen.any() else ([0.0], [0.0])
            channel[:] = np.interp(series.times, *known)
    return standard


def _array(item: Any, place: int) -> Float[np.ndarray, "time column"]:
    array = as_array(item)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"got series {place} of type {array.dtype}, expected real numbers.")
    array = array.astype(np.float64)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"got series {place} of shape {array.shape}, expected (time, channel) with at least "
            "one of each."
        )
    if np.isinf(array).any():
        raise ValueError(f"got infinity in series {place}, expected numbers, or NaN for a gap.")
    return array


def _series(rows: Float[np.ndarray, "time column"], timed: bool, place: int) -> Series:
    times = rows[:, 0] if timed else np.arange(len(rows), dtype=np.float64)
    values = rows[:, 1:] if timed else rows
    seen = ~np.isnan(values).all(axis=1)
    if not seen.any():
        raise ValueError(f"series {place} holds no value, only NaN: leave it out.")
    times, values = times[seen], values[seen]
    if np.isnan(times).any():
        raise ValueError(f"series {place} has values in a row whose time (column 0) is NaN.")
    if (np.diff(times) <= 0).any():
        row = int(np.argmax(np.diff(times) <= 0))
        raise ValueError(
            f"times of series {place} (column 0) do not increase: {times[row + 1]:g} follows "
            f"{times[row]:g}. Sort the rows by time and merge those of one time."
        )
    return Series(times, values)

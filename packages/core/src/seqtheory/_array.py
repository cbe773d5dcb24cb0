"""Conversion of a caller's arrays, which refuses masked arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


def as_array(values: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Convert to an array as `numpy.asarray` does, but refuse masked arrays, which lose their mask.

    Raises
    ------
    TypeError
        On a `numpy.ma.MaskedArray`, or a list or tuple with one in it.
    """
    parts: list[Any] = list(values) if isinstance(values, (list, tuple)) else [values]  # pyright: ignore[reportUnknownArgumentType]
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            "got a masked array, expected a plain one: its mask would be dropped, and what it "
            "hides would count. Leave those rows out, or give array.filled(value); where a mask "
            "can be given, give it as an array of booleans."
        )
    return np.asarray(values, dtype)

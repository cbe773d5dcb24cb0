"""Shapes checked by the names of their axes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def check_axes(given: Mapping[str, Tensor], axes: Mapping[str, str]) -> dict[str, int]:
    """Length of every axis, or raise where two inputs do not agree on one.

    Parameters
    ----------
    given
        Inputs by name, those first that decide.
    axes
        Names of the axes of each input, between blanks. One that ends in ``?`` may be 1 instead.

    Raises
    ------
    ValueError
        If a shape does not fit; the message says which, and what was expected.
    """
    sizes: dict[str, int] = {}
    for name, value in given.items():
        wanted = axes[name].replace("?", "").split()
        loose = [axis.endswith("?") for axis in axes[name].split()]
        known = value.ndim == len(wanted) and all(
            n == sizes.get(axis, n) or (n == 1 and may_be_one)
            for n, axis, may_be_one in zip(value.shape, wanted, loose, strict=True)
        )
        if not known:
            lengths = ", ".join(str(sizes.get(axis, "any")) for axis in wanted)
            raise ValueError(
                f"got {name} of shape {tuple(value.shape)}, expected ({', '.join(wanted)}) = "
                f"({lengths})."
            )
        for n, axis in zip(value.shape, wanted, strict=True):
            sizes.setdefault(axis, n)
    return sizes

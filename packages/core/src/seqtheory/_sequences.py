"""Checks of sequences and their masks, with the messages that both frameworks raise."""

from __future__ import annotations


def check_positions(shape: tuple[int, ...], width: int, *, may_be_empty: bool = False) -> None:
    """Raise ValueError unless `shape` is (batch, time, width) with at least one position."""
    if len(shape) != 3 or shape[-1] != width:
        raise ValueError(
            f"got an input of shape {shape}, expected (batch, time, {width}): the mixer was built "
            f"with width {width}."
        )
    if shape[0] == 0 or (shape[1] == 0 and not may_be_empty):
        raise ValueError(
            f"got an input of shape {shape}: it holds no position. Give at least one row of at "
            "least one position."
        )


def hides_all(row: int) -> ValueError:
    """Make the error for a mask that hides every position of a row."""
    return ValueError(f"the mask hides every position of row {row}; drop that row.")


def has_hole(row: int) -> ValueError:
    """Make the error for a mask with a hidden position before a visible one."""
    return ValueError(
        f"row {row} of the mask is False before it is True: the valid positions of a row must "
        "come first. Move padding to the end."
    )

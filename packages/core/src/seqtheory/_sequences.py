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


def check_step(shape: tuple[int, ...], width: int) -> None:
    """Raise ValueError unless `shape` is (batch, width): one position of at least one row."""
    if len(shape) != 2:
        raise ValueError(f"got a step of shape {shape}, expected (batch, {width}): one position.")
    check_positions((shape[0], 1, shape[1]), width)


def check_inputs(shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `shape` begins with (batch, time), neither of them 0."""
    if len(shape) < 2 or 0 in shape[:2]:
        raise ValueError(
            f"got inputs of shape {shape}: they hold no position. Give at least one row of at "
            "least one position."
        )


def check_rows(rows: int, rows_of_state: int) -> None:
    """Raise ValueError unless an input has as many rows as the state that it meets."""
    if rows != rows_of_state:
        raise ValueError(
            f"got {rows} rows for a state of {rows_of_state}; start the streams with "
            f"initial_state({rows})."
        )


def require_causal(module: object, *, bidirectional: bool) -> None:
    """Raise TypeError if a module looks ahead, where a state is asked of it."""
    if bidirectional:
        raise TypeError(
            f"{type(module).__name__} was built with bidirectional=True: its outputs depend on "
            "the future, so it has no state, no `prefill` and no `step`. Call it on the whole "
            "sequence."
        )


def no_step(mixer: object, *, causal: bool) -> TypeError:
    """Make the error for a model that is asked for a state, and whose mixer has none."""
    why = "" if causal else " its outputs depend on the future, and"
    return TypeError(
        f"{type(mixer).__name__} has no `step`:{why} it has no state to hand on. Call the model on "
        "the whole sequence."
    )


def unknown_token(token: object, vocabulary: int) -> ValueError:
    """Make the error for a token that the vocabulary of a model does not hold."""
    return ValueError(
        f"got the token {token}, but the vocabulary has {vocabulary} tokens "
        f"(0..{vocabulary - 1}). Hide padding with a mask."
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

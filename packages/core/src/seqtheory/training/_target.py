"""The held-out metric at which a training stops early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqtheory.checks import require_choice, require_positive

if TYPE_CHECKING:
    from seqtheory.training._training import Training


def reached(training: Training, metrics: dict[str, float | list[float]]) -> bool:
    """Whether held-out metrics meet the target of a training; never without one."""
    if training.target is None:
        return False
    if training.loss == "squared_error":
        error = metrics["rmse"]
        return isinstance(error, float) and error <= training.target
    accuracy = metrics["token_accuracy"]
    if training.target_at == "last":
        by_position = metrics["position_accuracy"]
        accuracy = by_position[-1] if isinstance(by_position, list) else by_position
    return isinstance(accuracy, float) and accuracy >= training.target


def check(training: Training) -> None:
    """Raise unless the target is within reach, and of a kind that the loss measures.

    Raises
    ------
    TypeError, ValueError
        If it is not; the message names the setting.
    """
    require_choice("target_at", training.target_at, ("all", "last"))
    if training.target_at == "last" and (
        training.target is None or training.loss != "cross_entropy"
    ):
        raise ValueError(
            f"target_at='last' says where an accuracy is to be reached, but target="
            f"{training.target} with loss={training.loss!r} is none. Give a target and "
            "loss='cross_entropy', or leave it out."
        )
    if training.target is None:
        return
    require_positive("target", training.target, zero_allowed=True)
    if training.loss == "cross_entropy" and training.target > 1:
        raise ValueError(
            f"target={training.target} is out of reach: with loss='cross_entropy' it is a token "
            "accuracy, at most 1. Give a share such as 0.9."
        )

"""AdamW whose groups follow from properties of the tensors, and its rates step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .parameter import StateParameter

if TYPE_CHECKING:
    from torch import nn

    from seqtheory.training import Training


def parameter_groups(model: nn.Module, training: Training) -> list[dict[str, Any]]:
    """Group trainable parameters, as a torch optimiser takes them.

    Parameters
    ----------
    model
        Whose parameters to group; frozen ones (``requires_grad=False``) are left out.
    training
        Its `learning_rate`, `state_learning_rate` and `weight_decay`.

    Returns
    -------
    Up to three groups: parameters of a recurrence (`StateParameter`) with a rate of their own and
    no decay; other tensors of less than two axes (biases, norms) without decay; the rest.

    Raises
    ------
    ValueError
        If nothing is trainable.
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise ValueError(
            f"{type(model).__name__} has no parameter that requires a gradient: there is nothing "
            "to train. Give a model with parameters, and unfreeze some."
        )
    state = [p for p in trainable if isinstance(p, StateParameter)]
    others = [p for p in trainable if not isinstance(p, StateParameter)]
    rate, decay = training.learning_rate, training.weight_decay
    groups = (
        (state, training.state_learning_rate or rate, 0.0),
        ([p for p in others if p.ndim < 2], rate, 0.0),
        ([p for p in others if p.ndim >= 2], rate, decay),
    )
    return [{"params": p, "lr": lr, "weight_decay": d} for p, lr, d in groups if p]


def adamw(model: nn.Module, training: Training) -> torch.optim.AdamW:
    """AdamW over `parameter_groups`; one fused kernel per group where torch has it."""
    groups = parameter_groups(model, training)
    fused = not any(p.is_complex() for group in groups for p in group["params"])
    for group in groups:
        group["full_rate"] = group["lr"]
    return torch.optim.AdamW(groups, fused=fused)


def set_rates(optimiser: torch.optim.AdamW, factor: float) -> None:
    """Set every group to `factor` times its full rate."""
    for group in optimiser.param_groups:
        group["lr"] = group["full_rate"] * factor

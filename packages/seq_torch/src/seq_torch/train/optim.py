"""AdamW whose groups follow from properties of the tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim.adam import adam

from ..parameter import StateParameter

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
    no decay; biases, which are named so, and other tensors of less than two axes (norms) without
    decay; the rest.

    Raises
    ------
    ValueError
        If nothing is trainable.
    """
    names = {p: name for name, p in model.named_parameters() if p.requires_grad}
    if not names:
        raise ValueError(
            f"{type(model).__name__} has no parameter that requires a gradient: there is nothing "
            "to train. Give a model with parameters, and unfreeze some."
        )
    state = [p for p in names if isinstance(p, StateParameter)]
    others = [p for p in names if not isinstance(p, StateParameter)]
    plain = [p for p in others if p.ndim < 2 or names[p].endswith("bias")]
    rest = [p for p in others if p.ndim >= 2 and not names[p].endswith("bias")]
    rate, decay = training.learning_rate, training.weight_decay
    groups = (
        (state, training.state_learning_rate or rate, 0.0),
        (plain, rate, 0.0),
        (rest, rate, decay),
    )
    return [{"params": p, "lr": lr, "weight_decay": d} for p, lr, d in groups if p]


class AdamW:
    r"""Adam with decoupled weight decay, by torch's own functional form.

    .. math:: m \leftarrow 0.9\, m + 0.1\, g, \quad v \leftarrow 0.999\, v + 0.001\, g^2, \quad
              \theta \leftarrow (1 - \eta d)\, \theta
              - \eta \frac{m / (1 - 0.9^k)}{\sqrt{v / (1 - 0.999^k)} + 10^{-8}}.

    Parameters
    ----------
    model, training
        As for `parameter_groups`, whose rates :math:`\eta` and decays d are used.

    Attributes
    ----------
    groups
        What `parameter_groups` returned.
    state
        For each parameter that had a gradient: ``step`` k, ``exp_avg`` m, ``exp_avg_sq`` v.

    Notes
    -----
    Updates equal those of `torch.optim.AdamW`. That class is not used, since it imports torch's
    compiler when it is made: several seconds in every process. One fused kernel updates a group,
    unless parameters are complex.

    References
    ----------
    I. Loshchilov and F. Hutter, arXiv:1711.05101.
    """

    def __init__(self, model: nn.Module, training: Training) -> None:
        self.groups = parameter_groups(model, training)
        parameters = [p for group in self.groups for p in group["params"]]
        self.has_complex = any(p.is_complex() for p in parameters)
        self.state: dict[nn.Parameter, dict[str, torch.Tensor]] = {}

    @torch.no_grad()
    def update(self, factor: float = 1.0) -> None:
        """Take one step along the gradients, with `factor` times the rates."""
        for group in self.groups:
            moved = [p for p in group["params"] if p.grad is not None]
            held = [self.state.get(p) or self._begin(p) for p in moved]
            adam(
                moved,
                [p.grad for p in moved],
                [state["exp_avg"] for state in held],
                [state["exp_avg_sq"] for state in held],
                [],
                [state["step"] for state in held],
                fused=not self.has_complex,
                foreach=self.has_complex,
                has_complex=self.has_complex,
                decoupled_weight_decay=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=group["lr"] * factor,
                weight_decay=group["weight_decay"],
                eps=1e-8,
                maximize=False,
            )

    def step_device(self, parameter: nn.Parameter) -> torch.device:
        """Where the number of steps is kept: a fused kernel wants it beside the parameter."""
        return torch.device("cpu") if self.has_complex else parameter.device

    def _begin(self, parameter: nn.Parameter) -> dict[str, torch.Tensor]:
        self.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=self.step_device(parameter)),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
        return self.state[parameter]

"""Optimisers whose groups follow from properties of the tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from seqtheory.training import _optimiser

from ..parameter import StateParameter
from . import _rules

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
    Up to four groups: parameters of a recurrence (`StateParameter`) with a rate of their own and
    no decay; biases, which are named so, and other tensors of less than two axes (norms) without
    decay; the matrices that Muon moves, if it is the optimiser; the rest. Each names its ``rule``.

    Raises
    ------
    ValueError
        If nothing is trainable, or Muon finds no matrix to move.
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
    matrices = _matrices(model, others, names) if training.optimiser == "muon" else []
    rest = [p for p in others if p not in {*plain, *matrices}]
    rate, decay = training.learning_rate, training.weight_decay
    rule = "adamw" if training.optimiser == "muon" else training.optimiser
    groups = (
        (state, training.state_learning_rate or rate, 0.0, rule),
        (plain, rate, 0.0, rule),
        (matrices, *_optimiser.matrix_rate(training), "muon"),
        (rest, rate, decay, rule),
    )
    return [{"params": p, "lr": lr, "weight_decay": d, "rule": r} for p, lr, d, r in groups if p]


def _matrices(
    model: nn.Module, others: list[nn.Parameter], names: dict[nn.Parameter, str]
) -> list[nn.Parameter]:
    """Real parameters of two axes below `layers`, other than biases."""
    hidden = [p for p in others if names[p].startswith("layers.") and not p.is_complex()]
    found = [p for p in hidden if p.ndim == 2 and not names[p].endswith("bias")]
    if not found:
        raise ValueError(
            f"optimiser='muon' moves the real matrices below an attribute `layers` of the model, "
            f"and {type(model).__name__} has none. Use optimiser='adamw', or hold the hidden "
            "layers in an nn.ModuleList of that name."
        )
    return found


class Optimiser:
    """The rule that a training names, at work on the parameters of a model.

    Parameters
    ----------
    model, training
        As for `parameter_groups`, whose rates, decays and rules are used. The rules' equations
        stand with `seqtheory.training.Training`.

    Attributes
    ----------
    groups
        What `parameter_groups` returned.
    state
        For each parameter that had a gradient its moments. AdamW: ``step`` k, ``exp_avg`` m,
        ``exp_avg_sq`` v; momentum and Muon: ``average`` m; SGD has none.

    Notes
    -----
    One fused kernel updates a group of AdamW, unless parameters are complex.
    """

    def __init__(self, model: nn.Module, training: Training) -> None:
        self.groups = parameter_groups(model, training)
        self._share = _optimiser.momentum_of(training)
        held = [(p, group["rule"]) for group in self.groups for p in group["params"]]
        self._rules: dict[nn.Parameter, Any] = dict(held)
        self.has_complex = any(p.is_complex() for p, _ in held)
        self.state: dict[nn.Parameter, _rules.Moments] = {}

    @torch.no_grad()
    def update(self, factor: float = 1.0) -> None:
        """Take one step along the gradients, with `factor` times the rates."""
        for group in self.groups:
            moved = [p for p in group["params"] if p.grad is not None]
            gradients = [p.grad for p in moved]
            held = [self.state.get(p) or self._begin(p) for p in moved]
            rates = {"rate": group["lr"] * factor, "decay": group["weight_decay"]}
            match group["rule"]:
                case "adamw":
                    _rules.adamw(moved, gradients, held, **rates, fused=not self.has_complex)
                case "momentum":
                    _rules.momentum(moved, gradients, held, **rates, share=self._share)
                case "muon":
                    _rules.muon(moved, gradients, held, **rates, share=self._share)
                case _:
                    _rules.sgd(moved, gradients, **rates)

    def begun(self, parameter: nn.Parameter) -> _rules.Moments:
        """Moments of a parameter before its first gradient, where they will be kept."""
        return _rules.begun(self._rules[parameter], parameter, fused=not self.has_complex)

    def _begin(self, parameter: nn.Parameter) -> _rules.Moments:
        self.state[parameter] = self.begun(parameter)
        return self.state[parameter]


AdamW = Optimiser  # its name when there was no other

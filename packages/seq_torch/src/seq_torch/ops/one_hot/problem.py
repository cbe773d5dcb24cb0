"""Inputs of a scan of one-hot matrices, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor

from seqtheory.checks import require_choice

from ..glue.checks import check_axes, check_initial, check_tensors, common_type

OnePer: TypeAlias = Literal["column", "row"]
AXES = {
    "weights": "batch time word",
    "dictionary": "word state state",
    "factors": "batch time state",
    "drive": "batch time state",
}


@dataclass(frozen=True)
class Problem:
    """Checked inputs: weights and dictionary of one real type, all else of the state's type."""

    weights: Tensor
    dictionary: Tensor
    factors: Tensor
    drive: Tensor
    initial: Tensor
    one_per: OnePer

    @property
    def like(self) -> Tensor:
        """The factors, whose device and type decide."""
        return self.factors

    @property
    def axis(self) -> int:
        """Axis of the logits along which a column (-2) or a row (-1) makes its choice."""
        return -2 if self.one_per == "column" else -1


def check(
    weights: Tensor,
    dictionary: Tensor,
    factors: Tensor,
    drive: Tensor,
    initial: Tensor,
    one_per: OnePer,
) -> Problem:
    """Bring the choice to one real type, and the recurrence to one real or complex type."""
    given = {"weights": weights, "dictionary": dictionary, "factors": factors, "drive": drive}
    states = ("factors", "drive", "initial")
    check_tensors(given | {"initial": initial}, "factors", may_be_complex=states)
    check_axes(given, AXES, nonzero=("batch", "time", "word", "state"))
    check_initial(initial, factors.shape[0], factors.shape[2])
    require_choice("one_per", one_per, ("column", "row"))
    real, state = common_type((weights, dictionary)), common_type((factors, drive, initial))
    return Problem(
        weights.to(real),
        dictionary.to(real),
        factors.to(state),
        drive.to(state),
        initial.to(state).expand(factors.shape[0], -1),
        one_per,
    )

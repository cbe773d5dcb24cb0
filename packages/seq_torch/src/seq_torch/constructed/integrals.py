r"""Iterated integrals of a path by one layer of the bare S6 or two, set by hand.

The path is piecewise linear and begins at 0. With increments d, and values x at the end of a step,

.. math:: S^{12} = \sum_k (x^1_k - \tfrac12 d^1_k)\, d^2_k, \qquad
          S^{123} = \sum_k \big(S^{12}_k - (\tfrac12 x^1_k - \tfrac16 d^1_k)\, d^2_k\big)\, d^3_k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from seqtheory.checks import require_choice, require_flag, require_integer

from ..model import LastOutput, MeanOutput, SequenceModel
from .integral_programs import (
    area,
    area_by_output,
    area_of_increments,
    area_of_values,
    differences,
    idle,
    inner_area,
    outer,
    outer_step,
    renamed,
    sums,
    volume,
)
from .program import Program, assembled

Fed = Literal["values", "increments", "both"]
Readout = Literal["last", "mean"]


@dataclass(frozen=True, kw_only=True)
class IntegralCell:
    """One cell of the design: which integral, and what a model is given for it.

    Parameters
    ----------
    letters
        2 for :math:`S^{12}`, 3 for :math:`S^{123}`.
    fed
        The path's values, its increments (0 at the first position), or values and then increments.
    readout
        Of the last position, or of the mean over positions.
    input_dependent_C
        Whether C follows the input.
    depth
        Layers, 1 or 2.
    """

    letters: int
    fed: Fed = "both"
    readout: Readout = "last"
    input_dependent_C: bool = True
    depth: int = 1

    def __post_init__(self) -> None:
        require_integer("letters", self.letters, 2, 3)
        require_choice("fed", self.fed, ("values", "increments", "both"))
        require_choice("readout", self.readout, ("last", "mean"))
        require_flag("input_dependent_C", self.input_dependent_C)
        require_integer("depth", self.depth, 1, 2)

    @property
    def representable(self) -> Literal["exact", "limit", "none known"]:
        """Whether a construction is known: exact, or in the limit of a small parameter."""
        programs = _programs(self, small=0.1)
        if programs is None:
            return "none known"
        return "exact" if programs == _programs(self, small=0.2) else "limit"


def iterated_integral(
    cell: IntegralCell, length: int, *, small: float = 1e-4, dtype: torch.dtype = torch.float64
) -> SequenceModel:
    r"""Build a model of one or two layers of the bare S6 that integrates a path.

    Layers are :math:`x + W\,\mathrm{S6}(x)`, without activation and norm.

    Parameters
    ----------
    cell
        What it is to compute, and from what.
    length
        Positions of the path.
    small
        The parameter of constructions in a limit: their error falls in proportion to it, until
        rounding takes over, which is divided by its square.
    dtype
        float64, or float32, in which limits are of little use.

    Returns
    -------
    The model, in evaluation mode, with one output per path.

    Raises
    ------
    ValueError
        If no construction is known for this cell.

    Notes
    -----
    Exact cells are so up to rounding. That none is known does not prove that there is none. Theory
    excludes one case, as steps go to 0: :math:`S^{123}` from increments, by the last position of
    one layer with a fixed C, whose least error is :math:`\sqrt{1/2}` of that of predicting zero.

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, theorems 4.1 and 4.3.

    Examples
    --------
    >>> cell = IntegralCell(letters=2, fed="both", readout="last", input_dependent_C=False)
    >>> corner = torch.tensor([[[0.0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 0, 1]]]).double()
    >>> cell.representable, round(iterated_integral(cell, length=3)(corner).item(), 9)
    ('exact', 1.0)
    """
    require_integer("length", length, minimum=2)
    programs = _programs(cell, small)
    if programs is None:
        raise ValueError(
            f"no construction is known for {cell}; see IntegralCell.representable. A second layer, "
            "increments beside values, or a C that follows the input may help."
        )
    values = [f"x{i}" for i in range(cell.letters)]
    increments = [f"d{i}" for i in range(cell.letters)]
    fed = {"values": values, "increments": increments, "both": values + increments}[cell.fed]
    last = cell.readout == "last"
    return assembled(
        programs,
        fed,
        LastOutput(size=1) if last else MeanOutput(size=1),
        input_dependent_C=cell.input_dependent_C,
        scale=1.0 if last else float(length),
        dtype=dtype,
    )


def _programs(cell: IntegralCell, small: float) -> tuple[Program, ...] | None:
    """Choose the layers of a cell; None where no construction is known."""
    kept = 1.0 if cell.readout == "last" else 0.0  # a mean sums what stands at each position
    if cell.depth == 1:
        found = _one_layer(cell, kept, small)
        return None if found is None else (found,)
    if cell.fed == "both":
        return (idle(), area(kept)) if cell.letters == 2 else (inner_area(), outer(kept))
    if cell.letters == 3 and not cell.input_dependent_C:
        return None if cell.fed == "values" else (area_of_increments(small), outer_step(kept))
    first = differences(cell.letters, small) if cell.fed == "values" else sums(cell.letters)
    return (first, area(kept) if cell.letters == 2 else volume(cell.readout))


def _one_layer(cell: IntegralCell, kept: float, small: float) -> Program | None:
    last, follows = cell.readout == "last", cell.input_dependent_C
    match cell.fed, cell.letters:
        case "both", 2:
            return area(kept)
        case "both", 3 if follows:
            return volume(cell.readout)
        case "increments", 2 if last:
            return renamed(area_of_increments(small))
        case "increments", 2 if follows:
            return area_by_output()
        case "values", 2 if follows and not last:
            return area_of_values(small)
        case _:
            return None

"""A choice of one row per column, or of one column per row, and a diagonal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import scipy  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.checks import require_choice
from seqtheory.plain import added
from seqtheory.structure._contract import Parameters, Structure, last_axes, require_width

if TYPE_CHECKING:
    from jaxtyping import Inexact, Integer


@dataclass(frozen=True, kw_only=True)
class OneHotDiagonal(Structure):
    r"""Matrices :math:`P\,\mathrm{diag}(d)`: column j of P has a single 1, in the row it chooses.

    .. math:: P_{ij} = [\,i = \arg\max_k c_{kj}\,], \qquad
              d_j = \sigma(m_j) e^{\mathrm i \phi_j} \quad \text{or} \quad d_j = \tanh(m_j)

    or, with `one_per="row"`, :math:`\mathrm{diag}(d)\,P` with one 1 in each row,
    :math:`P_{ij} = [\,j = \arg\max_k c_{ik}\,]`.

    Parameters
    ----------
    entries
        Whether d is complex, inside the unit disc, or real, in (-1, 1).
    one_per
        Whether each "column" of P has its single 1, as the theorem below asks for, or each "row".

    Notes
    -----
    With entries of d of modulus one, P follows the transitions of any automaton of n states if it
    has one 1 per column: each state goes to one state. With one 1 per row each number of the state
    is a copy of one old number, so that products read a word from its end: the numbers say in which
    sets of states the automaton is, and there may be 2^n of those (not for permutations, whose two
    forms are transposes). The published text has columns, the published torch file rows.

    Each column (row) chooses its largest logit, and the first among equal ones. The choice has no
    derivative: in training, its gradient is replaced by that of a softmax over its logits
    (straight-through).

    These matrices are used as transitions, not as the vector field of a differential equation.

    Examples
    --------
    >>> swap = {"choice": [[0.0, 1.0], [1.0, 0.0]], "magnitude": [40.0, 40.0]}
    >>> OneHotDiagonal(entries="real").matrix(swap)
    array([[0., 1.],
           [1., 0.]])

    References
    ----------
    A. Terzic et al., "Structured Sparse Transition Matrices to Enable State Tracking in
    State-Space Models", arXiv 2509.22284.
    """

    entries: Literal["complex", "real"] = "complex"
    one_per: Literal["column", "row"] = added("column")

    closed = True
    linear = False
    centres: ClassVar[Mapping[str, float]] = {"magnitude": 4.0}

    def __post_init__(self) -> None:
        """Refuse other entries and other choices than these."""
        require_choice("entries", self.entries, ("complex", "real"))
        require_choice("one_per", self.one_per, ("column", "row"))

    @property
    def axis(self) -> int:
        """Axis of the logits along which a column (-2) or a row (-1) makes its choice."""
        return -2 if self.one_per == "column" else -1

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Give the logits c, rows first, then m and, where complex, the phases (radians)."""
        require_width(width)
        phases = {"phase": (width,)} if self.entries == "complex" else {}
        return {"choice": (width, width), "magnitude": (width,), **phases}

    def scales(self, width: int) -> dict[str, float]:
        """1 for every parameter; magnitudes start around 4, so that d has a size near one."""
        return dict.fromkeys(self.shapes(width), 1.0)

    def chosen(self, parameters: Parameters) -> Integer[np.ndarray, "... width"]:
        """Row that each column chooses, or column that each row chooses."""
        return self._checked(parameters)[1]["choice"].argmax(self.axis)

    def matrix(self, parameters: Parameters) -> Inexact[np.ndarray, "... width width"]:
        """P diag(d), or diag(d) P."""
        width, given = self._checked(parameters)
        chosen, d = given["choice"].argmax(self.axis), self._diagonal(given)
        if self.one_per == "row":
            return (chosen[..., None] == np.arange(width)) * d[..., None]
        return (chosen[..., None, :] == np.arange(width)[:, None]) * d[..., None, :]

    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Inexact[np.ndarray, "... width"]:
        """Send each entry of d y to its row, or fetch each entry from its column."""
        return np.einsum("...ij,...j->...i", self.matrix(parameters), as_array(vectors))

    def cost(self, width: int) -> int:
        """Give the width: the choice of rows costs no multiplication."""
        require_width(width)
        return width

    def _diagonal(self, given: Mapping[str, np.ndarray]) -> Inexact[np.ndarray, "... width"]:
        if self.entries == "real":
            return np.tanh(given["magnitude"])
        return scipy.special.expit(given["magnitude"]) * np.exp(1j * given["phase"])

    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return last_axes(shapes, "choice", 2)[0]

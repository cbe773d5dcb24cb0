"""Classes of linear recurrences, and the verdict of theory on a task for one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Literal, get_args

from seqtheory.checks import require_choice, require_flag, require_fraction, require_integer
from seqtheory.plain import added

Structure = Literal[
    "diagonal",
    "block_diagonal",
    "dense",
    "householder",
    "diagonal_plus_low_rank",
    "sparse",
    "walsh_hadamard",
    "one_hot_diagonal",
    "diagonal_one_hot",
    "householder_diagonal",
    "resolvent",
]
Eigenvalues = Literal["unit", "signed", "complex"]
ONE_HOT: tuple[Structure, ...] = ("one_hot_diagonal", "diagonal_one_hot")
"""A choice and a diagonal, with one entry per column or per row."""


@dataclass(frozen=True)
class Transition:
    r"""A class of linear recurrences, :math:`h_k = A(x_k)\, h_{k-1} + b(x_k)`, in layers.

    Parameters
    ----------
    structure
        What the matrices A(x) may be; products of generalised Householder matrices
        :math:`I - \beta v v^\top` for ``"householder"``, the same times a real diagonal matrix for
        ``"householder_diagonal"``, a column-one-hot times a diagonal matrix for
        ``"one_hot_diagonal"``, a diagonal times a row-one-hot matrix for ``"diagonal_one_hot"``,
        and :math:`(I + W M)^{-1}` for ``"resolvent"``, with a positive diagonal W and an M that is
        the identity but for a few directions, a product of generalised Householder matrices if
        eigenvalues are complex.
        All are real but the diagonals of ``"diagonal"`` and of the two last with complex
        eigenvalues.
    eigenvalues
        Where the eigenvalues of every A(x), of every factor for products with Householder matrices,
        lie: ``"unit"``
        in [0, 1], ``"signed"`` in [-1, 1], ``"complex"`` in the closed unit disc.
    input_dependent
        Whether A(x) depends on the input (Mamba) or not (S4).
    size
        Width of a block for ``"block_diagonal"``, of the whole state for ``"dense"``,
        ``"one_hot_diagonal"`` and ``"diagonal_one_hot"``; None for as large as needed. The number
        of blocks, heads and channels is never limited.
    factors
        Householder factors per step, the rank of ``"diagonal_plus_low_rank"``, or the directions
        of ``"resolvent"``.
    layers
        Layers in a row, each reading any function of the layers below; None for any finite number.
    lowest
        Bound below the eigenvalues of every A(x), in [-1, 0), where they are ``"signed"``. Above -1
        no A(x) reflects.

    Raises
    ------
    TypeError, ValueError
        If a choice is not known, a number too small, a Householder factor is to have complex
        eigenvalues, or others than signed ones are to be bounded below.

    Examples
    --------
    >>> mamba = Transition("diagonal", "unit", layers=2)
    >>> delta_product = Transition("householder", "signed", factors=2)
    """

    structure: Structure
    eigenvalues: Eigenvalues
    input_dependent: bool = True
    size: int | None = None
    factors: int = 1
    layers: int | None = 1
    lowest: float = added(-1.0)

    def __post_init__(self) -> None:
        require_choice("structure", self.structure, get_args(Structure))
        require_choice("eigenvalues", self.eigenvalues, get_args(Eigenvalues))
        require_flag("input_dependent", self.input_dependent)
        require_integer("factors", self.factors, minimum=1)
        for name in ("size", "layers"):
            if getattr(self, name) is not None:
                require_integer(name, getattr(self, name), minimum=1)
        if self.is_householder and self.eigenvalues == "complex":
            raise ValueError(
                "a Householder factor is symmetric, so its eigenvalues are real: use 'unit' or "
                "'signed'. The product of two signed factors has complex ones."
            )
        require_fraction("-lowest", -self.lowest, one=True)
        if self.lowest > -1 and self.eigenvalues != "signed":
            raise ValueError(
                f"lowest={self.lowest} bounds 'signed' eigenvalues, but got eigenvalues="
                f"{self.eigenvalues!r}; leave it out for others."
            )

    @property
    def reflects(self) -> bool:
        """Whether some A(x) has the eigenvalue -1."""
        return self.eigenvalues != "unit" and self.lowest == -1

    @property
    def as_sampled(self) -> Transition:
        """The class that samples of its matrices tell.

        They give no bound below all of them, and show of a resolvent the diagonal and the rank.
        """
        resolvent = self.structure == "resolvent"
        structure = "diagonal_plus_low_rank" if resolvent else self.structure
        return replace(self, structure=structure, lowest=-1.0)

    @property
    def is_householder(self) -> bool:
        """Whether the matrices are products with Householder factors."""
        return self.structure in ("householder", "householder_diagonal")

    @property
    def symmetric_factors(self) -> int | None:
        """Symmetric factors of each matrix, a diagonal one among them; None if it is no product."""
        return self.factors + (self.structure != "householder") if self.is_householder else None

    @property
    def is_diagonal(self) -> bool:
        """Whether all matrices are diagonal: by their structure, or as blocks of size 1."""
        one = self.size == 1 and self.structure in ("block_diagonal", "dense", *ONE_HOT)
        return self.structure == "diagonal" or one

    @property
    def is_real_diagonal(self) -> bool:
        """Whether all matrices are diagonal and real."""
        real_blocks = self.is_diagonal and self.structure in ("block_diagonal", "dense")
        return real_blocks or (self.is_diagonal and self.eigenvalues != "complex")

    @property
    def has_diagonals(self) -> bool:
        """Whether the class holds all diagonal matrices with real eigenvalues in its range."""
        if self.structure in ("dense", *ONE_HOT):
            return self.size is None
        if self.structure == "resolvent":
            return self.eigenvalues == "unit"
        return self.structure not in ("sparse", "walsh_hadamard")

    @property
    def has_decays(self) -> bool:
        """Whether the class holds all diagonal matrices with entries in [0, 1]."""
        return self.has_diagonals or self.structure == "resolvent"

    @property
    def has_rotations(self) -> bool:
        """Whether the class holds all complex diagonal matrices, perhaps as real rotations."""
        wide = self.size is None or (self.structure == "block_diagonal" and self.size > 1)
        shapes = ("diagonal", "block_diagonal", "dense", *ONE_HOT)
        return self.eigenvalues == "complex" and self.structure in shapes and wide


@dataclass(frozen=True)
class Verdict:
    """What theory says: whether weights exist that are right at every length.

    Parameters
    ----------
    status
        ``"possible"``, ``"impossible"``, or ``"open"`` where no theorem known here decides.
    theorem
        Who proved it, and where.
    reason
        How the theorem applies, its assumptions included.
    """

    status: Literal["possible", "impossible", "open"]
    theorem: str
    reason: str

    def __repr__(self) -> str:
        """Status and theorem; `str` has the reason too."""
        return shorten(f"Verdict({self.status}: {self.theorem})", 100, placeholder=" ...)")

    def __str__(self) -> str:
        return f"{self.status} ({self.theorem}): {self.reason}"

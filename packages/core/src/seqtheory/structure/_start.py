r"""Random orthogonal matrices from which a trained recurrence may start.

Products of orthogonal matrices keep the norm of a state. Dense matrices and blocks
are uniform rotations: a reflection is not among them, since training cannot turn one into a
rotation without passing a singular matrix. Diagonals, and the diagonal of a Walsh-Hadamard matrix,
are random signs. A diagonal plus rank r starts from random signs s times a product of r random
reflections,

.. math:: \mathrm{diag}(s) \prod_j (I - 2 u_j u_j^\top)
          = \mathrm{diag}(s) (I - Y T Y^\top), \qquad
          T^{-1} = \tfrac12 I + \mathrm{triu}(Y^\top Y, 1), \quad Y = (u_1, \dots, u_r).

References
----------
Schreiber and Van Loan, SIAM J. Sci. Stat. Comput. 10 (1989), the compact form of a product of
reflections.
"""

from __future__ import annotations

from seqtheory.checks import require_choice
from seqtheory.structure._blocks import BlockDiagonal, Dense, Diagonal
from seqtheory.structure._contract import Structure
from seqtheory.structure._low_rank import DiagonalPlusLowRank
from seqtheory.structure._walsh_hadamard import WalshHadamard

WITH_ORTHOGONAL = (Dense, BlockDiagonal, Diagonal, DiagonalPlusLowRank, WalshHadamard)
"""Structures that hold random orthogonal matrices."""


def check_initial(structure: Structure, transition: str, initial: str) -> None:
    """Raise unless this structure and kind of transition allow the start `initial`."""
    require_choice("initial", initial, ("random", "orthogonal"))
    if initial == "orthogonal" and transition != "direct":
        raise ValueError(
            f'initial="orthogonal" with transition={transition!r}: expected "direct", '
            "whose parameters are the matrices themselves."
        )
    if initial == "orthogonal" and not isinstance(structure, WITH_ORTHOGONAL):
        known = ", ".join(kind.__name__ for kind in WITH_ORTHOGONAL)
        raise ValueError(
            f'initial="orthogonal" with structure={structure}: expected one of {known}.'
        )

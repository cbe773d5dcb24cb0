"""HiPPO: matrices whose state remembers the history of its input.

``_matrices``
    LegS: the matrices, and what their states hold
``_normal``, ``_low_rank``
    their normal part, and the diagonal plus low-rank form in its eigenvectors
"""

from seqtheory.hippo._low_rank import DPLR, diagonal_plus_low_rank
from seqtheory.hippo._matrices import legs
from seqtheory.hippo._normal import normal_part

__all__ = ["DPLR", "diagonal_plus_low_rank", "legs", "normal_part"]

r"""Structures of a transition matrix: what is stored of it, and what one product with it costs.

A linear recurrence :math:`y_k = M_k y_{k-1}` can follow every word of its inputs when the matrices
are dense; the structures here trade that for cost. Each says how the parameters of *one* matrix
are laid out. Every framework uses these names, shapes and order, with the axes of channels, tokens
or positions in front.

==========================  ============================  ==============  ====================
structure                   matrix                        parameters      products keep it
==========================  ============================  ==============  ====================
`Dense`                     A                             n^2             yes
`Diagonal`                  diag(d)                       n               yes
`BlockDiagonal`             diag(A_1, ..., A_{n/b})       n b             yes
`DiagonalPlusLowRank`       diag(d) + U V^T               n (1 + 2 r)     no
`Sparse`                    A on a fixed pattern          n k             no
`WalshHadamard`             H diag(d) / sqrt(n)           n               no
`OneHotDiagonal`            P diag(d), P one-hot          n^2 + n         yes
==========================  ============================  ==============  ====================

To add one, subclass `Structure`.

References
----------
N. Muca Cirone et al., arXiv 2402.19047, Theorems 4.1 to 4.3 (dense, diagonal); B. Walker et al.,
arXiv 2505.17761, section 4 (block-diagonal, low rank, sparse, Walsh-Hadamard); A. Terzic et al.,
arXiv 2509.22284 (one-hot).
"""

from seqtheory.structure._blocks import BlockDiagonal, Dense, Diagonal
from seqtheory.structure._contract import Parameters, Structure
from seqtheory.structure._low_rank import DiagonalPlusLowRank
from seqtheory.structure._one_hot import OneHotDiagonal
from seqtheory.structure._sparse import Sparse
from seqtheory.structure._walsh_hadamard import WalshHadamard, hadamard_transform

__all__ = [
    "BlockDiagonal",
    "Dense",
    "Diagonal",
    "DiagonalPlusLowRank",
    "OneHotDiagonal",
    "Parameters",
    "Sparse",
    "Structure",
    "WalshHadamard",
    "hadamard_transform",
]

"""HiPPO: linear systems whose state remembers the history of its input.

``_family``
    what the members share: a basis, and a normal part plus a low rank
``_legendre``, ``_fourier``
    LegS, LegT and Fourier: `legs(size)`, `legt(size)` and `fourier(size)` give (A, B)
``_low_rank``
    the normal part, and the diagonal plus low-rank form in its eigenvectors
``_clipped``
    that form as the published S4 starts from it
``_reconstruction``
    the reconstruction of the input from the state, and its error
"""

from seqtheory.hippo._clipped import clipped
from seqtheory.hippo._family import HiPPO
from seqtheory.hippo._fourier import Fourier, fourier
from seqtheory.hippo._legendre import LegS, LegT, legs, legt
from seqtheory.hippo._low_rank import DPLR, diagonal_plus_low_rank, normal_part
from seqtheory.hippo._reconstruction import reconstruct, reconstruction_error

__all__ = [
    "DPLR",
    "Fourier",
    "HiPPO",
    "LegS",
    "LegT",
    "clipped",
    "diagonal_plus_low_rank",
    "fourier",
    "legs",
    "legt",
    "normal_part",
    "reconstruct",
    "reconstruction_error",
]

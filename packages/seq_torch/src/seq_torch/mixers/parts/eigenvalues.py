"""The range of real eigenvalues: [0, 1], or [-1, 1]."""

from __future__ import annotations

import torch

from seqtheory.settings.state_space import Eigenvalues, check_eigenvalues

__all__ = ["Eigenvalues", "check_eigenvalues", "ranged"]


def ranged(values: torch.Tensor, eigenvalues: Eigenvalues) -> torch.Tensor:
    r"""Eigenvalues s in [0, 1] as they are, "unit", or spread over [-1, 1] as 2 s - 1, "signed".

    References
    ----------
    Grazzi, Siems, Zela, Franke, Hutter, Pontil, arXiv 2411.12537, section 4: without an eigenvalue
    that is not in [0, 1] no finite stack of such layers follows parity at every length.
    """
    return values if eigenvalues == "unit" else 2 * values - 1

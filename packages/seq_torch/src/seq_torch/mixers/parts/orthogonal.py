"""Random orthogonal matrices of a structure: no product of them grows or shrinks a state."""

from __future__ import annotations

import torch
from torch import nn

from seqtheory.structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    Structure,
    WalshHadamard,
)
from seqtheory.structure._start import WITH_ORTHOGONAL


def orthogonal(structure: Structure, state_dim: int, count: int) -> dict[str, torch.Tensor]:
    """Draw `count` orthogonal matrices (`seqtheory.structure._start`), from torch's random state.

    Raises
    ------
    ValueError
        If no such draw of the structure is known.
    """
    shapes = structure.shapes(state_dim)
    match structure:
        case Dense() | BlockDiagonal():
            ((name, shape),) = shapes.items()
            made = torch.empty(count, *shape)
            if made.is_meta:
                return {name: made}
            for matrix in made.view(-1, *shape[-2:]):
                nn.init.orthogonal_(matrix)
                if shape[-1] > 1:
                    matrix[:, 0] *= torch.linalg.det(matrix).sign()
            return {name: made}
        case Diagonal() | WalshHadamard():
            ((name, shape),) = shapes.items()
            return {name: _signs(count, *shape)}
        case DiagonalPlusLowRank():
            left, right = _reflections(count, state_dim, structure.rank)
            signs = _signs(count, state_dim)
            return {"diagonal": signs, "left": signs[..., None] * left, "right": right}
        case _:
            known = ", ".join(kind.__name__ for kind in WITH_ORTHOGONAL)
            raise ValueError(
                f"no random orthogonal matrices of {structure} are known; expected one of {known}, "
                'or initial="random".'
            )


def _signs(*shape: int) -> torch.Tensor:
    return 2.0 * torch.randint(2, shape) - 1


def _reflections(count: int, state_dim: int, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """U and V of equal size, with I + U V^T a product of `rank` random reflections."""
    Y = torch.nn.functional.normalize(torch.randn(count, state_dim, rank), dim=-2)
    inverse = 0.5 * torch.eye(rank) + torch.triu(Y.mT @ Y, 1)
    return -Y @ torch.linalg.inv(inverse) / 2**0.5, Y * 2**0.5

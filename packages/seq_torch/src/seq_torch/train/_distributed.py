"""One training over several processes: who takes which rows, and sums over all of them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int

    from ._place import Place


@dataclass(frozen=True)
class World:
    """Rank of this process, and the number of processes that train together."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> World:
        """Read the initialised process group; without one this process is alone."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    def share(self, rows: Int[np.ndarray, " row"]) -> Int[np.ndarray, " part"]:
        """Rows of this process; none if there are fewer rows than processes before it."""
        return rows[self.rank :: self.size] if self.size > 1 else rows

    def add(self, tensor: torch.Tensor) -> torch.Tensor:
        """Sum over all processes; every process gets identical bytes."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def add_totals(self, totals: Float[np.ndarray, " total"], place: Place) -> None:
        """Sum totals over all processes, in place."""
        if self.size > 1:
            totals[:] = self.add(torch.tensor(totals, device=place.device)).cpu().numpy()

    def wrap(self, model: nn.Module) -> nn.Module:
        """Make a module whose backward pass averages gradients over the processes.

        Raises
        ------
        ValueError
            If it has batch normalisation.
        """
        if self.size == 1:
            return model
        for name, module in model.named_modules():
            if isinstance(module, _BatchNorm):
                raise ValueError(
                    f"{name or 'the model'} is a {type(module).__name__}, and {self.size} "
                    "processes would each normalise by their own share of a batch: not the model "
                    "that one process trains. Use layer normalisation, or one process."
                )
        return DistributedDataParallel(model)


def without_sum(model: nn.Module) -> AbstractContextManager[None]:
    """Context in which gradients stay with their process, to be summed by a later pass."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()

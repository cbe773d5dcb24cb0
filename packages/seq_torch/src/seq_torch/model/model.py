"""Settings of a sequence model: input, layers around one mixer, output."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from seqtheory import settings
from seqtheory.checks import require_integer

from ..capacity import bytes_when_built
from ..mixers.mixer import MixerConfig
from .embedding import LinearInput, TokenInput
from .layer import Layer
from .network import SequenceModel


@dataclass(frozen=True, kw_only=True)
class SequenceModelConfig(settings.SequenceModel):
    """A sequence model in torch, built from a seed."""

    mixer: MixerConfig
    input: TokenInput | LinearInput

    def build(self, seed: int) -> SequenceModel:
        """Draw every parameter from this seed, on the CPU; torch's random state stays as it is.

        Raises
        ------
        TypeError, ValueError
            If the seed is not an integer in ``range(2**63)``.
        MemoryError
            If the parameters do not fit this machine.
        """
        require_integer("seed", seed, 0, 2**63 - 1)
        self._require_memory()
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            torch.default_generator.manual_seed(seed)
            return SequenceModel(self)

    def _require_memory(self) -> None:
        ends = bytes_when_built(
            lambda: nn.ModuleList(
                (self.input.build(self.width), nn.Linear(self.width, self.output.size))
            )
        )
        layer = bytes_when_built(lambda: Layer(self, index=0))
        self.require_memory(ends, layer)

"""Published models around the recurrences of memory theory, as settings of a sequence model."""

from __future__ import annotations

from typing import Literal

from ..mixers.mixer import MixerConfig
from ..mixers.stable_ssm import StableSSMConfig
from .embedding import LinearInput, TokenInput
from .model import SequenceModelConfig
from .readout import Output


def recurrent_stack(
    mixer: MixerConfig, inputs: TokenInput | LinearInput, output: Output, *, width: int
) -> SequenceModelConfig:
    r"""One recurrence between two affine maps and nothing else.

    .. math:: x_k = U u_k + b, \qquad h = \mathrm{mixer}(x), \qquad y_k = c^\top h_k + d

    Notes
    -----
    The published models have one input channel and one output at every position:
    ``LinearInput(channels=1)`` and ``StepOutput(size=1)``, in float64 (``.build(seed).double()``).

    References
    ----------
    Wang, Li, Li, arXiv 2305.19190, section 4.
    """
    return SequenceModelConfig(
        mixer=mixer,
        input=inputs,
        output=output,
        width=width,
        mixing=False,
        activation="none",
        residual=False,
        norm="none",
    )


def stable_ssm_stack(
    inputs: TokenInput | LinearInput,
    output: Output,
    *,
    mixer: StableSSMConfig | None = None,
    width: int = 64,
    depth: int = 1,
    norm_position: Literal["post", "pre"] = "post",
) -> SequenceModelConfig:
    r"""Layers of StableSSM as published.

    .. math:: x \leftarrow \mathrm{norm}(x + \mathrm{GLU}(W\,\mathrm{mixer}(x) + b))

    Notes
    -----
    Width, depth and the missing dropout are those of the published experiments; images take
    ``MeanOutput``, linear functionals ``StepOutput``.

    References
    ----------
    Wang, Li, arXiv 2311.14495, section 4.
    """
    return SequenceModelConfig(
        mixer=mixer or StableSSMConfig(),
        input=inputs,
        output=output,
        width=width,
        depth=depth,
        norm_position=norm_position,
    )

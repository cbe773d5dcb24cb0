"""Weights of the bare S6, set by hand."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from ..mixers.mamba import SelectiveRecurrence


@torch.no_grad()
def set_selection(
    mixer: SelectiveRecurrence,
    *,
    B: Float[np.ndarray, "state width"],
    C: Float[np.ndarray, "state width"] | Float[np.ndarray, " state"],
    step: Float[np.ndarray, " width"],
    log_decay: Float[np.ndarray, "width state"],
    skip: Float[np.ndarray, " width"],
    slope: Float[np.ndarray, "width rank"] | None = None,
    along: Float[np.ndarray, "rank width"] | None = None,
) -> None:
    r"""Set all weights of the bare S6.

    .. math:: h_{cn} \leftarrow e^{-\Delta_c \exp(\mathrm{log\_decay}_{cn})} h_{cn}
              + \Delta_c\, (B x)_n\, x_c, \qquad
              y_c = \sum_n (C x)_n h_{cn} + \mathrm{skip}_c\, x_c, \qquad
              \Delta = \mathrm{softplus}(\mathrm{step} + \mathrm{slope}\; \mathrm{along}\; x)

    Parameters
    ----------
    mixer
        Module of `MambaConfig(block=False)`.
    B, C
        Maps from the input; C is a vector where the mixer's C is fixed.
    step, log_decay, skip
        By channel, and state.
    slope, along
        Of the steps, of the mixer's rank or less; None where they do not follow the input.
    """
    width, rank = mixer.width, mixer.rank
    steps, weights = np.zeros((rank, width)), np.zeros((width, rank))
    if slope is not None and along is not None:
        steps[: len(along)], weights[:, : len(along)] = along, slope
    maps = np.concatenate([steps, B, *([C] if mixer.C is None else [])])
    mixer.projection.weight.copy_(torch.from_numpy(maps))
    mixer.step_weight.copy_(torch.from_numpy(weights))
    mixer.step_bias.copy_(torch.from_numpy(step))
    mixer.log_decay.copy_(torch.from_numpy(log_decay))
    if mixer.C is not None:
        mixer.C.copy_(torch.from_numpy(C))
    if mixer.D is not None:
        mixer.D.copy_(torch.from_numpy(skip))

"""Draws of our mixers in torch, for `initial_values`."""

from __future__ import annotations

import functools

import numpy as np
import torch
from initial_values import DRAWS, Draws

import seq_torch as st
from seq_torch.train.optim import parameter_groups
from seqtheory.training import Training


@functools.cache
def drawn(mixer: st.MixerConfig, width: int, draws: int = DRAWS) -> Draws:
    """Draw every parameter of a mixer, all draws from one seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20240229)
        built = [dict(mixer.build(width).named_parameters()) for _ in range(draws)]
    return {name: np.stack([one[name].detach().numpy() for one in built]) for name in built[0]}


def decayed(mixer: st.MixerConfig, width: int) -> dict[str, bool]:
    """Say of each parameter whether `seq_torch.fit` leaves it to weight decay."""
    module = mixer.build(width)
    groups = parameter_groups(module, Training(weight_decay=0.1))
    kept = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    return {name: id(p) in kept for name, p in module.named_parameters()}

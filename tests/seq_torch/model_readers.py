"""Readers of models and snapshots of torch, for the fuzzer of ``tests/faults``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fuzz import Cases, Reader
from mutations import damaged, models
from safetensors.numpy import load, save
from torch import nn

import seq_torch as st
from seq_torch.train._snapshot import restore, tensors_of
from seq_torch.train.optim import AdamW
from seqtheory.training import Snapshot, Training

COUNT = 180
MIXERS = {
    "S5": st.S5Config(state_dim=4),
    "Mamba": st.MambaConfig(state_dim=4),
    "linear CDE": st.LinearCDEConfig(state_dim=4),
    "StableSSM": st.StableSSMConfig(state_dim=4),
    "DeltaNet": st.DeltaNetConfig(heads=2, key_dim=2, value_dim=2),
    "Transformer": st.TransformerConfig(heads=2, feed_forward=8),
}


def cases(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT // 2)
    yield from models(content, rng, COUNT // 2)


def model(mixer: st.MixerConfig) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        config = st.SequenceModelConfig(
            mixer=mixer,
            input=st.TokenInput(vocabulary=5),
            output=st.StepOutput(size=3),
            width=4,
            depth=1,
        )
        st.save(config.build(seed=0), folder / "model")
        return folder / "model"

    return make


def is_model(value: Any) -> bool:
    return isinstance(value, st.SequenceModel) and all(
        part.is_floating_point() or part.is_complex() for part in value.parameters()
    )


def training() -> tuple[nn.Module, AdamW]:
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.fill_(0.5)
        layer.bias.zero_()
    optimiser = AdamW(layer, Training(num_steps=4, batch_size=2))
    layer(torch.ones(1, 3)).sum().backward()
    optimiser.update()
    return layer, optimiser


def snapshot(folder: Path) -> Path:
    (folder / "snapshot").write_bytes(save(tensors_of(*training())))
    return folder / "snapshot"


def resumed(folder: Path) -> nn.Module:
    layer, optimiser = training()
    try:
        tensors = {
            name: np.array(part) for name, part in load((folder / "snapshot").read_bytes()).items()
        }
    except Exception as error:  # whoever keeps snapshots reads them; here the tensors matter
        raise ValueError("no tensors") from error
    restore(Snapshot(1, tensors, {}), layer, optimiser)
    optimiser.update()
    return layer


READERS = {
    **{
        name: Reader(
            model(mixer),
            lambda folder: st.load(folder / "model"),
            is_model,
            (st.CheckpointError,),
            cases,
        )
        for name, mixer in MIXERS.items()
    },
    "snapshot": Reader(
        snapshot,
        resumed,
        lambda value: value.weight.shape == (2, 3),
        (ValueError,),
        cases,
        text=True,
    ),
}

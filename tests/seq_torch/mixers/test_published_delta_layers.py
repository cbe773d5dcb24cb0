"""The delta rules' blocks against numbers that the published layers gave with the same weights."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st

SETTINGS = {"heads": 2, "key_dim": 64, "value_dim": 8, "bias": False, "start": "published"}
CONFIGS = {
    "delta_net": st.DeltaNetConfig(**SETTINGS),
    "gated_delta_net": st.GatedDeltaNetConfig(**SETTINGS),
    "delta_product": st.DeltaProductConfig(factors=2, gated=True, eigenvalues="signed", **SETTINGS),
    "delta_net without": st.DeltaNetConfig(convolution=0, **SETTINGS),
    "gated_delta_net without": st.GatedDeltaNetConfig(convolution=0, **SETTINGS),
    "delta_product without": st.DeltaProductConfig(
        factors=2, gated=True, eigenvalues="signed", convolution=0, **SETTINGS
    ),
}
# The first four outputs at the last of twelve positions of DeltaNet, GatedDeltaNet and
# GatedDeltaProduct of flash-linear-attention 0.6.0, with convolution and without, in float32 on a
# CPU (its recurrent kernels in Triton's interpreter, 3.7.1; torch 2.13.0).
PUBLISHED = {
    "delta_net": [0.3581133, -0.3375, -0.04651023, 0.03485421],
    "gated_delta_net": [6.735936e-05, 0.0001547003, 0.0002531863, -3.299941e-05],
    "delta_product": [0.002033476, -3.13092e-05, 0.0005991997, -0.0004257017],
    "delta_net without": [0.9149541, -0.5633617, -0.3974316, -0.06862436],
    "gated_delta_net without": [-0.001026548, 0.0002217008, 0.000909402, 0.001191663],
    "delta_product without": [0.007605055, -0.002314589, -0.01182701, -0.01106383],
}


def filled(config: st.MixerConfig, width: int = 8) -> torch.nn.Module:
    """Build a block whose entries are waves: the same for whoever writes them down again."""
    module = config.build(width)
    with torch.no_grad():
        for number, (name, parameter) in enumerate(sorted(module.named_parameters())):
            wave = torch.sin(0.7 * torch.arange(parameter.numel()).double() ** 1.1 + number)
            offset = 1.0 if name in ("norm.weight", "decay.log_rate") else 0.0
            parameter.copy_((0.3 * wave + offset).reshape(parameter.shape))
    return module.double()


def inputs(width: int = 8) -> torch.Tensor:
    return torch.sin(1.3 * torch.arange(12 * width).double() ** 1.2).reshape(1, 12, width)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_block_gives_the_numbers_of_the_published_layer(name):
    found = filled(CONFIGS[name])(inputs())[0, -1, :4]
    expected = torch.tensor(PUBLISHED[name], dtype=torch.float64)
    assert (found - expected).norm() < 4e-6 * expected.norm()

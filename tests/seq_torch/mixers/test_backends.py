"""A whole model follows `ops.use_backend`, and gives the same on every backend."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch import ops

SCANNED = (
    st.DeltaNetConfig,
    st.DeltaProductConfig,
    st.GatedDeltaNetConfig,
    st.KDAConfig,
    st.LRUConfig,
    st.M2RNNConfig,
    st.MLSTMConfig,
    st.Mamba2Config,
    st.Mamba3Config,
    st.MambaConfig,
    st.MesaNetConfig,
    st.ResidualRNNConfig,
    st.ResidualSSMConfig,
    st.RWKV7Config,
    st.S5Config,
    st.SelectiveDiagonalConfig,
    st.SLSTMConfig,
)
CONVOLVED = (st.S4Config, st.S4DConfig, st.S4DPLRConfig, st.StableSSMConfig)
CHANNELS = st.LinearInput(channels=2)


def test_the_reference_gives_what_the_chosen_backend_gives(mixer, configured, signals):
    model = configured(mixer, input=CHANNELS).build(0).double()
    with ops.use_backend("reference"):
        expected = model(signals)
    torch.testing.assert_close(model(signals), expected, rtol=1e-10, atol=1e-10)


def test_every_scan_heeds_the_choice(members):
    for member in members:
        if isinstance(member, SCANNED):
            module = member.build(8)
            with ops.use_backend("cuda"), pytest.raises(ops.BackendError, match="backend='cuda'"):
                module(torch.zeros(2, 5, 8))


def test_under_the_reference_no_convolution_is_a_transform(members, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a Fourier transform")

    monkeypatch.setattr(torch.fft, "rfft", refuse)
    for member in members:
        if isinstance(member, CONVOLVED):
            module = member.build(8)
            with pytest.raises(AssertionError, match="Fourier"):
                module(torch.zeros(2, 5, 8))
            with ops.use_backend("reference"):
                module(torch.zeros(2, 5, 8))

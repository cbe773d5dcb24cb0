"""Starts of the cited code: each draw against its published mean, spread and range."""

from __future__ import annotations

from functools import partial

import pytest
import torch

import seq_torch as st
from seq_torch.parameter import as_complex

WIDTH, STATES = 200, 100


def built(config, width=WIDTH, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width)


def spread(values):
    """Mean of |z|^2, within some two parts in a hundred of the variance for 20,000 entries."""
    return values.abs().square().mean().item()


@pytest.mark.parametrize(("start", "share"), [("own", 1), ("published", 2)])
def test_lru_reads_with_the_variance_of_its_start(start, share):
    module = built(st.LRUConfig(state_dim=STATES, start=start, max_modulus=1.0))
    C = as_complex(module.C)
    assert spread(C) == pytest.approx(share / STATES, rel=0.04)
    assert spread(C.real) == pytest.approx(share / (2 * STATES), rel=0.04)
    assert C.mean().abs() < 0.01
    assert spread(as_complex(module.B)) == pytest.approx(1 / WIDTH, rel=0.04)
    assert spread(module.D) == pytest.approx(1, rel=0.4)


def test_the_ring_of_lru_reaches_one_and_no_further():
    module = built(st.LRUConfig(state_dim=100_000, max_modulus=1.0), width=1)
    modulus = module.eigenvalues.abs()
    assert 0.9999 < modulus.max() <= 1
    assert modulus.square().mean().item() == pytest.approx(0.5, rel=0.02)  # uniform in area
    phase = module.log_phase.exp() / torch.pi
    assert 0 < phase.min() < 0.001
    assert 1.999 < phase.max() < 2.001
    assert phase.mean().item() == pytest.approx(1, rel=0.02)
    gain = module.log_gain.exp()
    assert torch.allclose(gain.square() + modulus.square(), torch.ones_like(gain), atol=1e-5)
    assert all(p.isfinite().all() for p in module.parameters())


def test_a_modulus_of_one_is_drawn_as_one_below(monkeypatch):
    monkeypatch.setattr(torch, "rand", torch.zeros)  # the one draw that stands for the outer rim
    module = built(st.LRUConfig(state_dim=2, max_modulus=1.0), width=1)
    assert all(p.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(("start", "of_B", "of_C"), [("own", 1 / WIDTH, 1), ("published", 0.01, 2)])
def test_s5_starts_with_the_variances_of_its_start(start, of_B, of_C, symmetric):
    config = st.S5Config(state_dim=STATES, start=start, conjugate_symmetry=symmetric)
    module = built(config)
    B, C = as_complex(module.B), as_complex(module.C)
    assert spread(B) == pytest.approx(of_B, rel=0.06)
    assert spread(C) == pytest.approx(of_C / STATES, rel=0.06)
    if not symmetric:  # eigenvectors are conjugate in pairs, and so is what was real
        gap = spread(C.abs() - C.flip(-1).abs()) * STATES
        assert gap > 0.1 if start == "published" else gap < 1e-9


@pytest.mark.parametrize("start", ["own", "published"])
def test_what_s5_carries_over_is_cut_off_at_two_deviations_as_published(start):
    """A cut standard normal has the deviation 0.8796 and the kurtosis 2.4, a whole one 1 and 3."""
    config = st.S5Config(state_dim=STATES, start=start, conjugate_symmetry=False)
    module = built(config)
    vectors = torch.from_numpy(config.block_spectrum()[1])
    B, C = vectors @ as_complex(module.B).to(vectors), as_complex(module.C).to(vectors) @ vectors.mH
    assert B.imag.abs().max() < 1e-5
    deviation = {"own": WIDTH, "published": STATES}[start] ** -0.5
    of_B = {"own": (deviation,), "published": (deviation, STATES**-0.5, STATES**-0.5)}[start]
    for drawn, size in zip((B.real, C.real, C.imag), of_B, strict=False):
        kurtosis = (drawn**4).mean() / (drawn**2).mean() ** 2
        assert drawn.std().item() == pytest.approx(size, rel=0.02)
        assert drawn.mean().abs() < 0.03 * size
        if start == "published":
            assert 2.2 < drawn.abs().max() / size < 2.2737
            assert kurtosis.item() == pytest.approx(2.365, abs=0.05)
        else:
            assert drawn.abs().max() > 3 * size
            assert kurtosis.item() == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize("state_dim", [64, 7])
def test_s4_starts_from_the_clipped_input_in_the_published_phases(state_dim):
    own, module = (
        built(st.S4DPLRConfig(state_dim=state_dim, start=start), width=3)
        for start in ("own", "published")
    )
    B, P = as_complex(module.B)[0], as_complex(module.P)[0]
    torch.testing.assert_close(P.abs(), as_complex(own.P)[0].abs())
    assert B.imag.abs().max() == 2
    assert torch.equal(own.log_decay, module.log_decay)
    assert torch.equal(own.C, module.C)
    # Of LAPACK's eigenvectors (torch.linalg.eigh) and the published clip, N = 64.
    if state_dim == 64:
        assert (B.imag.abs() == 2).sum() == 11
        torch.testing.assert_close(B[0].real.abs(), torch.tensor(0.016), rtol=0, atol=5e-4)
        torch.testing.assert_close(B[-1].real.abs(), torch.tensor(0.526), rtol=0, atol=5e-4)
        torch.testing.assert_close(B[-1].imag.abs(), torch.tensor(0.277), rtol=0, atol=5e-4)


def test_s4d_legs_starts_from_the_clipped_input_times_c():
    own, module = (
        built(st.S4DConfig(initialisation="legs", start=start)) for start in ("own", "published")
    )
    B = as_complex(built(st.S4DPLRConfig(start="published"), width=1).B)[0]
    torch.testing.assert_close(as_complex(module.C), B * as_complex(own.C))
    of_modes = as_complex(module.C).abs().square().mean(0) / B.abs().square()
    assert of_modes.mean().item() == pytest.approx(1, rel=0.04)
    assert torch.equal(own.frequency, module.frequency)


@pytest.mark.parametrize("initialisation", ["lin", "inv"])
def test_both_starts_of_the_other_s4d_are_one(initialisation):
    own, module = (
        built(st.S4DConfig(initialisation=initialisation, start=start))
        for start in ("own", "published")
    )
    assert torch.equal(own.C, module.C)


@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        (st.DeltaNetConfig, 4),
        (st.GatedDeltaNetConfig, 6),
        (st.DeltaProductConfig, 4),
        (partial(st.DeltaProductConfig, gated=True, eigenvalues="signed"), 6),
    ],
)
def test_every_weight_of_the_published_delta_rules_is_normal_of_two_hundredths(kind, weights):
    module = built(kind(heads=4, key_dim=32, value_dim=32, start="published", bias=False))
    seen = 0
    for name, parameter in module.named_parameters():
        if name.startswith(("decay.bias", "decay.log_rate", "norm")):
            continue
        assert name.endswith("weight")
        few = 1 if parameter.numel() > 5_000 else 4
        assert spread(parameter) == pytest.approx(0.02**2, rel=0.06 * few)
        assert parameter.mean().abs() < 0.001 * few
        seen += 1
    assert seen == weights
    assert (module.norm.weight == 1).all()
    with_bias = built(kind(start="published"))
    assert not with_bias.strength.bias.any()
    assert not with_bias.convolution.bias.any()


@pytest.mark.parametrize(
    "kind", [st.GatedDeltaNetConfig, partial(st.DeltaProductConfig, gated=True)]
)
@pytest.mark.parametrize(("start", "least", "mean"), [("own", 1, 8.5), ("published", 0, 8)])
def test_rates_of_the_gated_delta_rule_are_uniform_from_zero_or_one(kind, start, least, mean):
    module = built(kind(heads=5_000, key_dim=1, value_dim=1, start=start), 1)
    rates = module.decay.log_rate.exp()
    assert least <= rates.min() < least + 0.02
    assert 15.98 < rates.max() <= 16 + 1e-5
    assert rates.mean().item() == pytest.approx(mean, rel=0.03)
    assert rates.std().item() == pytest.approx((16 - least) / 12**0.5, rel=0.03)
    steps = torch.nn.functional.softplus(module.decay.bias).log10()  # log-uniform in both
    assert -3.001 < steps.min() < -2.99
    assert -1.01 < steps.max() < -0.999
    assert steps.mean().item() == pytest.approx(-2, abs=0.03)
    assert steps.std().item() == pytest.approx(2 / 12**0.5, rel=0.03)


@pytest.mark.parametrize("kind", [st.MambaConfig, st.Mamba2Config, st.Mamba3Config])
@pytest.mark.parametrize(("settings", "share"), [({}, 1 / 3), ({"layers": 12}, 1 / 12)])
def test_the_last_map_of_mamba_starts_smaller_in_deeper_models(kind, settings, share):
    def outs(start):
        mixer = kind(state_dim=4, start=start, **settings)
        model = st.SequenceModelConfig(
            mixer=mixer,
            input=st.TokenInput(vocabulary=2),
            output=st.StepOutput(size=2),
            width=8,
            depth=3,
        ).build(0)
        return [layer.mixer.out.weight for layer in model.layers]

    for own, published in zip(outs("own"), outs("published"), strict=True):
        torch.testing.assert_close(published, own * share**0.5)

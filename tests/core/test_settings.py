"""Settings without a framework: they check themselves, travel as plain values, and are built on."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, replace

import numpy as np
import pytest

from seqtheory import plain, settings
from seqtheory.reparameterisation import Direct, Sigmoid
from seqtheory.settings.capacity import counted
from seqtheory.settings.state_space import NEAR, growth_near_zero

MIXERS = [
    settings.S4D(state_dim=7, initialisation="legs", start="published"),
    settings.S4DPLR(state_dim=6, bidirectional=True),
    settings.S5(state_dim=6, blocks=2),
    settings.LinearCDE(state_dim=4, transition="direct", initial="orthogonal"),
    settings.LRU(state_dim=3, max_modulus=1.0),
    settings.S4(state_dim=3, published_step=True),
    settings.SelectiveDiagonal(state_dim=3, unit_modulus=True),
    settings.Mamba(state_dim=3, step_rank=2),
    settings.Mamba2(state_dim=3, groups=2),
    settings.Mamba3(state_dim=4, rate="heavy_tail"),
    settings.PDSSM(state_dim=6, dictionary=3, one_per="row"),
    settings.LinOSS(state_dim=6, discretisation="implicit_explicit", block=False),
    settings.StableSSM(state_dim=4, parameterisation=Direct(), upstream_sign=True),
    settings.DeltaNet(heads=2, normalisation="exact", read_scale=0.5),
    settings.GatedDeltaNet(heads=2, eigenvalues="signed"),
    settings.DeltaProduct(heads=2, factors=3, gated=True),
    settings.KDA(heads=2, gates="channels", decay="bounded", lower_bound=-3.0),
    settings.GLA(heads=2, key_dim=3, temperature=8.0),
    settings.RetNet(heads=2, rotary=False),
    settings.HGRN2(state_dim=4, layer=1, layers=3),
    settings.MinGRU(expand=2, candidate="linear"),
    settings.MinLSTM(normalised=False, forget_bias=1.0),
    settings.FPRNN(rank=2, mixing="low_rank", iterations=3, gradient="all"),
    settings.MesaNet(heads=2, iterations=30, gate=True),
    settings.LogLinearMamba2(state_dim=3, levels=5),
    settings.LogLinearGatedDeltaNet(heads=2, layers=2),
    settings.Transformer(heads=2),
    settings.ResidualRNN(parameterisation=Sigmoid(), dt=0.5),
    settings.ResidualSSM(recurrence=settings.ResidualRNN(dt=0.25)),
    settings.RNN(),
    settings.LSTM(),
    settings.GRU(),
    settings.M2RNN(heads=4, groups=2, gradient_clip=None, layer=0, layers=2),
    settings.MLSTM(heads=2, multiple=8, layer=0, layers=3),
    settings.SLSTM(heads=2, convolution=0, layer=1, layers=3),
    settings.RWKV7(heads=2, eigenvalues="signed", gate_rank=3, layer=1, layers=2),
]
MODEL = settings.SequenceModel(
    mixer=MIXERS[0],
    input=settings.TokenInput(vocabulary=5),
    output=settings.MeanOutput(size=2),
    width=8,
)


@pytest.mark.parametrize("mixer", MIXERS, ids=lambda m: type(m).__name__)
def test_settings_come_back_from_plain_values_and_pickles(mixer) -> None:
    model = replace(MODEL, mixer=mixer)
    assert plain.restored(plain.described(model), settings.SequenceModel) == model
    assert pickle.loads(pickle.dumps(model)) == model
    with pytest.raises(FrozenInstanceError):
        mixer.state_dim = 3


def test_every_mixer_is_on_the_list() -> None:
    found = [getattr(settings, name) for name in settings.__all__]
    kinds = {kind for kind in found if isinstance(kind, type) and issubclass(kind, settings.Mixer)}
    assert kinds - {settings.Mixer, settings.DeltaRule} == set(map(type, MIXERS))


@pytest.mark.parametrize("mixer", MIXERS, ids=lambda m: type(m).__name__)
def test_a_subclass_keeps_fields_checks_and_documentation(mixer) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Built(type(mixer)):
        """Of a framework."""

    assert [f.name for f in fields(Built)] == [f.name for f in fields(mixer)]
    assert Built.__doc__.startswith("Of a framework.\n\n")
    counts = [f.name for f in fields(mixer) if f.name in ("state_dim", "heads")]
    for name in counts:
        assert f"{name}\n    " in Built.__doc__
        with pytest.raises(ValueError, match=f"{name}=0: expected"):
            Built(**{name: 0})


def test_a_part_that_is_no_part_of_the_model_is_named() -> None:
    with pytest.raises(TypeError, match="mixer=7, a int of builtins: expected the mixer settings"):
        replace(MODEL, mixer=7)
    with pytest.raises(TypeError, match=r"output=.*: expected the output settings of seqtheory"):
        replace(MODEL, output=settings.TokenInput(vocabulary=2))


def test_s5_starts_from_eigenvalues_in_the_left_half_plane() -> None:
    values, vectors = settings.S5(state_dim=6, blocks=2).block_spectrum()
    assert values.shape == (4,)
    assert vectors.shape == (6, 4)
    assert np.allclose(values.real, -0.5)


def test_parameters_of_direct_transitions_start_smaller() -> None:
    free, direct = (
        settings.LinearCDE(state_dim=4, transition=kind).draws(8)["matrix"]
        for kind in ("first_order", "direct")
    )
    assert free.deviation == pytest.approx(3 * direct.deviation)
    assert settings.LinearCDE(transition="direct").step("matrix") == 1.0


@pytest.mark.parametrize("kind", [settings.S4D, settings.S4DPLR, settings.S5, settings.LRU])
def test_what_runs_in_both_directions_is_not_causal(kind):
    assert kind().causal
    assert kind().directions == ()
    both = kind(bidirectional=True)
    assert not both.causal
    assert both.directions == (2,)


def test_a_framework_that_counts_bytes_refuses_what_does_not_fit():
    class Counting(settings.Mixer):
        count_bytes = staticmethod(lambda build, config, width: 8 * width)

        def build(self, width):
            return width

    assert Counting().build(4) == 4
    with pytest.raises(MemoryError, match="with width=1000000000000000000"):
        Counting().build(10**18)


@pytest.mark.parametrize(("message", "found"), [("Too Big for int", 2**63), ("odd width", 0)])
def test_bytes_that_cannot_be_counted_are_too_many_or_unknown(message, found):
    def count():
        raise RuntimeError(message)

    assert counted(count, ("too big",)) == found


def test_the_series_of_growth_is_exact_to_rounding():
    x = np.linspace(-NEAR, NEAR, 40)
    np.testing.assert_allclose(growth_near_zero(x), np.expm1(x) / x, rtol=1e-15)
    assert growth_near_zero(0j) == 1

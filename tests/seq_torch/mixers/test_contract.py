"""What every mixer promises, checked for every member of one list."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import seq_torch as st

CHANNELS = st.LinearInput(channels=2)
OUTPUTS = [st.StepOutput(size=3), st.MeanOutput(size=3), st.LastOutput(size=3)]
EXACT = {"rtol": 1e-9, "atol": 1e-10}


def heirs(kind):
    return {kind}.union(*(heirs(heir) for heir in kind.__subclasses__()))


def test_every_public_mixer_is_on_the_list(members):
    public = {getattr(st, name) for name in st.__all__}
    bare = {st.MixerConfig, st.ModuleConfig}  # whose module is the user's
    assert heirs(st.MixerConfig) & public - bare == {type(member) for member in members}


@pytest.mark.parametrize("time", [1, 2, 9])
def test_the_shape_is_kept(mixer, time):
    module = mixer.build(8)
    assert module(torch.randn(3, time, 8)).shape == (3, time, 8)


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda o: type(o).__name__)
def test_the_readout_decides_the_shape(kind, configured, tokens, output):
    shape = (4, 9, 3) if isinstance(output, st.StepOutput) else (4, 3)
    assert configured(kind, output=output).build(0)(tokens).shape == shape


def test_the_future_is_seen_by_those_that_say_so_alone(mixer, configured, signals):
    model = configured(mixer, input=CHANNELS).build(0).double()
    changed = signals.clone()
    changed[:, 5:] += 10.0
    before, after = model(signals), model(changed)
    if mixer.causal:
        torch.testing.assert_close(before[:, :5], after[:, :5], **EXACT)
    else:
        assert ((before[:, :5] - after[:, :5]).abs() > 1e-9).any()
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_the_past_is_seen(mixer, configured, signals):
    model = configured(mixer, input=CHANNELS).build(0).double()
    changed = signals.clone()
    changed[:, 0] += 1.0
    assert ((model(signals) - model(changed))[:, -1].abs() > 1e-9).any()


def test_rows_do_not_meet(mixer, configured, signals):
    model = configured(mixer, input=CHANNELS).build(0).double()
    alone = torch.cat([model(row[None]) for row in signals])
    torch.testing.assert_close(model(signals), alone, **EXACT)


def test_steps_equal_the_sequence(mixer, configured, signals):
    model = configured(mixer, input=CHANNELS).build(0).double()
    if mixer.transition_class == "none":
        with pytest.raises(TypeError, match="has no `step`"):
            model.initial_state(4)
        return
    steps_equal_the_sequence(model, signals)


@pytest.mark.parametrize("output", OUTPUTS[1:], ids=lambda o: type(o).__name__)
def test_steps_equal_the_sequence_for_every_readout(kind, configured, signals, output):
    model = configured(kind, input=CHANNELS, output=output).build(0).double()
    if kind.transition_class != "none":
        steps_equal_the_sequence(model, signals)


def steps_equal_the_sequence(model, signals):
    assert isinstance(model.layers[0].mixer, st.Recurrent)
    state = model.initial_state(4)
    for k in range(signals.shape[1]):
        y, state = model.step(signals[:, k], state)
        whole = model(signals[:, : k + 1])
        expected = whole[:, -1] if whole.ndim == 3 else whole
        torch.testing.assert_close(y, expected, **EXACT)


@pytest.mark.parametrize(
    ("norm", "output"),
    list(zip(["layer", "batch", "layer"], OUTPUTS, strict=True)),
    ids=["layer-steps", "batch-mean", "layer-last"],
)
def test_hidden_positions_have_no_influence(mixer, configured, signals, output, norm):
    model = configured(mixer, input=CHANNELS, output=output, norm=norm).build(0).double()
    hidden_positions_have_no_influence(model, signals)


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("one", [st.S4DConfig(), st.LSTMConfig()], ids=["s4d", "lstm"])
def test_no_readout_and_norm_lets_hidden_positions_through(one, configured, signals, output, norm):
    model = configured(one, input=CHANNELS, output=output, norm=norm).build(0).double()
    hidden_positions_have_no_influence(model, signals)


def hidden_positions_have_no_influence(model, signals):
    lengths = torch.tensor([9, 4, 1, 6])
    mask = torch.arange(9) < lengths[:, None]
    y = model(signals, mask)
    garbled = signals.masked_fill(~mask[..., None], float("nan")).requires_grad_()
    again = model(garbled, mask)
    torch.testing.assert_close(again, y, **EXACT)
    again.square().sum().backward()
    assert garbled.grad is not None
    assert (garbled.grad[~mask] == 0).all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    model.eval()  # batch statistics join the rows, so alone they are compared without
    together = model(signals, mask)
    for row, length in enumerate(lengths):
        alone = model(signals[row : row + 1, :length])[0]
        if together.ndim == 3:
            assert (together[row, length:] == 0).all()
            torch.testing.assert_close(together[row, :length], alone, **EXACT)
        else:
            torch.testing.assert_close(together[row], alone, **EXACT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_saved_model_comes_back(mixer, configured, tokens, tmp_path, dtype):
    model = configured(mixer, norm="batch").build(5).to(dtype)
    model(tokens)  # moves the statistics of the norm
    model.eval()
    st.save(model, tmp_path / "model.safetensors")
    again = st.load(tmp_path / "model.safetensors", expected=model.config).eval()
    assert again.config == model.config
    assert torch.equal(again(tokens), model(tokens))
    assert {n: type(p) for n, p in again.named_parameters()} == {
        n: type(p) for n, p in model.named_parameters()
    }


def test_every_parameter_has_a_finite_gradient(mixer, configured, tokens):
    model = configured(mixer).build(0)
    model(tokens).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0 or "bias" in name, name


def test_eight_examples_are_learnt(recurrence, configured):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 7, (8, 6), generator=generator)
    targets = torch.randn(8, 1, generator=generator)
    model = configured(recurrence, output=st.MeanOutput(size=1), width=16).build(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(300):
        loss = (model(inputs) - targets).square().mean()
        if loss < 1e-3:
            return
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    raise AssertionError(f"the loss is still {loss.item():.4f}")


def test_the_seed_alone_decides(mixer, configured, tokens):
    config = configured(mixer)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = config.build(7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second, other = config.build(7), config.build(8)
    same = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert torch.equal(first(tokens), second(tokens))
    assert not torch.equal(first(tokens), other(tokens))


def test_nan_is_never_hidden(mixer, configured, signals):
    signals[1, 4, 0] = float("nan")
    y = configured(mixer, input=CHANNELS).build(0).double()(signals)
    assert y[1, 4].isnan().all()
    assert y[[0, 2, 3]].isfinite().all()


def test_a_config_is_frozen_and_equal_by_value(mixer):
    assert dataclasses.replace(mixer) == mixer
    with pytest.raises(dataclasses.FrozenInstanceError):
        mixer.state_dim = 3


def test_a_module_refuses_what_is_no_sequence(mixer):
    module = mixer.build(8)
    with pytest.raises(ValueError, match=r"expected \(batch, time, 8\)"):
        module(torch.randn(2, 3, 7))
    with pytest.raises(ValueError, match=r"expected \(batch, time, 8\)"):
        module(torch.randn(3, 8))
    with pytest.raises(TypeError, match=r"torch\.int64"):
        module(torch.zeros(2, 3, 8, dtype=torch.int64))
    for shape in ((0, 3, 8), (2, 0, 8)):
        with pytest.raises(ValueError, match="holds no position"):
            module(torch.zeros(shape))

"""Laws of the sequence models: steps, causality, masks, statistics, files and training.

That they equal their twins in torch is checked where both frameworks are installed.
"""

from __future__ import annotations

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import lcde_jax as lj
from lcde_jax.sequence import dplr_kernel as kernels
from lcde_jax.train.optimiser import statistics, tensor_names, tensor_rates
from seqtheory.dataset import Dataset
from seqtheory.training import FitData, Training

KEY = jax.random.key(0)
MIXERS = {
    "s4": lj.S4DPLRConfig(state_dim=5),
    "s4_bidirectional": lj.S4DPLRConfig(state_dim=4, bidirectional=True, skip=False),
    "s4d": lj.S4DConfig(state_dim=6, discretisation="bilinear"),
    "s4d_odd": lj.S4DConfig(state_dim=5, initialisation="inv"),
    "s5": lj.S5Config(state_dim=8, blocks=2),
    "s5_odd": lj.S5Config(state_dim=6, blocks=2),
    "s5_bidirectional": lj.S5Config(state_dim=4, bidirectional=True, skip=False),
    "linear_cde": lj.LinearCDEConfig(state_dim=6),
    "linear_cde_blocks": lj.LinearCDEConfig(
        state_dim=6, structure=lj.BlockDiagonal(block_size=2), transition="first_order"
    ),
}
CAUSAL = [name for name, mixer in MIXERS.items() if mixer.causal]


def config(mixer="s4", **changes):
    settings = {
        "input": lj.LinearInput(channels=2),
        "output": lj.StepOutput(size=3),
        "width": 4,
        "depth": 2,
    }
    return lj.SequenceModelConfig(mixer=MIXERS[mixer], **(settings | changes))


def signals(seed=0):
    return np.random.default_rng(seed).normal(size=(4, 9, 2))


def mask():
    return np.arange(9) < np.array([9, 4, 1, 6])[:, None]


@pytest.mark.parametrize("length", [1, 2, 7, 64, 255])
@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_the_kernel_of_s4_is_the_response_of_the_recurrence(size, length):
    module = lj.S4DPLRConfig(state_dim=size, skip=False).build(3, dtype=np.float64, key=KEY)
    impulse = (jnp.arange(length) == 0).astype(float)

    @jax.jit
    def response(state):
        def step(state, u):
            y, state = module.step(jnp.full((1, 3), u), state)
            return state, y[0]

        return jax.lax.scan(step, state, impulse)[1].T

    kernel = module.kernels(length)[0]
    np.testing.assert_allclose(response(module.initial_state(1)), kernel, rtol=1e-9, atol=1e-10)


def test_blocks_of_frequencies_change_neither_kernel_nor_gradient(monkeypatch):
    module = lj.S4DPLRConfig(state_dim=6).build(3, dtype=np.float64, key=KEY)

    def both():
        loss = lambda module: (module.kernels(50) ** 2).sum()  # noqa: E731
        return eqx.filter_jit(eqx.filter_value_and_grad(loss))(module)

    whole = both()
    monkeypatch.setattr(kernels, "BLOCK", 9 * 7)
    for one, other in zip(*map(jax.tree.leaves, (both(), whole)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mixer", CAUSAL)
def test_steps_equal_the_sequence(mixer):
    model, x = config(mixer, output=lj.MeanOutput(size=3)).build(KEY), signals()
    state, step = model.initial_state(4), eqx.filter_jit(type(model).step)
    for k in range(9):
        y, state = step(model, x[:, k], state)
    np.testing.assert_allclose(y, eqx.filter_jit(model)(x), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_future_is_seen_by_those_that_say_so_alone(mixer):
    model, x = eqx.filter_jit(config(mixer).build(KEY)), signals()
    changed = x.copy()
    changed[:, 5:] += 10
    before, after = model(x), model(changed)
    same = np.allclose(before[:, :5], after[:, :5], rtol=1e-9, atol=1e-10)
    assert same == MIXERS[mixer].causal
    assert not np.allclose(before[:, 5:], after[:, 5:])


@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("mixer", ["s4_bidirectional", "s5", "s5_bidirectional"])
def test_hidden_positions_have_no_influence(mixer, norm):
    model, x = config(mixer, norm=norm, output=lj.MeanOutput(size=3)).build(KEY), signals()
    garbled = np.where(mask()[..., None], x, np.nan)

    @eqx.filter_jit
    def trained(model, x):
        return model.train_call(x, mask(), key=KEY)

    for one, other in zip(*(jax.tree.leaves(trained(model, v)) for v in (x, garbled)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    together = eqx.filter_jit(model)(x, mask())
    for row, length in enumerate(mask().sum(1)):
        alone = eqx.filter_jit(model)(x[row : row + 1, :length])
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-9, atol=1e-10)


def test_running_statistics_are_those_of_the_valid_positions():
    model, x = config(norm="batch", norm_position="pre", depth=1).build(KEY), signals()
    weight, bias = model.embedding.linear.weight, model.embedding.linear.bias
    seen = np.asarray(x @ weight.T + bias[None, None])[mask()]
    norm = model.train_call(x, mask(), key=KEY)[1].layers[0].norm.norm
    np.testing.assert_allclose(norm.running_mean, 0.1 * seen.mean(0), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * seen.var(0, ddof=1), rtol=1e-12)
    assert norm.num_batches_tracked == 1


def test_a_token_table_is_looked_up_to_the_same_end():
    tokens = np.random.default_rng(0).integers(0, 7, (4, 9))
    for mixer in ("linear_cde", "linear_cde_blocks"):
        model = config(mixer, input=lj.TokenInput(vocabulary=7), depth=1, norm="none").build(KEY)
        mixer = model.layers[0].mixer
        direct = mixer(model.embedding.table[tokens])
        np.testing.assert_allclose(mixer.lookup(model.embedding.table, tokens), direct, rtol=1e-9)


@pytest.mark.parametrize("mixer", ["s4_bidirectional", "s5_bidirectional"])
def test_what_looks_ahead_cannot_be_stepped(mixer):
    model = config(mixer).build(KEY)
    with pytest.raises(TypeError, match="has no `step`: its outputs depend on the future"):
        model.initial_state(3)
    with pytest.raises(TypeError, match=r"built with bidirectional=True.*no `step`"):
        model.layers[0].mixer.initial_state(3)
    with pytest.raises(TypeError, match=r"built with bidirectional=True.*no `step`"):
        model.layers[0].mixer.step(jnp.zeros((3, 4)), None)


def test_parameters_of_the_recurrence_are_marked():
    model = config("s4", norm="batch", depth=1).build(KEY)
    rates = tensor_rates(model, Training(state_learning_rate=1e-5, weight_decay=0.1))
    state = {n for n, r in zip(tensor_names(model), rates, strict=True) if r.learning_rate == 1e-5}
    names = ("log_decay", "frequency", "P", "B", "log_dt")
    assert state == {f"layers.0.mixer.{name}" for name in names}
    moved = {n for n, s in zip(tensor_names(model), statistics(model), strict=True) if s}
    names = ("running_mean", "running_var", "num_batches_tracked")
    assert moved == {f"layers.0.norm.norm.{name}" for name in names}


@pytest.mark.parametrize(
    ("mixer", "output"), [("s4", lj.MeanOutput(size=2)), ("s5", lj.StepOutput(size=2))]
)
def test_fit_learns_under_masks(mixer, output):
    """Whether the mean token is above 2.5, told at the end or at every position."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 6, (64, 8))
    counted = np.arange(8) < rng.integers(1, 9, 64)[:, None]
    running = np.cumsum(tokens, axis=1) > 2.5 * np.arange(1, 9)
    targets = running.astype(int)
    if isinstance(output, lj.MeanOutput):
        targets = targets[np.arange(64), counted.sum(1) - 1]
    rows = Dataset(tokens, targets, counted)
    settings = {"input": lj.TokenInput(vocabulary=6), "output": output, "norm": "batch"}
    training = Training(
        loss="cross_entropy",
        learning_rate=1e-2,
        batch_size=32,
        num_steps=300,
        evaluate_every=50,
        target=0.95,
    )
    model = config(mixer, **settings, width=8, dropout=0.05).build(KEY)
    trained, history = lj.fit(model, FitData(rows, rows), training, key=KEY)
    assert history.status == "target"
    assert trained.layers[0].norm.norm.num_batches_tracked == history.step


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_model_comes_back(mixer, dtype, tmp_path):
    model = config(mixer, norm="batch").build(KEY, dtype=dtype)
    lj.save(model, tmp_path / "model.safetensors")
    again = lj.load(tmp_path / "model.safetensors")
    assert again.config == model.config
    for one, other in zip(*map(jax.tree.leaves, (model, again)), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def path(tmp_path):
    lj.save(config("s5", norm="batch").build(KEY), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def rewritten(path, change_tensors=lambda t: t, change_config=lambda c: c, **metadata):
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found = file.metadata()
    config = change_config(json.loads(found["config"]))
    save_file(change_tensors(tensors), path, found | {"config": json.dumps(config)} | metadata)
    return path


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_truncated_file_says_so(path, size):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(lj.CheckpointError, match="not a complete safetensors file"):
        lj.load(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "format='other', expected"),
        ({"config": "{"}, "holds no valid config"),
        ({"config": "3"}, "holds no valid config"),
    ],
)
def test_a_foreign_file_says_so(path, change, said):
    with pytest.raises(lj.CheckpointError, match=said):
        lj.load(rewritten(path, **change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: {n: v for n, v in t.items() if n != "readout.bias"}, "lacks tensor 'readout.b"),
        (lambda t: t | {"extra": np.zeros(2)}, "has an unknown tensor 'extra'"),
        (lambda t: t | {"readout.bias": np.zeros(4)}, r"'readout\.bias' is .*\(4,\).*\(3,\)"),
        (lambda t: t | {"readout.bias": np.zeros(3, np.int64)}, "is int64 .* floating numbers"),
        (lambda t: t | {"layers.0.norm.norm.num_batches_tracked": np.zeros(())}, "asks for integ"),
    ],
)
def test_wrong_tensors_are_named(path, change, said):
    with pytest.raises(lj.CheckpointError, match=said):
        lj.load(rewritten(path, change))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("type", "MambaConfig", "config.mixer has type 'MambaConfig', of which 0 are"),
        ("state_dim", 7, "cannot be cut into 2 equal blocks"),
        ("sate_dim", 8, "has no field 'sate_dim'"),
    ],
)
def test_a_config_that_cannot_be_built_says_why(path, key, value, said):
    def changed(config):
        return config | {"mixer": config["mixer"] | {key: value}}

    with pytest.raises(lj.CheckpointError, match=said):
        lj.load(rewritten(path, change_config=changed))


def test_double_precision_needs_the_flag(path):
    with jax.enable_x64(False), pytest.raises(ValueError, match="64-bit mode is off"):
        lj.load(path)


@pytest.mark.parametrize(
    ("inputs", "hidden", "error", "said"),
    [
        (np.zeros((0, 3), int), None, ValueError, "hold no position"),
        (np.zeros((2, 3)), None, TypeError, "tokens of dtype float64"),
        (np.zeros((2, 3, 1), int), None, ValueError, r"expected \(batch, time\)"),
        (np.full((2, 3), 7), None, ValueError, r"the token 7, .* \(0\.\.6\)"),
        (np.zeros((2, 3), int), np.ones((2, 3)), TypeError, "mask of dtype float64"),
        (np.zeros((2, 3), int), np.ones((2, 2), bool), ValueError, r"expected the \(batch, time\)"),
        (np.zeros((2, 3), int), np.zeros((2, 3), bool), ValueError, "every position of row 0"),
        (np.zeros((1, 3), int), np.array([[False, True, True]]), ValueError, "False before it is"),
    ],
)
def test_bad_inputs_are_named(inputs, hidden, error, said):
    model = config("s5", input=lj.TokenInput(vocabulary=7), depth=1).build(KEY)
    with pytest.raises(error, match=said):
        model(inputs, hidden)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (lj.S4DPLRConfig, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (lj.S4DPLRConfig, {"dt_min": 0.2}, "dt_min=0.2: expected at most dt_max=0.1"),
        (lj.S4DConfig, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (lj.S4DConfig, {"initialisation": "leg"}, "did you mean 'legs'"),
        (lj.S5Config, {"state_dim": 6, "blocks": 4}, "cannot be cut into 4 equal blocks"),
        (lj.LinearCDEConfig, {"dt": 0.0}, "dt=0.0: expected a positive number"),
        (lj.TokenInput, {"vocabulary": 0}, "vocabulary=0: expected an integer of at least"),
    ],
)
def test_a_setting_out_of_range_is_named(kind, settings, said):
    with pytest.raises(ValueError, match=said):
        kind(**settings)


def test_settings_that_contradict_each_other_are_named():
    with pytest.raises(ValueError, match="activation='glu' halves the channels"):
        config(mixing=False)
    with pytest.raises(ValueError, match="order='2024-05' has no residual"):
        config(order="2024-05")
    with pytest.raises(TypeError, match="expected the mixer settings of lcde_jax"):
        lj.SequenceModelConfig(
            mixer=3, input=lj.LinearInput(channels=1), output=lj.StepOutput(size=1), width=2
        )


def test_a_classifier_with_another_cde_has_no_sequence_model():
    for settings in ({"matrix_per_token": True}, {"path": "published"}, {"forcing": True}):
        classifier = lj.LinearCDEClassifier(5, 5, 4, **({"forcing": False} | settings), key=KEY)
        with pytest.raises(ValueError, match="a sequence model does not have"):
            lj.from_classifier(classifier)


@pytest.mark.parametrize("key", ["width", "depth"])
def test_a_small_file_asks_for_no_large_model(tmp_path, key):
    path = tmp_path / "model.safetensors"
    lj.save(config("s5").build(KEY), path)
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found = file.metadata()
    settings = json.loads(found["config"]) | {key: 10**9}
    save_file(tensors, path, metadata=found | {"config": json.dumps(settings)})
    with pytest.raises(ValueError, match="too large for a file"):
        lj.load(path)
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    save_file(tensors, path, metadata=found | {"config": deep})
    with pytest.raises(ValueError, match="no valid config"):
        lj.load(path)


def test_another_config_than_expected_is_named(path):
    expected = dataclasses.replace(lj.load(path).config, width=9)
    with pytest.raises(lj.CheckpointError, match=r"config\.width is 4, expected 9"):
        lj.load(path, expected=expected)


class Blind(lj.S4DConfig):
    needs_positions = True


def test_a_mixer_that_needs_positions_gets_them():
    parts = {"input": lj.TokenInput(vocabulary=3), "output": lj.StepOutput(size=2), "width": 4}
    tokens = np.array([[0, 1, 2, 1]])
    auto, added, left_out = (
        lj.SequenceModelConfig(mixer=Blind(state_dim=2), positions=positions, **parts).build(
            jax.random.key(0)
        )(tokens)
        for positions in ("auto", "sinusoidal", "none")
    )
    np.testing.assert_array_equal(auto, added)
    assert np.abs(auto - left_out).max() > 1e-3

"""The twins in torch and in JAX: one file, the same outputs, gradients, steps and training."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace

import equinox as eqx
import jax
import numpy as np
import pytest
import torch
from safetensors import safe_open

import lcde_jax as lj
import seq_torch as st
from lcde_jax.train.optimiser import statistics, tensor_names
from seqtheory import settings as settings_of
from seqtheory.dataset import Dataset
from seqtheory.tasks import GroupWords
from seqtheory.training import Curriculum, FitData, TaskStream, Training

KEY = jax.random.key(0)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
MIXERS = {
    "s4": st.S4DPLRConfig(state_dim=6),
    "s4_odd": st.S4DPLRConfig(state_dim=5, skip=False),
    "s4_bidirectional": st.S4DPLRConfig(state_dim=6, bidirectional=True),
    "s4d": st.S4DConfig(state_dim=6),
    "s4d_legs": st.S4DConfig(state_dim=6, initialisation="legs", bidirectional=True),
    "s4d_odd": st.S4DConfig(state_dim=5),
    "s4d_odd_legs": st.S4DConfig(state_dim=5, initialisation="legs", discretisation="bilinear"),
    "s4d_bilinear": st.S4DConfig(state_dim=6, initialisation="inv", discretisation="bilinear"),
    "s5": st.S5Config(state_dim=8, blocks=2),
    "s5_published": st.S5Config(state_dim=8, start="published"),
    "s4_published": st.S4DPLRConfig(state_dim=6, start="published"),
    "s4d_published": st.S4DConfig(state_dim=6, initialisation="legs", start="published"),
    "s5_bilinear": st.S5Config(state_dim=6, discretisation="bilinear", clip_eigenvalues=True),
    "s5_odd": st.S5Config(state_dim=6, blocks=2),
    "s5_full": st.S5Config(state_dim=5, conjugate_symmetry=False, skip=False),
    "s5_bidirectional": st.S5Config(state_dim=6, blocks=2, bidirectional=True, step_scale=2.0),
    "linear_cde": st.LinearCDEConfig(state_dim=6),
    "linear_cde_blocks": st.LinearCDEConfig(
        state_dim=6, structure=st.BlockDiagonal(block_size=2), transition="first_order"
    ),
    **{
        name: st.LinearCDEConfig(state_dim=8, structure=structure, transition=transition)
        for name, structure, transition in (
            ("linear_cde_diagonal", st.Diagonal(), "exponential"),
            ("linear_cde_low_rank", st.DiagonalPlusLowRank(rank=2), "first_order"),
            ("linear_cde_sparse", st.Sparse(density=0.3, seed=5), "first_order"),
            ("linear_cde_walsh_hadamard", st.WalshHadamard(), "direct"),
            ("linear_cde_one_hot", st.OneHotDiagonal(), "direct"),
            ("linear_cde_one_hot_real", st.OneHotDiagonal(entries="real"), "direct"),
            ("linear_cde_one_hot_rows", st.OneHotDiagonal(one_per="row"), "direct"),
        )
    },
    **{
        f"linear_cde_published_{name}": st.LinearCDEConfig(
            state_dim=8, structure=structure, transition="first_order", rule="published"
        )
        for name, structure in (
            ("low_rank", st.DiagonalPlusLowRank(rank=2)),
            ("sparse", st.Sparse(density=0.3, seed=5)),
            ("walsh_hadamard", st.WalshHadamard()),
        )
    },
    "linear_cde_rotations": st.LinearCDEConfig(
        state_dim=8,
        structure=st.DiagonalPlusLowRank(rank=2),
        transition="direct",
        initial="orthogonal",
    ),
}
FAMILIES = ["s4", "s4d", "s5", "linear_cde"]
TOKENS, CHANNELS = st.TokenInput(vocabulary=7), st.LinearInput(channels=2)
AROUND = {
    "published": {"input": TOKENS, "output": st.StepOutput(size=3)},
    "batch_pre": {
        "input": CHANNELS,
        "output": st.MeanOutput(size=3),
        "norm": "batch",
        "norm_position": "pre",
        "activation": "gelu",
        "depth": 2,
    },
    "preprint": {
        "input": CHANNELS,
        "output": st.LastOutput(size=3),
        "order": "2024-05",
        "residual": False,
        "norm": "none",
        "activation": "relu",
        "depth": 2,
    },
    "positions": {
        "input": TOKENS,
        "output": st.MeanOutput(size=3),
        "positions": "sinusoidal",
        "norm_position": "pre",
    },
    "unit_vectors": {
        "input": st.TokenInput(vocabulary=7, one_hot=True),
        "output": st.StepOutput(size=3),
    },
    "batch_post": {"input": TOKENS, "output": st.LastOutput(size=3), "norm": "batch"},
}


def config(mixer="s4", around="published", **changes):
    settings = {"width": 8} | AROUND[around] | changes
    return st.SequenceModelConfig(mixer=MIXERS[mixer], **settings)


def twins(folder, settings, dtype=torch.float64):
    """A model of torch, and the one that JAX reads from its file."""
    model = settings.build(1).to(dtype)
    st.save(model, folder / "model.safetensors")
    return model, lj.load(folder / "model.safetensors")


def data(settings, rows=6, time=9, seed=0):
    """Inputs and a mask whose rows have several lengths, one of them 1."""
    rng = np.random.default_rng(seed)
    if isinstance(settings.input, st.TokenInput):
        inputs = rng.integers(0, settings.input.vocabulary, (rows, time))
    else:
        inputs = rng.normal(size=(rows, time, settings.input.channels))
    lengths = np.concatenate(([time, 1], rng.integers(1, time + 1, rows - 2)))
    return inputs, np.arange(time) < lengths[:, None]


def as_torch(array, dtype):
    tensor = torch.from_numpy(np.array(array))
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def torch_named(model):
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


def jax_named(tree):
    leaves = jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array))
    return {n: np.asarray(leaf) for n, leaf in zip(tensor_names(tree), leaves, strict=True)}


def far(found, expected, floor=0.0):
    """Largest difference, relative to the largest entry."""
    return np.abs(found - expected).max() / max(np.abs(expected).max(), floor)


def both_outputs(model, twin, inputs, mask, dtype):
    model.eval()
    masks = (None, None) if mask is None else (torch.from_numpy(mask), mask)
    with torch.no_grad():
        expected = model(as_torch(inputs, dtype), masks[0]).numpy()
    found = np.asarray(eqx.filter_jit(twin)(inputs, masks[1]))
    assert found.dtype == expected.dtype
    return found, expected


@pytest.mark.parametrize("around", [name for name in AROUND if name != "published"])
@pytest.mark.parametrize("mixer", ["s4_bidirectional", "s5_bidirectional", "linear_cde"])
def test_outputs_agree_whatever_stands_around_the_mixer(tmp_path, mixer, around):
    settings = config(mixer, around)
    inputs, mask = data(settings)
    model, twin = twins(tmp_path, settings)
    for hidden in (None, mask):
        found, expected = both_outputs(model, twin, inputs, hidden, torch.float64)
        assert far(found, expected) < 1e-10
    with torch.no_grad():
        mixed = model.mixed(as_torch(inputs, torch.float64)).numpy()
    assert far(np.asarray(twin.mixed(inputs)), mixed) < 1e-10


@pytest.mark.parametrize("length", [1, 64, 257])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=["single", "double"])
def test_the_kernels_of_s4_agree_at_its_usual_size(tmp_path, length, dtype):
    settings = st.SequenceModelConfig(
        mixer=st.S4DPLRConfig(), input=CHANNELS, output=st.MeanOutput(size=1), width=4
    )
    model, twin = twins(tmp_path, settings, dtype)
    expected = model.layers[0].mixer.kernel(length).detach().numpy()
    assert far(np.asarray(twin.layers[0].mixer.kernels(length)[0]), expected) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["single", "double"])
@pytest.mark.parametrize("mixer", MIXERS)
def test_outputs_and_gradients_agree(tmp_path, mixer, dtype):
    # Products of sums of rotations would grow, and rounding with them: each token has one alone.
    settings = config(mixer, "unit_vectors" if mixer == "linear_cde_rotations" else "published")
    inputs, mask = data(settings)
    model, twin = twins(tmp_path, settings, dtype)
    weights = np.random.default_rng(1).normal(size=(*inputs.shape, 3))
    scores = model(as_torch(inputs, dtype), torch.from_numpy(mask))
    (scores * as_torch(weights, dtype)).sum().backward()
    expected = {name: p.grad.numpy() for name, p in model.named_parameters()}

    def loss(twin):
        outputs = twin(inputs, mask)
        return (outputs * weights.astype(outputs.dtype)).sum(), outputs

    gradient, outputs = eqx.filter_jit(eqx.filter_grad(loss, has_aux=True))(twin)
    assert outputs.dtype == scores.detach().numpy().dtype
    assert far(np.asarray(outputs), scores.detach().numpy()) < TOLERANCE[dtype]
    found = jax_named(gradient)
    untrained = {n for n, held in zip(found, statistics(twin), strict=True) if held}
    assert found.keys() - untrained == expected.keys()
    largest = max(np.abs(value).max() for value in expected.values())
    for name, value in expected.items():
        # A gradient that cancels to little has the rounding of what it cancels from.
        assert far(found[name], value, floor=1e-2 * largest) < TOLERANCE[dtype], name


@pytest.mark.parametrize("mixer", FAMILIES)
def test_a_file_goes_there_and_back_unchanged(tmp_path, mixer):
    settings = config(mixer, "batch_pre")
    model, twin = twins(tmp_path, settings, torch.float32)
    lj.save(twin, tmp_path / "again.safetensors")
    with (
        safe_open(tmp_path / "model.safetensors", framework="numpy") as ours,
        safe_open(tmp_path / "again.safetensors", framework="numpy") as theirs,
    ):
        assert ours.metadata() == theirs.metadata()
        assert set(ours.keys()) == set(theirs.keys())
        for name in ours.keys():  # noqa: SIM118
            one, other = ours.get_tensor(name), theirs.get_tensor(name)
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes(), name
    again = st.load(tmp_path / "again.safetensors", expected=settings)
    assert all(torch.equal(a, b) for a, b in zip(*map(_values, (model, again)), strict=True))


def _values(model):
    return model.state_dict().values()


@pytest.mark.parametrize("mixer", FAMILIES)
def test_a_model_drawn_by_jax_is_one_of_torch(tmp_path, mixer):
    twin = _jax_config(config(mixer), tmp_path).build(KEY, dtype=np.float32)
    lj.save(twin, tmp_path / "drawn.safetensors")
    model = st.load(tmp_path / "drawn.safetensors", expected=config(mixer))
    inputs, mask = data(config(mixer))
    found, expected = both_outputs(model, twin, inputs, mask, torch.float32)
    assert far(found, expected) < 1e-5


def _jax_config(settings, folder):
    return twins(folder, settings)[1].config


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_start_is_drawn_from_the_same_law(tmp_path, mixer):
    settings = config(mixer, width=64, depth=1)
    model = torch_named(settings.build(3))
    twin = jax_named(_jax_config(settings, tmp_path).build(KEY, dtype=np.float32))
    fixed = ("log_decay", "frequency", "eigenvalues", "P", "norm.weight", "norm.bias")
    for name, value in model.items():
        if name.endswith(fixed) or (name.endswith("mixer.B") and mixer.startswith("s4")):
            np.testing.assert_allclose(twin[name], value, rtol=1e-6, atol=1e-6, err_msg=name)
        elif value.size >= 64:
            # Each is normal or uniform; the spread of so many draws is known to a third.
            assert 0.7 < twin[name].std() / value.std() < 1.4, name


@pytest.mark.parametrize("mixer", [name for name in MIXERS if MIXERS[name].causal])
def test_steps_of_jax_are_the_sequence_of_torch(tmp_path, mixer):
    settings = config(mixer, "batch_pre", output=st.StepOutput(size=3))
    inputs, _ = data(settings)
    model, twin = twins(tmp_path, settings)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(inputs)).numpy()
    state, step = twin.initial_state(len(inputs)), eqx.filter_jit(type(twin).step)
    for k in range(inputs.shape[1]):
        found, state = step(twin, inputs[:, k], state)
        assert far(np.asarray(found), expected[:, k]) < 1e-9


@pytest.mark.parametrize(
    ("mixer", "around"),
    [*((name, "published") for name in FAMILIES), ("s4", "batch_pre"), ("s5", "batch_post")],
)
def test_fifty_steps_of_training_end_alike(tmp_path, mixer, around):
    settings = config(mixer, around)
    inputs, mask = data(settings, rows=32)
    per_step = isinstance(settings.output, st.StepOutput)
    classes = np.random.default_rng(2).integers(0, 3, inputs.shape[: 2 if per_step else 1])
    rows = Dataset(inputs, classes, mask)
    training = Training(
        loss="cross_entropy",
        learning_rate=1e-3,
        state_learning_rate=3e-4,
        schedule="cosine",
        weight_decay=0.05,
        clip=1.0,
        batch_size=8,
        num_steps=50,
        evaluate_every=50,
    )
    model, twin = twins(tmp_path, settings)
    before = torch_named(settings.build(1).double())
    ours = st.fit(model, FitData(rows, rows), training)
    twin, theirs = lj.fit(twin, FitData(rows, rows), training, key=KEY)
    expected, found = torch_named(model), jax_named(twin)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.abs(found[name] - value).max() < 1e-6, name
    assert max(np.abs(expected[name] - before[name]).max() for name in before) > 1e-2
    for one, other in zip(ours.evaluations, theirs.evaluations, strict=True):
        assert one.metrics["loss"] == pytest.approx(other.metrics["loss"], abs=1e-6)


@pytest.mark.parametrize(("kind", "lengths"), [("length", "whole"), ("mask", "mixed")])
def test_growing_fresh_words_under_muon_are_learnt_alike(tmp_path, kind, lengths):
    settings = config("s4d", input=st.TokenInput(vocabulary=3))
    task = GroupWords("Z3", length=4)
    words = FitData(TaskStream(task), replace(task, num_words=40).build(0))
    training = Training(
        loss="cross_entropy",
        optimiser="muon",
        learning_rate=3e-3,
        matrix_learning_rate=0.02,
        matrix_weight_decay=0.1,
        schedule="warmup_stable_decay",
        warmup_steps=4,
        decay_steps=8,
        batch_size=8,
        num_steps=20,
        evaluate_every=5,
        curriculum=Curriculum(kind=kind, start=2, level=0.2),
        lengths=lengths,
    )
    model, twin = twins(tmp_path, settings)
    ours = st.fit(model, words, training)
    twin, theirs = lj.fit(twin, words, training, key=KEY)
    expected, found = torch_named(model), jax_named(twin)
    for name, value in expected.items():
        assert np.abs(found[name] - value).max() < 1e-6, name
    grown = [e.metrics["trained_length"] for e in ours.evaluations]
    assert grown == [e.metrics["trained_length"] for e in theirs.evaluations]
    assert grown[-1] > grown[0]


@pytest.mark.parametrize("step", ["exponential", "first_order"])
def test_the_linear_cde_classifier_is_measured_by_torch(tmp_path, step):
    classifier = lj.LinearCDEClassifier(7, 3, 6, forcing=False, step=step, key=KEY)
    lj.save(lj.from_classifier(classifier), tmp_path / "classifier.safetensors")
    model = st.load(tmp_path / "classifier.safetensors").eval()
    inputs, mask = data(model.config)
    found = np.asarray(classifier(inputs, mask))[mask]
    expected = model(torch.from_numpy(inputs), torch.from_numpy(mask)).detach().numpy()[mask]
    assert far(found, expected) < 1e-10
    states = np.asarray(classifier.cde(classifier.embedding, inputs))
    x = model.embedding(torch.from_numpy(inputs))
    assert far(states, model.layers[0].mixer(x).detach().numpy()) < 1e-10


def test_a_mixer_without_a_twin_is_named(tmp_path):
    settings = st.SequenceModelConfig(
        mixer=st.LRUConfig(state_dim=4), input=TOKENS, output=st.StepOutput(size=3), width=8
    )
    st.save(settings.build(0), tmp_path / "model.safetensors")
    with pytest.raises(lj.CheckpointError, match=r"config\.mixer has type 'LRUConfig', of which"):
        lj.load(tmp_path / "model.safetensors")


def test_both_have_the_same_settings():
    for name in ("S4DPLRConfig", "S4DConfig", "S5Config", "LinearCDEConfig", "BlockDiagonal"):
        assert _fields(getattr(lj, name)) == _fields(getattr(st, name))
    for name in ("TokenInput", "LinearInput", "StepOutput", "SequenceModelConfig"):
        assert _fields(getattr(lj, name)) == _fields(getattr(st, name))


def _fields(kind):
    return [(f.name, "none" if f.default is MISSING else repr(f.default)) for f in fields(kind)]


@pytest.mark.parametrize(
    ("of_jax", "of_torch", "core"),
    [
        (lj.S4DConfig, st.S4DConfig, settings_of.S4D),
        (lj.S4DPLRConfig, st.S4DPLRConfig, settings_of.S4DPLR),
        (lj.S5Config, st.S5Config, settings_of.S5),
        (lj.LinearCDEConfig, st.LinearCDEConfig, settings_of.LinearCDE),
        (lj.TokenInput, st.TokenInput, settings_of.TokenInput),
        (lj.LinearInput, st.LinearInput, settings_of.LinearInput),
        (lj.SequenceModelConfig, st.SequenceModelConfig, settings_of.SequenceModel),
    ],
)
def test_twins_have_the_settings_of_the_core(of_jax, of_torch, core) -> None:
    names = [(field.name, field.default) for field in fields(core)]
    for twin in (of_jax, of_torch):
        assert issubclass(twin, core)
        assert [(field.name, field.default) for field in fields(twin)] == names
        assert core.__doc__.splitlines()[0] in twin.__doc__

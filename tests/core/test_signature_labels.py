"""The signature-regression task: moments of its labels, its options, and bad settings."""

import numpy as np
import pytest

from seqtheory import checks, signature
from seqtheory.tasks import SignatureLabels

RAW = {"normalise": "none", "num_paths": 40_000}


def area(path):
    """Shoelace area between the path and its chord: an independent form of the Levy area."""
    x, y = np.moveaxis(path - path[:, :1], -1, 0)
    return (x[:, :-1] * y[:, 1:] - y[:, :-1] * x[:, 1:]).sum(axis=1) / 2


def test_rounded_increments_have_their_variance():
    inputs = SignatureLabels(**RAW).build(0).inputs
    assert np.var(np.diff(inputs, axis=1)) == pytest.approx(1.0833333, rel=3e-3)
    np.testing.assert_array_equal(inputs, np.rint(inputs))


@pytest.mark.parametrize(
    ("channels", "basepoint", "published", "tolerance"),
    [(2, False, 75.645, 0.02), (3, False, 450.008, 0.04), (2, True, 75.645, 0.02)],
)
def test_labels_have_their_standard_deviation(channels, basepoint, published, tolerance):
    # 99 increments enter the label: between 100 vertices, the zero vertex among them or not.
    task = SignatureLabels(channels=channels, basepoint=basepoint, **RAW)
    labels = task.build(1).targets
    v, n = 1.0833333, 99
    if channels == 2:
        exact = v * np.sqrt(n * (n - 1) / 2 + n / 4)
    else:
        pairs, triples = n * (n - 1) / 2, n * (n - 1) * (n - 2) / 6
        exact = v**1.5 * np.sqrt(triples + pairs / 2 + n / 36)
    assert exact == pytest.approx(published, abs=1e-3)
    assert labels.std() == pytest.approx(exact, rel=tolerance)
    assert abs(labels.mean()) < 4 * exact / np.sqrt(len(labels))


def test_default_label_in_two_dimensions_is_the_coefficient_and_not_the_area():
    plain = SignatureLabels(num_paths=50, normalise="none").build(3)
    levy = SignatureLabels(num_paths=50, normalise="none", antisymmetric=True).build(3)
    rise = plain.inputs[:, -1] - plain.inputs[:, 0]
    np.testing.assert_allclose(plain.targets, rise.prod(axis=1) / 2 + area(plain.inputs))
    np.testing.assert_allclose(levy.targets, area(levy.inputs), atol=1e-9)
    assert np.abs(plain.targets - levy.targets).max() > 1


@pytest.mark.parametrize("word", [(0, 1), (0, 1, 2), (2, 0, 0, 1), (1, 1, 2)])
def test_antisymmetric_label_has_the_parity_of_its_word_under_reversal(word):
    task = SignatureLabels(
        channels=3, length=12, num_paths=20, word=word, antisymmetric=True, normalise="none"
    )
    data = task.build(0)
    backwards = data.inputs[:, ::-1]
    reversed_label = (
        signature.coefficient(backwards, word) - signature.coefficient(backwards, word[::-1])
    ) / 2
    np.testing.assert_allclose(reversed_label, -((-1) ** len(word)) * data.targets, atol=1e-9)


@pytest.mark.parametrize(
    "word_and_option", [((0,), {}), ((1, 0), {}), ((2, 0, 1), {}), ((0, 1, 2), {"basepoint": True})]
)
def test_label_is_the_scaled_coefficient_of_the_inputs(word_and_option):
    word, option = word_and_option
    data = SignatureLabels(channels=3, length=15, num_paths=30, word=word, **option).build(4)
    label = signature.coefficient(data.inputs, word)
    np.testing.assert_allclose(data.targets, label / np.abs(label).max(), rtol=1e-9, atol=1e-12)
    assert np.abs(data.inputs).max() == np.abs(data.targets).max() == 1.0


def test_default_word_names_every_channel_in_order():
    assert SignatureLabels(channels=4).letters == (0, 1, 2, 3)
    assert SignatureLabels(channels=1, length=5, num_paths=20).build(0).targets.shape == (20,)


def test_basepoint_puts_a_zero_vertex_first_and_keeps_the_length():
    inputs = SignatureLabels(length=7, num_paths=9, basepoint=True).build(0).inputs
    assert inputs.shape == (9, 7, 2)
    np.testing.assert_array_equal(inputs[:, 0], 0.0)
    assert SignatureLabels(length=7, num_paths=9).build(0).inputs[:, 0].any()


def test_train_normaliser_looks_at_the_first_rows_only():
    settings = {"num_paths": 200, "length": 10}
    raw = SignatureLabels(normalise="none", **settings).build(5)
    data = SignatureLabels(normalise="train", train_fraction=0.1, **settings).build(5)
    np.testing.assert_allclose(data.inputs, raw.inputs / np.abs(raw.inputs[:20]).max())
    np.testing.assert_allclose(data.targets, raw.targets / np.abs(raw.targets[:20]).max())
    assert np.abs(data.targets[:20]).max() == 1.0 < np.abs(data.targets).max()


def test_increments_are_what_they_are_called():
    def steps(increments):
        task = SignatureLabels(increments=increments, length=64, num_paths=2000, normalise="none")
        return np.diff(task.build(6).inputs, axis=1)

    gaussian = steps("gaussian")
    assert gaussian.std() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(steps("brownian"), gaussian / 8, atol=1e-12)
    np.testing.assert_array_equal(np.unique(steps("rademacher")), [-1.0, 1.0])
    np.testing.assert_allclose(steps("rounded"), np.rint(gaussian), atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_seed_gives_same_bytes(dtype):
    task = SignatureLabels(channels=3, length=20, num_paths=100, dtype=dtype)
    first, second, other = task.build(1), task.build(1), task.build(2)
    assert first.inputs.dtype == first.targets.dtype == np.dtype(dtype)
    assert first.inputs.tobytes() == second.inputs.tobytes()
    assert first.targets.tobytes() == second.targets.tobytes()
    assert first.inputs.tobytes() != other.inputs.tobytes()


def test_float32_is_the_float64_data_rounded():
    wide = SignatureLabels(num_paths=300).build(1)
    narrow = SignatureLabels(num_paths=300, dtype="float32").build(1)
    np.testing.assert_allclose(narrow.inputs, wide.inputs, rtol=2e-7, atol=1e-9)
    np.testing.assert_allclose(narrow.targets, wide.targets, rtol=2e-7, atol=1e-9)


def test_rows_do_not_depend_on_how_many_follow():
    # Blocks are drawn one after the other from one stream.
    settings = {"normalise": "none", "length": 100, "channels": 3}
    few, many = (SignatureLabels(num_paths=n, **settings).build(0) for n in (4000, 8000))
    np.testing.assert_array_equal(few.inputs, many.inputs[:4000])
    np.testing.assert_array_equal(few.targets, many.targets[:4000])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"word": (0, 2)}, ValueError, r"word \(0, 2\) uses channel 2, but .* 2 channels \(0..1\)"),
        ({"word": (0, -1)}, ValueError, "at least 0"),
        ({"word": (0, 1.0)}, TypeError, "expected an integer"),
        ({"word": ()}, TypeError, "at least one channel"),
        ({"word": [0, 1]}, TypeError, "expected a tuple"),
        ({"channels": 0}, ValueError, "channels=0"),
        ({"channels": 2.0}, TypeError, "channels=2.0"),
        ({"length": 1}, ValueError, "length=1: expected an integer of at least 2"),
        ({"num_paths": 0}, ValueError, "num_paths=0"),
        ({"num_paths": True}, TypeError, "num_paths=True"),
        ({"increments": "brownain"}, ValueError, "did you mean 'brownian'"),
        ({"normalise": "trian"}, ValueError, "did you mean 'train'"),
        ({"dtype": "float16"}, ValueError, "expected one of float64, float32"),
        ({"train_fraction": 0.0}, ValueError, "train_fraction=0.0"),
        ({"train_fraction": 1.5}, ValueError, "at most 1"),
        ({"train_fraction": float("nan")}, ValueError, "train_fraction=nan"),
        ({"normalise": "train", "num_paths": 2, "train_fraction": 0.1}, ValueError, "no row"),
        ({"antisymmetric": True, "word": (0, 1, 0)}, ValueError, "always 0"),
        ({"antisymmetric": True, "length": 2}, ValueError, "straight"),
        ({"antisymmetric": 1}, TypeError, "True or False"),
    ],
)
def test_bad_settings_are_refused_at_construction(settings, error, message):
    with pytest.raises(error, match=message):
        SignatureLabels(**settings)


def test_labels_that_are_all_zero_cannot_be_normalised():
    # One rounded increment in one of two channels is 0 often enough: find such a seed.
    task = SignatureLabels(length=2, num_paths=1)
    seeds = [
        s
        for s in range(50)
        if not SignatureLabels(length=2, num_paths=1, normalise="none").build(s).targets.any()
    ]
    assert seeds
    with pytest.raises(ValueError, match="every label is 0 in the 1 rows"):
        task.build(seeds[0])


def test_a_seed_is_never_left_to_chance():
    with pytest.raises(TypeError, match="seed=None"):
        SignatureLabels(num_paths=3).build(None)


def test_what_cannot_fit_is_refused_before_it_is_allocated():
    with pytest.raises(MemoryError, match=r"num_paths=1,000,000,000 .* needs about 1,608.0 GB"):
        SignatureLabels(num_paths=10**9).build(0)


def test_memory_guard_lets_pass_what_fits_and_what_it_cannot_judge(monkeypatch):
    checks.require_memory(1, "one byte")
    monkeypatch.setattr(checks, "physical_memory", lambda: 1000)
    with pytest.raises(MemoryError, match="a table needs about"):
        checks.require_memory(1001, "a table")
    monkeypatch.setattr(checks, "physical_memory", lambda: None)
    checks.require_memory(10**20, "a table")

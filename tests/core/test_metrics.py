"""Metrics equal their formulas, and count only what the mask lets count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory import metrics

few = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def classes(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    batch, length = rng.integers(1, 8, 2)
    predicted, targets = rng.integers(0, 2, (2, batch, length))
    mask = np.arange(length) < rng.integers(1, length + 1, (batch, 1))
    return predicted, targets, mask


@given(seeds)
@few
def test_rmse_is_the_root_mean_square(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 5, 4, 3))
    mask = rng.random((5, 4)) < 0.7
    mask[0, 0] = True
    total = sum(float(((x[i] - y[i]) ** 2).sum()) for i in np.ndindex(5, 4) if mask[i])
    assert metrics.rmse(x, y, mask) == pytest.approx(np.sqrt(total / (3 * mask.sum())), rel=1e-12)
    assert metrics.rmse(x, y) == pytest.approx(np.linalg.norm(x - y) / np.sqrt(x.size), rel=1e-12)


def test_rmse_does_not_round_to_the_dtype_of_its_inputs() -> None:
    x = np.full(100_000, 1.1, dtype=np.float32)
    assert metrics.rmse(x, np.zeros_like(x)) == pytest.approx(float(x[0]), rel=1e-12)
    assert metrics.rmse(np.array([250], np.uint8), np.array([255], np.uint8)) == 5.0


def test_a_diverged_prediction_has_no_score_but_a_masked_one_has() -> None:
    x, y = np.array([1.0, np.nan, np.inf]), np.zeros(3)
    assert np.isnan(metrics.rmse(x, y))
    assert metrics.rmse(x, y, np.array([True, False, True])) == np.inf
    assert metrics.rmse(x, y, np.array([True, False, False])) == 1.0
    assert np.isnan(metrics.time_weighted_error(x[None], y[None]))


@given(seeds)
@few
def test_accuracies_equal_loops(seed: int) -> None:
    predicted, targets, mask = classes(seed)
    words = list(zip(predicted, targets, mask, strict=True))
    hits = [(p == t)[m].tolist() for p, t, m in words]
    pooled = [hit for word in hits for hit in word]
    assert metrics.token_accuracy(predicted, targets, mask) == pytest.approx(np.mean(pooled))
    assert metrics.sequence_accuracy(predicted, targets, mask) == np.mean([all(w) for w in hits])
    by_position = metrics.position_accuracy(predicted, targets, mask)
    for t in range(predicted.shape[1]):
        column = [word[t] for word in hits if t < len(word)]
        assert by_position[t] == np.mean(column) if column else np.isnan(by_position[t])
    by_length = metrics.length_accuracy(predicted, targets, mask)
    assert list(by_length) == sorted({len(word) for word in hits})
    for length, accuracy in by_length.items():
        same = [hit for word in hits if len(word) == length for hit in word]
        assert accuracy == pytest.approx(np.mean(same))


@given(seeds)
@few
def test_accuracies_agree_with_one_another(seed: int) -> None:
    predicted, targets, mask = classes(seed)
    token = metrics.token_accuracy(predicted, targets)
    assert metrics.position_accuracy(predicted, targets).mean() == pytest.approx(token)
    assert metrics.sequence_accuracy(predicted, targets) <= token + 1e-12
    spoilt = np.where(mask, predicted, 99)
    for metric in (metrics.token_accuracy, metrics.sequence_accuracy, metrics.length_accuracy):
        assert metric(spoilt, targets, mask) == metric(predicted, targets, mask)
    assert metrics.token_accuracy(targets, targets, mask) == 1.0


def test_a_free_first_position_is_seen_position_by_position() -> None:
    targets = np.random.default_rng(0).integers(0, 60, (60_000, 3))
    guesses = np.concatenate([targets[:, :1], np.zeros((60_000, 2), int)], axis=1)
    accuracy = metrics.position_accuracy(guesses, targets)
    assert accuracy[0] == 1.0
    assert abs(accuracy[1:] - 1 / 60).max() < 0.003


@given(seeds, st.floats(0, 4))
@few
def test_time_weights_have_mean_one(seed: int, power: float) -> None:
    rng = np.random.default_rng(seed)
    steps = int(rng.integers(1, 30))
    ones, zeros = np.ones((3, steps, 2)), np.zeros((3, steps, 2))
    assert metrics.time_weighted_error(ones, zeros, power) == pytest.approx(1.0)
    x = rng.normal(size=(3, steps, 2))
    assert metrics.time_weighted_error(x, zeros, 0) == pytest.approx(metrics.rmse(x, zeros) ** 2)
    weights = ((np.arange(steps) + 1) / (steps + 1)) ** power
    weights = (weights / weights.mean())[:, None]
    natural = np.mean(weights * x**2)
    upstream = np.mean((weights * x - weights * zeros) ** 2)
    assert metrics.time_weighted_error(x, zeros, power) == pytest.approx(natural)
    assert metrics.time_weighted_error(x, zeros, power, "upstream") == pytest.approx(upstream)


TWO = np.array([[0, 1], [1, 0]])
ALL = [
    metrics.rmse,
    metrics.token_accuracy,
    metrics.sequence_accuracy,
    metrics.position_accuracy,
    metrics.length_accuracy,
]


@pytest.mark.parametrize("metric", ALL)
def test_every_metric_refuses_what_it_cannot_score(metric) -> None:
    full = np.ones((2, 2), bool)
    with pytest.raises(ValueError, match=r"\(2, 2\) but targets \(2, 1\)"):
        metric(TWO, TWO[:, :1], full)
    with pytest.raises(ValueError, match="False everywhere"):
        metric(TWO, TWO, ~full)
    with pytest.raises(ValueError, match=r"the mask has shape \(3,\)"):
        metric(TWO, TWO, np.ones(3, bool))
    with pytest.raises(TypeError, match="mask has dtype int64"):
        metric(TWO, TWO, TWO)
    with pytest.raises(ValueError, match="nothing to score"):
        metric(TWO[:0], TWO[:0], full[:0])


def test_scores_in_place_of_classes_are_refused() -> None:
    with pytest.raises(TypeError, match="argmax"):
        metrics.token_accuracy(np.array([[0.1, 0.9]]), np.array([[0, 1]]))
    with pytest.raises(TypeError, match="real numbers"):
        metrics.rmse(np.array(["a"]), np.array(["a"]))


def test_words_without_a_position_that_counts_are_refused() -> None:
    mask = np.array([[True, True], [False, False]])
    for metric in (metrics.sequence_accuracy, metrics.length_accuracy):
        with pytest.raises(ValueError, match="throughout row 1"):
            metric(TWO, TWO, mask)


def test_metrics_of_sequences_need_sequences() -> None:
    with pytest.raises(ValueError, match=r"expected \(batch, length\)"):
        metrics.sequence_accuracy(TWO[0], TWO[0])
    with pytest.raises(ValueError, match=r"expected \(batch, time"):
        metrics.time_weighted_error(np.ones(3), np.ones(3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"power": -1.0}, "got power"),
        ({"power": np.nan}, "got power"),
        ({"weighting": "late"}, "late"),
    ],
)
def test_unknown_time_weights_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics.time_weighted_error(np.ones((1, 2)), np.ones((1, 2)), **options)


@given(st.floats(0, 1), st.integers(2, 60))
@few
def test_scaled_accuracy_is_linear_from_chance_to_one(accuracy: float, num_classes: int) -> None:
    chance = 1 / num_classes
    scaled = metrics.scaled_accuracy(accuracy, chance)
    assert metrics.scaled_accuracy(chance, chance) == 0
    assert metrics.scaled_accuracy(1.0, chance) == 1
    assert chance + scaled * (1 - chance) == pytest.approx(accuracy, abs=1e-12)


@given(st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=8))
@few
def test_the_horizon_is_the_last_length_before_the_first_failure(accuracies: list[float]) -> None:
    lengths = [10 * 2**i for i in range(len(accuracies))]
    found = metrics.horizon(lengths, accuracies, threshold=0.5)
    held = [length for length in lengths if length <= found]
    assert all(a >= 0.5 for a in accuracies[: len(held)])
    assert len(held) == len(lengths) or not accuracies[len(held)] >= 0.5
    assert found == (held[-1] if held else 0)


def test_bad_scales_and_curves_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got accuracy 1\.5"):
        metrics.scaled_accuracy(1.5, 0.5)
    with pytest.raises(ValueError, match=r"got chance 1\.0"):
        metrics.scaled_accuracy(0.5, 1.0)
    with pytest.raises(ValueError, match="expected them to increase"):
        metrics.horizon([20, 10], [1.0, 1.0])
    with pytest.raises(ValueError, match="got 0 lengths and 0 accuracies"):
        metrics.horizon([], [])
    with pytest.raises(ValueError, match="at least one"):
        metrics.position_horizon([np.nan])


def test_positions_without_a_target_hold_and_fail_nothing():
    thirds = [np.nan, np.nan, 1.0] * 7 + [np.nan, np.nan, 0.0]
    assert metrics.position_horizon(thirds) == 21
    assert metrics.position_horizon([0.9, 0.5]) == 1
    assert metrics.position_horizon([0.9, 0.5], np.nextafter(0.9, 1.0)) == 0

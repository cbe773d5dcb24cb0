"""Models that break an assumption are refused by its name; those that keep it are not."""

import pickle

import numpy as np
import pytest

from seqtheory.memory_theory import AssumptionError, memory_function


def leaky(x, keep=0.8, bias=0.0):
    h, outputs = np.zeros((len(x), x.shape[2])), []
    for k in range(x.shape[1]):
        h = np.tanh(keep * h + x[:, k] + bias)
        outputs.append(h)
    return np.stack(outputs, axis=1)


class Dropout:
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, x):
        y = leaky(x)
        return y * (self.rng.uniform(size=y.shape) > 0.1)


class Stateful:
    state = 0.0

    def __call__(self, x):
        self.state += 0.1
        return leaky(x) * self.state


def attention(x, axis, causal):
    """Softmax attention of every item to every other along one axis, masked or not."""
    y = np.moveaxis(x, axis, 1)
    scores = y @ y.transpose(0, 2, 1)
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[1:])) > 0, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.moveaxis(weights / weights.sum(axis=-1, keepdims=True) @ y, 1, axis)


BROKEN = [
    (Dropout(), "deterministic", r"\.eval\(\)"),
    (Stateful(), "deterministic", "state kept between calls"),
    (lambda x: attention(x, axis=0, causal=False), "independent", "batch axis"),
    (lambda x: leaky(x) - leaky(x).mean(axis=(0, 1)), "independent", "normalise"),
    (lambda x: attention(x, axis=1, causal=False), "causal", "causal mask"),
    (lambda x: leaky(x[:, ::-1])[:, ::-1], "causal", "bidirectional"),
    (lambda x: leaky(x) - leaky(x).mean(axis=1, keepdims=True), "causal", "changing its input"),
    (lambda x: attention(x, axis=1, causal=True), "time_homogeneous", "averages over all"),
    (lambda x: leaky(x) * np.arange(x.shape[1])[:, None], "time_homogeneous", "steps later"),
    (lambda x: leaky(x, bias=0.5), "time_homogeneous", "rest=7, which was tried"),
    (lambda x: leaky(x)[:, -1], "shape", "batch, time, output"),
    (lambda x: leaky(x).transpose(1, 0, 2), "shape", "got shape"),
    (lambda x: leaky(x) / 0.0 if x.any() else x, "finite", "NaN or infinity"),
]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(("model", "assumption", "message"), BROKEN)
def test_a_broken_assumption_is_named(model, assumption, message):
    with pytest.raises(AssumptionError, match=message) as caught:
        memory_function(model, 20, channels=2, directions=8)
    assert caught.value.assumption == assumption


def test_a_model_that_keeps_them_passes_in_float32_and_with_its_rest():
    def single(x):
        return leaky(x.astype(np.float32))

    assert memory_function(single, 20, channels=2, directions=8)[0] > 0
    found = memory_function(
        lambda x: leaky(x, bias=0.5), 20, channels=2, directions=8, rest=150, amplitude=1e-4
    )
    h = 0.0
    for _ in range(1000):
        h = np.tanh(0.8 * h + 0.5)
    slope = 1 - h**2  # about its state of rest the model is linear, with this slope
    np.testing.assert_allclose(found, slope * (0.8 * slope) ** np.arange(20), atol=1e-4)


def refusal(model, horizon=20, **settings):
    with pytest.raises(AssumptionError) as caught:
        memory_function(model, horizon, channels=2, directions=8, **settings)
    assert caught.value.assumption == "time_homogeneous"
    return caught.value


@pytest.mark.parametrize(("keep", "bias"), [(0.8, 0.5), (0.99, 0.1), (0.999, 1e-4)])
@pytest.mark.parametrize("rest", [0, 2])
def test_the_rest_that_is_advised_is_enough_and_in_proportion(keep, bias, rest):
    def model(x):
        return leaky(x, keep, bias)

    advised = refusal(model, rest=rest).rest
    assert memory_function(model, 20, channels=2, directions=8, rest=advised).shape == (20,)
    assert refusal(model, rest=max(rest, advised // 2 - 1)).rest <= advised + 8


def test_a_rest_beyond_those_tried_is_foreseen():
    def model(x):
        y = np.cumsum(x, axis=1)
        return y * (1 - np.exp(-np.arange(x.shape[1]) / 300))[:, None]

    error = refusal(model)
    assert "settles slowly: the difference is 6" in str(error)
    assert memory_function(model, 20, channels=2, directions=8, rest=error.rest).shape == (20,)


@pytest.mark.parametrize("steps", [100, 3000])
def test_however_slow_a_rate_is_it_is_told_from_a_power(steps):
    def model(x):
        return leaky(x) * (1 + np.exp(-np.arange(x.shape[1]) / steps))[:, None]

    found = refusal(model).rest
    assert found is not None
    assert memory_function(model, 20, channels=2, directions=8, rest=found).shape == (20,)

    def slow(x):
        return leaky(x) * (1 + np.arange(1, x.shape[1] + 1) ** -0.2)[:, None]

    refused = refusal(slow, rest=8)
    assert refused.rest is None
    assert "falls like rest^-1.2 alone" in str(refused)


def test_where_no_rest_is_enough_the_reason_is_said():
    def mean(x):
        return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)[:, None]

    def position(x):
        return leaky(x) * (1 + np.sin(np.arange(x.shape[1])))[:, None]

    averaged, knowing = refusal(mean), refusal(position)
    assert averaged.rest is knowing.rest is None
    assert "averages over all of the past; rest=6e+04 would be needed" in str(averaged)
    assert "No rest helps" in str(knowing)
    for error in (averaged, knowing):
        assert "expected at most 1.0e-04" in str(error)
        assert "Leave 'time_homogeneous' out" in str(error)


def test_a_model_that_ends_while_rests_are_tried_is_quoted():
    def model(x):
        if x.shape[1] > 40:
            raise ValueError("at most 40 positions")
        return leaky(x) * (1 + np.sin(np.arange(x.shape[1])))[:, None]

    error = refusal(model)
    assert "with rest=32 the model failed: at most 40 positions" in str(error)


@pytest.mark.parametrize("horizon", [1, 2])
def test_a_horizon_of_a_step_is_tested_too(horizon):
    refusal(lambda x: leaky(x) * np.arange(1, x.shape[1] + 1)[:, None], horizon)


def test_an_assumption_left_out_is_not_tested():
    def model(x):
        return attention(x, axis=1, causal=True)

    check = ("deterministic", "independent", "causal")
    assert memory_function(model, 20, channels=2, directions=4, check=check).shape == (20,)
    with pytest.raises(ValueError, match="did you mean 'causal'"):
        memory_function(model, 20, channels=2, directions=4, check=("casual",))


def test_outputs_that_numpy_cannot_read_are_named():
    class OnDevice:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("can't convert a tensor on a device")

    with pytest.raises(TypeError, match=r"OnDevice that NumPy cannot read .*cpu\(\)\.numpy\(\)"):
        memory_function(lambda x: OnDevice(), 5, channels=1)


def test_the_error_crosses_processes():
    for rest in (None, 7):
        error = pickle.loads(pickle.dumps(AssumptionError("causal", "why", rest)))
        assert (error.assumption, str(error), error.rest) == ("causal", "why", rest)


# Directions


def test_optimised_directions_reach_a_maximum_that_draws_miss():
    peak = np.array([0.9, -1.0, 0.3, 0.6])

    def model(x):
        at = np.exp(-20 * ((x - peak) ** 2).sum(axis=-1, keepdims=True))
        return np.cumsum(at, axis=1)

    drawn = memory_function(model, 6, channels=4, directions=64)
    climbed = memory_function(model, 6, channels=4, directions="optimised")
    top = 1 - np.exp(-20 * (peak**2).sum())
    assert np.all(climbed >= 0.9 * top)
    assert np.all(climbed <= top)
    assert np.all(drawn < 0.7 * top)


def test_optimised_directions_are_exact_for_a_linear_model():
    mixing = np.random.default_rng(0).normal(size=(5, 3))

    def model(x):
        return np.cumsum(x @ mixing, axis=1)

    exact = memory_function(model, 4, channels=5)
    found = memory_function(model, 4, channels=5, directions="optimised")
    np.testing.assert_allclose(found, exact, rtol=1e-9)


def test_of_several_amplitudes_the_largest_memory_counts():
    def model(x):
        return np.tanh(np.cumsum(x, axis=1))

    def found(amplitude):
        return memory_function(model, 5, channels=1, directions=4, amplitude=amplitude)

    together = found([1e-3, 1.0, 10.0])
    np.testing.assert_array_equal(together, np.max([found(1e-3), found(1.0), found(10.0)], axis=0))
    for bad in ([], [1.0, 0.0]):
        with pytest.raises(ValueError, match="amplitude"):
            found(bad)


def test_upstream_directions_are_one_draw_without_division():
    def model(x):
        return np.cumsum(x, axis=1) * np.array([1.0, 2.0])

    found = memory_function(model, 4, channels=2, directions="upstream", seed=3)
    x = np.random.default_rng(3).standard_normal(2)
    np.testing.assert_allclose(found, np.hypot(x[0], 2 * x[1]))

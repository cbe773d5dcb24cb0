"""The linear-functional task and its causal convolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory import memory
from seqtheory.tasks import DecayingMemory
from seqtheory.tasks.decaying_memory import causal_convolution, causal_convolution_reference


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 64, 100])
@pytest.mark.parametrize("lead", [(), (3,), (2, 2)])
def test_fft_is_the_direct_sum(length, lead):
    rng = np.random.default_rng(length)
    x, weights = rng.normal(size=(*lead, length, 2)), rng.normal(size=length)
    np.testing.assert_allclose(
        causal_convolution(x, weights), causal_convolution_reference(x, weights), atol=1e-12
    )


@given(length=st.integers(1, 40), delay=st.integers(0, 39), seed=st.integers(0, 1000))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_convolution_with_a_delayed_delta_is_a_delay(length, delay, seed):
    x = np.random.default_rng(seed).normal(size=(length, 1))
    weights = (np.arange(length) == delay).astype(float)
    delayed = np.zeros_like(x)
    delayed[delay:] = x[: max(length - delay, 0)]
    np.testing.assert_allclose(causal_convolution(x, weights), delayed, atol=1e-12)


def test_convolution_is_causal():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(30, 1)), rng.normal(size=30)
    changed = x.copy()
    changed[20:] += 5.0
    before, after = causal_convolution(x, weights), causal_convolution(changed, weights)
    np.testing.assert_allclose(before[:20], after[:20], atol=1e-12)
    assert np.abs(before[20] - after[20]) > 0.1


@pytest.mark.parametrize("inputs", ["gaussian", "integrated"])
@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_targets_are_the_stated_sum(inputs, dt):
    kernel = memory.TwoParts()
    data = DecayingMemory(kernel, length=40, num_sequences=6, dt=dt, inputs=inputs).build(3)
    x, y = data.inputs[..., 0], data.targets[..., 0]
    assert data.inputs.shape == data.targets.shape == (6, 40, 1)
    k = 25
    expected = dt * sum(float(kernel(j * dt)) * x[:, k - j] for j in range(k + 1))
    np.testing.assert_allclose(y[:, k], expected, atol=1e-12)


def test_inputs_are_standard_normal_and_integrated_ones_are_their_sums():
    settings = {"length": 50, "num_sequences": 2000}
    white = DecayingMemory(**settings).build(0).inputs
    summed = DecayingMemory(inputs="integrated", **settings).build(0).inputs
    assert white.std() == pytest.approx(1.0, abs=0.01)
    assert abs(white.mean()) < 0.02
    np.testing.assert_array_equal(summed, np.cumsum(white, axis=1))


def test_upstream_scaling_puts_dt_on_the_inputs_and_not_on_the_sum():
    ours = DecayingMemory(dt=0.1, num_sequences=5).build(1)
    theirs = DecayingMemory(dt=0.1, num_sequences=5, upstream_scaling=True).build(1)
    np.testing.assert_allclose(theirs.inputs, 0.1 * ours.inputs, rtol=1e-15)
    np.testing.assert_allclose(theirs.targets, ours.targets, atol=1e-14)
    unit = [
        DecayingMemory(num_sequences=5, upstream_scaling=flag).build(1) for flag in (False, True)
    ]
    assert unit[0].targets.tobytes() == unit[1].targets.tobytes()


def test_blocks_do_not_show():
    # 6000 sequences of 100 are several blocks of the transform.
    data = DecayingMemory(num_sequences=6000).build(2)
    weights = memory.Polynomial()(np.arange(100.0))
    rows = [0, 2620, 2621, 2622, 5999]
    expected = causal_convolution_reference(data.inputs[rows], weights)
    np.testing.assert_allclose(data.targets[rows], expected, atol=1e-12)


def test_same_seed_gives_same_bytes():
    task = DecayingMemory(memory.Airy(), num_sequences=20)
    assert task.build(1).targets.tobytes() == task.build(1).targets.tobytes()
    assert task.build(1).targets.tobytes() != task.build(2).targets.tobytes()


def test_kernels_may_be_any_callable():
    data = DecayingMemory(lambda t: (t == 0).astype(float), length=5, num_sequences=2).build(0)
    np.testing.assert_allclose(data.targets, data.inputs, atol=1e-14)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"kernel": "exp"}, TypeError, "expected a kernel"),
        ({"length": 0}, ValueError, "length=0"),
        ({"num_sequences": 2.5}, TypeError, "num_sequences=2.5"),
        ({"dt": 0.0}, ValueError, "dt=0.0"),
        ({"dt": float("inf")}, ValueError, "finite"),
        ({"inputs": "gausian"}, ValueError, "did you mean 'gaussian'"),
        ({"upstream_scaling": "yes"}, TypeError, "True or False"),
    ],
)
def test_bad_settings_are_refused_at_construction(settings, error, message):
    with pytest.raises(error, match=message):
        DecayingMemory(**settings)


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match="inf at t = 0"):
        DecayingMemory(lambda t: np.where(t > 0, 1.0, np.inf)).build(0)
    with pytest.raises(TypeError, match="seed=None"):
        DecayingMemory().build(None)
    with pytest.raises(MemoryError, match="num_sequences=1,000,000,000,000"):
        DecayingMemory(num_sequences=10**12).build(0)
    with pytest.raises(ValueError, match="one weight per time"):
        causal_convolution(np.ones((5, 1)), np.ones(4))
    with pytest.raises(ValueError, match="one weight per time"):
        causal_convolution_reference(np.ones(5), np.ones(5))

"""The published data recipes, written out again plainly and compared with the tasks."""

import numpy as np
import pytest
from scipy import special

from seqtheory import memory
from seqtheory import reparameterisation as rp
from seqtheory.tasks import DecayingMemory, SignatureLabels


def iterated_integrals(path):
    """S12 and, in three dimensions, S123, by running sums with the 1/2 and 1/6 terms."""
    d = np.diff(path, axis=1)
    x = path[:, :-1] - path[:, :1]
    steps12 = x[..., 0] * d[..., 1] + d[..., 0] * d[..., 1] / 2
    if path.shape[-1] == 2:
        return steps12.sum(axis=1)
    s12 = np.cumsum(steps12, axis=1) - steps12
    steps123 = (
        s12 * d[..., 2]
        + x[..., 0] * d[..., 1] * d[..., 2] / 2
        + d[..., 0] * d[..., 1] * d[..., 2] / 6
    )
    return steps123.sum(axis=1)


@pytest.mark.parametrize("channels", [2, 3])
def test_toy_signature_recipe(channels):
    # Increments round(N(0, 1)); their sums are the vertices; both divided by the maxima over all.
    steps = np.rint(np.random.default_rng(7).standard_normal((500, 100, channels)))
    path = np.cumsum(steps, axis=1)
    path /= np.abs(path).max()
    labels = iterated_integrals(path)
    labels /= np.abs(labels).max()
    data = SignatureLabels(channels=channels, num_paths=500).build(7)
    np.testing.assert_allclose(data.inputs, path, rtol=1e-14)
    np.testing.assert_allclose(data.targets, labels, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("channels", "published"), [(2, 0.1120), (3, 0.0585)])
def test_predicting_zero_errs_as_published(channels, published):
    # The scale is that of the single largest label, so it differs from draw to draw.
    _, validation = SignatureLabels(channels=channels).build(0).split((0.8, 0.2), seed=None)
    assert np.sqrt(np.mean(validation.targets**2)) == pytest.approx(published, rel=0.1)


def test_linear_functional_kernels():
    t = np.arange(100.0)
    published = {
        memory.Exponential(): np.exp(-t),
        memory.Polynomial(): 1 / (1 + 0.1 * t) ** 1.1,
        memory.Sine(): np.sin(t),
        memory.Shift(): np.where((t > 9) & (t < 11), 1.0, 0.0),
        memory.TwoParts(): np.exp(-t) + np.exp(-((t - 9) ** 2)),
        memory.Airy(): special.airy(t - 6)[0],
    }
    for kernel, values in published.items():
        np.testing.assert_allclose(kernel(t), values, rtol=1e-13, atol=1e-300)


def test_linear_functional_recipe():
    # x ~ dt N(0, 1), y_t = sum over s <= t of rho(s dt) x_{t - s}, with no further factor dt.
    dt, task = 0.1, {"length": 30, "num_sequences": 4, "upstream_scaling": True}
    data = DecayingMemory(memory.Exponential(), dt=dt, **task).build(2)
    x = dt * np.random.default_rng(2).standard_normal((4, 30))
    y = np.stack([np.convolve(row, np.exp(-dt * np.arange(30)))[:30] for row in x])
    np.testing.assert_allclose(data.inputs[..., 0], x, rtol=1e-15)
    np.testing.assert_allclose(data.targets[..., 0], y, atol=1e-14)


def test_published_initial_weights_give_the_rate_one_half():
    weights = {
        rp.Exp(): np.log(0.5),
        rp.Softplus(): np.log(np.expm1(0.5)),
        rp.Best(b=0.1): np.sqrt(1 / 0.5 - 0.1),
    }
    for parameterisation, weight in weights.items():
        assert float(parameterisation(weight)) == pytest.approx(-0.5)
    # The published `direct` starts at +0.5, a growing mode: ours takes the stable sign.
    assert float(rp.Direct()(0.5)) == 0.5
    assert float(rp.Direct().inverse(-0.5)) == -0.5

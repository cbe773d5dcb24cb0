"""What linear CDEs compute, by theorem: words, endpoints, kernels."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcde_jax import Dense, Diagonal, LinearCDE, fit_readout, random_features, solve
from seqtheory.signature import add_time, coefficient, kernel

CORNER = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
OTHER_CORNER = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def walks(count, points, channels, seed=0):
    """Paths of the toy task: rounded Gaussian steps, scaled to a largest value of 1."""
    steps = np.round(np.random.default_rng(seed).normal(size=(count, points, channels)))
    values = steps.cumsum(axis=1)
    return values / np.abs(values).max()


def chain(word, channels):
    """Nilpotent equation whose last state is the coefficient of a word."""
    width = len(word) + 1
    cde = LinearCDE(width, channels, forcing=False, key=jax.random.key(0))
    A = np.zeros((channels + 1, width, width))
    for position, letter in enumerate(word):
        A[letter, position + 1, position] = 1.0
    new = (jnp.asarray(A), jnp.zeros((width, channels)), jnp.zeros(width).at[0].set(1.0))
    return eqx.tree_at(lambda c: (c.A, c.C, c.d), cde, new)


@pytest.mark.parametrize("word", [(1,), (1, 2), (2, 1, 1), (0, 2, 1), (2, 0, 2, 1)])
def test_nilpotent_equation_returns_a_signature_coefficient(word):
    cde, paths = chain(word, 2), walks(6, 15, 2)
    expected = coefficient(add_time(paths), word)
    for method in ("exact", "signature"):
        features = random_features(cde, paths, method=method, tolerance=1e-12)
        np.testing.assert_allclose(features[:, -1], expected, rtol=0, atol=1e-14)


def test_homogeneous_diagonal_sees_the_endpoint_alone():
    cde = LinearCDE(16, 2, structure=Diagonal(), forcing=False, key=jax.random.key(1))
    ends = [solve(cde, path)[-1] for path in (CORNER, OTHER_CORNER)]
    np.testing.assert_allclose(*ends, rtol=1e-13)
    dense = LinearCDE(16, 2, forcing=False, key=jax.random.key(1))
    assert np.abs(solve(dense, CORNER)[-1] - solve(dense, OTHER_CORNER)[-1]).max() > 0.1


def test_forced_diagonal_does_not_see_the_order_of_later_increments():
    """With an impulse of the forcing at the first step, what follows enters by its sum."""
    rng = np.random.default_rng(2)
    steps = rng.normal(size=(8, 3))
    steps[1:, 2] = 0  # channel 3 of (t, x) moves at the first step alone, and it alone forces
    shuffled = np.concatenate([steps[:1], rng.permutation(steps[1:])])
    paths = [np.concatenate([np.zeros((1, 3)), s]).cumsum(0) for s in (steps, shuffled)]
    changes = []
    for kind in ({"structure": Diagonal()}, {}):
        cde = LinearCDE(8, 3, key=jax.random.key(3), **kind)
        only = jnp.zeros((8, 4)).at[:, 3].set(1.0)
        cde = eqx.tree_at(lambda c: (c.B, c.d), cde, (only, jnp.zeros(8)))
        ends = [solve(cde, path)[-1] for path in paths]
        changes.append(float(np.abs(ends[0] - ends[1]).max() / np.abs(ends[0]).max()))
    assert changes[0] < 1e-13
    assert changes[1] > 0.1


def test_forced_diagonal_reaches_the_area():
    r"""S^{12} = x1 x2 - \int (x1_T - x1_s) dx2_s, a derivative in the exponent of a channel."""
    nudge = 1e-4
    cde = LinearCDE(2, 2, structure=Diagonal(), key=jax.random.key(4))
    A = jnp.zeros((3, 2)).at[1].set(jnp.array([nudge, -nudge]))
    B = jnp.zeros((2, 3)).at[:, 2].set(1.0)
    cde = eqx.tree_at(lambda c: (c.A, c.B, c.C, c.d), cde, (A, B, jnp.zeros((2, 2)), jnp.zeros(2)))
    for path in (CORNER, OTHER_CORNER, walks(1, 20, 2)[0]):
        end = solve(cde, path)[-1]
        integral = float(end[0] - end[1]) / (2 * nudge)
        total = path[-1] - path[0]
        assert total[0] * total[1] - integral == pytest.approx(coefficient(path, (0, 1)), abs=1e-7)


@pytest.mark.parametrize(
    ("channels", "kind", "width", "low", "high"),
    [
        (2, {}, 128, 0.0, 0.05),
        (2, {"structure": Diagonal()}, 128, 0.0, 0.01),
        (2, {"structure": Diagonal(), "forcing": False}, 32, 0.65, 0.75),
        (3, {}, 128, 0.0, 0.5),
        (3, {"structure": Diagonal()}, 128, 0.66, 0.85),
    ],
)
def test_random_features_reach_what_their_family_can(channels, kind, width, low, high):
    """Error over predict-zero of the area (2-D) and the volume (3-D)."""
    paths = walks(9000, 21, channels)
    label = coefficient(paths, tuple(range(channels)))
    cde = LinearCDE(width, channels, key=jax.random.key(5), **kind)
    features = random_features(cde, paths, tolerance=3e-3)
    readout = fit_readout(features[:3000], label[:3000])
    error = readout.predict(features[3000:]) - label[3000:]
    ratio = np.sqrt(np.mean(error**2) / np.mean(label[3000:] ** 2))
    assert low <= ratio <= high


def draws_of_inner_product(width, structure, first, second, count):
    """`<Z(first), Z(second)> / width` for homogeneous equations with Z_0 ~ N(0, I)."""

    @eqx.filter_jit
    def draw(key):
        cde = LinearCDE(width, 2, structure=structure, forcing=False, key=key)
        cde = eqx.tree_at(lambda c: c.C, cde, jnp.zeros((width, 2)))
        ends = [solve(cde, path, order=16)[-1] for path in (first, second)]
        return ends[0] @ ends[1] / width

    return np.array([draw(key) for key in jax.random.split(jax.random.key(6), count)])


def test_dense_features_converge_to_the_signature_kernel():
    first, second = walks(2, 6, 2, seed=7)
    limit = float(kernel(add_time(first), add_time(second), dyadic_order=5))
    spreads = []
    for width in (64, 256):
        values = draws_of_inner_product(width, Dense(), first, second, 80)
        spreads.append(values.std())
        assert abs(values.mean() - limit) < 4 * values.std() / np.sqrt(80) + 2 * limit / width
    assert spreads[1] < 0.3 * limit
    assert spreads[0] / spreads[1] == pytest.approx(2.0, rel=0.35)  # width ** -1/2


def test_diagonal_features_converge_to_a_kernel_of_endpoints():
    first, second = walks(2, 6, 2, seed=8) * 0.5
    total = (add_time(first)[-1] - add_time(first)[0]) + (
        add_time(second)[-1] - add_time(second)[0]
    )
    values = draws_of_inner_product(4096, Diagonal(), first, second, 80)
    expected = np.exp(total @ total / 2)
    assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(80)

"""The token recurrence: equal to the solver, to plain loops, and in its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm, expm_frechet

from lcde_jax import LinearCDE, LinearCDEClassifier, TokenCDE, solve
from lcde_jax.tokens import TokenMatrices
from lcde_jax.tokens.classifier import _normalised
from lcde_jax.tokens.exponential import exponentials
from lcde_jax.tokens.scan import Drift, sum_outer_products, token_scan, token_scan_reference

KEY = jax.random.key(3)
EMBEDDING = np.asarray(jax.random.normal(jax.random.key(4), (5, 6)))
TOKENS = np.array([[1, 2, 3, 3, 0], [4, 4, 0, 1, 2]])


@jax.jit
def run(cde, tokens=TOKENS, mask=None):
    return cde(EMBEDDING, tokens, mask)


def arguments(vocabulary, width, batch, time):
    keys = jax.random.split(jax.random.key(vocabulary * width), 5)
    shapes = [(vocabulary, width, width), (vocabulary, width), (batch, width), (width, width)]
    drawn = [jax.random.normal(k, s) / 3 for k, s in zip(keys, shapes, strict=False)]
    tokens = jax.random.randint(keys[4], (batch, time), 0, vocabulary)
    return drawn, tokens


@pytest.mark.parametrize(
    ("sizes", "drifting"),
    [((1, 1, 1, 1), True), ((5, 3, 4, 7), True), ((3, 66, 2, 20), False), ((3, 4, 2, 0), True)],
)
def test_gradients_are_those_of_the_naive_scan(sizes, drifting):
    (matrices, offsets, initial, drift), tokens = arguments(*sizes)
    weights = jnp.linspace(-1, 1, tokens.shape[1])
    weighing = jax.random.normal(KEY, (*tokens.shape, sizes[1]))

    def value(scan):
        def of(matrices, offsets, initial, drift, offset):
            term = Drift(drift, offset, weights) if drifting else None
            return (scan(matrices, offsets, initial, tokens, term) * weighing).sum()

        return jax.jit(jax.value_and_grad(of, range(5)))(
            matrices, offsets, initial, drift, offsets[0]
        )

    ours, naive = value(token_scan), value(token_scan_reference)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(naive), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * max(1, np.abs(b).max()))


@pytest.mark.parametrize("width", [3, 65])
@pytest.mark.parametrize("rows", [0, 1, 16, 17, 100])
def test_outer_products_are_summed_by_token(width, rows):
    rng = np.random.default_rng(rows)
    tokens = rng.integers(0, 4, rows)
    left, right = rng.normal(size=(2, rows, width))
    expected = np.zeros((6, width, width))
    np.add.at(expected, tokens, left[:, :, None] * right[:, None])
    ours = jax.jit(sum_outer_products, static_argnums=3)(tokens, left, right, 6)
    np.testing.assert_allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize("scale", [0.0, 1e-3, 0.4, 5.0, 60.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exponentials_are_those_of_scipy(scale, dtype):
    matrices = np.random.default_rng(0).normal(size=(3, 5, 5)).astype(dtype) * scale / 5
    expected = np.stack([expm(m.astype(np.float64)) for m in matrices])
    tolerance = 1e-12 if dtype == "float64" else 2e-4 if scale > 10 else 1e-5
    found = np.asarray(jax.jit(exponentials)(matrices))
    error = np.abs(found - expected).max(axis=(1, 2))
    assert (error <= tolerance * np.abs(expected).max(axis=(1, 2))).all()


def test_exponentials_beyond_reach_are_nan_and_not_wrong():
    assert np.isnan(exponentials(jnp.full((1, 2, 2), 1e6))).all()


def test_gradient_of_the_exponential_is_that_of_frechet():
    matrices, directions = np.random.default_rng(1).normal(size=(2, 2, 4, 4))
    gradient = jax.jit(jax.grad(lambda m: (exponentials(m) ** 2).sum()))(matrices)
    for ours, matrix, direction in zip(gradient, matrices, directions, strict=True):
        whole, change = expm_frechet(matrix, direction)
        np.testing.assert_allclose((ours * direction).sum(), 2 * (whole * change).sum(), rtol=1e-9)


@pytest.mark.parametrize(("step", "method"), [("exponential", "exact"), ("first_order", "euler")])
def test_sums_of_embeddings_are_solved_exactly(step, method):
    forcing = step == "exponential"
    cde = TokenCDE(6, delta=0.3, step=step, forcing=forcing, key=KEY)
    full = LinearCDE(6, 6, forcing=forcing, key=KEY)
    path = np.concatenate([np.zeros((1, 6)), np.cumsum(EMBEDDING[TOKENS[0]], axis=0) * 0.3])
    expected = solve(full, path, times=np.arange(6) * 0.3, method=method)
    np.testing.assert_allclose(run(cde)[0], expected[1:], rtol=1e-9)


@pytest.mark.parametrize("step", ["exponential", "first_order"])
def test_differences_of_embeddings_are_solved_exactly(step):
    cde = TokenCDE(6, path="differences", step=step, delta=0.2, key=KEY)
    full = LinearCDE(6, 6, key=KEY)
    method = "exact" if step == "exponential" else "euler"
    expected = solve(full, EMBEDDING[TOKENS[0]], times=np.arange(5) * 0.2, method=method)
    np.testing.assert_allclose(run(cde)[0], expected, rtol=1e-9)


def test_published_form_is_its_loop():
    cde, full = TokenCDE(6, path="published", key=KEY), LinearCDE(6, 6, key=KEY)
    for states, tokens in zip(run(cde), TOKENS, strict=True):
        control = np.column_stack([np.linspace(0, 1, 5), EMBEDDING[tokens]])
        y = np.asarray(full.C) @ EMBEDDING[tokens[0]] + full.d
        expected = [y]
        for i in range(1, 5):
            field = np.einsum("iab,b->ai", full.A, y) + full.B
            y = y + field @ control[i] / 5
            expected.append(y)
        np.testing.assert_allclose(states, expected, rtol=1e-10)
        solved = solve(full, EMBEDDING[tokens], method="euler_values")
        np.testing.assert_allclose(states, solved, rtol=1e-10)


def test_step_of_one_over_the_length_depends_on_the_length():
    settings = {"step": "first_order", "key": KEY}
    cde, fixed = (TokenCDE(6, delta=delta, **settings) for delta in (None, 1 / 5))
    np.testing.assert_allclose(run(cde), run(fixed))
    assert not np.allclose(run(cde, TOKENS[:, :2]), run(fixed, TOKENS[:, :2]))


@pytest.mark.parametrize(
    "cde", [TokenMatrices(5, 6, key=KEY), TokenCDE(6, step="first_order", key=KEY)]
)
def test_masked_positions_leave_the_state_alone(cde):
    mask = np.array([[True, True, False, True, False], [False, True, True, True, True]])
    states = run(cde, TOKENS, mask)
    np.testing.assert_allclose(states[0, 1], states[0, 2])
    np.testing.assert_allclose(states[0, 3], states[0, 4])
    shorter = run(cde, TOKENS[:, [0, 1, 3]])
    np.testing.assert_allclose(states[0, [0, 1, 3]], shorter[0], rtol=1e-12)
    assert not np.allclose(states[0, 3], run(cde)[0, 3])


def test_free_matrices_are_the_rotations_that_solve_a_group():
    """A hand-set model of width 3 follows A5, as the theory says."""
    from seqtheory.representation import representation
    from seqtheory.tasks import GroupWords

    rotations, data = representation("A5"), GroupWords("A5", length=50, num_words=20).build(0)
    cde = TokenMatrices(60, 3, key=KEY)
    turning = jnp.asarray(rotations.matrices.swapaxes(1, 2))
    start = jnp.array([0.2, 0.5, 0.9])
    states = token_scan(turning, cde.forcing, jnp.tile(start, (20, 1)), data.inputs.astype(int))
    orbit = rotations.matrices.swapaxes(1, 2) @ np.asarray(start)
    np.testing.assert_array_equal(np.argmax(states @ orbit.T, axis=-1), data.targets)


def test_model_is_causal_and_rows_do_not_mix():
    model = jax.jit(LinearCDEClassifier(5, 4, 6, key=KEY).__call__)
    scores, changed = model(TOKENS), TOKENS.copy()
    changed[0, 3] = 1
    np.testing.assert_array_equal(model(changed)[0, :3], scores[0, :3])
    np.testing.assert_array_equal(model(changed)[1], scores[1])
    assert not np.allclose(model(changed)[0, 3], scores[0, 3])


def test_layer_norm_is_equinox_own_and_survives_large_states():
    model = LinearCDEClassifier(5, 4, 6, matrix_per_token=True, key=KEY)
    values = jax.random.normal(KEY, (3, 6)) * jnp.array([[1e-3], [1.0], [1e3]])
    expected = jax.vmap(model.norm)(values)
    np.testing.assert_allclose(_normalised(model.norm, values), expected, rtol=1e-12)
    huge = _normalised(model.norm, values * 1e200)
    np.testing.assert_allclose((huge**2).mean(axis=-1), 1, rtol=1e-9)


def test_dropout_needs_a_key_and_keeps_the_mean():
    model = LinearCDEClassifier(5, 4, 6, matrix_per_token=True, dropout=0.5, key=KEY)
    np.testing.assert_array_equal(model(TOKENS), model(TOKENS))
    assert not np.allclose(model(TOKENS, key=KEY), model(TOKENS))
    ones = jnp.ones((400, 100))
    np.testing.assert_allclose(model._dropped(ones, KEY).mean(), 1, atol=0.02)


def test_one_key_for_all_correlates_the_parts():
    ours = LinearCDEClassifier(6, 6, 6, key=KEY)
    published = LinearCDEClassifier(6, 6, 6, shared_key=True, key=KEY)
    np.testing.assert_array_equal(published.mix.weight, published.readout.weight)
    assert not np.allclose(ours.mix.weight, ours.readout.weight)


BAD_SETTINGS = [
    ({"width": 0}, "width=0"),
    ({"vocabulary": 0}, "vocabulary=0"),
    ({"num_classes": -1}, "num_classes=-1"),
    ({"dropout": 1.0}, "dropout=1.0"),
    ({"path": "sum"}, "did you mean 'sums'"),
    ({"step": "euler"}, "exponential"),
    ({"delta": 0.0}, "delta=0.0"),
]


@pytest.mark.parametrize(("setting", "message"), BAD_SETTINGS)
def test_bad_settings_are_refused(setting, message):
    sizes = {"vocabulary": 5, "num_classes": 4, "width": 6} | setting
    with pytest.raises(ValueError, match=message):
        LinearCDEClassifier(**sizes, key=KEY)


BAD_INPUTS = [
    (np.array([[0, 5]]), None, ValueError, r"tokens\[0, 1\] = 5, expected 0\.\.4"),
    (np.array([[-1, 0]]), None, ValueError, r"tokens\[0, 0\] = -1"),
    (np.zeros((0, 3), int), None, ValueError, "neither 0"),
    (np.zeros((3, 0), int), None, ValueError, "neither 0"),
    (np.zeros(3, int), None, ValueError, "batch, time"),
    (np.zeros((1, 3)), None, TypeError, "expected integers"),
    (np.zeros((2, 3), int), np.array([[1, 1, 1], [0, 0, 0]]) > 0, ValueError, "row 1"),
    (np.zeros((1, 3), int), np.ones((1, 2), bool), ValueError, "shape"),
    (np.zeros((1, 3), int), np.ones((1, 3)), TypeError, "expected bool"),
]


@pytest.mark.parametrize(("tokens", "mask", "error", "message"), BAD_INPUTS)
def test_bad_inputs_are_refused(tokens, mask, error, message):
    model = LinearCDEClassifier(5, 4, 6, matrix_per_token=True, key=KEY)
    with pytest.raises(error, match=message):
        model(tokens, mask)


def test_published_form_refuses_a_mask():
    model = LinearCDEClassifier(5, 4, 6, path="published", key=KEY)
    with pytest.raises(ValueError, match="path='sums'"):
        model(TOKENS, np.ones(TOKENS.shape, bool))

"""Solvers against the reference, and against each other as they are refined."""

from itertools import combinations, pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from lcde_jax import Adaptive, Diagonal, Euler, Exact, LinearCDE, LogODE, solve
from lcde_jax.solvers import log_ode, taylor
from seqtheory import linear_cde
from seqtheory.signature import add_time, log_signature


def a_path(seed=0, points=9, channels=2, scale=0.5):
    return np.cumsum(np.random.default_rng(seed).normal(size=(points, channels)), 0) * scale


def reference(cde, path, times=None):
    """The expm solution in float64."""
    times = np.linspace(0, 1, len(path)) if times is None else times
    diagonal = isinstance(cde.structure, Diagonal)
    A = np.stack([np.diag(row) for row in cde.A]) if diagonal else np.asarray(cde.A)
    B = np.zeros((cde.width, cde.channels + 1)) if cde.B is None else np.asarray(cde.B)
    driver = np.column_stack([times, path]).astype(np.float64)
    return linear_cde.solve(A, B, np.asarray(cde.initial_state(driver[0, 1:])), driver)


def smooth_path(points):
    t = np.linspace(0, 1, points)
    return np.column_stack([np.sin(2 * t), t**2 - np.cos(3 * t)])


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    seed=st.integers(0, 1000),
    sizes=st.sampled_from([(1, 1), (6, 3)]),
    forcing=st.booleans(),
    scale=st.sampled_from([0.0, 1e-3, 0.3, 4.0]),
)
def test_exact_solution_is_that_of_the_matrix_exponential(seed, sizes, forcing, scale):
    width, channels = sizes
    cde = LinearCDE(width, channels, forcing=forcing, key=jax.random.key(seed))
    path = a_path(seed, 5, channels, scale)
    states, expected = solve(cde, path), reference(cde, path)
    np.testing.assert_allclose(states, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("forcing", [True, False])
@pytest.mark.parametrize("scale", [1e-9, 0.3, 3.0])
def test_diagonal_closed_form_is_the_matrix_exponential(forcing, scale):
    cde = LinearCDE(5, 2, structure=Diagonal(), forcing=forcing, key=jax.random.key(1))
    path = a_path(1, scale=scale)
    np.testing.assert_allclose(solve(cde, path), reference(cde, path), rtol=1e-10)


@pytest.mark.parametrize("structure", [None, Diagonal()])
def test_exact_solution_in_float32_is_within_1e_5(structure):
    kind = {} if structure is None else {"structure": structure}
    cde = LinearCDE(32, 2, key=jax.random.key(2), **kind)
    path = a_path(2, 50, scale=0.05).astype(np.float32)
    states = solve(cde, path)
    assert states.dtype == jnp.float32
    expected = reference(cde, path)
    np.testing.assert_allclose(states, expected, atol=1e-5 * np.abs(expected).max())


def test_irregular_times_drive_the_time_channel():
    cde, path = LinearCDE(4, 2, key=jax.random.key(3)), a_path(3)
    times = np.cumsum(np.random.default_rng(3).uniform(0.1, 2.0, len(path)))
    np.testing.assert_allclose(
        solve(cde, path, times=times), reference(cde, path, times), rtol=1e-9
    )


def test_a_collinear_vertex_changes_nothing():
    cde, path = LinearCDE(4, 2, key=jax.random.key(4)), a_path(4, 3)
    times = np.array([0.0, 0.5, 1.0])
    refined = np.insert(path, 1, 0.75 * path[0] + 0.25 * path[1], axis=0)
    late = np.insert(times, 1, 0.125)
    np.testing.assert_allclose(
        solve(cde, refined, times=late)[-1], solve(cde, path, times=times)[-1], rtol=1e-11
    )


def test_constant_path_is_the_flow_of_time():
    cde = LinearCDE(4, 1, forcing=False, key=jax.random.key(5))
    path = np.full((7, 1), 0.3)
    expected = expm(np.asarray(cde.A[0])) @ np.asarray(cde.initial_state(path[0]))
    np.testing.assert_allclose(solve(cde, path)[-1], expected, rtol=1e-12)


@settings(deadline=None, derandomize=True, max_examples=20)
@given(seed=st.integers(0, 1000), increments=st.integers(1, 4), width=st.sampled_from([1, 3, 40]))
def test_norm_bound_holds_and_is_not_loose(seed, increments, width):
    rng = np.random.default_rng(seed)
    matrices = rng.normal(size=(increments, width, width)) * 10.0 ** rng.integers(-3, 4)
    bound = float(taylor.stack(jnp.asarray(matrices), None).norm_bound())
    for weights in rng.normal(size=(20, increments)):
        norm = np.linalg.norm(np.tensordot(weights, matrices, 1), 2)
        assert norm <= bound * np.linalg.norm(weights) * (1 + 1e-9)
    stacked = np.linalg.norm(np.concatenate(matrices, 1), 2)
    assert bound <= stacked * width ** (1 / 16) * (1 + 1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_order_of_the_series_is_the_smallest_that_the_bound_allows(dtype):
    limit = taylor.rounding(dtype)
    for norm in (1e-6, 0.01, 0.2, 0.7, 1.0, 2.5, 37.0):
        order, substeps = (int(n) for n in taylor.orders(jnp.asarray(norm, dtype), limit))
        theta = norm / substeps
        assert theta <= 1
        assert substeps == max(1, int(np.ceil(norm)))

        def remainder(m, theta=theta):
            ks = np.arange(m + 1, 60)
            return np.exp(
                (ks - 1) * np.log(theta) - np.cumsum(np.log(np.arange(1, 60)))[ks - 1]
            ).sum()

        assert remainder(order) <= limit
        assert remainder(order - 1) > 0.5 * limit or order == 1


def test_taylor_terms_converge_to_the_exact_solution():
    cde, path = LinearCDE(6, 2, key=jax.random.key(6)), a_path(6, scale=0.1)
    exact = solve(cde, path)
    errors = [float(jnp.abs(solve(cde, path, order=m) - exact).max()) for m in (1, 2, 4, 8)]
    assert all(later < 0.3 * earlier for earlier, later in pairwise(errors))


def test_vmap_gives_the_states_of_every_path():
    cde = LinearCDE(5, 2, key=jax.random.key(7))
    paths = np.stack([a_path(seed, scale=10.0 ** (seed - 2)) for seed in range(4)])
    together = jax.vmap(lambda path: solve(cde, path))(paths)
    for states, path in zip(together, paths, strict=True):
        np.testing.assert_allclose(states, solve(cde, path), rtol=1e-11)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "exact", "order": 12},
        {"method": "euler"},
    ],
)
def test_gradient_is_the_derivative(options):
    cde, path = LinearCDE(4, 2, key=jax.random.key(8)), jnp.asarray(a_path(8, 5, scale=0.2))

    def loss(cde):
        return jnp.sum(solve(cde, path, **options)[-1] ** 2)

    gradient = jax.grad(loss)(cde)
    direction = LinearCDE(4, 2, key=jax.random.key(9))
    nudge = 1e-5
    ahead, behind = (
        loss(jax.tree.map(lambda p, q, s=sign: p + s * nudge * q, cde, direction))
        for sign in (1, -1)
    )
    slope = sum(jax.tree.leaves(jax.tree.map(lambda g, q: jnp.sum(g * q), gradient, direction)))
    assert float(slope) == pytest.approx(float(ahead - behind) / (2 * nudge), rel=1e-5)


def test_diagonal_gradient_is_finite_at_a_zero_step():
    cde = LinearCDE(3, 1, structure=Diagonal(), key=jax.random.key(9))
    cde = jax.tree.map(lambda leaf: leaf, cde)
    path = jnp.zeros((3, 1))
    gradient = jax.grad(lambda c: solve(c, path, times=np.array([0.0, 1e-300, 1.0])).sum())(cde)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_adaptive_solution_tends_to_the_exact_one():
    cde, path = LinearCDE(8, 2, key=jax.random.key(10)), a_path(10, 20, scale=0.1)
    exact = np.asarray(solve(cde, path))
    scale = np.abs(exact).max()
    coarse = np.abs(solve(cde, path, method="adaptive") - exact).max() / scale
    fine = np.abs(solve(cde, path, method="adaptive", rtol=1e-9, atol=1e-9) - exact).max() / scale
    assert coarse < 0.05
    assert fine < 1e-7


@pytest.mark.parametrize("structure", [None, Diagonal()])
def test_euler_is_of_first_order(structure):
    kind = {} if structure is None else {"structure": structure}
    cde = LinearCDE(5, 2, key=jax.random.key(11), **kind)
    errors = []
    for points in (257, 513):
        path = smooth_path(points)
        errors.append(np.abs(solve(cde, path, method="euler")[-1] - solve(cde, path)[-1]).max())
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(rates, 1.0, atol=0.1)


def test_euler_values_steps_with_values_over_the_length():
    cde, path = LinearCDE(4, 2, key=jax.random.key(12)), a_path(12, 6)
    driver = add_time(path)
    state = np.asarray(cde.initial_state(path[0]))
    expected = [state]
    for value in driver[1:]:
        moved = np.tensordot(value, np.asarray(cde.A), 1) @ state + np.asarray(cde.B) @ value
        state = state + moved / len(path)
        expected.append(state)
    np.testing.assert_allclose(solve(cde, path, method="euler_values"), expected, rtol=1e-12)


@pytest.mark.parametrize(("order", "rate"), [(1, 2), (2, 4), (3, 4)])
def test_log_ode_converges_on_a_smooth_path(order, rate):
    """For smooth paths Magnus' terms 2, 3, 4 are O(h^3), O(h^5), O(h^5) in a window of h."""
    cde, path = LinearCDE(4, 2, key=jax.random.key(13)), smooth_path(513)
    exact = np.asarray(solve(cde, path)[-1])
    errors = [
        np.abs(solve(cde, path, method="log_ode", order=order, window=w)[-1] - exact).max()
        for w in (32, 16)
    ]
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(rates, rate, atol=0.4)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_log_ode_error_of_one_window_falls_with_the_scale_to_the_order_plus_one(order, channels):
    cde = LinearCDE(5, channels, key=jax.random.key(14))
    path, times = a_path(14, 6, channels), np.array([0.0, 0.3, 0.4, 0.9, 1.0, 1.6])
    errors = []
    for scale in (0.04, 0.02, 0.01):
        start, bent = path[0] * (1 - scale) + path * scale, times * scale
        exact = solve(cde, start, times=bent)[-1]
        one = solve(cde, start, times=bent, method="log_ode", order=order, window=99)
        assert one.shape == (2, 5)
        errors.append(np.abs(one[-1] - exact).max())
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(rates, order + 1, atol=0.25)


def test_log_ode_windows_of_one_segment_are_exact():
    cde, path = LinearCDE(5, 2, key=jax.random.key(15)), a_path(15)
    np.testing.assert_allclose(
        solve(cde, path, method="log_ode", window=1), solve(cde, path), rtol=1e-11
    )


def test_log_ode_gives_the_states_at_window_ends():
    cde, path = LinearCDE(5, 2, key=jax.random.key(16)), a_path(16, 8, scale=0.01)
    times = np.linspace(0, 0.1, 8)
    states = solve(cde, path, times=times, method="log_ode", order=3, window=3)
    expected = solve(cde, path, times=times)[np.array([0, 3, 6, 7])]
    np.testing.assert_allclose(states, expected, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_lie_coordinates_expand_to_the_logarithm_of_the_signature(channels):
    """Brackets of letters, weighted by the coordinates, give the logarithm at every word."""
    path = a_path(17, 7, channels)
    coordinates = np.asarray(log_ode.lie_coordinates(jnp.asarray(np.diff(path, axis=0)), 3))
    letters = list(np.eye(channels))

    def bracket(a, b):
        return np.multiply.outer(a, b) - np.multiply.outer(b, a)

    pairs = list(combinations(range(channels), 2))
    area = {(i, j): bracket(letters[i], letters[j]) for i, j in pairs}
    third = []
    for i, j in pairs:
        third += [bracket(letters[i], area[i, j]), bracket(area[i, j], letters[j])]
    for i, j, k in combinations(range(channels), 3):
        third += [bracket(letters[i], area[j, k]), bracket(area[i, k], letters[j])]
    basis = [letters, list(area.values()), third]
    assert len(coordinates) == sum(len(level) for level in basis)
    ends = np.cumsum([channels, channels**2])
    logarithm = np.split(log_signature(path, 3, expanded=True), ends)
    first = 0
    for level, expected in zip(basis, logarithm, strict=True):
        weights = coordinates[first : first + len(level)]
        expanded = np.tensordot(weights, level, 1).ravel()
        np.testing.assert_allclose(expanded, expected, atol=1e-12)
        first += len(level)


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (np.zeros((1, 2)), ValueError, "at least two"),
        (np.zeros((0, 2)), ValueError, "at least two"),
        (np.zeros((5, 3)), ValueError, "Do not add the time channel"),
        (np.zeros((5, 1)), ValueError, "channels=2"),
        (np.zeros((4, 5, 2)), ValueError, "vmap"),
        (np.zeros(5), ValueError, r"\(time, channel\)"),
        (np.zeros((5, 2), int), TypeError, "astype"),
        (np.zeros((5, 2), complex), TypeError, "complex"),
        (np.full((5, 2), np.nan), ValueError, r"path\[0, 0\] = nan"),
        (np.array([[0.0, 0.0], [0.0, np.inf]]), ValueError, r"path\[1, 1\] = inf"),
        (np.array([[0.0, 0.0], [1e6, 0.0]]), ValueError, "overflows"),
    ],
)
def test_bad_paths_are_refused(path, error, message):
    with pytest.raises(error, match=message):
        solve(LinearCDE(4, 2, key=jax.random.key(0)), path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "exakt"}, "did you mean 'exact'"),
        ({"method": "euler", "order": 2}, "order=2 .* leave it out"),
        ({"window": 8}, "window=8 .* leave it out"),
        ({"method": "log_ode", "rtol": 1e-3}, "rtol=0.001 .* leave it out"),
        ({"method": Adaptive(), "rtol": 1e-3}, "in the solver itself"),
        ({"order": 0}, "order=0"),
        ({"method": "log_ode", "order": 4}, "at most 3"),
        ({"method": "log_ode", "window": 0}, "window=0"),
        ({"method": "adaptive", "rtol": 0.0}, "rtol=0.0"),
        ({"method": "adaptive", "atol": -1.0}, "atol=-1.0"),
        ({"times": np.zeros(5)}, "strictly increasing"),
        ({"times": np.full(5, np.nan)}, "strictly increasing"),
        ({"times": np.arange(4.0)}, "times of shape"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        solve(LinearCDE(4, 2, key=jax.random.key(0)), np.zeros((5, 2)), **options)


@pytest.mark.parametrize(
    ("solver", "options"),
    [
        (Exact(order=3), {"order": 3}),
        (Adaptive(rtol=1e-6, atol=1e-4), {"method": "adaptive", "rtol": 1e-6, "atol": 1e-4}),
        (Euler(), {"method": "euler"}),
        (Euler(values=True), {"method": "euler_values"}),
        (LogODE(order=3, window=2), {"method": "log_ode", "order": 3, "window": 2}),
        (LogODE(), {"method": "log_ode", "order": 2, "window": 8}),
    ],
)
def test_a_name_and_its_settings_are_short_for_a_solver(solver, options):
    cde, path = LinearCDE(3, 2, key=jax.random.key(3)), a_path(3, 20)
    np.testing.assert_array_equal(solve(cde, path, method=solver), solve(cde, path, **options))


def test_log_ode_refuses_diagonal_matrices():
    cde = LinearCDE(4, 2, structure=Diagonal(), key=jax.random.key(0))
    with pytest.raises(ValueError, match="closed form"):
        solve(cde, np.zeros((5, 2)), method="log_ode")


def test_an_overflowing_step_under_vmap_gives_nan_and_returns():
    cde = LinearCDE(4, 1, key=jax.random.key(0))
    paths = np.array([[[0.0], [1e12]], [[0.0], [0.1]]])
    states = jax.vmap(lambda path: solve(cde, path))(paths)
    assert np.isnan(states[0, -1]).all()
    assert np.isfinite(states[1]).all()

"""Structured linear CDEs in JAX: products, solvers, features, scans and tokens."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lcde_jax as lj
from lcde_jax.structure import apply, norm_bound
from lcde_jax.tokens.transitions import structured_scan, transitions
from seqtheory import linear_cde

KEY = jax.random.key(0)
WIDTH = 8
STRUCTURES = [
    lj.BlockDiagonal(block_size=4),
    lj.DiagonalPlusLowRank(rank=2),
    lj.Sparse(density=0.3),
    lj.WalshHadamard(),
]
FIELDS = [lj.Dense(), lj.Diagonal(), *STRUCTURES]


def matrices(cde):
    return cde.structure.matrix({n: np.asarray(v) for n, v in cde.parameters.items()})


@pytest.fixture(scope="module")
def paths():
    steps = np.random.default_rng(0).standard_normal((5, 9, 2))
    return 0.1 * steps.cumsum(axis=1)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_every_solver_meets_the_reference(structure, paths):
    cde = lj.LinearCDE(WIDTH, 2, structure=structure, key=KEY)
    driver = np.concatenate([np.linspace(0, 1, 9)[:, None], paths[0]], axis=1)
    start = np.asarray(cde.initial_state(paths[0, 0]))
    expected = linear_cde.solve(matrices(cde), np.asarray(cde.B), start, driver)
    np.testing.assert_allclose(lj.solve(cde, paths[0]), expected, rtol=1e-11, atol=1e-11)
    adaptive = lj.solve(cde, paths[0], method="adaptive", rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(adaptive, expected, atol=1e-6)
    step = np.einsum("i,iab->ab", driver[1] - driver[0], matrices(cde))
    first = start + step @ start + np.asarray(cde.B) @ (driver[1] - driver[0])
    np.testing.assert_allclose(lj.solve(cde, paths[0], method="euler")[1], first, atol=1e-12)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_features_by_signature_meet_the_exact_ones(structure, paths):
    paths = 0.3 * paths
    cdes = [
        lj.LinearCDE(WIDTH, 2, structure=structure, forcing=forcing, key=KEY)
        for forcing in (True, False)
    ]
    for cde in cdes:
        exact = lj.random_features(cde, paths, method="exact")
        tails = [
            np.abs(lj.random_features(cde, paths, depth=depth) - exact).max() for depth in (4, 8)
        ]
        assert tails[1] < 2e-2
        assert tails[1] < 0.1 * tails[0]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_the_bound_of_the_norm_holds_and_is_no_waste(structure):
    cde = lj.LinearCDE(64, 2, structure=structure, key=KEY)
    whole, bound = matrices(cde), float(norm_bound(structure, cde.parameters))
    directions = np.random.default_rng(0).standard_normal((50, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    norms = np.linalg.norm(np.einsum("gi,iab->gab", directions, whole), 2, axis=(1, 2))
    assert norms.max() <= bound < 5 * norms.max()


@pytest.mark.parametrize("time", [1, 2, 11])
@pytest.mark.parametrize("structure", FIELDS, ids=str)
def test_scans_are_the_loop_of_whole_matrices(structure, time):
    drawn = structure.draw(WIDTH, (2, time), seed=1)
    parameters = {name: 0.5 * jnp.asarray(value) for name, value in drawn.items()}
    moves = transitions(structure, "first_order", parameters, WIDTH)
    whole, state, expected = np.asarray(moves.dense()), np.ones((2, WIDTH)), []
    generators = structure.matrix({n: np.asarray(v) for n, v in parameters.items()})
    np.testing.assert_allclose(whole, np.eye(WIDTH) + generators, atol=1e-13)
    for k in range(time):
        state = np.einsum("bij,bj->bi", whole[:, k], state)
        expected.append(state)
    backends = ["sequential", "chunked", *(["associative"] if moves.closed else [])]
    for backend in backends:
        found = structured_scan(moves, jnp.ones((2, WIDTH)), backend)
        np.testing.assert_allclose(found, np.stack(expected, 1), rtol=1e-10, err_msg=backend)
    if not moves.closed:
        with pytest.raises(ValueError, match="'associative' for structures that products keep"):
            structured_scan(moves, jnp.ones((2, WIDTH)), "associative")


@pytest.mark.parametrize("structure", [lj.Diagonal(), *STRUCTURES], ids=str)
def test_the_token_path_is_the_equation(structure):
    """First-order steps of the whole matrices, whose parameters are linear in the embedding."""
    cde = lj.TokenCDE(WIDTH, structure=structure, delta=0.1, key=KEY)
    embedding = jax.random.normal(jax.random.key(1), (3, WIDTH))
    tokens = jnp.array([[0, 2, 1, 1, 2]])
    state = np.asarray(cde.d)
    A = {name: np.asarray(value) for name, value in cde.A._asdict().items()}
    for k, token in enumerate(tokens[0]):
        inputs = np.concatenate([[1.0], embedding[token]])
        whole = structure.matrix({n: np.tensordot(inputs, v, 1) for n, v in A.items()})
        state = state + 0.1 * (whole @ state + np.asarray(cde.B) @ inputs)
        np.testing.assert_allclose(cde(embedding, tokens)[0, k], state, rtol=1e-10)
    mask = jnp.array([[True, True, False, False, True]])
    masked = cde(embedding, tokens, mask)[0]
    np.testing.assert_array_equal(masked[1], masked[3])


@pytest.mark.parametrize(
    "structure", [lj.Diagonal(), *STRUCTURES, lj.OneHotDiagonal(entries="real")], ids=str
)
def test_a_classifier_with_a_matrix_per_token_has_a_gradient(structure):
    model = lj.LinearCDEClassifier(5, 4, WIDTH, matrix_per_token=True, structure=structure, key=KEY)
    tokens = np.random.default_rng(0).integers(0, 5, (3, 7))
    whole = structure.matrix({n: np.asarray(v) for n, v in model.cde.matrices._asdict().items()})
    state = np.asarray(model.cde.d)
    for token in tokens[0]:
        state = whole[token] @ state
    np.testing.assert_allclose(model.cde(model.embedding, tokens)[0, -1], state, rtol=1e-9)
    gradient = jax.grad(lambda cde: cde(model.embedding, tokens).sum())(model.cde)
    for name, value in gradient.matrices._asdict().items():
        assert np.abs(value).max() > 0, name


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: lj.LinearCDE(4, 2, structure=lj.OneHotDiagonal(), key=KEY), TypeError, "a vector"),
        (lambda: lj.LinearCDE(6, 2, structure=lj.WalshHadamard(), key=KEY), ValueError, "power of"),
        (
            lambda: lj.TokenCDE(4, structure=lj.Sparse(), step="exponential", key=KEY),
            ValueError,
            "the exponential of such a matrix is dense",
        ),
        (
            lambda: lj.TokenCDE(4, structure=lj.Diagonal(), path="published", key=KEY),
            ValueError,
            "expected path='sums'",
        ),
        (
            lambda: lj.TokenCDE(4, structure=lj.Diagonal(), step="exponential", key=KEY),
            ValueError,
            "forcing=False",
        ),
        (
            lambda: lj.TokenMatrices(3, 4, structure=lj.OneHotDiagonal(), key=KEY),
            ValueError,
            "the states here are real",
        ),
        (
            lambda: lj.solve(
                lj.LinearCDE(4, 2, structure=lj.Sparse(), key=KEY), np.eye(2), method="log_ode"
            ),
            ValueError,
            "expected dense matrices",
        ),
    ],
)
def test_bad_input_is_named(make, error, said):
    with pytest.raises(error, match=said):
        make()


def test_products_meet_the_reference():
    for structure in FIELDS:
        drawn = structure.draw(16, (3,), seed=2)
        vectors = np.random.default_rng(3).standard_normal((4, 1, 16))
        parameters = {name: jnp.asarray(value) for name, value in drawn.items()}
        expected = structure.apply(drawn, vectors)
        np.testing.assert_allclose(apply(structure, parameters, vectors), expected, atol=1e-12)

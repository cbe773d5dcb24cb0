"""Structures of a matrix: layout, reference, product, size of random words, and bad input."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np
import pytest

from seqtheory import structure as st

WIDTH = 16
STRUCTURES = [
    st.Dense(),
    st.Diagonal(),
    st.BlockDiagonal(block_size=4),
    st.DiagonalPlusLowRank(rank=3),
    st.Sparse(density=0.3),
    st.WalshHadamard(),
    st.OneHotDiagonal(),
    st.OneHotDiagonal(entries="real"),
    st.OneHotDiagonal(one_per="row"),
]
FIELDS = [s for s in STRUCTURES if not isinstance(s, st.OneHotDiagonal)]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_the_product_is_that_of_the_matrix(structure):
    parameters = structure.draw(WIDTH, (3, 1), seed=0)
    vectors = np.random.default_rng(1).standard_normal((5, WIDTH))
    expected = np.einsum("cqij,qj->cqi", structure.matrix(parameters), vectors[:1])
    np.testing.assert_allclose(structure.apply(parameters, vectors[:1]), expected, atol=1e-13)
    assert structure.apply(parameters, vectors).shape == (3, 5, WIDTH)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_parameters_are_counted_and_laid_out_as_promised(structure):
    shapes, drawn = structure.shapes(WIDTH), structure.draw(WIDTH, (2,), seed=0)
    assert structure.num_parameters(WIDTH) == sum(map(prod, shapes.values()))
    assert list(drawn) == list(shapes) == list(structure.scales(WIDTH))
    assert all(drawn[name].shape == (2, *shape) for name, shape in shapes.items())
    assert structure.matrix(drawn).shape == (2, WIDTH, WIDTH)


@pytest.mark.parametrize("structure", FIELDS, ids=str)
def test_random_words_keep_the_size_of_a_vector_at_any_width(structure):
    """The first condition of the limit to the signature kernel: every word counts once."""
    for width in (16, 64):
        sizes = []
        for seed in range(200):
            drawn = structure.draw(width, (2,), seed)
            one, two = ({n: v[i] for n, v in drawn.items()} for i in range(2))
            start = np.random.default_rng(seed + 1000).standard_normal(width)
            sizes.append(np.mean(structure.apply(two, structure.apply(one, start)) ** 2))
        assert 0.75 < np.mean(sizes) < 1.3, width


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_closed_structures_are_those_whose_products_have_it(structure):
    """A product has the zeros of its factors, or for `Dense` nothing to keep."""
    first, second = structure.matrix(structure.draw(WIDTH, (2,), seed=3))
    product = first @ second
    if isinstance(structure, st.OneHotDiagonal):
        axis = 0 if structure.one_per == "column" else 1
        assert (np.count_nonzero(product, axis=axis) == 1).all()
    elif structure.closed and not isinstance(structure, st.Dense):
        assert (product[first == 0] == 0).all()
    elif isinstance(structure, st.Sparse):
        assert np.count_nonzero(product) > np.count_nonzero(first)
    elif isinstance(structure, st.DiagonalPlusLowRank):
        assert _ranks_off_diagonal(product) > _ranks_off_diagonal(first) == structure.rank
    elif isinstance(structure, st.WalshHadamard):
        undone = st.hadamard_transform(product.T).T
        assert np.abs(undone - np.diag(np.diag(undone))).max() > 0.1


def _ranks_off_diagonal(matrix: np.ndarray) -> int:
    """Rank of the part above the diagonal blocks, which the diagonal does not touch."""
    half = len(matrix) // 2
    return int(np.linalg.matrix_rank(matrix[:half, half:]))


def test_only_diagonal_matrices_commute():
    for structure in FIELDS:
        first, second = structure.matrix(structure.draw(WIDTH, (2,), seed=4))
        commute = np.allclose(first @ second, second @ first)
        assert commute == isinstance(structure, st.Diagonal), structure


def test_the_walsh_hadamard_matrix_is_orthogonal_and_its_own_inverse():
    matrix = st.hadamard_transform(np.eye(32))
    np.testing.assert_allclose(matrix @ matrix, np.eye(32), atol=1e-14)
    np.testing.assert_array_equal(matrix, matrix.T)


def test_the_sparse_pattern_is_fixed_by_its_seed_and_shared():
    pattern = st.Sparse(density=0.25, seed=7)
    assert np.array_equal(pattern.columns(12), st.Sparse(density=0.25, seed=7).columns(12))
    assert not np.array_equal(pattern.columns(12), st.Sparse(density=0.25, seed=8).columns(12))
    assert all(a < b for row in pattern.columns(12) for a, b in pairwise(row))
    one, two = pattern.matrix(pattern.draw(12, (2,), seed=0))
    assert np.array_equal(one == 0, two == 0)
    assert np.count_nonzero(one) == 12 * 3


def test_costs_are_in_the_order_of_the_theory():
    """Block-diagonal costs b times the diagonal; the transform n log n; dense n^2."""
    for width in (64, 256):
        diagonal = st.Diagonal().cost(width)
        assert st.BlockDiagonal(block_size=8).cost(width) == 8 * diagonal
        assert st.WalshHadamard().cost(width) == width * (1 + np.log2(width))
        assert st.DiagonalPlusLowRank(rank=2).cost(width) == 5 * width
        assert st.Dense().cost(width) == width**2
    sparse = [st.Sparse(density=0.1).cost(width) for width in (100, 200)]
    assert sparse == [1000, 4000]


def test_permutations_are_one_hot_matrices():
    logits = np.zeros((4, 4))
    logits[[2, 0, 3, 1], np.arange(4)] = 1.0
    structure = st.OneHotDiagonal(entries="real")
    parameters = {"choice": logits, "magnitude": np.full(4, 40.0)}
    assert np.array_equal(structure.matrix(parameters), logits)
    assert np.array_equal(structure.chosen(parameters), [2, 0, 3, 1])
    complex_one = st.OneHotDiagonal().matrix(parameters | {"phase": np.full(4, np.pi / 2)})
    np.testing.assert_allclose(complex_one, 1j * logits, atol=1e-15)
    by_row = st.OneHotDiagonal(entries="real", one_per="row")
    assert np.array_equal(by_row.matrix(parameters), logits)


def test_a_choice_per_row_is_the_transpose_of_one_per_column():
    drawn = st.OneHotDiagonal().draw(WIDTH, (2,), seed=0)
    turned = drawn | {"choice": drawn["choice"].swapaxes(-1, -2)}
    found = st.OneHotDiagonal(one_per="row").matrix(turned)
    np.testing.assert_array_equal(found, st.OneHotDiagonal().matrix(drawn).swapaxes(-1, -2))


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (
            lambda: st.BlockDiagonal(block_size=0),
            ValueError,
            "block_size=0: expected an integer of at least",
        ),
        (lambda: st.DiagonalPlusLowRank(rank=1.5), TypeError, "rank=1.5: expected an integer"),
        (lambda: st.Sparse(density=0.0), ValueError, "density=0.0: expected a positive number"),
        (lambda: st.Sparse(density=1.5), ValueError, "density=1.5 is a share"),
        (lambda: st.OneHotDiagonal(entries="both"), ValueError, "entries='both': expected one of"),
        (lambda: st.OneHotDiagonal(one_per="both"), ValueError, "one_per='both': expected one of"),
        (lambda: st.BlockDiagonal().shapes(6), ValueError, "width=6 cannot be cut into blocks"),
        (lambda: st.WalshHadamard().shapes(24), ValueError, "power of two.*choose 16 or 32"),
        (lambda: st.Dense().shapes(0), ValueError, "width=0: expected an integer of at least"),
        (lambda: st.Dense().matrix({}), ValueError, r"got the parameters \[\], expected \['matrix"),
        (lambda: st.Dense().matrix({"matrix": np.ones((2, 3))}), ValueError, r"expected \(..., 2"),
        (lambda: st.Dense().matrix({"matrix": 1.0}), ValueError, r"of shape \(\), expected at le"),
        (lambda: st.Diagonal().matrix({"diagonal": ["a"]}), TypeError, "expected real numbers"),
        (
            lambda: st.DiagonalPlusLowRank(rank=1).matrix(
                {"diagonal": np.ones(3), "left": np.ones((3, 2)), "right": np.ones((3, 1))}
            ),
            ValueError,
            r"got left of shape \(3, 2\), expected \(..., 3, 1\)",
        ),
    ],
)
def test_bad_input_is_named(make, error, said):
    with pytest.raises(error, match=said):
        make()

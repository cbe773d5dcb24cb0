"""What is no number stays none under a transformation, where no value can be checked."""

import jax
import numpy as np
import pytest

from lcde_jax import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    LinearCDE,
    Sparse,
    WalshHadamard,
    solve,
)

STRUCTURES = (
    Dense(),
    Diagonal(),
    BlockDiagonal(block_size=2),
    DiagonalPlusLowRank(rank=1),
    Sparse(density=1.0),
    WalshHadamard(),
)
CASES = [
    *((structure, "exact") for structure in STRUCTURES),
    *((Dense(), method) for method in ("adaptive", "euler", "euler_values", "log_ode")),
]


def paths(channels=2):
    return np.random.default_rng(0).normal(size=(5, 6, channels)) * 0.1


@pytest.mark.parametrize(("structure", "method"), CASES, ids=lambda case: str(case)[:12])
def test_a_value_that_is_no_number_gives_states_that_are_none(structure, method):
    cde = LinearCDE(4, 2, structure=structure, key=jax.random.key(0))
    bad = paths()
    bad[1, 0, 1], bad[2, 2, 0], bad[3, -1, 1] = np.nan, np.inf, np.nan
    states = jax.vmap(lambda path: solve(cde, path, method=method))(bad)
    assert np.isfinite(states[0]).all()
    assert np.isfinite(states[4]).all()
    assert not np.isfinite(states[1:4, -1]).any()


def test_a_window_too_long_for_its_exponential_gives_nan_and_no_other_number():
    cde = LinearCDE(4, 2, key=jax.random.key(0))
    states = jax.jit(lambda path: solve(cde, path, method="log_ode"))(paths()[0] * 1e6)
    assert not np.isfinite(states[-1]).any()


def test_matrices_that_are_no_numbers_give_states_that_are_none():
    cde = jax.tree.map(lambda leaf: leaf * np.nan, LinearCDE(4, 2, key=jax.random.key(0)))
    states = jax.jit(solve)(cde, paths()[0])
    assert np.isnan(states[-1]).all()

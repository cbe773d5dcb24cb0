"""Random orthogonal starts of structured transitions, and tokens as unit vectors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lcde_jax as lj
from lcde_jax.sequence.orthogonal import orthogonal
from lcde_jax.train.optimiser import statistics, tensor_names
from seqtheory.structure import BlockDiagonal, Dense, Diagonal, DiagonalPlusLowRank, WalshHadamard

KEY = jax.random.key(0)
STRUCTURES = [
    Dense(),
    Diagonal(),
    BlockDiagonal(block_size=4),
    DiagonalPlusLowRank(rank=3),
    WalshHadamard(),
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_matrices_of_the_start_keep_the_norm(structure) -> None:
    found = orthogonal(structure, 16, 5, jnp.float32, KEY)
    for matrix in structure.matrix({name: np.asarray(p) for name, p in found.items()}):
        assert np.abs(matrix @ matrix.T - np.eye(16)).max() < 1e-5


@pytest.mark.parametrize("structure", [Dense(), BlockDiagonal(block_size=4)], ids=str)
def test_dense_matrices_and_blocks_are_rotations(structure) -> None:
    (blocks,) = orthogonal(structure, 8, 20, jnp.float32, KEY).values()
    assert (jnp.linalg.det(blocks) > 0).all()


def test_unit_vectors_are_kept_but_not_trained() -> None:
    config = lj.SequenceModelConfig(
        mixer=lj.LinearCDEConfig(state_dim=4, transition="direct", initial="orthogonal"),
        input=lj.TokenInput(vocabulary=3, one_hot=True),
        output=lj.StepOutput(size=3),
        width=4,
    )
    model = config.build(KEY)
    held = [n for n, still in zip(tensor_names(model), statistics(model), strict=True) if still]
    assert held == ["embedding.table"]
    assert (model.embedding.table == jnp.eye(3, 4)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"transition": "first_order"}, 'expected "direct"'),
        ({"structure": lj.Sparse(density=0.5)}, "expected one of Dense"),
        ({"initial": "orthonormal"}, "initial='orthonormal'"),
    ],
)
def test_a_start_that_cannot_be_is_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        lj.LinearCDEConfig(
            **{"state_dim": 8, "transition": "direct", "initial": "orthogonal", **settings}
        )


def test_unit_vectors_need_a_model_as_wide_as_the_vocabulary() -> None:
    with pytest.raises(ValueError, match="width=32 is too small for unit vectors of 60"):
        lj.TokenInput(vocabulary=60, one_hot=True).build(32, dtype=jnp.float32, key=KEY)

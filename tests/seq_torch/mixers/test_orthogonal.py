"""Random orthogonal starts of structured transitions, and tokens as unit vectors."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import seq_torch as st
from seq_torch.mixers.parts.orthogonal import orthogonal
from seqtheory.structure import Structure

STRUCTURES: list[Structure] = [
    st.Dense(),
    st.Diagonal(),
    st.BlockDiagonal(block_size=4),
    st.DiagonalPlusLowRank(rank=3),
    st.WalshHadamard(),
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_matrices_of_the_start_keep_the_norm(structure: Structure) -> None:
    found = orthogonal(structure, 16, 5)
    for matrix in structure.matrix({name: t.double().numpy() for name, t in found.items()}):
        assert torch.from_numpy(matrix @ matrix.T).sub(torch.eye(16)).abs().max() < 1e-5


@pytest.mark.parametrize("structure", [st.Dense(), st.BlockDiagonal(block_size=4)], ids=str)
def test_dense_matrices_and_blocks_are_rotations(structure: Structure) -> None:
    (blocks,) = orthogonal(structure, 8, 20).values()
    assert (torch.linalg.det(blocks) > 0).all()


def test_reflections_are_all_of_their_rank() -> None:
    found = orthogonal(st.DiagonalPlusLowRank(rank=2), 8, 10)
    product = found["left"] @ found["right"].mT * found["diagonal"][..., None]
    assert (torch.linalg.matrix_rank(product, atol=1e-4) == 2).all()


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_every_token_has_a_matrix_of_its_own(structure: Structure) -> None:
    model = st.SequenceModelConfig(
        mixer=st.LinearCDEConfig(
            state_dim=8, structure=structure, transition="direct", initial="orthogonal"
        ),
        input=st.TokenInput(vocabulary=5, one_hot=True),
        output=st.StepOutput(size=5),
        width=6,
    ).build(0)
    mixer: Any = model.layers[0].mixer
    matrices = mixer.matrices(torch.eye(5, 6))
    assert (matrices @ matrices.mT - torch.eye(8)).abs().max() < 1e-5
    with torch.no_grad():
        for parameter in mixer.A.values():
            parameter[3] += 0.1  # behind the axis of time stands the matrix of token 2
    moved = (mixer.matrices(torch.eye(5, 6)) != matrices).flatten(1).any(dim=1)
    assert moved.tolist() == [False, False, True, False, False]


def test_unit_vectors_are_kept_but_not_trained() -> None:
    model = st.SequenceModelConfig(
        mixer=st.RNNConfig(),
        input=st.TokenInput(vocabulary=3, one_hot=True),
        output=st.StepOutput(size=3),
        width=4,
    ).build(0)
    tables = [name for name in model.state_dict() if name.endswith("table")]
    assert len(tables) == 1
    assert tables[0] not in dict(model.named_parameters())
    assert torch.equal(model.state_dict()[tables[0]], torch.eye(3, 4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"transition": "first_order"}, 'expected "direct"'),
        ({"structure": st.Sparse(density=0.5)}, "expected one of Dense"),
        ({"initial": "orthonormal"}, "initial='orthonormal'"),
    ],
)
def test_a_start_that_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        st.LinearCDEConfig(
            **{"state_dim": 8, "transition": "direct", "initial": "orthogonal", **settings}
        )


def test_unit_vectors_need_a_model_as_wide_as_the_vocabulary() -> None:
    config = st.SequenceModelConfig(
        mixer=st.RNNConfig(),
        input=st.TokenInput(vocabulary=60, one_hot=True),
        output=st.StepOutput(size=60),
        width=32,
    )
    with pytest.raises(ValueError, match="width=32 is too small for unit vectors of 60"):
        config.build(0)

"""The transition classes of the study: what theory knows of each, and the mixer that trains it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

from seqtheory.expressivity import Transition

Model = Literal[
    "s4d",
    "mamba",
    "mamba_signed",
    "complex_diagonal",
    "delta_net",
    "delta_net_signed",
    "delta_product",
    "block_diagonal",
    "low_rank",
    "dense",
    "rnn",
]
MODELS: tuple[Model, ...] = get_args(Model)


class Kind(NamedTuple):
    """Name of a class in tables, and what theory is told of it; None for a nonlinear one."""

    name: str
    transition: Transition | None


KINDS: dict[str, Kind] = {
    "s4d": Kind("S4D", Transition("diagonal", "complex", input_dependent=False)),
    "mamba": Kind("Mamba [0, 1]", Transition("diagonal", "unit")),
    "mamba_signed": Kind("Mamba [-1, 1]", Transition("diagonal", "signed")),
    "complex_diagonal": Kind("complex diagonal", Transition("diagonal", "complex")),
    "delta_net": Kind("DeltaNet [0, 1]", Transition("householder", "unit")),
    "delta_net_signed": Kind("DeltaNet [-1, 1]", Transition("householder", "signed")),
    "delta_product": Kind(
        "DeltaProduct 2, [-1, 1]", Transition("householder", "signed", factors=2)
    ),
    "block_diagonal": Kind("blocks of 4", Transition("block_diagonal", "complex", size=4)),
    "low_rank": Kind(
        "diagonal + rank 24", Transition("diagonal_plus_low_rank", "complex", factors=24)
    ),
    "dense": Kind("dense", Transition("dense", "complex")),
    "rnn": Kind("RNN", None),
}
"""In the order of tables."""

STRUCTURED = ("block_diagonal", "low_rank", "dense")
"""Linear CDEs: a matrix per token, which starts as a rotation."""
_HEADS = 4


def mixer(model: Model, state_dim: int) -> Any:
    """Give the settings of the torch mixer of a class.

    Parameters
    ----------
    model
        The class.
    state_dim
        Entries of the state: per channel for S4D and Mamba; rows, and columns, of each of four
        heads for the delta rule; in all for the others. An RNN has its width.
    """
    import seq_torch as st

    head = {"heads": _HEADS, "key_dim": state_dim, "value_dim": state_dim, "block": False}
    match model:
        case "s4d":
            return st.S4DConfig(state_dim=state_dim)
        case "mamba":
            return st.MambaConfig(block=False, state_dim=state_dim)
        case "mamba_signed":
            return st.MambaConfig(block=False, state_dim=state_dim, eigenvalues="signed")
        case "complex_diagonal":
            return st.SelectiveDiagonalConfig(state_dim=state_dim)
        case "delta_net":
            return st.DeltaNetConfig(**head, trained_start=True)
        case "delta_net_signed":
            return st.DeltaNetConfig(**head, trained_start=True, eigenvalues="signed")
        case "delta_product":
            return st.DeltaProductConfig(
                **head, trained_start=True, eigenvalues="signed", factors=2
            )
        case "rnn":
            return st.RNNConfig()
        case _:
            return st.LinearCDEConfig(
                state_dim=state_dim,
                structure=_structure(model),
                transition="direct",
                initial="orthogonal",
            )


def _structure(model: Model) -> Any:
    from seqtheory.structure import BlockDiagonal, Dense, DiagonalPlusLowRank

    match model:
        case "block_diagonal":
            return BlockDiagonal(block_size=4)
        case "low_rank":
            return DiagonalPlusLowRank(rank=24)
        case _:
            return Dense()

"""The transition classes of the study: what theory knows of each, and the mixer that trains it."""

from __future__ import annotations

from typing import Any, Literal

Model = Literal[
    "s4d",
    "mamba",
    "mamba_signed",
    "complex_diagonal",
    "delta_net",
    "delta_net_signed",
    "delta_product_signed",
    "block_diagonal",
    "low_rank",
    "dense",
    "rnn",
]

NAMES: dict[str, str] = {
    "s4d": "S4D",
    "mamba": "Mamba [0, 1]",
    "mamba_signed": "Mamba [-1, 1]",
    "complex_diagonal": "complex diagonal",
    "delta_net": "DeltaNet [0, 1]",
    "delta_net_signed": "DeltaNet [-1, 1]",
    "delta_product_signed": "DeltaProduct 2, [-1, 1]",
    "block_diagonal": "blocks of 4",
    "low_rank": "diagonal + rank 4",
    "dense": "dense",
    "rnn": "RNN",
}
"""Names in tables and figures, in their order."""

MODELS: tuple[str, ...] = tuple(NAMES)


def mixer(model: Model, state_dim: int) -> Any:
    """Settings of the torch mixer of a transition class.

    Parameters
    ----------
    model
        The class.
    state_dim
        Entries of the state: per channel for S4D and Mamba, rows of keys and values of each of
        four heads for the delta rule, in all for the others.
    """
    import seq_torch as st

    match model:
        case "s4d":
            return st.S4DConfig(state_dim=state_dim)
        case "mamba":
            return st.MambaConfig(block=False, state_dim=state_dim)
        case "mamba_signed":
            return st.MambaConfig(block=False, state_dim=state_dim, eigenvalues="signed")
        case "complex_diagonal":
            return st.SelectiveDiagonalConfig(state_dim=state_dim)
        case _:
            raise NotImplementedError

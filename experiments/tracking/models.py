"""The transition classes of the study: what theory knows of each, and the mixer that trains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

from seqtheory.expressivity import Transition

if TYPE_CHECKING:
    from types import ModuleType

    from experiments.tracking.tasks import AnyTask

TorchModel = Literal[
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
    "pd_ssm",
    "pd_ssm_rows",
]
LinearCDEModel = Literal["diagonal", "block_diagonal", "low_rank", "dense"]
Model = TorchModel | LinearCDEModel
ONE_HOT: tuple[TorchModel, ...] = ("pd_ssm", "pd_ssm_rows")
"""One 1 per column, as in the paper of PD-SSM, and per row, as in its torch code."""
MODELS: tuple[TorchModel, ...] = tuple(m for m in get_args(TorchModel) if m not in ONE_HOT)
LINEAR_CDES: tuple[LinearCDEModel, ...] = get_args(LinearCDEModel)
"""A matrix per token, which starts as a rotation, or for a diagonal as random signs."""
STRUCTURED = ("block_diagonal", "low_rank", "dense")
"""Linear CDEs of both frameworks."""
_HEADS = 4


class Kind(NamedTuple):
    """Name of a class in tables, and its transition as `seqtheory.expressivity` describes it.

    The transition is None for a nonlinear class, of which the theory says nothing.
    """

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
    "diagonal": Kind("real diagonal", Transition("diagonal", "signed")),
    "block_diagonal": Kind("blocks of 4", Transition("block_diagonal", "complex", size=4)),
    "low_rank": Kind(
        "diagonal + rank 24", Transition("diagonal_plus_low_rank", "complex", factors=24)
    ),
    "dense": Kind("dense", Transition("dense", "complex")),
    "rnn": Kind("RNN", None),
    "pd_ssm": Kind("PD-SSM", Transition("one_hot_diagonal", "complex")),
    "pd_ssm_rows": Kind("PD-SSM by rows", Transition("diagonal_one_hot", "complex")),
}
"""All classes, in the order of tables.

The entries of the real diagonal are free, but its transition is given as [-1, 1]: with larger
entries the state grows without bound, and no finite precision holds it.
"""


def mixer(model: TorchModel, state_dim: int) -> Any:
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
    # A reflection that is exact to the last digit, which thousands of positions ask for.
    head |= {"normalisation": "exact", "trained_start": True}
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
            return st.DeltaNetConfig(**head)
        case "delta_net_signed":
            return st.DeltaNetConfig(**head, eigenvalues="signed")
        case "delta_product":
            return st.DeltaProductConfig(**head, eigenvalues="signed", factors=2)
        case "rnn":
            return st.RNNConfig()
        case "pd_ssm":
            return st.PDSSMConfig(state_dim=state_dim)
        case "pd_ssm_rows":
            return st.PDSSMConfig(state_dim=state_dim, one_per="row")
        case _:
            return linear_cde(st, model, state_dim)


def linear_cde(framework: ModuleType, model: LinearCDEModel, state_dim: int) -> Any:
    """Give the settings of a linear CDE of `state_dim` entries, in `seq_torch` or `lcde_jax`."""
    return framework.LinearCDEConfig(
        state_dim=state_dim,
        structure=_structure(model),
        transition="direct",
        initial="orthogonal",
    )


class Shaped(Protocol):
    """A run that says what is tracked, by how many layers of how many channels."""

    @property
    def task(self) -> AnyTask:
        """What is tracked."""
        ...

    @property
    def width(self) -> int:
        """Channels."""
        ...

    @property
    def depth(self) -> int:
        """Layers."""
        ...


def model_config(framework: ModuleType, run: Shaped, mixer: Any, *, one_hot: bool) -> Any:
    """Give the settings of a run's whole model around its mixer, of the same framework."""
    return framework.SequenceModelConfig(
        mixer=mixer,
        input=framework.TokenInput(vocabulary=run.task.num_tokens, one_hot=one_hot),
        output=framework.StepOutput(size=run.task.num_classes),
        width=run.width,
        depth=run.depth,
    )


def _structure(model: LinearCDEModel) -> Any:
    from seqtheory.structure import BlockDiagonal, Dense, Diagonal, DiagonalPlusLowRank

    match model:
        case "diagonal":
            return Diagonal()
        case "block_diagonal":
            return BlockDiagonal(block_size=4)
        case "low_rank":
            return DiagonalPlusLowRank(rank=24)
        case _:
            return Dense()

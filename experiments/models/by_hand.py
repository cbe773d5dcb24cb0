"""Models whose weights are set by hand, as runs: stacks, representations, integrals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.run import Run
from seqtheory.checks import require_choice, require_flag, require_integer
from seqtheory.group import order_of
from seqtheory.tasks import GroupWords, SignatureLabels

if TYPE_CHECKING:
    from seqtheory.representation import Representation


@dataclass(frozen=True, kw_only=True)
class WordsRun(Run):
    """A model of the words of a group, right by construction.

    Parameters
    ----------
    group
        Whose products it follows.
    length
        Letters of a word.
    num_longer, data_seed
        Words of each length to test it on, and what they are drawn from.
    factors
        Those lengths, over `length`.
    """

    group: str = "A5"
    length: int = 16
    num_longer: int = 200
    data_seed: int = 0
    factors: tuple[int, ...] = (1, 2, 4)

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        order_of(self.group)
        for name in ("length", "num_longer"):
            require_integer(name, getattr(self, name), minimum=2)

    @property
    def task(self) -> GroupWords:
        """Words of that length."""
        return GroupWords(self.group, self.length, self.num_longer)

    @property
    def tested(self) -> list[int]:
        """Lengths at which it is tested."""
        return [factor * self.length for factor in self.factors]


@dataclass(frozen=True, kw_only=True)
class StackRun(WordsRun):
    """A stack of published blocks that multiplies windows of letters, right up to `length`.

    Parameters
    ----------
    mixer
        "s4", or "mamba", the bare S6 with a state for every position.
    """

    mixer: Literal["s4", "mamba"] = "s4"

    def __post_init__(self) -> None:
        """Refuse an unknown mixer."""
        super().__post_init__()
        require_choice("mixer", self.mixer, ("s4", "mamba"))


@dataclass(frozen=True, kw_only=True)
class RepresentationRun(WordsRun):
    """A linear CDE whose matrices are those of the group: right at every length."""


@dataclass(frozen=True, kw_only=True)
class IntegralRun(Run):
    """Layers of the bare S6 that integrate a path.

    Parameters
    ----------
    letters, fed, input_dependent_C, depth
        Cell of the design, read at the last position; see `seq_torch.constructed.IntegralCell`.
    length, num_paths, data_seed
        Points of a path, paths to test it on, and what they are drawn from.
    small
        The small parameter of a construction that is right in a limit.
    """

    letters: int = 3
    fed: Literal["values", "increments", "both"] = "both"
    input_dependent_C: bool = True
    depth: int = 1
    length: int = 20
    num_paths: int = 500
    data_seed: int = 0
    small: float = 1e-5

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        require_integer("letters", self.letters, 2, 3)
        require_integer("length", self.length, minimum=2)
        require_integer("num_paths", self.num_paths, minimum=2)
        require_flag("input_dependent_C", self.input_dependent_C)


def stack(run: StackRun) -> Any:
    """Build the stack of a run, with as many blocks as its length needs."""
    from seq_torch import MambaConfig, constructed

    mixer = MambaConfig(block=False, state_dim=run.length) if run.mixer == "mamba" else None
    return constructed.word_problem(_matrices(run), run.length, mixer=mixer)


def recurrence(run: RepresentationRun) -> Any:
    r"""Build the recurrence of a representation, in float64.

    The state is the product of the letters' matrices, row by row,

    .. math:: S_k = S_{k-1}\, \rho(x_k), \qquad S_0 = I,

    and the greatest of the outputs :math:`\langle \rho(g), S_k \rangle` is the running product.
    """
    import torch

    import seq_torch as st

    rho = _matrices(run)
    order, n = rho.group.order, rho.dimension
    mixer = st.LinearCDEConfig(
        state_dim=n * n, structure=st.BlockDiagonal(block_size=n), transition="direct"
    )
    inputs, output = st.TokenInput(vocabulary=order, one_hot=True), st.StepOutput(size=order)
    model = st.recurrent_stack(mixer, inputs, output, width=order).build(run.seed).double()
    layer: Any = model.layers[0].mixer
    letters = torch.tensor(rho.matrices)
    with torch.no_grad():
        layer.A["blocks"].zero_()
        layer.A["blocks"][1:] = letters.mT[:, None]  # each row of S is a block of its own
        layer.start.copy_(torch.eye(n).flatten())
        layer.C.weight.copy_(letters.flatten(1))
        model.readout.weight.copy_(torch.eye(order))
        model.readout.bias.zero_()
    return model.eval()


def integral(run: IntegralRun) -> Any:
    """Build the layers of a run, in float64."""
    from seq_torch.constructed import IntegralCell, iterated_integral

    cell = IntegralCell(
        letters=run.letters,
        fed=run.fed,
        input_dependent_C=run.input_dependent_C,
        depth=run.depth,
    )
    return iterated_integral(cell, run.length, small=run.small)


def paths(run: IntegralRun) -> tuple[np.ndarray, np.ndarray]:
    """Draw random walks as the model is fed them, and their integrals."""
    task = SignatureLabels(
        channels=run.letters,
        length=run.length,
        num_paths=run.num_paths,
        basepoint=True,
        increments="brownian",
        normalise="none",
    )
    data = task.build(run.data_seed)
    values = np.array(data.inputs, dtype=np.float64)
    steps = np.diff(values, axis=1, prepend=0)
    fed = {"values": values, "increments": steps, "both": np.concatenate([values, steps], -1)}
    return fed[run.fed], np.array(data.targets)


def _matrices(run: WordsRun) -> Representation:
    from seqtheory.group import group
    from seqtheory.representation import smallest

    return smallest(group(run.group))

"""All checkpoints: name, run, what each shows, and the outcome that makes it worth keeping.

Sentences have places for measured numbers, which `experiments.models.words` fills. A tracker is one
block of the tracking study, trained by that study's settings unless others stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.models.by_hand import IntegralRun, RepresentationRun, StackRun
from experiments.models.measuring import AnyRun, Outcome
from experiments.models.trained import MemoryRun, TrackerRun
from experiments.tracking.settings import TASKS
from seqtheory import settings
from seqtheory.structure import BlockDiagonal
from seqtheory.tasks import GroupWords
from seqtheory.training import Training


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint.

    Parameters
    ----------
    name
        Task and model, as it is loaded.
    run
        What makes it.
    model
        Its model's name in the zoo.
    outcome
        What it must do to be published.
    shows
        What it shows, in one line, with places for measured numbers.
    """

    name: str
    run: AnyRun
    model: str
    outcome: Outcome
    shows: str


_HEADS: dict[str, Any] = {"heads": 4, "key_dim": 8, "value_dim": 8, "block": False}
_HEADS |= {"normalisation": "exact", "trained_start": True}
_BLOCKS = settings.LinearCDE(
    state_dim=64,
    structure=BlockDiagonal(block_size=4),
    transition="direct",
    initial="orthogonal",
)
_MAMBA = settings.Mamba(block=False, state_dim=8)
_MAMBA_SIGNED = settings.Mamba(block=False, state_dim=8, eigenvalues="signed")
_SPINS = settings.SelectiveDiagonal(state_dim=32)


def _tracker(task: str, mixer: settings.Mixer, rate: float = 3e-3, **given: Any) -> TrackerRun:
    """Make the run of a tracker on a task of the tracking study."""
    words = isinstance(TASKS[task], GroupWords)
    large = TASKS[task].num_tokens > 16
    training = Training(
        loss="cross_entropy",
        learning_rate=rate,
        batch_size=64,
        auxiliary_batch_size=64,
        num_steps=given.pop("num_steps", 2_500 if large else 1_000),
        schedule="cosine",
        warmup_steps=100,
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=250,
    )
    fields: dict[str, Any] = {"width": 64 if large else 32, "pairs": words} | given
    return TrackerRun(task=TASKS[task], mixer=mixer, training=training, **fields)


def _blocks(task: str) -> TrackerRun:
    """Make the run of a linear CDE with a matrix for each token."""
    return _tracker(task, _BLOCKS, 1e-2, one_hot=True)


def _memory(mixer: settings.Mixer, **given: Any) -> MemoryRun:
    training = Training(
        learning_rate=3e-3,
        schedule="cosine",
        warmup_steps=100,
        batch_size=32,
        num_steps=1_500,
        clip=1.0,
        evaluate_every=250,
    )
    return MemoryRun(mixer=mixer, training=training, **given)


_STACK = (
    "{blocks} blocks of {mixer}, set by hand, multiply every word of {group} up to {first} letters "
    "({at1} right); at {second} letters {at2} are right"
)
_FOLLOWS = "follows {task} at {last} tokens, trained up to {first} ({at8} right)"
_CANNOT = "cannot follow {task}: {at1} right at the trained length, {at4} at four times it"
_DRIFTS = (
    "follows {task} for {horizon} tokens, then its states drift together: sequences of {second} "
    "predict {steps}"
)
_GROWS = (
    "follows {task} at {last} tokens in double precision, but grows: single precision ends after "
    "{single} tokens, and sequences of {second} predict {overflow}"
)
_REMEMBERS = (
    "learns a memory that decays as a power: of an input 50 steps ago {after} is left ({before} "
    "before training, {target} in the target); error {error} of that of predicting zero"
)

_REMEMBERS_NOISE = (
    "learns a memory that decays as a power on random inputs (error {error} of that of predicting "
    "zero); of the onset of a constant input of 1, 50 steps ago, {after} is left ({before} before "
    "training, {target} in the target)"
)

BY_HAND = (
    *(
        Checkpoint(f"a5/blocks-{n}", StackRun(length=2**n), "S4D", "exact", _STACK)
        for n in (2, 3, 4)
    ),
    Checkpoint(
        "s3/mamba-blocks-4",
        StackRun(group="S3", length=16, mixer="mamba"),
        "Mamba",
        "exact",
        _STACK,
    ),
    *(
        Checkpoint(
            f"{group.lower()}/representation",
            RepresentationRun(group=group, length=64, factors=(1, 2, 4, 8)),
            "SLiCE, blocks",
            "exact",
            "a linear recurrence with one matrix per element follows {group} whatever the length: "
            "all of {last} letters right",
        )
        for group in ("A5", "S3")
    ),
    Checkpoint(
        "integrals/one-layer",
        IntegralRun(),
        "Mamba",
        "exact",
        "one layer of S6, C from the input, gives the iterated integral of three channels exactly: "
        "error {ratio} of that of predicting zero",
    ),
    Checkpoint(
        "integrals/two-layers",
        IntegralRun(input_dependent_C=False, depth=2),
        "Mamba",
        "exact",
        "two layers of S6 with a fixed C give the same integral: error {ratio}",
    ),
    Checkpoint(
        "integrals/from-values",
        IntegralRun(letters=2, fed="values", depth=2),
        "Mamba",
        "exact",
        "two layers of S6 that see the path alone, not its increments, come as near as one likes "
        "to the area: error {ratio}",
    ),
)
"""Right by construction."""

HOLDING = (
    Checkpoint(
        "parity/rnn", _tracker("parity", settings.RNN(), 1e-3, width=64), "RNN", "holds", _FOLLOWS
    ),
    Checkpoint(
        "parity/lstm", _tracker("parity", settings.LSTM(), width=16), "LSTM", "holds", _FOLLOWS
    ),
    Checkpoint(
        "parity/mamba-signed",
        _tracker("parity", _MAMBA_SIGNED),
        "Mamba, [-1, 1]",
        "holds",
        _FOLLOWS,
    ),
    Checkpoint(
        "even-pairs/rnn",
        _tracker("even_pairs", settings.RNN(), 1e-3, width=64),
        "RNN",
        "holds",
        _FOLLOWS,
    ),
    Checkpoint("flip-flop/mamba", _tracker("flip_flop", _MAMBA), "Mamba", "holds", _FOLLOWS),
    Checkpoint(
        "counting-3/rnn",
        _tracker("counting", settings.RNN(), 1e-3, width=64),
        "RNN",
        "holds",
        _FOLLOWS,
    ),
    Checkpoint("s3/linear-cde", _blocks("S3"), "SLiCE, blocks", "holds", _FOLLOWS),
    Checkpoint(
        "z60/complex-diagonal",
        _tracker("Z60", _SPINS),
        "complex diagonal by the input",
        "holds",
        _FOLLOWS,
    ),
)
"""Right at eight times the trained length."""

ENDING = (
    Checkpoint("a5/linear-cde", _blocks("A5"), "SLiCE, blocks", "drifts", _DRIFTS),
    Checkpoint(
        "parity/complex-diagonal",
        _tracker("parity", _SPINS),
        "complex diagonal by the input",
        "drifts",
        _DRIFTS,
    ),
    Checkpoint(
        "parity/delta-net-signed",
        _tracker("parity", settings.DeltaNet(**_HEADS, eigenvalues="signed")),
        "DeltaNet, [-1, 1]",
        "drifts",
        _DRIFTS,
    ),
    Checkpoint(
        "s3/delta-product",
        _tracker("S3", settings.DeltaProduct(**_HEADS, eigenvalues="signed", factors=2)),
        "DeltaProduct",
        "drifts",
        _DRIFTS,
    ),
    Checkpoint("flip-flop/linear-cde", _blocks("flip_flop"), "SLiCE, blocks", "overflows", _GROWS),
    Checkpoint(
        "even-pairs/linear-cde", _blocks("even_pairs"), "SLiCE, blocks", "overflows", _GROWS
    ),
)
"""Right at the trained length, and for a time beyond it that is known."""

FAILING = (
    Checkpoint("parity/mamba", _tracker("parity", _MAMBA), "Mamba", "fails", _CANNOT),
    Checkpoint(
        "parity/delta-net",
        _tracker("parity", settings.DeltaNet(**_HEADS)),
        "DeltaNet",
        "fails",
        _CANNOT,
    ),
    Checkpoint(
        "counting-3/mamba-signed",
        _tracker("counting", _MAMBA_SIGNED),
        "Mamba, [-1, 1]",
        "fails",
        _CANNOT,
    ),
    Checkpoint(
        "s3/complex-diagonal",
        _tracker("S3", _SPINS),
        "complex diagonal by the input",
        "fails",
        _CANNOT,
    ),
    Checkpoint("a5/mamba", _tracker("A5", _MAMBA), "Mamba", "fails", _CANNOT),
)
"""Wrong where theory says that their transitions cannot do the task."""

MEMORIES = tuple(
    Checkpoint(f"memory/{name}", _memory(mixer), model, "remembers", shows)
    for name, mixer, model, shows in (
        ("s4d", settings.S4D(state_dim=16), "S4D", _REMEMBERS),
        ("s4", settings.S4DPLR(state_dim=16, start="published"), "S4", _REMEMBERS),
        ("lru", settings.LRU(state_dim=16, start="published", max_modulus=1.0), "LRU", _REMEMBERS),
        ("mamba", settings.Mamba(block=False, state_dim=16), "Mamba", _REMEMBERS_NOISE),
        ("lstm", settings.LSTM(), "LSTM", _REMEMBERS_NOISE),
    )
)
"""Trained on the polynomial memory of the study of memory."""

CHECKPOINTS = (*BY_HAND, *HOLDING, *ENDING, *FAILING, *MEMORIES)
"""All of them, in the order of lists."""

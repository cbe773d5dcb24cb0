"""Tasks of the study, their sequences to train and to test on, and their names in tables.

Training sequences are labelled at every position, so that a training at lengths up to k sees every
shorter one. Sequences to test on have one length each, and are drawn from streams of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqtheory.dataset import Dataset
from seqtheory.tasks import (
    Copying,
    CycleNavigation,
    EvenPairs,
    FiniteAutomaton,
    GroupWords,
    ModularArithmetic,
    ModularCounting,
    MultiQueryRecall,
    Parity,
    SelectiveCopying,
)
from seqtheory.training import FitData

Task = (
    Parity
    | EvenPairs
    | ModularCounting
    | CycleNavigation
    | ModularArithmetic
    | FiniteAutomaton
    | GroupWords
)

Recall = Copying | MultiQueryRecall | SelectiveCopying
AnyTask = Task | Recall
"""Tasks of tracking, and those of recall, whose answers are no function of a finite state."""

FLIP_FLOP = FiniteAutomaton.automaton
"""Keep, reset, set: what a gate with eigenvalues in [0, 1] can do."""

_TRAIN, _HELD_OUT, _PAIRS, _LONGER = range(4)


def fit_data(task: AnyTask, seed: int, num_held_out: int, *, pairs: bool) -> FitData:
    """Sequences to train on, others of the same lengths to evaluate on, and those of length 2.

    Parameters
    ----------
    task
        At the lengths to train on.
    seed
        Decides all of them.
    num_held_out
        How many to evaluate on.
    pairs
        Whether sequences of length 2 are trained on as well.
    """
    held_out = _fewer(task, num_held_out).build(_stream(seed, _HELD_OUT))
    beside = task.at_length(2).build(_stream(seed, _PAIRS)) if pairs else None
    return FitData(task.build(_stream(seed, _TRAIN)), held_out, beside)


def longer(task: AnyTask, seed: int, lengths: Sequence[int], count: int) -> dict[int, Dataset]:
    """Sequences to test a trained model on, by their length."""
    return {n: task.at_length(n, count).build(_stream(seed, _LONGER + n)) for n in lengths}


def longest(task: AnyTask) -> int:
    """Most tokens of a sequence that is trained on."""
    return task.length if isinstance(task, GroupWords) else task.max_length


def chance(data: Dataset) -> float:
    """Share of the commonest class among all positions that count."""
    counted = data.targets if data.counted is None else data.targets[data.counted]
    return float(np.bincount(counted.ravel()).max() / counted.size)


def task_name(task: Task) -> str:
    """Name of a task in tables and figures."""
    match task:
        case GroupWords():
            return str(task.group)
        case ModularCounting(modulus=modulus):
            return f"counting mod {modulus}"
        case ModularArithmetic(modulus=modulus):
            return f"arithmetic mod {modulus}"
        case CycleNavigation():
            return "cycle navigation"
        case EvenPairs():
            return "even pairs"
        case FiniteAutomaton(automaton=automaton):
            return "flip-flop" if automaton == FLIP_FLOP else "automaton"
        case _:
            return type(task).__name__.lower()


def _fewer(task: AnyTask, count: int) -> AnyTask:
    if isinstance(task, GroupWords):
        return replace(task, num_words=count)
    return replace(task, num_sequences=count)


def _stream(seed: int, number: int) -> int:
    """Give a seed of its own to each use of a run's data seed."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])

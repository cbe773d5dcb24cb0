"""Runs on words of a group, and the words themselves: drawn by seed or read from files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.exit_code import ConfigError
from experiments.kept_model import Keep, require_keep
from experiments.run import Run
from experiments.store.inputs import reading
from seqtheory import metrics, word_csv
from seqtheory.checks import require_choice, require_flag, require_fraction, require_integer
from seqtheory.dataset import Dataset
from seqtheory.group import group, order_of
from seqtheory.plain import added
from seqtheory.representation import representation
from seqtheory.tasks import GroupWords
from seqtheory.training import FitData, TaskStream, Training

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.recorder import Recorder

# What is drawn from a run's data seed, each from a stream of its own.
_SPLIT, _LONGER = 1, 2
LONGER_FACTORS = (2, 4)

PUBLISHED_LENGTHS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20)
CONTROL_GROUPS = ("A5", "A4_x_Z5", "Z60")
CONTROL_LENGTH = 8
SEEDS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class WordsRun(Run):
    """Train one model on words of one length, with all words of length 2 beside them.

    Parameters
    ----------
    group
        Whose products are tracked; its elements are the tokens.
    length
        Tokens per word, at least 2.
    num_words
        Distinct words to draw; all of them where the group has no more of that length.
    words
        Folder of word-problem files ``GROUP=LENGTH.csv`` to read instead of drawing.
    data_seed
        Decides the words and their split.
    train_fraction
        Share of the words to train on.
    num_held_out
        Most words to evaluate on, taken from those that are not trained on.
    auxiliary_fraction
        Share of the words of length 2 to train on: 1 in the published JAX code, 0.8 in the
        published torch code.
    num_longer
        Words of twice and four times the length on which the trained model is tested.
    training
        Rate, steps, batch; its seed is the run's.
    keep_model
        Whether the record holds the trained model: false, true, or "best" for that of its best
        evaluation (see `experiments.kept_model`).
    fresh
        Draw new words for every step, which may repeat, in place of `num_words` distinct ones; a
        held-out word may then be among them.
    """

    group: str = "A5"
    length: int = 20
    num_words: int = 1_000_000
    words: str | None = None
    data_seed: int = 0
    train_fraction: float = 0.8
    num_held_out: int = 2_000
    auxiliary_fraction: float = 1.0
    num_longer: int = 500
    training: Training = field(default_factory=lambda: Training(loss="cross_entropy"))
    keep_model: Keep = False
    fresh: bool = added(False)

    def __post_init__(self) -> None:
        """Refuse what could not give a result, before any framework is imported."""
        super().__post_init__()
        require_keep(self.keep_model)
        order_of(self.group)
        for name, least in (("length", 2), ("num_words", 2), ("num_held_out", 1)):
            require_integer(name, getattr(self, name), minimum=least)
        require_fraction("train_fraction", self.train_fraction)
        require_fraction("auxiliary_fraction", self.auxiliary_fraction, zero=True, one=True)
        require_integer("num_longer", self.num_longer, minimum=0)
        require_choice("training.loss", self.training.loss, ("cross_entropy",))
        require_flag("fresh", self.fresh)
        if self.fresh and self.words is not None:
            raise ValueError(
                f"fresh=True draws the words, but words={self.words!r} names files of them. Leave "
                "out one of the two."
            )

    @property
    def seeded_training(self) -> Training:
        """The training with the run's seed in it."""
        return replace(self.training, seed=self.seed)


def fit_data(run: WordsRun) -> FitData:
    """Words to train on, words to evaluate on, and the words of length 2.

    Raises
    ------
    experiments.exit_code.ConfigError
        If a named folder holds no file of that group and length.
    seqtheory.word_csv.WordFileError
        If a file is not what it should be, with its line.
    """
    if run.fresh:
        return FitData(
            train=TaskStream(GroupWords(run.group, run.length)),
            held_out=_words(run, run.length, run.num_held_out),
            auxiliary=_auxiliary(run),
        )
    words = _words(run, run.length)
    seed = (run.data_seed, _SPLIT)
    train, rest = words.split((run.train_fraction, 1 - run.train_fraction), seed)
    held_out = next(rest.batches(run.num_held_out, seed=None))
    return FitData(train=train, held_out=held_out, auxiliary=_auxiliary(run))


def longer_words(run: WordsRun) -> dict[int, Dataset]:
    """Words of twice and four times the length, by length; of files, those that are there."""
    if run.num_longer == 0:
        return {}
    lengths = [factor * run.length for factor in LONGER_FACTORS]
    if run.words is not None:
        lengths = [n for n in lengths if _file(run.words, run.group, n).is_file()]
    return {
        n: next(_words(run, n, run.num_longer, stream=_LONGER).batches(run.num_longer, seed=None))
        for n in lengths
    }


def note_words(run: WordsRun, data: FitData, recorder: Recorder) -> None:
    """Record what was trained on, and how well a hand-set recurrence does on what is held out.

    The recurrence of rotation matrices is exact at every length, so that less than 1 means words
    in a file that numbers the group's elements in another way.
    """
    source = "drawn" if run.words is None else str(_file(run.words, run.group, run.length))
    structure = group(run.group)
    recorder.note(
        words=source,
        num_train=None if run.fresh else len(data.sample),
        num_held_out=len(data.held_out),
        num_auxiliary=0 if data.auxiliary is None else len(data.auxiliary),
        order=structure.order,
        abelian=structure.is_abelian,
        solvable=structure.is_solvable,
        hand_set_accuracy=hand_set_accuracy(run.group, data.held_out),
    )


def hand_set_accuracy(name: str, data: Dataset) -> float:
    """Token accuracy of the hand-set recurrence of one orthogonal matrix per element."""
    return float(metrics.token_accuracy(representation(name).track(data.inputs), data.targets))


def note_longer(
    run: WordsRun, recorder: Recorder, evaluate: Callable[[Dataset], dict[str, Any]]
) -> None:
    """Record how a trained model does on words longer than any it was trained on."""
    measured = {}
    for length, data in longer_words(run).items():
        exact = hand_set_accuracy(run.group, data)
        measured[str(length)] = {**evaluate(data), "hand_set_accuracy": exact}
    recorder.note(longer=measured)


def _auxiliary(run: WordsRun) -> Dataset | None:
    if run.auxiliary_fraction == 0:
        return None
    pairs = _words(run, 2, order_of(run.group) ** 2)
    if run.auxiliary_fraction == 1:
        return pairs
    (part,) = pairs.split((run.auxiliary_fraction,), (run.data_seed, _SPLIT))
    return part


def _words(run: WordsRun, length: int, count: int | None = None, stream: int = 0) -> Dataset:
    if run.words is not None:
        return _read(_file(run.words, run.group, length), order_of(run.group), length)
    count = run.num_words if count is None else count
    # A seed of its own for longer words: a word and its beginning are then independent.
    seed = int(np.random.SeedSequence((run.data_seed, stream)).generate_state(1)[0])
    return GroupWords(run.group, length, count).build(run.data_seed if stream == 0 else seed)


def _file(folder: str, name: str, length: int) -> Path:
    return Path(folder).expanduser() / f"{name}={length}.csv"


def _read(path: Path, order: int, length: int) -> Dataset:
    if not path.is_file():
        raise ConfigError(f"words: there is no {path}; expected a word-problem file of that name")
    inputs, targets = word_csv.read(reading(path), order)
    if inputs.shape[1] != length:
        raise ConfigError(f"{path} holds words of length {inputs.shape[1]}, expected {length}")
    return Dataset(inputs, targets)

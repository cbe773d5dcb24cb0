"""Tracking, recall and rates: trainings on sequences of tokens, and their test on longer ones.

Tracking asks what a model computes: parity, counting, flip-flop, words of groups. Recall asks what
it keeps: values by their keys, strings to be copied. Rates asks at which learning rates it learns.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from experiments.bench.cards import Measurement
from experiments.bench.parts import part as parts
from experiments.report.curve import SOLVED_ABOVE
from experiments.tracking import tasks
from experiments.tracking.tasks import AnyTask, Recall, Task
from experiments.tracking.tracking_run import Tracker, note_tracking
from seqtheory.checks import require_choice, require_integer
from seqtheory.tasks import (
    FiniteAutomaton,
    GroupWords,
    ModularCounting,
    MultiQueryRecall,
    Parity,
    SelectiveCopying,
)
from seqtheory.training import Training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.bench.measurements import BenchRun
    from experiments.record import Record
    from experiments.recorder import Recorder

Kind = Literal["tracking", "recall", "rates"]
FAR = 16
"""Farthest test of tracking, over the trained length."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """One training on a task of tokens.

    Parameters
    ----------
    kind
        Part of the bench that it belongs to.
    task
        The task, at the lengths that are trained on.
    training
        Rate, steps, batches; its seed is the run's.
    data_seed
        Decides the sequences.
    num_held_out, num_longer
        Sequences on which the model is evaluated while it trains, and of each longer length.
    factors
        Longer lengths, over the longest that is trained on.
    """

    kind: Kind
    task: AnyTask
    training: Training
    data_seed: int = 0
    num_held_out: int = 500
    num_longer: int = 200
    factors: tuple[int, ...] = (1, 2, 4, 8, FAR)

    def __post_init__(self) -> None:
        """Refuse what could not give a result."""
        require_choice("training.loss", self.training.loss, ("cross_entropy",))
        for name in ("num_held_out", "num_longer"):
            require_integer(name, getattr(self, name), minimum=1)

    @property
    def tested(self) -> list[int]:
        """Lengths at which the trained model is tested."""
        return [factor * tasks.longest(self.task) for factor in self.factors]

    def measure(self, run: BenchRun, recorder: Recorder) -> None:
        """Train, then test at every length."""
        import seq_torch
        from experiments.fitting import fit_recorded

        pairs = isinstance(self.task, GroupWords)
        data = tasks.fit_data(self.task, self.data_seed, self.num_held_out, pairs=pairs)
        output = seq_torch.StepOutput(size=self.task.num_classes)
        model = parts.build(run, parts.token_input(run, self.task.num_tokens), output)
        recorder.note(parameters=sum(p.numel() for p in model.parameters()))
        training = replace(self.training, seed=run.seed)
        fit_recorded(seq_torch.fit, model, data, training, recorder)
        if self.kind == "tracking":
            note_tracking(self, recorder, _tracker(model, self.training))
        elif self.kind == "recall":
            _note_longer(self, model, recorder)


def _tracker(model: Any, training: Training) -> Tracker:
    import torch

    import seq_torch

    double = deepcopy(model).double()

    def mixed(tokens: Any) -> Any:
        double.eval()
        with torch.no_grad():
            found = [double.mixed(part) for part in torch.tensor(tokens).split(100)]
        return torch.cat(found).numpy(force=True)

    return Tracker(
        in_single=lambda data: seq_torch.evaluate(model, data, training),
        in_double=lambda data: seq_torch.evaluate(double, data, training),
        mixed=mixed,
    )


def _note_longer(settings: Tokens, model: Any, recorder: Recorder) -> None:
    import seq_torch

    data = tasks.longer(settings.task, settings.data_seed, settings.tested, settings.num_longer)
    recorder.note(
        longer={str(n): seq_torch.evaluate(model, d, settings.training) for n, d in data.items()},
        chance=tasks.chance(data[settings.tested[0]]),
    )


# What each preset trains.

_RATES: dict[tuple[Kind, str], tuple[float, ...]] = {
    ("tracking", "smoke"): (1e-2,),
    ("tracking", "quick"): (3e-3, 1e-2),
    ("tracking", "full"): (1e-3, 3e-3, 1e-2),
    ("recall", "smoke"): (1e-2,),
    ("recall", "quick"): (3e-3,),
    ("recall", "full"): (1e-3, 3e-3, 1e-2),
}
_LADDER = {
    "smoke": (1e-3, 1e-2),
    "quick": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "full": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
}
_STEPS = {"smoke": 20, "quick": 500, "full": 4_000}


def training(preset: str, rate: float, *, steps: float = 1.0) -> Training:
    """Give the training of a preset at a rate: AdamW, a tenth of warm-up, then half a cosine."""
    number = round(_STEPS[preset] * steps)
    return Training(
        loss="cross_entropy",
        learning_rate=rate,
        batch_size=16 if preset == "smoke" else 64,
        num_steps=number,
        schedule="cosine",
        warmup_steps=number // 10,
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=max(number // 4, 1),
    )


def tracking_tasks(preset: str) -> dict[str, Task]:
    """Tasks of tracking by their names, at the lengths that a preset trains on."""
    regular: dict[str, Any] = {"min_length": 3, "max_length": 20, "num_sequences": 20_000}
    words = 8 if preset == "quick" else 12
    if preset == "smoke":
        regular, words = {"min_length": 2, "max_length": 6, "num_sequences": 200}, 4
    count = regular["num_sequences"]
    found: list[Task] = [
        Parity(**regular),
        ModularCounting(modulus=3, **regular),
        FiniteAutomaton(**regular),
        *(GroupWords(group, words, count) for group in ("S3", "Z60", "A5")),
    ]
    return {tasks.task_name(task): task for task in found}


def recall_tasks(preset: str) -> dict[str, Recall]:
    """Tasks of recall by their names, with the published gaps and filler."""
    small = preset == "smoke"
    pairs, length, memorised = (2, 12, 2) if small else (8, 64, 8)
    count = 200 if small else 20_000
    recall = MultiQueryRecall(
        num_pairs=pairs,
        num_keys=32,
        num_values=32,
        min_length=length,
        max_length=length,
        num_sequences=count,
        distinct_values=True,
        each_once=True,
        gap_power=0.01,
    )
    copying = SelectiveCopying(
        num_symbols=14,
        num_memorised=memorised,
        min_length=length // 2,
        max_length=length // 2,
        num_sequences=count,
    )
    return {_name(recall): recall, _name(copying): copying}


def settings(kind: Kind, preset: str) -> list[Tokens]:
    """List the trainings of a part."""
    few: dict[str, Any] = {"num_held_out": 50, "num_longer": 20} if preset == "smoke" else {}
    if kind == "tracking":
        return [
            Tokens(
                kind=kind, task=task, training=training(preset, rate, steps=_longer(task)), **few
            )
            for task in tracking_tasks(preset).values()
            for rate in _RATES[kind, preset]
        ]
    if kind == "recall":
        few["factors"] = (1, 2, 4)
        return [
            Tokens(kind=kind, task=task, training=training(preset, rate, steps=2.0), **few)
            for task in recall_tasks(preset).values()
            for rate in _RATES[kind, preset]
        ]
    few["factors"] = (1,)
    task = tracking_tasks(preset)["S3"]
    return [
        Tokens(kind=kind, task=task, training=training(preset, rate), **few)
        for rate in _LADDER[preset]
    ]


def _longer(task: Task) -> float:
    """Give steps over those of small tasks: words of sixty letters take more."""
    return 2.0 if task.num_tokens > 16 else 1.0


# What records say.


def measured(kind: Kind, records: Sequence[Record]) -> list[Measurement]:
    """Turn the records of one model and one part into measurements."""
    if kind == "rates":
        return [_window(records)] if records else []
    found: list[Measurement] = []
    for held in parts.grouped(records, lambda run: run.part.task).values():
        found += _task(kind, held)
    return found


def accuracy(held: Record) -> float:
    """Held-out token accuracy at the end of a training; of one that diverged, zero."""
    return held.metrics[-1]["token_accuracy"] if held.status == "done" else 0.0


def learnt(held: Record) -> bool:
    """Whether a training ended with nine of ten answers right at every position that counts."""
    if held.status != "done":
        return False
    places = [p for p in held.metrics[-1]["position_accuracy"] if p is not None and p == p]
    return min(places) > SOLVED_ABOVE


def _task(kind: Kind, records: Sequence[Record]) -> list[Measurement]:
    run = records[0].run
    same: dict[str, Any] = {"part": kind, "item": _name(run.part.task), "model": parts.name(run)}
    found = [
        Measurement(
            **same,
            metric="runs that learn it",
            **parts.share(sum(map(learnt, records)), len(records)),
            better="more",
            runs=parts.hashes(records),
            note="over seeds and rates",
        )
    ]
    by_rate = parts.grouped(parts.done(records), lambda run: run.part.training.learning_rate)
    if not by_rate:
        return found
    rate, chosen = max(by_rate.items(), key=lambda pair: sum(map(accuracy, pair[1])) / len(pair[1]))
    same |= {"runs": parts.hashes(chosen)}
    found.append(
        Measurement(
            **same,
            metric="accuracy at the trained lengths",
            **parts.interval([accuracy(held) for held in chosen]),
            better="more",
            note=f"rate {rate:g}, the better of {len(by_rate)}" if len(by_rate) > 1 else "",
        )
    )
    return [*found, *_beyond(run.part, chosen, same)]


def _beyond(settings: Tokens, chosen: Sequence[Record], same: dict[str, Any]) -> list[Measurement]:
    """Accuracy at longer lengths; for tracking the horizon, and what was predicted of it."""
    far = settings.factors[-1]
    lengths = [str(n) for n in settings.tested]
    tested = [[held.notes["longer"][n]["token_accuracy"] for held in chosen] for n in lengths]
    means = [sum(values) / len(values) for values in tested]
    found = [
        Measurement(
            **same,
            metric=f"accuracy at {far} times the length",
            **parts.interval(tested[-1]),
            better="more",
            curve=tuple(zip(map(float, settings.tested), means, strict=True)),
        )
    ]
    if settings.kind != "tracking":
        return found
    horizons = [float(held.notes["horizon"]) for held in chosen]
    return [
        *found,
        Measurement(
            **same,
            metric=f"horizon, tokens (of {settings.tested[-1]})",
            **parts.interval(horizons),
            better="more",
            note=_predicted(chosen),
        ),
    ]


def _predicted(chosen: Sequence[Record]) -> str:
    """Say what the margins and drifts of trained trackers predict of their horizons."""
    found = [held.notes["prediction"] for held in chosen]
    steps = [f"{p['steps']:.0f}" for p in found if p.get("steps") is not None]
    over = [f"{p['overflow']:.0f}" for p in found if p.get("overflow") is not None]
    said = [f"predicted {', '.join(steps)}"] if steps else []
    return "; ".join([*said, *([f"overflow at {', '.join(over)}"] if over else [])])


def _window(records: Sequence[Record]) -> Measurement:
    """Ratio of the largest to the least rate at which most seeds learn."""
    run = records[0].run
    by_rate = parts.grouped(records, lambda run: run.part.training.learning_rate)
    means = {rate: sum(map(accuracy, held)) / len(held) for rate, held in sorted(by_rate.items())}
    learning = [r for r, held in sorted(by_rate.items()) if 2 * sum(map(learnt, held)) > len(held)]
    same: dict[str, Any] = {
        "part": "rates",
        "item": _name(run.part.task),
        "metric": "largest over least rate at which it learns",
        "model": parts.name(run),
        "better": "more",
        "curve": tuple(means.items()),
        "runs": parts.hashes(records),
        "n": len(records),
    }
    if not learning:
        return Measurement(**same, value=None, note=f"at none of {len(by_rate)} rates")
    note = f"{learning[0]:g} to {learning[-1]:g} of {min(means):g} to {max(means):g}"
    return Measurement(**same, value=learning[-1] / learning[0], note=note)


def _name(task: Any) -> str:
    names = {SelectiveCopying: "selective copying", MultiQueryRecall: "multi-query recall"}
    return names.get(type(task)) or tasks.task_name(task)

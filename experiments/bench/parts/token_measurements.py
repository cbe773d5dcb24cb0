"""What records of trainings on tokens say: who learnt, how well, how far beyond, at which rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.bench.cards import Measurement
from experiments.bench.parts import part as parts
from experiments.bench.parts.tokens import item
from experiments.report.curve import SOLVED_ABOVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.bench.parts.tokens import Kind, Tokens
    from experiments.record import Record


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
    same: dict[str, Any] = {"part": kind, "item": item(run.part.task), "model": parts.name(run)}
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
        "item": item(run.part.task),
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

"""Which memory each trained network holds stably, beside theory, and what was trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.claim import verdict_table
from experiments.memory.curves import families
from experiments.memory.theory import UP_TO
from experiments.memory.trained_claims import CLAIMS
from experiments.memory.trained_curves import FLOOR, READINGS, SLACK, Ladder, ladders, word
from experiments.record import Record
from experiments.report.interval import estimate, estimates, share
from experiments.report.markdown import markdown
from experiments.report.origins import listed_seeds
from experiments.report.rows import grouped, select

SHOWN_BETAS = (0.0, 1e-3, 1e-2, 1e-1)
Network = Mapping[str, Any]
Key = tuple[str, str, str, str, int, float]
_FACTS = ("kernel", "activation", "matrix", "map", "length", "min_rate")
_HEADER = ["memory", "activation", "matrix", "map", "steps", "start"]


def parts(records: Sequence[Record], theory: Sequence[Record]) -> list[str]:
    """Sections of Markdown about trained networks."""
    found = ladders(records)
    shift = select(found, reading="shift")
    return [
        "## Trained networks: stable or not",
        "Common shift; a word for each memory, by most seeds, and in how many of them.",
        _summary(shift),
        "## Trained networks: every reading",
        f"Whether a network does worse by more than {SLACK:.0%} than its narrower neighbour at any "
        f"beta up to {UP_TO:g}, among neighbours of which the wider learnt no less; errors below "
        f"{FLOOR:g} count as equal. In how many seeds, and from which beta on. Start: the slowest "
        "rate that a mode may begin with. Theory: the common shift, over as many steps.",
        _verdicts(found, theory),
        "## Trained networks: what was learnt",
        "Each width in turn: squared error over that of predicting zero, mean over seeds; whether "
        "it came to half of the one before, or to enough, in how many seeds; the slowest mode; "
        "steps of training.",
        networks_table(shift),
        "## Trained networks: errors",
        "E(beta) of each width in turn, mean over seeds.",
        _errors(found),
        "## Where the trained networks come from",
        sources(records),
        "## Claims about trained networks",
        verdict_table(CLAIMS, records),
    ]


def _summary(shift: Sequence[Ladder]) -> str:
    columns = list(dict.fromkeys((row.kernel, row.length, row.min_rate) for row in shift))
    rows = list(dict.fromkeys((row.activation, row.matrix, row.map) for row in shift))
    cells = []
    for activation, matrix, name in rows:
        held = select(shift, activation=activation, matrix=matrix, map=name)
        words = [word(select(held, kernel=k, length=n, min_rate=r)) for k, n, r in columns]
        cells.append([activation, matrix, name, *words])
    names = [f"{kernel}, {length} steps, start {rate:g}" for kernel, length, rate in columns]
    return markdown(["activation", "matrix", "map", *names], cells)


def _verdicts(found: Sequence[Ladder], theory: Sequence[Record]) -> str:
    shifts = select(families(theory), reading="shift")
    rows = []
    for key, group in _grouped(found).items():
        fits = select(shifts, kernel=key[0], map=key[3], horizon=key[4])
        expected = "crosses" if any(not fit.curves.is_stable for fit in fits) else "stable"
        cells = [_verdict(select(group, reading=reading)) for reading in READINGS]
        rows.append([*map(str, key), expected if fits else "", *cells])
    return markdown([*_HEADER, "theory", *READINGS.values()], rows)


def _verdict(rows: Sequence[Ladder]) -> str:
    """Say in how many seeds curves cross, which do and from which beta on."""
    if not rows:
        return ""
    crossing = [row.crossings for row in rows if row.outcome == "crosses"]
    untrained = sum(row.outcome == "untrained" for row in rows)
    text = f"crosses in {share(len(crossing), len(rows))}" if crossing else "stable"
    if untrained:
        text += f", undecided in {share(untrained, len(rows))}"
    pairs = sorted({pair for held in crossing for pair in held})
    first = {pair: min(held.get(pair, np.inf) for held in crossing) for pair in pairs}
    places = ", ".join(f"{narrow} to {wide} from {b:g}" for (narrow, wide), b in first.items())
    return f"{text}: {places}" if places else text


def networks_table(shift: Sequence[Ladder]) -> str:
    """Say what the networks of every width learnt."""
    rows = []
    for key, group in _grouped(shift).items():
        widths = max((ladder.curves.widths for ladder in group), key=len)
        per_width = [[n for row in group for n in row.networks if n["width"] == w] for w in widths]
        halved = [
            share(sum(n["error"] <= n["target"] for n in held), len(held)) for held in per_width
        ]
        diverged = [str(row.diverged) for row in group if row.diverged is not None]
        rows.append(
            [
                *map(str, key),
                ", ".join(map(str, widths)),
                _each(per_width, lambda n: n["error"]),
                ", ".join(halved),
                _each(per_width, lambda n: n["rates"][0]),
                _each(per_width, lambda n: n["steps"]),
                ", ".join(diverged) or "none",
            ]
        )
    columns = ["widths", "error", "halved", "slowest rate", "trained for", "diverged at width"]
    return markdown([*_HEADER, *columns], rows)


def _each(per_width: Sequence[Sequence[Network]], value: Callable[[Network], float]) -> str:
    return estimates([[value(n) for n in held] for held in per_width])


def _errors(found: Sequence[Ladder]) -> str:
    rows = []
    for key, group in _grouped(found).items():
        for reading, name in READINGS.items():
            same = select(group, reading=reading)
            if same:
                rows.append([*map(str, key), name, *(_at(same, beta) for beta in SHOWN_BETAS)])
    return markdown([*_HEADER, "reading", *(f"beta {beta:g}" for beta in SHOWN_BETAS)], rows)


def _at(rows: Sequence[Ladder], beta: float) -> str:
    """Mean error of each width at that beta, over the ladders that have as many widths."""
    count = max(len(row.curves.widths) for row in rows)
    whole = [row.curves for row in rows if len(row.curves.widths) == count]
    if any(beta not in curves.betas for curves in whole):
        return ""
    at = [curves.errors[:, np.flatnonzero(curves.betas == beta)[0]] for curves in whole]
    return estimates([*np.transpose(at)])


def _grouped(found: Sequence[Ladder]) -> dict[Key, list[Ladder]]:
    return grouped(found, lambda row: (*(getattr(row, name) for name in _FACTS),))


def sources(records: Sequence[Record]) -> str:
    """Give one line for each preset, status and machine."""

    def origin(record: Record) -> tuple[str, str, str]:
        facts = record.provenance
        cpu = str(facts.get("hardware", {}).get("cpu", ""))
        return str(facts.get("preset", "")), record.status, cpu

    rows = []
    for (preset, status, cpu), held in grouped((r for r in records if r.finished), origin).items():
        minutes = estimate([record.provenance.get("wall_seconds", 0.0) / 60 for record in held])
        rows.append([preset, status, str(len(held)), listed_seeds(held), minutes, cpu])
    return markdown(["preset", "status", "records", "seeds", "minutes", "hardware"], rows)

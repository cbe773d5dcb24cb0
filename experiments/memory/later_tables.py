"""Ladders beyond those of `quick`: from theory, for the published table, as published, and filters.

They are shown beside the default preset, each where records of it exist, or by themselves where
their preset is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.claim import Judged, verdict_table
from experiments.memory.later_claims import BY_PRESET, KERNELS, PUBLISHED_TABLE, network_of
from experiments.memory.recurrent_presets import TABLE
from experiments.memory.trained_curves import READINGS, SLACK, Ladder, ladders, word
from experiments.memory.trained_table import networks_table, sources
from experiments.record import Record
from experiments.report.markdown import markdown
from experiments.report.rows import Load, grouped, select

STUDY = "recurrent_models"


def parts(load: Load, *presets: str) -> list[str]:
    """Sections of Markdown about those of the presets that have records."""
    return [
        text
        for preset in presets
        if (records := load(preset, STUDY))
        for text in _section(preset, records)
    ]


def judged(load: Load, *presets: str) -> list[Judged]:
    """Claims about those of the presets that have records, each with its records."""
    return [
        Judged(BY_PRESET[preset], records) for preset in presets if (records := load(preset, STUDY))
    ]


def _section(preset: str, records: Sequence[Record]) -> list[str]:
    title, said, first = _SECTIONS[preset]
    return [
        f"## {title}",
        said,
        first(ladders(records)),
        "Each width in turn: squared error over that of predicting zero, mean over seeds; whether "
        "it came to half of the one before, or to enough, in how many seeds; the slowest mode; "
        "steps of training.",
        networks_table(select(ladders(records), reading="shift")),
        sources(records),
        verdict_table(BY_PRESET[preset], records),
    ]


def _summary(found: Sequence[Ladder]) -> str:
    """Give a word for each memory and reading."""
    rows = []
    for (activation, matrix, name), held in grouped(found, _network).items():
        kernels = {kernel: select(held, kernel=kernel) for kernel in _kernels(found)}
        cells = [
            word(select(rows_of, reading=reading))
            for rows_of in kernels.values()
            for reading in _readings(found)
        ]
        rows.append([activation, matrix, name, *cells])
    columns = [f"{k}: {READINGS[reading]}" for k in _kernels(found) for reading in _readings(found)]
    return markdown(["activation", "matrix", "map", *columns], rows)


def _network(row: Ladder) -> tuple[str, str, str]:
    return row.activation, row.matrix, row.map


def _kernels(found: Sequence[Ladder]) -> list[str]:
    return list(dict.fromkeys(row.kernel for row in found))


def _readings(found: Sequence[Ladder]) -> list[str]:
    held = {row.reading for row in found}
    return [name for name in READINGS if name in held]


def _verdicts(found: Sequence[Ladder]) -> str:
    """Lay the published table of verdicts beside those of two readings."""
    rows = []
    for name in TABLE:
        held = select(found, **network_of(name))
        cells = [PUBLISHED_TABLE[name][kernel] for kernel in KERNELS]
        for reading in ("shift", "all inf"):
            same = select(held, reading=reading)
            cells += [word(select(same, kernel=kernel)) for kernel in KERNELS]
        rows.append([name, *cells])
    columns = [
        f"{kernel}: {source}"
        for source in ("published", READINGS["shift"], READINGS["all inf"])
        for kernel in KERNELS
    ]
    return markdown(["model", *columns], rows)


First = Callable[[Sequence[Ladder]], str]

_SECTIONS: dict[str, tuple[str, str, First]] = {
    "started": (
        "Ladders that start from theory",
        "Every rung starts from geometric rates and a readout by least squares, is trained for all "
        "its steps, and is taken at its best evaluation, the start included. A word by most seeds, "
        "and in how many of them.",
        _summary,
    ),
    "verdicts": (
        "The published table of verdicts",
        "Five models with hardtanh, started from theory. Published: the table of the code's page, "
        "in words; here by most seeds, and in how many of them.",
        _verdicts,
    ),
    "published": (
        "The published protocol",
        "Length 100, Euler steps, weights from N(0, 1), the plateau schedule, a loss and errors "
        "that count late steps more, and betas up to 1.024. A network does worse than its narrower "
        f"neighbour where its error is larger by more than {SLACK:.0%} at a beta up to 0.01.",
        _summary,
    ),
    "published-short": (
        "The published protocol, shortened",
        "The same with at most 20 epochs of each network, and errors on 1,280 sequences.",
        _summary,
    ),
    "filters": (
        "Random networks as targets",
        "A random RNN, or a Transformer that sees the past, is learnt in the published protocol, "
        "with widths 8 to 256.",
        _summary,
    ),
    "filters-short": (
        "Random networks as targets, shortened",
        "The same with hardtanh, at most 40 epochs of each network, and errors on 256 sequences.",
        _summary,
    ),
}
PRESETS = tuple(_SECTIONS)
"""Presets with a section of their own, in the order of the page."""

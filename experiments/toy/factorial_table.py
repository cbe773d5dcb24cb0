"""The trained factorial beside weights set by hand: a section of the table, and what it means."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.interval import estimate, share
from experiments.report.markdown import markdown
from experiments.report.rows import grouped
from experiments.toy.factorial import SEEDS
from experiments.toy.factorial_cells import (
    ABLE,
    FactorialCell,
    by_hand,
    by_task,
    effects,
    factorial_cells,
)
from experiments.toy.factorial_claims import (
    BARE,
    CLAIMS,
    FLOORED,
    POOR,
    PUBLISHED,
    RICH,
    Way,
)
from experiments.toy.representable_cells import IntegralRow, integral_rows

_LABEL = {2: "S12", 3: "S123"}
_WAYS: dict[Way, str] = {
    FLOORED: "from increments alone, the last position read and C from the input,",
    BARE: "the same with C fixed,",
    POOR: "from values and increments, the last position read and C fixed,",
    RICH: "from values and increments, the mean read and C from the input,",
    PUBLISHED: "from values alone, the mean read and C from the input, as published,",
}
# By whether g-fivefold holds, and whether g-one-layer does.
_CLOSING = {
    (True, True): "So a second layer makes the difference where the last position is read with C "
    "fixed, and one layer is enough where the mean and C from the input let it represent the "
    "integral: what is fed and read decides, not the depth alone.",
    (True, False): "So a second layer makes the difference where the last position is read with C "
    "fixed. Where the mean and C from the input let one layer represent the integral, not every "
    "seed learns it in these steps.",
    (False, True): "One layer learns the integral where its input and readout let it; where they "
    "do not, a second layer does not cut the error fivefold in these steps, although exact weights "
    "are known.",
    (False, False): "In these steps training decides, and not what the layers represent.",
}
# By whether claim g holds.
_FLOOR = {
    True: "Fed increments alone, two layers pass the floor that one has.",
    False: "Fed increments alone, not every training of two layers passes the floor that one has, "
    "although weights that do are known.",
}


def section(records: Sequence[Record], hand: Sequence[Record]) -> list[str]:
    """Markdown parts; none without records."""
    cells = factorial_cells(records)
    if not cells:
        return []
    rows = integral_rows(hand)
    return [
        "## The factorial of Figure 1, trained",
        "RMSE / RMSE of predicting zero at the last step, over seeds, of one layer of the bare S6 "
        f"and of two, without activation; before it, how many seeds came to at most {ABLE}. *By "
        "hand* is the best ratio of weights set by hand, where such are known. *Floor* is what "
        "theory leaves to one layer. Every step draws fresh paths.",
        *(_design(cells_of_task, rows) for cells_of_task in by_task(cells).values()),
        "## What each factor does",
        "Change of log10 of the error when one factor is changed and all others stay: mean over "
        "pairs of cells, then over seeds. Below zero the change helps.",
        _effects(cells),
        "## Where the trained factorial comes from",
        origins.table(records),
        "## Claims on the trained factorial",
        verdict_table(CLAIMS, records),
    ]


def meaning(records: Sequence[Record]) -> str:
    """Say what the trained design shows about S123, with the figures of these records."""
    said = [
        _paragraph(length, cells)
        for (channels, length), cells in by_task(factorial_cells(records)).items()
        if channels == 3
    ]
    if not any(said):
        return "No records of it are published so far."
    return " ".join([*filter(None, said), *_closing(records)])


def _closing(records: Sequence[Record]) -> list[str]:
    """Say what the claims come to, where all of them are judged."""
    names = ("g-fivefold", "g-one-layer", "g")
    found = {claim.name: claim.judge(records).status for claim in CLAIMS}
    if any(found[name] == "not run" for name in names):
        return [f"Cells of fewer than {SEEDS} seeds decide none of the claims."]
    fivefold, one_layer, floor = (found[name] == "pass" for name in names)
    return [_CLOSING[fivefold, one_layer], _FLOOR[floor]]


def _paragraph(length: int, cells: Sequence[FactorialCell]) -> str:
    parts = [_at(cells, way, words) for way, words in _WAYS.items()]
    if not any(parts):
        return ""
    said = f"At length {length} {'; '.join(filter(None, parts))}."
    gains = [effect for effect in effects(cells) if effect.factor == "depth"]
    for effect in gains:
        said += f" Over all {effect.pairs} pairs of cells a second layer changes log10 of the "
        said += f"error by {estimate(effect.decades)}."
    return said


def _at(cells: Sequence[FactorialCell], way: Way, words: str) -> str:
    depths = {cell.depth: cell for cell in cells if cell.way == way}
    if not {1, 2} <= depths.keys():
        return ""
    one, two = depths[1], depths[2]
    floor = "" if one.floor is None else f", its floor being {one.floor:.3f},"
    reached = f"{words} one layer comes to {_reached(one)} of predicting zero{floor}"
    return f"{reached} and two layers to {_reached(two)}"


def _reached(cell: FactorialCell) -> str:
    """Errors of all seeds: those that have left a plateau and those on it have no common mean."""
    return ", ".join(f"{ratio:.2g}" for ratio in sorted(cell.final))


def _design(cells: Sequence[FactorialCell], rows: Sequence[IntegralRow]) -> str:
    lines = []
    for name, held in grouped(cells, lambda cell: cell.name).items():
        depths = {cell.depth: cell for cell in held}
        trained = [_trained(depths[d]) if d in depths else "" for d in (1, 2)]
        hand = [_by_hand(rows, depths[d]) if d in depths else "" for d in (1, 2)]
        floor = depths[1].floor if 1 in depths else None
        lines.append([name, *trained, *hand, "" if floor is None else f"{floor:.3f}"])
    first = cells[0]
    what = f"{_LABEL[first.channels]}, length {first.length}, {first.steps:,} steps"
    header = ["one layer", "two layers", "one by hand", "two by hand", "floor of one"]
    return markdown([what, *header], lines)


def _trained(cell: FactorialCell) -> str:
    return f"{share(cell.learnt, len(cell.final))}: {estimate(cell.final, 0)}"


def _by_hand(rows: Sequence[IntegralRow], cell: FactorialCell) -> str:
    row = by_hand(rows, cell)
    if row is None:
        return ""
    return row.kind if row.best is None else f"{row.best:.0e}"


def _effects(cells: Sequence[FactorialCell]) -> str:
    lines = [
        [
            f"{_LABEL[effect.channels]}, length {effect.length}",
            effect.change,
            str(effect.pairs),
            estimate(effect.decades),
        ]
        for effect in effects(cells)
    ]
    return markdown(["integral", "change", "pairs", "change of log10 of the error"], lines)

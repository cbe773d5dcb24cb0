"""Largest stable rates, losses beside the published ones, gradient over weight, and the claims."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from experiments.claim import Judged, verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.interval import estimate, share
from experiments.report.markdown import markdown
from experiments.report.rows import Load, select
from experiments.stability import edge_claims, edge_table
from experiments.stability.claims import CLAIMS
from experiments.stability.edges import ladders
from experiments.stability.gradient_ratio import comparable, ratios
from experiments.stability.published_values import MNIST_LOSS
from experiments.stability.published_values import RATES as PUBLISHED_RATES
from experiments.stability.sweep import Cell, by_task, cells, largest_rate, maps_of, swept


def table(load: Load, preset: str | None) -> str:
    """Markdown: sweeps with their sources and claims, then ladders by optimiser with theirs."""
    records = swept(load, preset)
    section = edge_table.section(ladders(load, preset))
    parts = [*(_sweeps(records) if records or not section else []), *section]
    return "\n\n".join(parts) + "\n"


def _sweeps(records: Sequence[Record]) -> list[str]:
    """Rates, losses, gradient over weight, sources, claims."""
    found = cells(records)
    return [
        "## Largest stable learning rate",
        "The largest rate at which all seeds end finite and below the initial held-out loss. Then "
        "the window of rates at which all of them learn, ending below the best constant "
        "prediction, and the number of seeds.",
        _rates(found),
        "## Seeds that learn",
        "How many seeds end below the best constant prediction, at each rate.",
        _learning(found),
        "## Losses",
        "Held-out loss after training: a mean squared error, or a cross-entropy of images. NaN: "
        "how many seeds met a number that is not finite.",
        *_losses(found),
        "Published test losses on MNIST, all images:",
        _published(),
        "## Gradient over weight",
        "abs(gradient) / abs(weight) of the decay weights, the largest of each channel: its "
        "maximum over channels and steps, its standard deviation, and that over the mean.",
        _ratios(found),
        "## Where the numbers come from",
        origins.table(records, diverged=True),
        "## Claims",
        verdict_table(CLAIMS, records),
    ]


def judged(load: Load, preset: str | None) -> list[Judged]:
    """Claims of the study, and the records that they are about."""
    climbed = ladders(load, preset)
    return [
        Judged(CLAIMS, swept(load, preset)),
        Judged(edge_claims.CLAIMS, climbed),
        Judged(edge_claims.FINDINGS, climbed, "finding"),
    ]


def _rates(found: Sequence[Cell]) -> str:
    rows = []
    shown = maps_of(found)
    for task, held in by_task(found).items():
        rows.append([task, *(_largest(select(held, map=name)) for name in shown)])
    return markdown(["task", *shown], rows)


def _largest(held: Sequence[Cell]) -> str:
    if not held:
        return ""
    learns = sorted(cell.rate for cell in held if cell.learns)
    window = f"{learns[0]:g} to {learns[-1]:g}" if learns else "none"
    seeds = sorted({len(cell.final) for cell in held})
    stable = largest_rate(held)
    return f"{f'{stable:g}' if stable else 'none'} ({window}), n = {', '.join(map(str, seeds))}"


def _learning(found: Sequence[Cell]) -> str:
    rates = sorted({cell.rate for cell in found})
    rows = []
    for task, held in by_task(found).items():
        for name in maps_of(held):
            cells = {cell.rate: cell for cell in select(held, map=name)}
            shares = (_learnt(cells[rate]) if rate in cells else "" for rate in rates)
            rows.append([task, name, *shares])
    return markdown(["task", "map", *(f"{rate:g}" for rate in rates)], rows)


def _learnt(cell: Cell) -> str:
    return share(int((cell.final < cell.constant).sum()), len(cell.final))


def _losses(found: Sequence[Cell]) -> list[str]:
    parts = []
    for task, held in by_task(found).items():
        rates = sorted({cell.rate for cell in held})
        initial, constant = (_by_seed(held, name) for name in ("initial", "constant"))
        rows = [
            [name, *(_loss(select(held, map=name, rate=rate)) for rate in rates)]
            for name in maps_of(held)
        ]
        parts += [
            f"{task}; initial {estimate(initial, 0)}, constant {estimate(constant, 0)}:",
            markdown(["map", *(f"{rate:g}" for rate in rates)], rows),
        ]
    return parts


def _by_seed(held: Sequence[Cell], name: str) -> list[float]:
    """Mean of a loss over maps and rates, of each seed, since runs of one seed start alike."""
    values: dict[int, list[float]] = {}
    for cell in held:
        for record, value in zip(cell.records, getattr(cell, name), strict=True):
            values.setdefault(record.run.seed, []).append(value)
    return [float(np.mean(of_seed)) for of_seed in values.values()]


def _loss(held: Sequence[Cell]) -> str:
    if not held:
        return ""
    (cell,) = held
    if not cell.diverged:
        return estimate(cell.final, 0)
    left = cell.final[~np.isnan(cell.final)]
    rest = f", else {estimate(left, 0)}" if len(left) else ""
    return f"NaN {share(cell.diverged, len(cell.final))}{rest}"


def _published() -> str:
    rows = [
        [name, *("NaN" if math.isnan(losses[r]) else f"{losses[r]:g}" for r in PUBLISHED_RATES)]
        for name, losses in MNIST_LOSS.items()
    ]
    return markdown(["map", *(f"{rate:g}" for rate in PUBLISHED_RATES)], rows)


def _ratios(found: Sequence[Cell]) -> str:
    rows = []
    for task, held in by_task(found).items():
        for rate, row in comparable(held).items():
            for name, cell in row.items():
                measured = [ratios(record) for record in cell.records]
                rows.append(
                    [
                        task,
                        f"{rate:g}",
                        name,
                        estimate([r.largest for r in measured], 0),
                        estimate([r.spread for r in measured], 0),
                        estimate([r.relative_spread for r in measured], 0),
                    ]
                )
    return markdown(["task", "rate", "map", "largest", "deviation", "over the mean"], rows)

"""Largest stable rates, losses beside the published ones, gradient over weight, and the claims."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from experiments.claim import verdict_table
from experiments.report import origins
from experiments.report.markdown import markdown, spread
from experiments.report.rows import Load, select
from experiments.stability.claims import CLAIMS
from experiments.stability.gradient_ratio import comparable, ratios
from experiments.stability.published_values import MNIST_LOSS
from experiments.stability.published_values import RATES as PUBLISHED_RATES
from experiments.stability.sweep import MAPS, Cell, by_task, cells, largest_rate

FILES = ("functionals", "images")


def table(load: Load, preset: str | None) -> str:
    """Markdown: rates, losses, gradient over weight, sources, claims."""
    records = [record for file in FILES for record in load(preset, file)]
    found = cells(records)
    parts = [
        "## Largest stable learning rate",
        "Stable: all seeds end finite and below the initial held-out loss. In brackets the largest "
        "rate at which all seeds still learn, ending below the best constant prediction.",
        _rates(found),
        "## Losses",
        "Held-out loss after training, mean (least..most) of seeds: a mean squared error, or a "
        "cross-entropy of images. NaN: how many seeds met a number that is not finite.",
        *_losses(found),
        "Published test losses on MNIST, all images:",
        _published(),
        "## Gradient over weight",
        "abs(gradient) / abs(weight) of the decay weights, the largest of each channel: its "
        "maximum over channels and steps, its standard deviation, and that over the mean. Mean "
        "(least..most) of seeds.",
        _ratios(found),
        "## Where the numbers come from",
        origins.table(records, diverged=True),
        "## Claims",
        verdict_table(CLAIMS, records),
    ]
    return "\n\n".join(parts) + "\n"


def _rates(found: Sequence[Cell]) -> str:
    rows = []
    for task, held in by_task(found).items():
        rows.append([task, *(_largest(select(held, map=name)) for name in MAPS)])
    return markdown(["task", *MAPS], rows)


def _largest(held: Sequence[Cell]) -> str:
    if not held:
        return ""
    stable, learns = largest_rate(held), largest_rate(held, learns=True)
    return f"{_rate(stable)} ({_rate(learns)})"


def _rate(value: float) -> str:
    return f"{value:g}" if value else "none"


def _losses(found: Sequence[Cell]) -> list[str]:
    parts = []
    for task, held in by_task(found).items():
        rates = sorted({cell.rate for cell in held})
        initial = np.concatenate([cell.initial for cell in held])
        constant = np.concatenate([cell.constant for cell in held])
        rows = [
            [name, *(_loss(select(held, map=name, rate=rate)) for rate in rates)]
            for name in MAPS
            if select(held, map=name)
        ]
        parts += [
            f"{task}; initial {spread(initial)}, constant {spread(constant)}:",
            markdown(["map", *(f"{rate:g}" for rate in rates)], rows),
        ]
    return parts


def _loss(held: Sequence[Cell]) -> str:
    if not held:
        return ""
    (cell,) = held
    if not cell.diverged:
        return spread(cell.final)
    left = cell.final[~np.isnan(cell.final)]
    rest = f", else {spread(left)}" if len(left) else ""
    return f"NaN {cell.diverged} of {len(cell.final)}{rest}"


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
                        spread([r.largest for r in measured]),
                        spread([r.spread for r in measured]),
                        spread([r.relative_spread for r in measured]),
                    ]
                )
    return markdown(["task", "rate", "map", "largest", "spread", "over the mean"], rows)

"""Ours beside the published numbers of Figure 1, then every claim with its verdict."""

from __future__ import annotations

from collections.abc import ItemsView, Sequence

from experiments.claim import Judged, verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.interval import estimate
from experiments.report.markdown import markdown
from experiments.report.rows import Load, grouped, select
from experiments.report.variants import labelled
from experiments.toy import (
    factorial_cells,
    factorial_claims,
    factorial_table,
    kernel_claims,
    kernel_table,
    representable_cells,
    representable_claims,
    representable_table,
    structure_claims,
    trained,
    trained_claims,
)
from experiments.toy.claims import CLAIMS
from experiments.toy.measurement import (
    Measurement,
    family,
    measurements,
    structure_name,
)
from experiments.toy.published_values import LINEAR_CDE, TRAINED
from experiments.toy.trained import Cell, cells

_HEADER = ("run", "seed / data seed", "solver")


def table(load: Load, preset: str | None) -> str:
    """Markdown: random linear CDEs, trained models and infinite width, with sources and claims.

    Of the preset `structures` it is the structured linear CDEs alone; without a preset they come
    last.
    """
    if preset == "structures":
        parts = _structured(load(preset))
    else:
        parts = [*_random(load, preset), *_trained(trained.records(load, preset))]
        parts += kernel_table.section(load(preset, "kernel_limit"))
        hand = representable_cells.records(load, preset)
        parts += factorial_table.section(factorial_cells.records(load, preset), hand)
        parts += representable_table.section(hand)
        parts += _structured(load("structures")) if preset is None else []
    return "\n\n".join(parts) + "\n"


def judged(load: Load, preset: str | None) -> list[Judged]:
    """Claims of the study's parts, each with the records that it is about."""
    random = [] if preset == "structures" else load(preset)
    controls = [] if preset in ("controls", "structures") else load("controls")
    structured = load("structures") if preset in (None, "structures") else []
    return [
        Judged(CLAIMS, random + controls),
        Judged(trained_claims.CLAIMS, trained.records(load, preset)),
        Judged(kernel_claims.KERNEL_CLAIMS, load(preset, "kernel_limit")),
        Judged(factorial_claims.CLAIMS, factorial_cells.records(load, preset)),
        Judged(representable_claims.CLAIMS, representable_cells.records(load, preset)),
        Judged(structure_claims.CLAIMS, structured),
    ]


def paragraphs(load: Load, preset: str | None) -> dict[str, str]:
    """Paragraphs of the introduction that are made from records, by the names of their places."""
    return {"factorial": factorial_table.meaning(factorial_cells.records(load, preset))}


def _random(load: Load, preset: str | None) -> list[str]:
    main, controls = load(preset), [] if preset == "controls" else load("controls")
    rows, more = measurements(main), measurements(controls)
    return [
        "## Random linear CDE, width 256, against the published values",
        _against_published(rows + more),
        "## Every model and width",
        "RMSE / RMSE of predicting zero, over draws.",
        _by_width(rows + more),
        "## Where the numbers come from",
        origins.one_by_one(main + controls, _HEADER, _facts),
        "## Claims",
        verdict_table(CLAIMS, main + controls),
    ]


def _structured(records: Sequence[Record]) -> list[str]:
    if not records:
        return []
    rows = measurements(records)
    return [
        "## Structured random linear CDEs",
        "RMSE / RMSE of predicting zero, over draws. The readout has a feature for every unit of "
        "the width: compare equations of equal width, of as many parameters of one matrix, or of "
        "as many multiplications in a product with one.",
        _by_size(rows),
        "## Where the structured records come from",
        origins.one_by_one(records, _HEADER, _facts),
        "## Claims on structures",
        verdict_table(structure_claims.CLAIMS, records),
    ]


def _by_size(rows: Sequence[Measurement]) -> str:
    names = list(dict.fromkeys(map(family, rows)))
    ordered = sorted(rows, key=lambda row: (names.index(family(row)), row.width))
    sizes = grouped(ordered, lambda row: (family(row), row.width, row.num_parameters, row.cost))
    lines = [
        [name, *(f"{size:,}" for size in held), estimate([row.ratio for row in group], 0)]
        for (name, *held), group in sizes.items()
    ]
    return markdown(["structure", "width", "parameters", "multiplications", "ratio"], lines)


def _trained(records: Sequence[Record]) -> list[str]:
    if not records:
        return []
    return [
        "## Trained models",
        "RMSE / RMSE of predicting zero at the last step, over seeds.",
        _by_cell(cells(records)),
        "## Claims on trained models",
        verdict_table(trained_claims.CLAIMS, records),
    ]


def _by_cell(rows: Sequence[Cell]) -> str:
    lines = []
    for row in rows:
        model = row.model.removesuffix(trained.PUBLISHED_STEP)
        published = TRAINED.get((row.channels, model, row.depth, row.nonlinear))
        zero = LINEAR_CDE[row.channels].predict_zero
        lines.append(
            [
                f"{row.channels}-D",
                row.name,
                row.preset,
                row.baseline,
                f"{row.steps[-1]:,}",
                estimate(row.final, 0),
                "" if published is None else f"{published / zero:.3g}",
            ]
        )
    header = ["dim.", "model", "preset", "baseline", "steps", "ratio", "published"]
    return markdown(header, lines)


def _against_published(rows: Sequence[Measurement]) -> str:
    lines = []
    for channels, published in LINEAR_CDE.items():
        ours = select(rows, channels=channels, structure="dense", forcing=True, width=256)
        for (num_paths, method, variant, _), group in _groups(
            ours, "num_paths", "method", "variant", "record"
        ):
            lines.append(
                [
                    f"{channels}-D",
                    f"{num_paths:,}",
                    labelled(str(method), str(variant)),
                    estimate([row.rmse for row in group], 0),
                    f"{published.mean:.3g} ({published.low:.3g}..{published.high:.3g})",
                    estimate([row.ratio for row in group], 0),
                    f"{published.ratio:.3g}",
                ]
            )
    header = ["dim.", "paths", "solver", "RMSE", "published (least..most)", "ratio", "published"]
    return markdown(header, lines)


def _by_width(rows: Sequence[Measurement]) -> str:
    widths = sorted({row.width for row in rows})
    lines = []
    keys = ("channels", "structure", "forcing", "num_paths", "method", "variant", "record")
    for (channels, structure, forcing, num_paths, method, variant, _), group in _groups(
        rows, *keys
    ):
        name = labelled(f"{structure}{'' if forcing else ', no forcing'}", str(variant))
        cells = [[row.ratio for row in group if row.width == width] for width in widths]
        lines.append(
            [f"{channels}-D", name, f"{num_paths:,}", str(method)]
            + [estimate(cell, 0) if cell else "" for cell in cells]
        )
    return markdown(["dim.", "model", "paths", "solver", *map(str, widths)], lines)


def _groups(
    rows: Sequence[Measurement], *names: str
) -> ItemsView[tuple[object, ...], list[Measurement]]:
    return grouped(rows, lambda row: tuple(getattr(row, name) for name in names)).items()


def _facts(record: Record) -> list[str]:
    run, notes = record.run, record.notes
    return [
        f"{run.task.channels}-D {structure_name(run.structure)}",
        f"{run.seed} / {run.data_seed}",
        f"{notes.get('method', '')} depth {notes.get('depth')}, tail {notes.get('tail')}",
    ]

"""Ours beside the published numbers of Figure 1, then every claim with its verdict."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Sequence

from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.markdown import markdown, spread
from experiments.report.rows import Load, grouped, select
from experiments.report.variants import labelled
from experiments.toy import kernel_table, structure_claims, trained_claims
from experiments.toy.claims import CLAIMS
from experiments.toy.measurement import (
    Measurement,
    family,
    measurements,
    ratios_by,
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
        parts = [*_random(load, preset), *_trained(load(preset, "sequence_models"))]
        parts += kernel_table.section(load(preset, "kernel_limit"))
        parts += _structured(load("structures")) if preset is None else []
    return "\n\n".join(parts) + "\n"


def _random(load: Load, preset: str | None) -> list[str]:
    main, controls = load(preset), [] if preset == "controls" else load("controls")
    rows, more = measurements(main), measurements(controls)
    return [
        "## Random linear CDE, width 256, against the published values",
        _against_published(rows + more),
        "## Every model and width",
        "Mean (least..most) over draws of RMSE / RMSE of predicting zero.",
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
        "## Structured random linear CDEs, at equal widths",
        "Mean (least..most) over draws of RMSE / RMSE of predicting zero.",
        _by_family(rows, lambda row: row.width),
        "## At equal numbers of parameters of one matrix",
        "Equal matrices are not equal readouts: a structured equation with as many parameters is "
        "wider, and its readout has a feature for every unit of the width.",
        _by_family(rows, lambda row: row.num_parameters),
        "## Where the structured records come from",
        origins.one_by_one(records, _HEADER, _facts),
        "## Claims on structures",
        verdict_table(structure_claims.CLAIMS, records),
    ]


def _by_family(rows: Sequence[Measurement], key: Callable[[Measurement], int]) -> str:
    keys = sorted({key(row) for row in rows})
    lines = []
    for name in dict.fromkeys(family(row) for row in rows):
        ratios = ratios_by([row for row in rows if family(row) == name], key)
        lines.append([name, *(spread(ratios[k]) if k in ratios else "" for k in keys)])
    return markdown(["structure", *map(str, keys)], lines)


def _trained(records: Sequence[Record]) -> list[str]:
    if not records:
        return []
    return [
        "## Trained models",
        "RMSE / RMSE of predicting zero at the last step: mean (least..most) of seeds.",
        _by_cell(cells(records)),
        "## Claims on trained models",
        verdict_table(trained_claims.CLAIMS, records),
    ]


def _by_cell(rows: Sequence[Cell]) -> str:
    lines = []
    for row in rows:
        published = TRAINED.get((row.channels, row.model, row.depth, row.nonlinear))
        zero = LINEAR_CDE[row.channels].predict_zero
        lines.append(
            [
                f"{row.channels}-D",
                row.name,
                row.preset,
                row.baseline,
                str(len(row.final)),
                f"{row.steps[-1]:,}",
                spread(row.final),
                "" if published is None else f"{published / zero:.3g}",
            ]
        )
    header = ["dim.", "model", "preset", "baseline", "seeds", "steps", "ratio", "published"]
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
                    str(len(group)),
                    spread([row.rmse for row in group]),
                    f"{published.mean:.3g} ({published.low:.3g}..{published.high:.3g})",
                    spread([row.ratio for row in group]),
                    f"{published.ratio:.3g}",
                ]
            )
    header = ["dim.", "paths", "solver", "draws", "RMSE", "published RMSE", "ratio", "published"]
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
        draws = max(map(len, cells))
        lines.append(
            [f"{channels}-D", name, f"{num_paths:,}", str(method), str(draws)]
            + [spread(cell) if cell else "" for cell in cells]
        )
    return markdown(["dim.", "model", "paths", "solver", "draws", *map(str, widths)], lines)


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

"""Which memory each parameterisation approximates stably, in three readings, and every claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.claim import Judged, verdict_table
from experiments.memory import (
    bounded_claims,
    bounded_table,
    functions,
    later_tables,
    trained_claims,
    trained_table,
)
from experiments.memory.claims import CLAIMS, FINDINGS
from experiments.memory.curves import READINGS, Family, MapFacts, families, map_facts, map_name
from experiments.memory.theory import UP_TO
from experiments.record import Record
from experiments.report import origins
from experiments.report.interval import estimates, share
from experiments.report.markdown import markdown
from experiments.report.rows import Load, grouped, select

SHOWN_BETAS = (0.0, 1e-3, 1e-2, 1e-1)
SHOWN_SCALES = (10.0, 100.0, 1000.0)


def table(load: Load, preset: str | None) -> str:
    """Markdown: linear theory, trained networks, memory functions, each with sources and claims.

    Of a preset with a section of its own, that section alone.
    """
    if preset in later_tables.PRESETS:
        return "\n\n".join(later_tables.parts(load, preset)) + "\n"
    records = load(preset, "theory")
    trained, measured = load(preset, "recurrent_models"), load(preset, "memory_functions")
    bounded = load(preset, "bounded_coefficients")
    parts = [
        *(_theory(records) if records else []),
        *(bounded_table.parts(bounded) if bounded else []),
        *(trained_table.parts(trained, records) if trained else []),
        *(later_tables.parts(load, *later_tables.PRESETS) if preset is None else []),
        *(functions.parts(measured) if measured else []),
    ]
    return "\n\n".join(parts) + "\n"


def judged(load: Load, preset: str | None) -> list[Judged]:
    """Claims and findings of the study's parts, each with the records that it is about.

    Of a preset with a section of its own, the claims of that section alone.
    """
    if preset in later_tables.PRESETS:
        return later_tables.judged(load, preset)
    theory, bounded = load(preset, "theory"), load(preset, "bounded_coefficients")
    return [
        Judged(CLAIMS, theory),
        Judged(FINDINGS, theory, "finding"),
        Judged(bounded_claims.CLAIMS, bounded),
        Judged(bounded_claims.FINDINGS, bounded, "finding"),
        Judged(trained_claims.CLAIMS, load(preset, "recurrent_models")),
        *(later_tables.judged(load, *later_tables.PRESETS) if preset is None else []),
        Judged(functions.CLAIMS, load(preset, "memory_functions")),
    ]


def _theory(records: Sequence[Record]) -> list[str]:
    """Verdicts, errors, what the maps do by themselves, sources, claims."""
    found = families(records)
    return [
        "## Stable or not",
        f"Whether a network does worse than its narrower neighbour at any beta up to {UP_TO:g}: "
        "which do, and from which beta on. Of draws, in how many sets.",
        _verdicts(found),
        "## Errors",
        "E(beta) of each width in turn; of draws, the mean over sets. A shift and a worst case are "
        "computed once, n = 1.",
        _errors(found),
        "## Parameterisations",
        "g(beta): largest relative change of a mode's memory. Then, at time scales "
        f"{', '.join(f'{scale:g}' for scale in SHOWN_SCALES)}: the scale of a gradient, the same "
        "over the weight, and the variance of dh/dw in white noise.",
        _maps(map_facts(records)),
        "## Where the numbers come from",
        origins.one_by_one(records, ("map", "seed", "draws"), _facts),
        "## Claims",
        verdict_table(CLAIMS, records),
        "## Findings",
        "Statements that were made after these records were seen, so these records cannot test "
        "them; new ones, with other seeds or settings, can refute them.",
        verdict_table(FINDINGS, records, "finding"),
    ]


def _verdicts(found: Sequence[Family]) -> str:
    rows = []
    for (kernel, horizon, name), group in _grouped(found, "kernel", "horizon", "map").items():
        readings = [select(group, reading=reading) for reading in READINGS]
        widths = group[0].curves.widths
        shares = {_share(held) for held in readings if held}
        rows.append(
            [
                str(kernel),
                str(horizon),
                str(name),
                ", ".join(map(str, widths)),
                *(_verdict(held, widths) for held in readings),
                "agree" if len(shares) == 1 else "**differ**",
            ]
        )
    return markdown(["memory", "steps", "map", "widths", *READINGS.values(), "readings"], rows)


def _verdict(rows: Sequence[Family], widths: Sequence[int]) -> str:
    """Say what crosses, of the one family of a reading or of all its sets of draws."""
    if not rows:
        return ""
    crossing = [row.pairs for row in rows if row.pairs]
    text = "crosses" if crossing else "stable"
    if len(rows) > 1:
        text += f" in {share(len(crossing) or len(rows), len(rows))} sets"
    if (widest := rows[0].curves.widths[-1]) < widths[-1]:
        text += f", up to width {widest}"
    pairs = sorted({pair for held in crossing for pair in held})
    first = {pair: min(held.get(pair, np.inf) for held in crossing) for pair in pairs}
    parts = [f"{narrow} to {wide} from {beta:g}" for (narrow, wide), beta in first.items()]
    return ": ".join([text, *([", ".join(parts)] if parts else [])])


def _share(rows: Sequence[Family]) -> float:
    return float(np.mean([not row.curves.is_stable for row in rows]))


def _errors(found: Sequence[Family]) -> str:
    rows = []
    names = ("kernel", "horizon", "map", "reading")
    for (kernel, horizon, name, reading), group in _grouped(found, *names).items():
        curves = group[0].curves
        errors = np.array([family.curves.errors for family in group])
        shown = [
            estimates([*errors[:, :, np.flatnonzero(curves.betas == b)[0]].T])
            if b in curves.betas
            else ""
            for b in SHOWN_BETAS
        ]
        widths = ", ".join(map(str, curves.widths))
        facts = [str(kernel), str(horizon), str(name), READINGS[str(reading)], widths]
        rows.append([*facts, *shown])
    header = ["memory", "steps", "map", "reading", "widths", *(f"beta {b:g}" for b in SHOWN_BETAS)]
    return markdown(header, rows)


def _maps(found: Sequence[MapFacts]) -> str:
    rows = []
    for facts in found:
        g = dict(zip(facts.functional["betas"], facts.functional["values"], strict=True))
        rows.append(
            [
                facts.map,
                "stable" if facts.functional["is_stable"] else "not stable",
                facts.functional["reason"],
                *(f"{g[beta]:.4g}" if beta in g else "" for beta in (1e-2, 1e-1)),
                *(
                    _at_scales(facts.scales, quantity)
                    for quantity in ("gradient", "gradient_per_weight", "variance")
                ),
            ]
        )
    header = ["map", "verdict", "why", "g(0.01)", "g(0.1)", "gradient", "over weight", "variance"]
    return markdown(header, rows)


def _at_scales(scales: Mapping[str, Any], quantity: str) -> str:
    places = [
        int(np.abs(np.array(scales["time_scales"]) - scale).argmin()) for scale in SHOWN_SCALES
    ]
    return ", ".join(f"{scales[quantity][place]:.3g}" for place in places)


def _grouped(found: Sequence[Family], *names: str) -> dict[tuple[object, ...], list[Family]]:
    groups = grouped(found, lambda family: tuple(getattr(family, name) for name in names))
    return dict(sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])))


def _facts(record: Record) -> list[str]:
    run = record.run
    return [map_name(run.parameterisation), str(run.seed), str(run.draws)]

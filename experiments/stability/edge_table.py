"""Largest rates at which a run still learns, beside the prediction of theory: a section."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.interval import share, student
from experiments.report.markdown import markdown
from experiments.stability.edge_claims import CLAIMS, FINDINGS
from experiments.stability.edges import LAYER, MODES, SHARES, STATES, Edge, by_memory, edges, scales
from experiments.stability.sweep import MAPS

NETWORKS = {
    MODES: "Linear modes, the rate of whose weights alone is swept",
    LAYER: "One layer of StableSSM as published, all of whose parameters have the swept rate",
    STATES: "The same layer, the rate of whose recurrence alone is swept",
}


def section(records: Sequence[Record]) -> list[str]:
    """Markdown parts; none without records."""
    found = edges(records)
    if not found:
        return []
    return [
        "## Is stability about the optimiser?",
        "The largest constant rate at which a run still learns: it ends finite, with less than "
        f"{SHARES[MODES]:g} (modes) or {SHARES[LAYER]:g} (StableSSM) of the held-out squared error "
        "of predicting zero. Geometric mean over seeds, "
        "with Student's interval of the logarithms; a seed that learns at no rate counts as one "
        "step below the grid, one that learns at the grid's largest as that, and both are counted. "
        "In round brackets the prediction of "
        "`seqtheory.reparameterisation.stable_rate`, with one constant for each network and "
        "optimiser, which leaves the mean of logarithms as measured.",
        *_tables(found),
        "## Where the ladders come from",
        origins.table(records),
        "## Claims on optimisers",
        verdict_table(CLAIMS, records),
        "## Findings on optimisers, made after these records were seen",
        verdict_table(FINDINGS, records, "finding"),
    ]


def _tables(found: Sequence[Edge]) -> list[str]:
    parts = []
    for network in dict.fromkeys(edge.network for edge in found):
        held = [edge for edge in found if edge.network == network]
        shown = [name for name in MAPS if name in {edge.map for edge in held}]
        head = NETWORKS.get(network, network)
        parts += [f"{head}:", markdown(["optimiser", "memory", *shown], _rows(held, shown))]
    return parts


def _rows(held: Sequence[Edge], shown: Sequence[str]) -> list[list[str]]:
    scale = scales(held)
    rows = []
    for optimiser in scale:
        of_one = [edge for edge in held if edge.optimiser == optimiser]
        for memory, row in by_memory(of_one).items():
            written = (_cell(row[n], scale[optimiser]) if n in row else "" for n in shown)
            rows.append([optimiser, memory, *written])
    return rows


def _cell(edge: Edge, scale: float) -> str:
    logs = list(edge.logs.values())
    text = f"{10 ** np.mean(logs):.3g}"
    if len(logs) > 1:
        low, high = (10**end for end in student(logs))
        text += f" [{low:.3g}, {high:.3g}]"
    ends = (("none", 0.0), ("the grid's end", edge.rates[0]))
    counts = [(name, list(edge.largest.values()).count(rate)) for name, rate in ends]
    beyond = "".join(f", {name} in {share(count, len(logs))}" for name, count in counts if count)
    return f"{text}, n = {len(logs)}{beyond} ({scale * edge.predicted:.2g})"

"""What linear theory says about stable approximation, as functions from records.

A family of curves E_m(beta) *crosses* if, at some beta up to 1e-2, a network does worse than its
narrower neighbour. The verdict depends on how a perturbation is read, so each claim names its
reading; of draws there are several sets, and the claim says in how many of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.claim import Claim, Judge, Verdict, lacking
from experiments.memory.curves import Family, MapFacts, cell_of, families, map_facts
from experiments.memory.theory import UP_TO
from experiments.record import Record
from experiments.report.rows import select
from experiments.report.variants import of_one_setting

Decide = Callable[[Mapping[str, Sequence[Family]]], Verdict]

MAPS = ("direct", "exp", "softplus", "best")
PUBLISHED_DRAWS = 30
# A maximum inside the box may be missed by so much: the worst case is a lower bound.
SLACK = 1e-3


def _judge(
    decide: Decide, kernel: str, reading: str, horizon: int = 100, maps: Sequence[str] = MAPS
) -> Judge:
    """Judge the families of these maps that have widths 4 and 8."""
    facts = {"kernel": kernel, "reading": reading, "horizon": horizon}

    def judge(records: Sequence[Record]) -> Verdict:
        rows = [
            family
            for family in select(families(records), **facts)
            if {4, 8} <= set(family.curves.widths)
            and (reading != "gaussian" or family.draws[0] == PUBLISHED_DRAWS)
        ]
        found = {name: select(rows, map=name) for name in maps}
        return lacking(found) or decide(found)

    return judge


def _crossing(**expected: Callable[[float], bool]) -> Decide:
    """Judge the share of each map's families whose curves cross; it is 0 where none is named."""

    def decide(found: Mapping[str, Sequence[Family]]) -> Verdict:
        narrow, wide = next(iter(found.values()))[0].curves.widths[-2:]
        holds, details = True, []
        for name, rows in found.items():
            crossing = [not row.curves.is_stable for row in rows]
            holds &= expected.get(name, _never)(float(np.mean(crossing)))
            errors = f"{rows[0].error(narrow, UP_TO):.4g} to {rows[0].error(wide, UP_TO):.4g}"
            details.append(f"{name} {sum(crossing)}/{len(rows)} ({errors})")
        detail = f"crossing, and E_{narrow} to E_{wide} at beta {UP_TO:g}: {', '.join(details)}"
        return Verdict("pass" if holds else "fail", detail)

    return decide


def _never(share: float) -> bool:
    return share == 0


def _always(share: float) -> bool:
    return share == 1


def _growth(holds: Callable[[float], bool]) -> Decide:
    """Judge the ratio of E_8(1e-2) to E_8(0) of every map."""

    def decide(found: Mapping[str, Sequence[Family]]) -> Verdict:
        ratios = {
            name: rows[0].error(8, UP_TO) / rows[0].error(8, 0.0) for name, rows in found.items()
        }
        return Verdict("pass" if all(map(holds, ratios.values())) else "fail", _listed(ratios))

    return decide


def _falls_with_width(found: Mapping[str, Sequence[Family]]) -> Verdict:
    """Whether at every beta each width is better than the one before."""
    curves = [row.curves for rows in found.values() for row in rows]
    holds = all(np.all(np.diff(curve.errors, axis=0) < 0) for curve in curves)
    last = {
        f"width {m}": row[-1] for m, row in zip(curves[0].widths, curves[0].errors, strict=True)
    }
    detail = f"at beta {curves[0].betas[-1]:g}, {_listed(last)}"
    return Verdict("pass" if holds else "fail", detail)


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}: {value:.4g}" for name, value in values.items())


def _judge_readings(records: Sequence[Record]) -> Verdict:
    """Whether no other reading exceeds the worst case that was found."""
    found = families(records)
    largest = 0.0
    count = 0
    for worst in select(found, reading="vertices"):
        same = {"map": worst.map, "kernel": worst.kernel, "horizon": worst.horizon}
        for other in select(found, **same):
            if other.reading != "vertices" and other.curves.widths == worst.curves.widths:
                largest = max(largest, float((other.curves.errors / worst.curves.errors).max()))
                count += 1
    if not count:
        return Verdict("not run", "needs the worst case and another reading of the same curves")
    detail = f"at most {largest:.6g} of it, in {count} comparisons"
    return Verdict("pass" if largest <= 1 + SLACK else "fail", detail)


def _judge_maps(decide: Callable[[Mapping[str, MapFacts]], Verdict]) -> Judge:
    def judge(records: Sequence[Record]) -> Verdict:
        known = {facts.map: facts for facts in map_facts(records)}
        found = {name: known[name] for name in MAPS if name in known}
        return lacking({name: known.get(name) for name in MAPS}) or decide(found)

    return judge


def _stable_maps(found: Mapping[str, MapFacts]) -> Verdict:
    stable = [name for name, facts in found.items() if facts.functional["is_stable"]]
    exp = found["exp"].functional
    error = max(
        abs(value - math.expm1(beta))
        for beta, value in zip(exp["betas"], exp["values"], strict=True)
    )
    holds = stable == ["exp", "softplus", "best"] and error < 1e-9
    detail = f"stable: {', '.join(stable)}; exp is off e^beta - 1 by {error:.1g}"
    return Verdict("pass" if holds else "fail", detail)


def _spread(facts: MapFacts, quantity: str, low: float, high: float) -> float:
    """Largest over smallest value of a quantity among time scales from `low` to `high`."""
    scales = np.array(facts.scales["time_scales"])
    values = np.array(facts.scales[quantity])[(scales >= 0.999 * low) & (scales <= 1.001 * high)]
    return float(values.max() / values.min())


def _even_gradients(found: Mapping[str, MapFacts]) -> Verdict:
    spread = {n: _spread(facts, "gradient_per_weight", 10, 1000) for n, facts in found.items()}
    others = min(value for name, value in spread.items() if name != "best")
    holds = spread["best"] < 1 + 1e-6 and others > 10
    return Verdict("pass" if holds else "fail", _listed(spread))


def _variances(found: Mapping[str, MapFacts]) -> Verdict:
    growth = {n: _spread(facts, "variance", 100, 1000) for n, facts in found.items()}
    powers = {"direct": 3, "exp": 1, "best": 0}
    holds = all(abs(math.log10(growth[name]) - power) < 0.05 for name, power in powers.items())
    return Verdict("pass" if holds else "fail", _listed(growth))


_CLAIMS = (
    Claim(
        "shift-heavy",
        "common shift, polynomial memory: the curves cross for direct weights alone",
        _judge(_crossing(direct=_always), "polynomial", "shift"),
    ),
    Claim(
        "direct-grows",
        "common shift, polynomial memory, direct: E_8(1e-2) is more than 100 times E_8(0)",
        _judge(_growth(lambda x: x > 100), "polynomial", "shift", maps=["direct"]),
    ),
    Claim(
        "others-hold",
        "common shift, polynomial memory, other maps: E_8(1e-2) is less than 10 times E_8(0)",
        _judge(_growth(lambda x: x < 10), "polynomial", "shift", maps=MAPS[1:]),
    ),
    Claim(
        "shift-light",
        "common shift, exponential memory: the curves cross for no map",
        _judge(_crossing(), "exponential", "shift"),
    ),
    Claim(
        "light-direct",
        "common shift, exponential memory, direct: the error falls with width up to beta 1e-1",
        _judge(_falls_with_width, "exponential", "shift", maps=["direct"]),
    ),
    Claim(
        "worst-heavy",
        "worst case, polynomial memory: the curves cross for direct weights alone",
        _judge(_crossing(direct=_always), "polynomial", "vertices"),
    ),
    Claim("readings", "neither a shift nor draws exceed the worst case found", _judge_readings),
    Claim(
        "long-heavy",
        "common shift, polynomial memory over 1000 steps: again for direct weights alone",
        _judge(_crossing(direct=_always), "polynomial", "shift", 1000),
    ),
    Claim(
        "long-light",
        "common shift, exponential memory over 1000 steps: again for no map",
        _judge(_crossing(), "exponential", "shift", 1000),
    ),
    Claim(
        "long-draws",
        "30 draws, polynomial memory over 1000 steps: direct weights alone cross, in every set",
        _judge(_crossing(direct=_always), "polynomial", "gaussian", 1000),
    ),
    Claim(
        "stable-maps",
        "exp, softplus and best are stable maps, direct is not; of exp, g(beta) = e^beta - 1",
        _judge_maps(_stable_maps),
    ),
    Claim(
        "even-gradients",
        "time scales 10 to 1000: gradient over weight is constant for best alone",
        _judge_maps(_even_gradients),
    ),
    Claim(
        "variances",
        "time scale 100 to 1000: variance of dh/dw grows as its cube for direct, in proportion "
        "for exp, not at all for best",
        _judge_maps(_variances),
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)

_FINDINGS = (
    Claim(
        "worst-light",
        "worst case, exponential memory: the curves cross for direct, exp and best",
        _judge(_crossing(direct=_always, exp=_always, best=_always), "exponential", "vertices"),
    ),
    Claim(
        "draws-heavy",
        "30 draws, polynomial memory: direct weights cross in some sets of draws and not in others",
        _judge(_crossing(direct=lambda share: 0 < share < 1), "polynomial", "gaussian"),
    ),
    Claim(
        "draws-light",
        "30 draws, exponential memory: direct weights cross in few sets, other maps in none",
        _judge(_crossing(direct=lambda share: share < 0.25), "exponential", "gaussian"),
    ),
    Claim(
        "idle-modes",
        "30 draws, exponential memory over 1000 steps: with idle modes (width 12) all maps cross",
        _judge(
            _crossing(direct=_always, exp=_always, softplus=_always, best=_always),
            "exponential",
            "gaussian",
            1000,
        ),
    ),
)
FINDINGS = of_one_setting(_FINDINGS, cell_of)
"""Statements made after the published records were seen: new records can refute them."""

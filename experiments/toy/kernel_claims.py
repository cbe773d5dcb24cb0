"""What the infinite-width limit says about random features fitted to the same paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from experiments.claim import Claim, Verdict
from experiments.record import Record
from experiments.report.variants import of_one_setting
from experiments.toy.kernel_measurement import LimitCell, cell_of, limit_cells

# Below this many training paths the fit itself, not the class of functions, limits the error.
ENOUGH_PATHS = 4_000
WIDEST = 512


def _judge(
    channels: int, structure: str, forcing: bool, holds: Callable[[LimitCell], bool]
) -> Callable[[Sequence[Record]], Verdict]:
    wanted = (channels, structure, forcing)

    def judge(records: Sequence[Record]) -> Verdict:
        found = [
            cell
            for cell in limit_cells(records)
            if (cell.channels, cell.structure, cell.forcing) == wanted
        ]
        if not found:
            return Verdict("not run", "no finished record of this equation")
        cell = max(found, key=lambda cell: cell.num_train)
        widths = ", ".join(f"width {w}: {value:.3g}" for w, value in cell.means.items())
        detail = f"limit: {cell.limit:.3g}; {widths}"
        if cell.num_train < ENOUGH_PATHS or WIDEST not in cell.ratios:
            return Verdict(
                "undecided", f"needs {ENOUGH_PATHS:,} paths and width {WIDEST} ({detail})"
            )
        return Verdict("pass" if holds(cell) else "fail", detail)

    return judge


def _below_the_widest(cell: LimitCell) -> bool:
    return cell.limit < min(cell.ratios[WIDEST])


def _falls(cell: LimitCell) -> bool:
    means = list(cell.means.values())
    return all(narrow > wide for narrow, wide in pairwise(means))


def _floor(level: float) -> Callable[[LimitCell], bool]:
    return lambda cell: min(cell.limit, *cell.means.values()) >= level


_KERNEL_CLAIMS = (
    Claim(
        "k-2d",
        "dense, 2-D: the signature kernel's error is below every draw of width 512",
        _judge(2, "dense", True, _below_the_widest),
    ),
    Claim(
        "k-3d",
        "dense, 3-D: the signature kernel's error is below every draw of width 512",
        _judge(3, "dense", True, _below_the_widest),
    ),
    Claim(
        "l-2d",
        "dense, 2-D: the error falls with every doubling of the width",
        _judge(2, "dense", True, _falls),
    ),
    Claim(
        "l-3d",
        "dense, 3-D: the error falls with every doubling of the width",
        _judge(3, "dense", True, _falls),
    ),
    Claim(
        "m-2d",
        "diagonal without forcing, 2-D: ratio at least 0.65 at every width and in the limit",
        _judge(2, "diagonal", False, _floor(0.65)),
    ),
    Claim(
        "m-3d",
        "diagonal with forcing, 3-D: ratio at least 0.68 at every width and in the limit",
        _judge(3, "diagonal", True, _floor(0.68)),
    ),
)
KERNEL_CLAIMS = of_one_setting(_KERNEL_CLAIMS, cell_of)

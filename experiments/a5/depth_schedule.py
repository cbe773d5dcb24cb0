"""The published search for the fewest blocks: a depth that failed is not tried on longer words.

For each model and seed, lengths are taken in turn, and at each of them the depths that have not
failed yet, the least first, up to the first that passes.

Source: the code of arXiv:2402.19047, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.a5.sequence_models import SequenceModelRun


def due(
    runs: Sequence[SequenceModelRun], passed: Mapping[SequenceModelRun, bool]
) -> list[SequenceModelRun]:
    """List the run that each model and seed has come to.

    Parameters
    ----------
    runs
        All that the search may try.
    passed
        Whether a finished run solved its words.
    """
    searches: dict[SequenceModelRun, list[SequenceModelRun]] = {}
    for run in runs:
        searches.setdefault(replace(run, length=2, depth=1), []).append(run)
    found = (_next(search, passed) for search in searches.values())
    return [run for run in found if run is not None]


def _next(
    search: Sequence[SequenceModelRun], passed: Mapping[SequenceModelRun, bool]
) -> SequenceModelRun | None:
    failed: set[int] = set()
    solved: set[int] = set()
    for run in sorted(search, key=lambda run: (run.length, run.depth)):
        if run.depth in failed or run.length in solved:
            continue
        if run not in passed:
            return run
        (solved.add(run.length) if passed[run] else failed.add(run.depth))
    return None

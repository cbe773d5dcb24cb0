"""The four verdicts of a logbook, and what a study's own verdicts mean in them."""

from __future__ import annotations

from typing import Literal

from experiments.claim import Status

Outcome = Literal["verified", "falsified", "inconclusive", "not yet tested"]
OUTCOMES: tuple[Outcome, ...] = ("verified", "falsified", "inconclusive", "not yet tested")
SUGGESTED = (
    "The statement was made after these records were seen, so they agree with it but cannot test "
    "it; new records can."
)
"""Why a finding that holds is not verified."""
_OUTCOMES: dict[Status, Outcome] = {
    "pass": "verified",
    "fail": "falsified",
    "undecided": "inconclusive",
    "not run": "not yet tested",
}


def outcome(status: Status, kind: str) -> Outcome:
    """Turn a study's verdict into one of the four.

    Parameters
    ----------
    status
        ``pass`` is *verified*, ``fail`` *falsified*, ``undecided`` *inconclusive* and ``not run``
        *not yet tested*.
    kind
        ``claim``, or ``finding`` for a statement that its records suggested: these can refute it,
        so that it is *falsified*, but never verify it. Where they agree, it is *not yet tested*.
    """
    return "not yet tested" if (kind, status) == ("finding", "pass") else _OUTCOMES[status]

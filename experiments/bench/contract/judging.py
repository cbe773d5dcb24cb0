"""What becomes of a point: its finding, whatever the model's own code does meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault, Finding, Skip
from experiments.guest_file import how_to_bring
from experiments.short_traceback import told

if TYPE_CHECKING:
    from experiments.bench.contract.points import Point
    from experiments.bench.contract.subject import Subject

_CUDA = ("cuda", "nvidia", "triton")
_NEEDS_CUDA = (
    "it seems to need a CUDA device: run where there is one, with device='cuda', or give the model "
    "a way that the CPU can go"
)


def judged(point: Point, subject: Subject, before: Mapping[str, Finding]) -> Finding:
    """Judge one point, given the findings of those before it; nothing but Ctrl-C comes through."""
    lacking = [name for name in point.needs if before[name].status != "ok"]
    if lacking:
        seen = f"means nothing without {lacking[0]}"
        return Finding(point=point.name, status="skipped", seen=seen)
    try:
        return Finding(point=point.name, status="ok", seen=point.judge(subject))
    except Skip as skip:
        return Finding(point=point.name, status="skipped", seen=skip.seen, blocks=skip.blocks)
    except Fault as fault:
        blocks = point.blocks if fault.blocks is None else fault.blocks
        return _failed(point, fault.seen, fault.advice or point.advice, blocks)
    except (Exception, SystemExit) as error:  # of the model's own code
        seen = told(error, subject.candidate.files)
        return _failed(point, seen, _advice(point, subject, error), point.blocks)


def _failed(point: Point, seen: str, advice: str, blocks: tuple[str, ...]) -> Finding:
    return Finding(point=point.name, status="failed", seen=seen, advice=advice, blocks=blocks)


def _advice(point: Point, subject: Subject, error: BaseException) -> str:
    """Say what to do: about a package or a device that is missing, or else what the point says."""
    folder = subject.candidate.files[0].parent if subject.candidate.files else Path.cwd()
    if bring := how_to_bring(error, folder):
        return bring
    return _NEEDS_CUDA if any(word in str(error).lower() for word in _CUDA) else point.advice

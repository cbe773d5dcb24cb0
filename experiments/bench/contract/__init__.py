"""The contract: what a model must promise before its numbers mean anything, checked in seconds.

One function per point, in a table (`points`); what each sees becomes a finding, and all of them a
`Contract`. A point that the model's own code breaks off is a finding too.
"""

from __future__ import annotations

from contextlib import redirect_stdout
from pathlib import Path

from experiments.bench.contract.conduct import Witness
from experiments.bench.contract.finding import Contract, Fault, Finding, Skip
from experiments.bench.contract.globals import kept
from experiments.bench.contract.points import POINTS, Point
from experiments.bench.contract.subject import Subject
from experiments.bench.model import candidate
from experiments.guest_file import how_to_bring
from experiments.short_traceback import told
from seqtheory.checks import require_integer, require_positive

__all__ = ["POINTS", "Contract", "Finding", "Point", "check"]

_CUDA = ("cuda", "nvidia", "triton")
_NEEDS_CUDA = (
    "it seems to need a CUDA device: run where there is one, with device='cuda', or give the model "
    "a way that the CPU can go"
)


def check(
    model: object,
    width: int = 16,
    *,
    length: int = 16,
    times: int = 16,
    device: str = "cpu",
    patience: float = 20.0,
) -> Contract:
    """Check a model's contract, in seconds.

    Parameters
    ----------
    model
        A model in any form that `experiments.bench.model` knows, such as
        ``"my_model.py:GatedRecurrence"``, a class, a function of the width, or settings.
    width
        Channels.
    length
        Positions of an ordinary sequence.
    times
        It is also run on sequences of this many times as many.
    device
        Where it is run. Where there is a CUDA device, it is tried there in any case.
    patience
        Seconds that a point may take, by what calls before it took; a point that would take more is
        not judged.

    Returns
    -------
    A finding per point. Fixed seeds: the same model has the same findings, but for times.

    Raises
    ------
    ConfigError
        If there is no such model, or its file does not import.
    """
    require_integer("width", width, minimum=1)
    require_integer("length", length, minimum=4)
    require_integer("times", times, minimum=2)
    require_positive("patience", patience)
    import torch

    witness, changed = Witness(), {}
    eager = torch.compiler.set_stance("force_eager")  # a model is checked as it is written
    with redirect_stdout(witness.printed), kept(changed), eager:
        with kept(changed):
            given = candidate(model)
        subject = Subject(
            given, width=width, length=length, times=times, device=device, patience=patience
        )
        subject.witness, subject.changed = witness, changed
        findings: dict[str, Finding] = {}
        for point in POINTS:
            findings[point.name] = _judged(point, subject, findings)
    return Contract(
        model=given.name,
        width=width,
        length=length,
        findings=tuple(findings.values()),
        numbers=subject.numbers,
    )


def _judged(point: Point, subject: Subject, findings: dict[str, Finding]) -> Finding:
    lacking = [name for name in point.needs if findings[name].status != "ok"]
    if lacking:
        return Finding(
            point=point.name, status="skipped", seen=f"means nothing without {lacking[0]}"
        )
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

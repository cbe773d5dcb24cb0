"""The contract: what a model must promise before its numbers mean anything, checked in seconds.

One function per point, in a table (`points`); what each sees becomes a finding, and all of them a
`Contract`. A point that the model's own code breaks off is a finding too.
"""

from __future__ import annotations

from contextlib import redirect_stdout

from experiments.bench.contract.conduct import Witness
from experiments.bench.contract.finding import Contract, Finding
from experiments.bench.contract.globals import kept
from experiments.bench.contract.judging import judged
from experiments.bench.contract.points import POINTS, Point
from experiments.bench.contract.subject import Subject
from experiments.bench.model import candidate
from seqtheory.checks import require_integer, require_positive

__all__ = ["POINTS", "Contract", "Finding", "Point", "check"]


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
    import torch

    sizes = _checked(width=width, length=length, times=times)
    require_positive("patience", patience)
    witness, changed, findings = Witness(), {}, {}
    eager = torch.compiler.set_stance("force_eager")  # a model is checked as it is written
    with redirect_stdout(witness.printed), kept(changed), eager:
        with kept(changed):  # importing it may change something already
            given = candidate(model)
        subject = Subject(given, witness, changed, device=device, patience=patience, **sizes)
        for point in POINTS:
            findings[point.name] = judged(point, subject, findings)
    return Contract(
        model=given.name,
        width=width,
        length=length,
        findings=tuple(findings.values()),
        numbers=subject.numbers,
    )


def _checked(**sizes: int) -> dict[str, int]:
    for name, least in (("width", 1), ("length", 4), ("times", 2)):
        require_integer(name, sizes[name], minimum=least)
    return sizes

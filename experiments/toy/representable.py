"""Iterated integrals by layers of the bare S6 whose weights are set by hand.

Nothing is trained. The design crosses what a model is fed (values, increments, both), what is read
out (last position, mean), whether C follows the input, and one layer or two. A run measures the
cells for which `seq_torch.constructed` has weights, on random walks, and names the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.run import Run, of_preset
from experiments.toy.fed import FED, fed_of, require_whole, walks
from seqtheory import metrics
from seqtheory.checks import require_integer, require_positive
from seqtheory.tasks import SignatureLabels

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick")
DEFAULT_PRESET = "quick"

SMALLS = (1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, kw_only=True)
class IntegralsRun(Run):
    """All cells of the design for one integral.

    Parameters
    ----------
    seed
        Of the paths.
    task
        Paths that begin at zero and their integrals, of two channels or three.
    smalls
        Values of the small parameter of constructions that are right in a limit.
    """

    task: SignatureLabels = field(
        default_factory=lambda: SignatureLabels(
            length=20, num_paths=1_000, basepoint=True, increments="brownian", normalise="none"
        )
    )
    smalls: tuple[float, ...] = SMALLS

    def __post_init__(self) -> None:
        """Refuse what the constructions are not for."""
        super().__post_init__()
        require_integer("task.channels", self.task.channels, 2, 3)
        require_whole(self.task)
        if not self.smalls:
            raise ValueError("smalls=(): expected at least one value")
        for small in self.smalls:
            require_positive("smalls", small)


def runs(preset: str) -> list[IntegralsRun]:
    """List the runs of a preset."""
    ladder = {
        "smoke": lambda: [_run(2, 10, 50)],
        "quick": lambda: [_run(d, length, 1_000) for d in (2, 3) for length in (20, 100)],
    }
    return of_preset(preset, ladder)


def _run(channels: int, length: int, num_paths: int) -> IntegralsRun:
    return IntegralsRun(task=walks(channels, length, num_paths, "float64"))


def execute(run: IntegralsRun, recorder: Recorder) -> None:
    """Measure every cell that has a construction."""
    from seq_torch.constructed import IntegralCell

    data = run.task.build(run.seed)
    values = np.array(data.inputs, dtype=np.float64)
    fed = {name: fed_of(values, name) for name in FED}
    zero = float(metrics.rmse(np.zeros(len(data)), data.targets))
    recorder.note(predict_zero=zero, device="cpu")
    design = [*product(fed, ("last", "mean"), (False, True), (1, 2))]
    for number, (given, readout, follows, depth) in enumerate(design, start=1):
        named: dict[str, Any] = {"fed": given, "readout": readout}
        named |= {"input_dependent_C": follows, "depth": depth}
        cell = IntegralCell(letters=run.task.channels, **named)
        kind = cell.representable
        smalls = {"exact": run.smalls[-1:], "limit": run.smalls, "none known": ()}[kind]
        ratios = [_error(cell, fed[given], data.targets, small) / zero for small in smalls]
        recorder.log(number, **named, kind=kind, smalls=smalls, ratios=ratios)
        recorder.progress(number, len(design))


def _error(cell: Any, inputs: np.ndarray, targets: np.ndarray, small: float) -> float:
    import torch

    from seq_torch.constructed import iterated_integral

    model = iterated_integral(cell, inputs.shape[1], small=small)
    with torch.no_grad():
        found = model(torch.from_numpy(inputs))[:, 0].numpy()
    return float(metrics.rmse(found, targets))

"""Theory: the class of a layer's transitions, and what that class can follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from experiments.bench.cards import Measurement
from experiments.bench.parts import part as parts
from experiments.bench.parts.token_presets import tracking_tasks
from seqtheory.checks import require_integer
from seqtheory.expressivity import Transition, predict
from seqtheory.plain import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.bench.measurements import BenchRun
    from experiments.record import Record
    from experiments.recorder import Recorder


@dataclass(frozen=True, kw_only=True)
class Theory:
    """Probe a layer's transitions by derivatives of its step, and ask theory of that class.

    Parameters
    ----------
    width
        Channels of the layer that is probed; the class does not depend on it.
    """

    width: int = 8

    def __post_init__(self) -> None:
        """Refuse a layer of no width."""
        require_integer("width", self.width, minimum=4)

    def measure(self, run: BenchRun, recorder: Recorder) -> None:
        """Note what the probe saw, what the settings declare, and a verdict for each task."""
        import torch

        from seq_torch.probe import probe_recurrence

        small = replace(run, width=self.width)
        settings = parts.mixer(small)
        torch.manual_seed(run.seed)
        found = probe_recurrence(settings.build(self.width), self.width, seed=run.seed)
        declared = settings.transition_class
        recorder.note(
            verdict=found.verdict,
            seen=str(found),
            declared=declared if isinstance(declared, str) else described(declared),
            predictions=_predictions(asked(run, declared, found.transition), run.depth),
        )
        recorder.log(0, norm=found.norm, radius=found.radius, numbers=found.numbers)


def settings(preset: str) -> list[Theory]:
    """One probe, in every preset."""
    return [Theory()]


def asked(run: BenchRun, declared: object, found: Transition | None) -> Transition | None:
    """Give the class of which theory is asked: of a model of the zoo the one that it declares.

    The probe sees a small layer, and samples: of heads of two channels it cannot tell a diagonal
    plus a rank of one from all matrices, nor that no eigenvalue is below a bound.
    """
    return declared if not run.guest and isinstance(declared, Transition) else found


def _predictions(transition: Transition | None, depth: int) -> dict[str, Any]:
    """Verdict of theory on each tracking task, for `depth` layers of a class."""
    if transition is None:
        return {}
    whole = replace(transition, layers=(transition.layers or 1) * depth)
    found = {name: predict(task, whole) for name, task in tracking_tasks("quick").items()}
    return {name: {"status": v.status, "theorem": v.theorem} for name, v in found.items()}


def measured(records: Sequence[Record]) -> list[Measurement]:
    """Turn the record of one model into measurements."""
    found: list[Measurement] = []
    for held in parts.done(records):
        same: dict[str, Any] = {
            "part": "theory",
            "model": parts.name(held.run),
            "n": 1,
            "runs": (held.hash,),
        }
        found.append(
            Measurement(
                **same,
                item="transitions",
                metric="class, by the probe",
                value=held.notes["verdict"],
                note=held.notes["seen"],
            )
        )
        found += [
            Measurement(
                **same,
                item=task,
                metric="by theory, at every length",
                value=verdict["status"],
                note=verdict["theorem"],
            )
            for task, verdict in held.notes["predictions"].items()
        ]
    return found

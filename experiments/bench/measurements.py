"""The bench's runs: each measures one model in one respect, and is recorded like any other run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from experiments.bench.baselines import BASELINES, FEATURES, Baseline, Features
from experiments.bench.parts import PARTS
from experiments.bench.parts.contract import Promises
from experiments.bench.parts.cost import Cost
from experiments.bench.parts.memory import Memory
from experiments.bench.parts.signature import Signature
from experiments.bench.parts.theory import Theory
from experiments.bench.parts.tokens import Tokens
from experiments.guest import Guest, no_guest, require_model
from experiments.run import Run
from seqtheory.checks import require_integer

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "full")
DEFAULT_PRESET = "quick"
SEEDS = {"smoke": 1, "quick": 2, "full": 5}
WIDTHS = {"smoke": 16, "quick": 64, "full": 64}


@dataclass(frozen=True, kw_only=True)
class BenchRun(Run):
    """One measurement of one model.

    Parameters
    ----------
    part
        What is measured (see `experiments.bench.parts`).
    model
        A baseline or random features (see `experiments.bench.baselines`), or "guest".
    guest
        A mixer of one's own, where `model` is "guest" (see `experiments.guest`).
    width, depth
        Channels and layers of the model.
    """

    part: Promises | Cost | Theory | Tokens | Memory | Signature
    model: Baseline | Features | Literal["guest"] = "mamba"
    guest: Guest | None = no_guest
    width: int = 64
    depth: int = 1

    def __post_init__(self) -> None:
        """Refuse what could not be built, before any framework is imported."""
        super().__post_init__()
        require_model(self.model, self.guest, (*BASELINES, *FEATURES))
        if self.model in FEATURES and not isinstance(self.part, Signature):
            raise ValueError(f"model={self.model!r}: expected a part of signatures alone")
        for name in ("width", "depth"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.width % 4:
            raise ValueError(f"width={self.width}: expected a multiple of 4, for the heads")

    @property
    def part_name(self) -> str:
        """Name of the part that the run belongs to."""
        names = {Promises: "contract", Cost: "cost", Theory: "theory"}
        names |= {Memory: "memory", Signature: "signature"}
        return self.part.kind if isinstance(self.part, Tokens) else names[type(self.part)]


def runs(preset: str) -> list[BenchRun]:
    """List the runs of all that may stand beside a model."""
    beside = (*BASELINES, *FEATURES)
    return [run for model in beside for run in model_runs(preset, PARTS, model=model)]


def bench(mixer: Guest, preset: str) -> list[BenchRun]:
    """List the runs of a guest."""
    return model_runs(preset, PARTS, guest=mixer)


def model_runs(
    preset: str,
    parts: Iterable[str],
    *,
    model: Baseline | Features | Literal["guest"] = "guest",
    guest: Guest | None = None,
    width: int | None = None,
    depth: int = 1,
) -> list[BenchRun]:
    """List the runs of one model.

    Parameters
    ----------
    preset
        How much is measured.
    parts
        Names of the parts; of these, random features have signatures alone.
    model, guest
        A baseline or random features, or a guest.
    width, depth
        Of the model; the preset's width if left out.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r}: expected one of {', '.join(PRESETS)}")
    if model in FEATURES:
        parts = [name for name in parts if name == "signature"]
    same: dict[str, Any] = {"model": model, "guest": guest, "depth": depth}
    return [
        BenchRun(part=settings, seed=seed, width=width or WIDTHS[preset], **same)
        for name in parts
        for settings in PARTS[name].settings(preset)
        for seed in range(SEEDS[preset] if PARTS[name].seeded else 1)
    ]


def of_part(found: Sequence[BenchRun], part: str) -> list[BenchRun]:
    """Keep the runs of one part."""
    return [run for run in found if run.part_name == part]


def execute(run: BenchRun, recorder: Recorder) -> None:
    """Measure."""
    run.part.measure(run, recorder)

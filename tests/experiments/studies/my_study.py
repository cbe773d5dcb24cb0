"""A tiny study in NumPy alone for the tests: a seeded random walk with checkpoints."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.recorder import Diverged
from experiments.run import Run

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "slow", "mixed")
DEFAULT_PRESET = "quick"


@dataclass(frozen=True)
class Noise:
    """Scale of the walk's steps."""

    scale: float = 1.0


@dataclass(frozen=True)
class NoNoise:
    """A walk that stands still."""


@dataclass(frozen=True, kw_only=True)
class Walk(Run):
    """A random walk; `mood` makes it end in each of the ways in which a run can end."""

    num_steps: int = 20
    width: int = 4
    rate: float = 0.5
    noise: Noise | NoNoise = Noise()
    widths: tuple[int, ...] = (1, 2)
    limit: int | None = None
    tag: str = "walk"
    verbose: bool = False
    pause: float = 0.0
    mood: Literal["calm", "diverges", "fails", "fails_once", "dies_once"] = "calm"

    def __post_init__(self) -> None:
        """Refuse a walk of no width."""
        super().__post_init__()
        if self.width < 1:
            raise ValueError(f"width: got {self.width}, expected at least 1")


def runs(preset: str) -> list[Walk]:
    """A single short walk, three, a slow one, or one of each mood."""
    if preset == "smoke":
        return [Walk()]
    if preset == "slow":
        return [Walk(num_steps=60, pause=0.01)]
    if preset == "mixed":
        return [Walk(mood=mood) for mood in ("calm", "diverges", "fails_once", "dies_once")]
    return [Walk(seed=seed) for seed in range(3)]


def execute(run: Walk, recorder: Recorder) -> None:
    """Walk, logging each step."""
    generator = np.random.default_rng(run.seed)
    position, start = np.zeros(run.width), 0
    recorder.note(width=run.width)
    if (checkpoint := recorder.restore()) is not None:
        start, position = checkpoint.step, checkpoint.tensors["position"]
        generator.bit_generator.state = checkpoint.state
    for step in range(start + 1, run.num_steps + 1):
        scale = getattr(run.noise, "scale", 0.0)
        position = position + run.rate * scale * generator.normal(size=run.width)
        recorder.log(step, norm=float(np.linalg.norm(position)))
        _misbehave(run, step, Path(recorder.folder))
        recorder.progress(step, run.num_steps)
        time.sleep(run.pause)
        if recorder.due():
            state = dict(generator.bit_generator.state)
            recorder.checkpoint(step, {"position": position}, state)
    recorder.save("walk", {"position": position})


def _misbehave(run: Walk, step: int, folder: Path) -> None:
    if step != 10 or run.mood == "calm":
        return
    if run.mood == "diverges":
        raise Diverged(step, "norm is not finite", norm=float("inf"), rate=run.rate)
    again = (folder.parent / f"{folder.name}.{run.mood}").exists()
    (folder.parent / f"{folder.name}.{run.mood}").touch()
    if run.mood == "fails" or (run.mood == "fails_once" and not again):
        raise RuntimeError("the walker fell")
    if run.mood == "dies_once" and not again:
        os.kill(os.getpid(), signal.SIGKILL)

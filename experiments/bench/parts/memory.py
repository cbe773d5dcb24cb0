"""Memory: a polynomial memory learnt, and how far back a model remembers before and after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.bench.cards import Measurement
from experiments.bench.parts import part as parts
from seqtheory.checks import require_choice, require_integer
from seqtheory.memory import Polynomial
from seqtheory.tasks import DecayingMemory
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.bench.measurements import BenchRun
    from experiments.record import Record
    from experiments.recorder import Recorder


@dataclass(frozen=True, kw_only=True)
class Memory:
    """One training on a linear functional whose memory decays as a power of age.

    Parameters
    ----------
    kernel
        The memory to learn.
    length, num_train, num_held_out, data_seed
        Steps of a sequence, how many sequences, and what they are drawn from.
    horizon
        Steps over which memory is measured; more than `length` asks what lies beyond training.
    training
        Its seed is the run's.
    """

    training: Training
    kernel: Polynomial
    length: int = 100
    num_train: int = 4_000
    num_held_out: int = 256
    data_seed: int = 0
    horizon: int = 200

    def __post_init__(self) -> None:
        """Refuse what could not be measured."""
        for name in ("length", "num_train", "num_held_out", "horizon"):
            require_integer(name, getattr(self, name), minimum=1)
        require_choice("training.loss", self.training.loss, ("squared_error",))

    def measure(self, run: BenchRun, recorder: Recorder) -> None:
        """Train, and note the model's memory before and after."""
        import seq_torch
        from experiments.fitting import fit_recorded

        total = self.num_train + self.num_held_out
        task = DecayingMemory(kernel=self.kernel, length=self.length, num_sequences=total)
        shares = (self.num_train / total, self.num_held_out / total)
        train, held_out = task.build(self.data_seed).split(shares, seed=None)
        model = parts.build(run, seq_torch.LinearInput(channels=1), seq_torch.StepOutput(size=1))
        model = model.double()
        recorder.note(
            predict_zero=float(np.sqrt(np.mean(held_out.targets**2))),
            untrained=self._function(model),
        )
        training = replace(self.training, seed=run.seed)
        fit_recorded(seq_torch.fit, model, FitData(train, held_out), training, recorder)
        recorder.note(trained=self._function(model))

    def _function(self, model: Any) -> dict[str, Any]:
        """Memory function of a model at ages from 1 to the horizon, evenly on a log scale.

        Of a model whose outputs overflow before, the reason why it has none.
        """
        import seq_torch
        from seqtheory.memory_theory import AssumptionError, memory_function

        model.eval()
        function = seq_torch.array_model(model)
        ages = np.unique(np.round(np.geomspace(1, self.horizon, 40))).astype(int)
        try:
            whole = memory_function(function, self.horizon, channels=1, directions=2, check=())
        except AssumptionError as error:
            return {"ages": ages, "memory": None, "reason": str(error)}
        return {"ages": ages, "memory": whole[ages - 1]}


def settings(preset: str) -> list[Memory]:
    """List the trainings of a preset."""
    small: dict[str, Any] = {"length": 20, "num_train": 64, "num_held_out": 8, "horizon": 20}
    steps = {"smoke": 10, "quick": 500, "full": 4_000}[preset]
    rates = {"smoke": (3e-3,), "quick": (3e-3,), "full": (1e-3, 3e-3, 1e-2)}[preset]
    return [
        Memory(
            kernel=Polynomial(rate=1.0, power=1.1),
            training=Training(
                learning_rate=rate,
                schedule="cosine",
                warmup_steps=steps // 10,
                batch_size=32,
                num_steps=steps,
                clip=1.0,
                evaluate_every=max(steps // 4, 1),
            ),
            **(small if preset == "smoke" else {}),
        )
        for rate in rates
    ]


def measured(records: Sequence[Record]) -> list[Measurement]:
    """Turn the records of one model into measurements: error, and memory at twice the length."""
    if not records:
        return []
    by_rate = parts.grouped(parts.done(records), lambda run: run.part.training.learning_rate)
    rate, chosen = min(by_rate.items(), key=_mean_ratio, default=(0.0, []))
    run = records[0].run
    same: dict[str, Any] = {
        "part": "memory",
        "item": f"age to the power -{run.part.kernel.power:g}",
        "model": parts.name(run),
        "runs": parts.hashes(chosen or records),
    }
    better = f"rate {rate:g}, the better of {len(by_rate)}" if len(by_rate) > 1 else ""
    return [
        Measurement(
            **same,
            metric="error over that of predicting zero",
            **parts.interval([_ratio(held) for held in chosen]),
            better="less",
            note="; ".join(filter(None, (better, parts.diverged(records)))),
        ),
        *(_curve(same, chosen, when) for when in ("untrained", "trained") if chosen),
    ]


def _mean_ratio(of_rate: tuple[float, list[Record]]) -> float:
    return sum(map(_ratio, of_rate[1])) / len(of_rate[1])


def _ratio(held: Record) -> float:
    return held.metrics[-1]["rmse"] / held.notes["predict_zero"]


def _curve(same: dict[str, Any], chosen: Sequence[Record], when: str) -> Measurement:
    """Memory at the horizon over that at age 1, with the whole function as a curve."""
    ages = [float(age) for age in chosen[0].notes[when]["ages"]]
    metric = f"memory at age {ages[-1]:g} over age 1, {when}"
    if reasons := [r for held in chosen if (r := held.notes[when].get("reason"))]:
        return Measurement(**same, metric=metric, value=None, note=reasons[0])
    memory = np.array([held.notes[when]["memory"] for held in chosen], dtype=float)
    relative = memory / np.maximum(memory[:, :1], 1e-300)
    return Measurement(
        **same,
        metric=metric,
        **parts.interval([float(row[-1]) for row in relative]),
        curve=tuple(zip(ages, map(float, relative.mean(0)), strict=True)),
    )

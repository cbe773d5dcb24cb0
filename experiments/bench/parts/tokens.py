"""Tracking, recall and rates: trainings on sequences of tokens, and their test on longer ones.

Tracking asks what a model computes: parity, counting, flip-flop, words of groups. Recall asks what
it keeps: values by their keys, strings to be copied. Rates asks at which learning rates it learns.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from experiments.bench.parts import part as parts
from experiments.tracking import tasks
from experiments.tracking.tasks import AnyTask
from experiments.tracking.tracking_run import Tracker, note_tracking
from seqtheory.checks import require_choice, require_integer
from seqtheory.tasks import GroupWords, MultiQueryRecall, SelectiveCopying
from seqtheory.training import Training

if TYPE_CHECKING:
    from experiments.bench.measurements import BenchRun
    from experiments.recorder import Recorder

Kind = Literal["tracking", "recall", "rates"]
FAR = 16
"""Farthest test of tracking, over the trained length."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """One training on a task of tokens.

    Parameters
    ----------
    kind
        Part of the bench that it belongs to.
    task
        The task, at the lengths that are trained on.
    training
        Rate, steps, batches; its seed is the run's.
    data_seed
        Decides the sequences.
    num_held_out, num_longer
        Sequences on which the model is evaluated while it trains, and of each longer length.
    factors
        Longer lengths, over the longest that is trained on.
    """

    kind: Kind
    task: AnyTask
    training: Training
    data_seed: int = 0
    num_held_out: int = 500
    num_longer: int = 200
    factors: tuple[int, ...] = (1, 2, 4, 8, FAR)

    def __post_init__(self) -> None:
        """Refuse what could not give a result."""
        require_choice("training.loss", self.training.loss, ("cross_entropy",))
        for name in ("num_held_out", "num_longer"):
            require_integer(name, getattr(self, name), minimum=1)

    @property
    def tested(self) -> list[int]:
        """Lengths at which the trained model is tested."""
        return [factor * tasks.longest(self.task) for factor in self.factors]

    def measure(self, run: BenchRun, recorder: Recorder) -> None:
        """Train, then test at every length."""
        import seq_torch
        from experiments.fitting import fit_recorded

        pairs = isinstance(self.task, GroupWords)
        data = tasks.fit_data(self.task, self.data_seed, self.num_held_out, pairs=pairs)
        output = seq_torch.StepOutput(size=self.task.num_classes)
        model = parts.build(run, parts.token_input(run, self.task.num_tokens), output)
        recorder.note(parameters=sum(p.numel() for p in model.parameters()))
        training = replace(self.training, seed=run.seed)
        fit_recorded(seq_torch.fit, model, data, training, recorder)
        if self.kind == "tracking":
            note_tracking(self, recorder, _tracker(model, self.training))
        elif self.kind == "recall":
            _note_longer(self, model, recorder)


def _tracker(model: Any, training: Training) -> Tracker:
    import torch

    import seq_torch

    double = deepcopy(model).double()

    def mixed(tokens: Any) -> Any:
        double.eval()
        with torch.no_grad():
            found = [double.mixed(part) for part in torch.tensor(tokens).split(100)]
        return torch.cat(found).numpy(force=True)

    return Tracker(
        in_single=lambda data: seq_torch.evaluate(model, data, training),
        in_double=lambda data: seq_torch.evaluate(double, data, training),
        mixed=mixed,
    )


def _note_longer(settings: Tokens, model: Any, recorder: Recorder) -> None:
    import seq_torch

    data = tasks.longer(settings.task, settings.data_seed, settings.tested, settings.num_longer)
    recorder.note(
        longer={str(n): seq_torch.evaluate(model, d, settings.training) for n, d in data.items()},
        chance=tasks.chance(data[settings.tested[0]]),
    )


def item(task: Any) -> str:
    """Name a task as cards do."""
    names = {SelectiveCopying: "selective copying", MultiQueryRecall: "multi-query recall"}
    return names.get(type(task)) or tasks.task_name(task)

"""The training loop for torch: it knows no task and no model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from seqtheory.training import (
    Course,
    Event,
    FitData,
    History,
    Progress,
    Snapshot,
    Stepped,
    Training,
)

from ._distributed import World
from ._evaluation import check_fit, scores
from ._feed import Feed
from ._learner import Divergence, Learner, first_not_finite
from ._place import Place, modes_kept, place_of
from ._snapshot import restore, tensors_of
from .optim import Optimiser

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import nn

# A forward pass without gradients keeps no activations, so more rows fit than in training.
_EVALUATION_ROWS = 4


def fit(
    model: nn.Module,
    data: FitData,
    training: Training,
    *,
    on_event: Callable[[Event], None] | None = None,
    resume: Snapshot | None = None,
    device: str | torch.device | None = None,
) -> History:
    r"""Train a model in place; write no files and print nothing.

    One step takes a batch of m rows, the mean loss over what counts in it, and

    .. math:: g = \nabla \ell(\theta), \qquad
              g \leftarrow g \min(1, c / \lVert g \rVert), \qquad
              \theta \leftarrow \mathrm{update}(\theta, g, f_k \eta),

    with c = `training.clip`, :math:`f_k` = `training.schedule_factor(k)` and the update of
    `training.optimiser`, whose equations stand with `seqtheory.training.Training`.

    Parameters
    ----------
    model
        Called as ``model(inputs)``, or ``model(inputs, mask=mask)`` where the data have a mask.
        Inputs are int64 or of the parameters' floating type. For ``"cross_entropy"`` it returns
        scores ``(batch, time, classes)`` against targets ``(batch, time)``, or
        ``(batch, classes)`` against ``(batch,)``; for ``"squared_error"`` the shape of the
        targets, or ``(batch, 1)`` against ``(batch,)``. Targets count where `Dataset.counted`
        says so.
    data
        What to train on and to measure on; a shorter last batch is used too. A `Stream` to train on
        gives every step rows of its own.
    training
        Settings. Rates and decay differ between parameters: see `seq_torch.train.optim`.
    on_event
        Receives `seqtheory.training.Evaluated` at step 0, every `evaluate_every` steps and after
        the last, and `seqtheory.training.Stepped` after every step. An exception that it raises
        ends the fit.
    resume
        Snapshot to go on from: on a CPU the result has the bytes of an uninterrupted training.
    device
        Where to move the model, "cpu" or "cuda:0"; None leaves it where it is.

    Returns
    -------
    Status, steps taken and evaluations. A loss, a gradient or a held-out error that is not finite
    is a result: the status is ``"diverged"``, and the update that showed it was not made.

    Raises
    ------
    TypeError, ValueError
        Before the first step: if data do not fit the loss or the model's outputs, nothing is
        trainable, the precision does not suit the device, or the snapshot is of another model,
        other settings or other data.

    Notes
    -----
    Random numbers (dropout) follow from the seed, the step and the rank. Afterwards the caller's
    random state and the modules' training modes are as before.

    In an initialised `torch.distributed` process group the processes share every batch (row i goes
    to process i modulo their number) through `DistributedDataParallel`; parts are weighted so that
    the gradient is that of one process. All processes must be given equal arguments, `resume`
    included; only process 0 receives events. Batch normalisation is then refused. Dropout differs
    from that of one process, since each draws for its own rows.
    """
    world = World.current()
    place = place_of(model, training, device)
    data.check(training)
    optimiser = Optimiser(model, training)
    with modes_kept(model), place.random_state_kept():
        check_fit(model, data.parts(), training.loss, place)
        progress = Progress()
        if resume is not None:
            progress = Progress.restored(resume, training, data.digest())
            restore(resume, model, optimiser)
        feed = Feed(data, training, Course.of(training, data.sample), progress.step)
        learner = Learner(model, optimiser, feed, training, place, world)
        report = on_event if world.rank == 0 else None
        return _Fit(model, optimiser, data, training, place, world, progress, report).run(learner)


class _Fit:
    """A fit under way: when to evaluate, what to report, when to stop."""

    def __init__(
        self,
        model: nn.Module,
        optimiser: Optimiser,
        data: FitData,
        training: Training,
        place: Place,
        world: World,
        progress: Progress,
        report: Callable[[Event], None] | None,
    ) -> None:
        self._model, self._optimiser, self._data = model, optimiser, data
        self._training, self._place, self._world = training, place, world
        self._progress, self._report = progress, report
        self._course = Course.of(training, data.sample)
        self._digest: str | None = None

    def run(self, learner: Learner) -> History:
        """Step until done, on target or diverged."""
        progress, training = self._progress, self._training
        if not progress.evaluations:
            self._evaluate()
        self._model.train()
        history = self._outcome()
        positions = self._course.positions(progress.evaluations)
        while history is None:
            loss = learner.step(progress.step, positions)
            if isinstance(loss, Divergence):
                return self._diverged(loss.facts(progress.step + 1, self._rate(progress.step)))
            progress.stepped(loss)
            last = progress.step == training.num_steps
            if last or progress.step % training.evaluate_every == 0:
                self._evaluate()
                positions = self._course.positions(progress.evaluations)
                self._model.train()
            history = self._outcome()
            if history is None or history.divergence is None:
                self._stepped()
        return history

    def _evaluate(self) -> None:
        rows = _EVALUATION_ROWS * self._training.batch_size
        held_out, loss = self._data.held_out, self._training.loss
        metrics = scores(self._model, held_out, loss, rows, self._place, self._world)
        rate = self._rate(max(self._progress.step - 1, 0))
        metrics |= self._course.facts(self._progress.evaluations)
        event = self._progress.evaluated(metrics, learning_rate=rate)
        if self._report is not None:
            self._report(event)

    def _outcome(self) -> History | None:
        """Decide from the last evaluation and the step alone, so that a resumed fit agrees."""
        progress, last = self._progress, self._progress.evaluations[-1]
        if last.step == progress.step:
            name = "loss" if self._training.loss == "cross_entropy" else "rmse"
            error = last.metrics[name]
            if isinstance(error, float) and not math.isfinite(error):
                tensor = first_not_finite(self._model)
                found = Divergence(f"held-out {name} is not finite", error, math.nan, tensor)
                return self._diverged(found.facts(progress.step, self._rate(progress.step)))
            if self._training.reached(last.metrics):
                return History("target", progress.step, tuple(progress.evaluations))
        if progress.step == self._training.num_steps:
            return History("done", progress.step, tuple(progress.evaluations))
        return None

    def _diverged(self, facts: dict[str, Any]) -> History:
        evaluations = tuple(self._progress.evaluations)
        return History("diverged", self._progress.step, evaluations, facts)

    def _stepped(self) -> None:
        if self._report is not None:
            step = self._progress.step
            snapshot = lambda: self._snapshot(step)  # noqa: E731 - one per step, and light
            self._report(Stepped(step, self._training.num_steps, snapshot))

    def _snapshot(self, step: int) -> Snapshot:
        if step != self._progress.step:
            raise RuntimeError(
                f"the snapshot of step {step} was asked for at step {self._progress.step}; call "
                "Stepped.snapshot() within the callback."
            )
        if self._digest is None:
            self._digest = self._data.digest()
        state = self._progress.state(self._training, self._digest)
        return Snapshot(step, tensors_of(self._model, self._optimiser), state)

    def _rate(self, step: int) -> float:
        return self._training.learning_rate * self._training.schedule_factor(step)

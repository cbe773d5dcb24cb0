"""A fit of either framework under a recorder: its events become metrics, checkpoints and results.

A fit writes no files; it tells what happens through one callback. Here that callback logs every
evaluation, takes a snapshot when a checkpoint is due, and a resumed run hands the newest one back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from experiments.recorder import Diverged
from seqtheory.training import Evaluated, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.recorder import Recorder
    from seqtheory.training import Event, FitData, History, Training


class Keeper(Protocol):
    """Keeps something of a training that a checkpoint of it must hold as well."""

    def see(self, event: Event) -> None:
        """Take notice of an event."""
        ...

    def packed(self, snapshot: Snapshot) -> Snapshot:
        """Put what is kept into a snapshot."""
        ...

    def unpacked(self, snapshot: Snapshot) -> Snapshot:
        """Take it out of one again."""
        ...


def fit_recorded(
    fit: Callable[..., Any],
    model: Any,
    data: FitData,
    training: Training,
    recorder: Recorder,
    *,
    measure: Callable[[], dict[str, Any]] | None = None,
    keeper: Keeper | None = None,
    **settings: Any,
) -> Any:
    """Fit from the newest checkpoint on, recording evaluations and checkpoints.

    Parameters
    ----------
    fit
        `seq_torch.fit` or `lcde_jax.fit`.
    model, data, training
        What to fit; see there.
    recorder
        Where to; nothing may have been logged yet.
    measure
        Further metrics of the model as it is, logged with each evaluation after the first step.
        They must follow from the last step alone, or a resumed run would log others.
    keeper
        Sees every event; checkpoints hold what it keeps.
    settings
        Passed on to `fit`.

    Returns
    -------
    What `fit` does.

    Raises
    ------
    experiments.recorder.Diverged
        If the loss or a gradient is not finite: a result, with the step and the tensor.
    experiments.recorder.Interrupted
        After a checkpoint, if a stop was asked for.
    """
    found = recorder.restore()
    resume = None if found is None else Snapshot(found.step, found.tensors, found.state)
    if resume is not None and keeper is not None:
        resume = keeper.unpacked(resume)

    def on_event(event: Event) -> None:
        if keeper is not None:
            keeper.see(event)
        if isinstance(event, Evaluated):
            more = measure() if measure is not None and event.step > 0 else {}
            recorder.log(event.step, **event.metrics, **more)
            return
        recorder.progress(event.step, event.num_steps)
        if recorder.due():
            snapshot = event.snapshot() if keeper is None else keeper.packed(event.snapshot())
            recorder.checkpoint(snapshot.step, snapshot.tensors, snapshot.state)

    fitted = fit(model, data, training, on_event=on_event, resume=resume, **settings)
    history: History = fitted[1] if isinstance(fitted, tuple) else fitted
    if history.divergence is not None:
        facts = {k: v for k, v in history.divergence.items() if k not in ("step", "reason")}
        raise Diverged(history.step, history.divergence["reason"], **facts)
    recorder.note(status=history.status, steps=history.step)
    return fitted

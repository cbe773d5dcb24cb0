"""A fit of either framework under a recorder: its events become metrics, checkpoints and results.

A fit writes no files; it reports through one callback. Here that callback logs every evaluation and
takes a snapshot when a checkpoint is due. A resumed run passes the newest snapshot to the fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from experiments.best_model import BestModel
from experiments.kept_model import Keep, keep, require_keep, with_tensors
from experiments.recorder import Diverged
from seqtheory.training import Evaluated, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.recorder import Recorder
    from seqtheory.training import Event, FitData, History, Training


class Keeper(Protocol):
    """Collects further state of a training, which its checkpoints must hold too."""

    def see(self, event: Event) -> None:
        """Handle an event of the fit."""
        ...

    def packed(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the collected state added."""
        ...

    def unpacked(self, snapshot: Snapshot) -> Snapshot:
        """Restore the collected state from a snapshot, and return the snapshot without it."""
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
    keep_model: Keep = False,
    **settings: Any,
) -> Any:
    """Fit a model, resuming from the newest checkpoint, and record evaluations and checkpoints.

    Parameters
    ----------
    fit
        `seq_torch.fit` or `lcde_jax.fit`.
    model, data, training
        The first three arguments of `fit`.
    recorder
        Receives metrics and checkpoints; nothing may have been logged to it yet.
    measure
        Gives further metrics of the model, logged with each evaluation after the first step. They
        may only depend on the model after that step, or a resumed run would log other values.
    keeper
        Receives every event; checkpoints hold the state that it collects.
    keep_model
        True stores the trained model in the record, "best" the one at its best evaluation (see
        `experiments.kept_model`). Not together with a keeper.
    settings
        Further keyword arguments of `fit`.

    Returns
    -------
    What `fit` returns.

    Raises
    ------
    experiments.recorder.Diverged
        If the loss or a gradient is not finite: a result, with the step and the tensor.
    experiments.recorder.Interrupted
        After a checkpoint, if a stop was requested.
    """
    require_keep(keep_model)
    if keep_model == "best":
        if keeper is not None:
            raise ValueError("keep_model='best' beside a keeper: expected one of them")
        keeper = BestModel()
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
    if keep_model:
        trained = fitted[0] if isinstance(fitted, tuple) else model
        _keep(recorder, trained, history.step, keeper)
    return fitted


def _keep(recorder: Recorder, model: Any, step: int, keeper: Keeper | None) -> None:
    """Store the model as training left it, or as it was at its best."""
    if isinstance(keeper, BestModel):
        keep(recorder, with_tensors(model, keeper.tensors), keeper.step)
    else:
        keep(recorder, model, step)

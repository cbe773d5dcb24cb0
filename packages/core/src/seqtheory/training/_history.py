"""What a fit reports while it runs, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything a fit needs to resume exactly where it stopped.

    Parameters
    ----------
    step
        Optimiser steps taken.
    tensors
        Parameters and the optimiser's moments, by name.
    state
        Everything else, as plain JSON values.
    """

    step: int
    tensors: dict[str, np.ndarray]
    state: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Stepped:
    """Event: steps were taken. An `Evaluated` of that step, if any, comes first.

    Parameters
    ----------
    step
        Optimiser steps taken so far.
    num_steps
        Largest number of steps that will be taken.
    snapshot
        Makes a `Snapshot` of this step. It may only be called within the callback.
    """

    step: int
    num_steps: int
    snapshot: Callable[[], Snapshot]


@dataclass(frozen=True)
class Evaluated:
    """Event: the model was measured on the held-out data.

    Parameters
    ----------
    step
        Optimiser steps taken before the evaluation.
    metrics
        For ``"cross_entropy"``: ``loss``, ``token_accuracy``, ``sequence_accuracy`` and
        ``position_accuracy`` (a list); for ``"squared_error"``: ``rmse``. Always
        ``learning_rate``, that of the last update (at step 0 of the first), and from step 1 on
        ``train_loss``, the mean over the batches since the last evaluation. With a curriculum
        ``trained_length``, the positions that the steps before the evaluation learnt from.
    """

    step: int
    metrics: dict[str, float | list[float]]


Event = Stepped | Evaluated


@dataclass(frozen=True)
class History:
    """Outcome of a fit.

    Parameters
    ----------
    status
        ``"done"`` after `num_steps` steps, ``"target"`` when the target was met earlier,
        ``"diverged"`` when a loss, a gradient or the held-out error was not finite.
    step
        Optimiser steps taken; the model has the parameters after them.
    evaluations
        All evaluations in order, including those before a resumed snapshot.
    divergence
        None, or ``step`` (the one that failed), ``reason``, ``loss``, ``gradient_norm``,
        ``tensor`` (the first one that is not finite, if any) and ``learning_rate``.

    Examples
    --------
    >>> history = History("done", 10, (Evaluated(0, {"rmse": 1.0}), Evaluated(10, {"rmse": 0.5})))
    >>> history.evaluations[-1].metrics["rmse"]
    0.5
    """

    status: Literal["done", "target", "diverged"]
    step: int
    evaluations: tuple[Evaluated, ...]
    divergence: dict[str, Any] | None = None

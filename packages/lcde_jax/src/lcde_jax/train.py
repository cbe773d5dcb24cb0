"""Training of a JAX model: reports through one callback, writes nothing, prints nothing."""

from __future__ import annotations

from itertools import islice
from math import gcd
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from seqtheory.training import (
    Evaluated,
    FitData,
    History,
    Snapshot,
    Stepped,
    Training,
    row_batches,
)

from . import evaluation, optimiser
from .blocks import Frame, Progress, Rows, Seen, Steps, advance
from .snapshot import checked_state, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jaxtyping import PRNGKeyArray, PyTree

    from seqtheory.dataset import Dataset

_MOST_STEPS = 50  # per compiled call
_BLOCK_PARAMETERS = 2**22  # parameters times steps of a call: large models report every step
_EVALUATION_ROWS = 512
_AUXILIARY = 1  # the stream of random orders that auxiliary rows take


def fit(
    model: PyTree,
    data: FitData,
    training: Training,
    *,
    key: PRNGKeyArray,
    on_event: Callable[[Evaluated | Stepped], None] | None = None,
    resume: Snapshot | None = None,
) -> tuple[Any, History]:
    """Train a model with AdamW.

    Parameters
    ----------
    model
        A pytree such as an equinox module, called as `model(inputs, mask, key=key)`: a batch of
        inputs, a mask or None, and a random key for dropout, None or absent in evaluation. For
        ``"cross_entropy"`` it returns scores `(batch, time, classes)` against targets
        `(batch, time)`, or `(batch, classes)` against `(batch,)`; for ``"squared_error"`` values
        of the targets' shape, or with one more axis of length 1. It is not changed.
    data
        Rows to learn from and rows to evaluate. All of `train` is kept on the device.
    training
        Settings.
    key
        Decides dropout.
    on_event
        Receives `Evaluated` at step 0, every `evaluate_every` steps and at the end, and
        `Stepped` after every block of steps. An exception it raises ends the training.
    resume
        A `Snapshot` of the same fit (same model, data, training and key) to go on from.

    Returns
    -------
    The trained model and what happened. A training that diverges returns as well, with the model
    as it was before the step that failed.

    Raises
    ------
    TypeError, ValueError
        If data, model and settings do not suit each other, or the snapshot is of another fit.

    Notes
    -----
    Steps run in blocks of fixed length, a divisor of `evaluate_every` and `num_steps` and at most
    50, so that results do not depend on where a run was cut: on a CPU a resumed fit ends with the
    bytes of one that was not. Every batch has `batch_size` rows; the short one at the end of an
    epoch is left out. With ``auxiliary="separate"`` each step makes two updates, as published.
    Tensors that take `state_learning_rate`, and those that decay, are told by `tensor_rates`.

    References
    ----------
    Loshchilov and Hutter, arXiv 1711.05101. Auxiliary words of length 2: Cirone et al.,
    arXiv 2402.19047.
    """
    _check(model, data, training)
    return _Fit(model, data, training, key, on_event or (lambda event: None), resume).run()


class _Fit:
    """One training: where it is, and what it has reported."""

    def __init__(
        self,
        model: PyTree,
        data: FitData,
        training: Training,
        key: PRNGKeyArray,
        on_event: Callable[[Evaluated | Stepped], None],
        resume: Snapshot | None,
    ) -> None:
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)
        parameters = jax.tree.map(lambda p: jnp.array(p, copy=True), parameters)  # to be donated
        self.names = optimiser.tensor_names(model)
        self.data, self.training, self.key, self.on_event = data, training, key, on_event
        rates = optimiser.tensor_rates(model, training)
        options = (training.loss, training.clip, training.auxiliary, training.precision)
        self.frame = Frame(rest, rates, *options)
        moments = optimiser.initial_moments(parameters)
        self.progress = Progress(parameters, moments, jnp.asarray(True))
        self.block = _block_length(training, sum(p.size for p in jax.tree.leaves(parameters)))
        self.origin = {"data": data.digest(), "key": _numbers(key), "block": self.block}
        self.step, self.evaluations, self.losses = 0, [], (0.0, 0)
        if resume is not None:
            self._restore(resume)

    def run(self) -> tuple[Any, History]:
        """Evaluate and train until something ends it."""
        train, auxiliary = _on_device(self.data.train), _on_device(self.data.auxiliary)
        if self.step == 0 and not self.evaluations:
            self._evaluate()
            if ended := self._ended():
                return ended
            self._stepped()
        elif ended := self._ended():
            return ended
        for steps in self._blocks():
            self.progress, seen = advance(self.progress, train, auxiliary, steps, self.frame)
            seen = jax.device_get(seen)
            if not seen.alive.all():
                return self._failed(seen)
            self._count(seen)
            if self._due():
                self._evaluate()
            ended = self._ended() if self._due() else None
            self._stepped()
            if ended:
                return ended
        raise AssertionError("the last step always ends the training")

    def _due(self) -> bool:
        training = self.training
        return self.step % training.evaluate_every == 0 or self.step == training.num_steps

    def _blocks(self) -> Iterator[Steps]:
        rows = self._rows(self.data.train, self.training.batch_size, ())
        size = self.training.auxiliary_batch_size or self.training.batch_size
        extra = self._rows(self.data.auxiliary, size, (_AUXILIARY,))
        for start in range(self.step, self.training.num_steps, self.block):
            numbers = range(start, start + self.block)
            factors = np.array([self.training.schedule_factor(n) for n in numbers])
            yield Steps(
                np.stack(list(islice(rows, self.block))).astype(np.int32),
                None
                if extra is None
                else np.stack(list(islice(extra, self.block))).astype(np.int32),
                factors.astype(jax.dtypes.canonicalize_dtype(float)),
                _keys(self.key, np.arange(start, start + self.block)),
            )

    def _rows(
        self, dataset: Dataset | None, batch_size: int, stream: tuple[int, ...]
    ) -> Iterator[np.ndarray] | None:
        if dataset is None:
            return None
        settings = {"stream": stream, "start": self.step, "drop_last": True}
        return row_batches(len(dataset), batch_size, self.training.seed, **settings)

    def _count(self, seen: Seen) -> None:
        total, count = self.losses
        for loss in seen.loss.tolist():
            total, count = total + loss, count + 1
        self.losses, self.step = (total, count), self.step + len(seen.loss)

    def _evaluate(self) -> None:
        rows = min(_EVALUATION_ROWS, len(self.data.held_out))
        measured = evaluation.scores(
            self.progress.parameters, self.frame.model, self.data.held_out, self.training.loss, rows
        )
        factor = self.training.schedule_factor(max(self.step - 1, 0))
        measured["learning_rate"] = self.training.learning_rate * factor
        total, count = self.losses
        if count:
            measured["train_loss"] = total / count
        self.losses = (0.0, 0)
        self.evaluations.append(Evaluated(self.step, measured))
        self.on_event(self.evaluations[-1])

    def _ended(self) -> tuple[Any, History] | None:
        """Outcome, if the last evaluation ends the training."""
        metrics = self.evaluations[-1].metrics
        error = metrics["loss" if self.training.loss == "cross_entropy" else "rmse"]
        if not np.isfinite(error):
            return self._diverged(self.step, "the held-out loss is not finite", error, None, None)
        if self.evaluations[-1].step == self.step and self.training.reached(metrics):
            return self._outcome("target")
        return self._outcome("done") if self.step == self.training.num_steps else None

    def _failed(self, seen: Seen) -> tuple[Any, History]:
        failed = int(np.argmin(seen.alive))
        self._count(Seen(*(part[:failed] for part in seen)))
        bad = ~np.isfinite(seen.squares[failed])
        loss, norm = float(seen.loss[failed]), float(seen.norm[failed])
        what = "gradient" if np.isfinite(loss) else "loss"
        tensor = self.names[int(np.argmax(bad))] if bad.any() else None
        return self._diverged(self.step + 1, f"the {what} is not finite", loss, norm, tensor)

    def _diverged(
        self, step: int, reason: str, loss: Any, norm: float | None, tensor: str | None
    ) -> tuple[Any, History]:
        rate = self.training.learning_rate * self.training.schedule_factor(max(step - 1, 0))
        facts = {"step": step, "reason": reason, "loss": loss, "gradient_norm": norm}
        return self._outcome("diverged", facts | {"tensor": tensor, "learning_rate": rate})

    def _outcome(
        self, status: Any, divergence: dict[str, Any] | None = None
    ) -> tuple[Any, History]:
        model = eqx.combine(self.progress.parameters, self.frame.model)
        return model, History(status, self.step, tuple(self.evaluations), divergence)

    def _stepped(self) -> None:
        self.on_event(Stepped(self.step, self.training.num_steps, self._snapshot))

    def _snapshot(self) -> Snapshot:
        evaluations = [{"step": e.step, "metrics": e.metrics} for e in self.evaluations]
        state = {**self.origin, "losses": list(self.losses), "evaluations": evaluations}
        return Snapshot(self.step, pack(self.names, self.progress), state)

    def _restore(self, snapshot: Snapshot) -> None:
        state = checked_state(snapshot, self.origin, self.training.num_steps)
        self.progress = unpack(self.names, self.progress, snapshot.tensors)
        self.step, self.losses = snapshot.step, tuple(state["losses"])
        self.evaluations = [Evaluated(e["step"], dict(e["metrics"])) for e in state["evaluations"]]


def _check(model: PyTree, data: FitData, training: Training) -> None:
    if training.precision == "bfloat16" and jax.default_backend() == "cpu":
        raise ValueError(
            "got precision='bfloat16' on a CPU, where it is slower than float32, expected an "
            "accelerator; use precision='float32'."
        )
    data.check(training)
    for _, part in data.parts():
        evaluation.check_data(model, part, training.loss)


def _block_length(training: Training, parameters: int) -> int:
    common = gcd(training.evaluate_every, training.num_steps)
    most = max(1, min(_MOST_STEPS, _BLOCK_PARAMETERS // max(parameters, 1)))
    return max(n for n in range(1, most + 1) if common % n == 0)


@jax.jit
def _keys(key: PRNGKeyArray, steps: np.ndarray) -> PRNGKeyArray:
    return jax.vmap(lambda step: jax.random.fold_in(key, step))(steps)


def _numbers(key: PRNGKeyArray) -> list[int]:
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.key_data(key)
    return np.asarray(key).tolist()


def _on_device(dataset: Dataset | None) -> Rows | None:
    if dataset is None:
        return None
    parts = (dataset.inputs, dataset.targets, dataset.mask)
    return Rows(*(None if part is None else jnp.asarray(part) for part in parts))

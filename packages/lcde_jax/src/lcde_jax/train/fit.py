"""Training of a JAX model: reports through one callback, writes nothing, prints nothing."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from seqtheory.training import (
    Course,
    Evaluated,
    FitData,
    History,
    Progress,
    Snapshot,
    Stepped,
    Training,
    row_batches,
)

from . import evaluation, optimiser
from .blocks import Carry, Frame, Seen, advance
from .feed import Feed, learnt
from .snapshot import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import PRNGKeyArray, PyTree

_MOST_STEPS = 50  # per compiled call
_BLOCK_PARAMETERS = 2**22  # parameters times steps of a call: large models report every step
_EVALUATION_ROWS = 512


def fit(
    model: PyTree,
    data: FitData,
    training: Training,
    *,
    key: PRNGKeyArray,
    on_event: Callable[[Evaluated | Stepped], None] | None = None,
    resume: Snapshot | None = None,
) -> tuple[Any, History]:
    """Train a model.

    Parameters
    ----------
    model
        A pytree such as an equinox module, called as `model(inputs, mask, key=key)`: a batch of
        inputs, a mask or None, and a random key for dropout, None or absent in evaluation. For
        ``"cross_entropy"`` it returns scores `(batch, time, classes)` against targets
        `(batch, time)`, or `(batch, classes)` against `(batch,)`; for ``"squared_error"`` values
        of the targets' shape, or with one more axis of length 1. It is not changed.
    data
        Rows to learn from and rows to evaluate. All of `train` is kept on the device; of a
        `Stream` the rows of a block are drawn and sent before it.
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
    A curriculum moves between blocks; where it cuts words, a block is compiled for each length.
    Steps run in blocks of fixed length, a divisor of `evaluate_every` and `num_steps` and at most
    50, so that results do not depend on where a run was cut: on a CPU a resumed fit ends with the
    bytes of one that was not. Every batch has `batch_size` rows; the short one at the end of an
    epoch is left out. If there are fewer auxiliary rows than one batch, each step takes them all.
    With ``auxiliary="separate"`` each step makes two updates, as published.
    `optimiser.tensor_rates` decides which tensors take which rate, decay and rule;
    `seqtheory.training.Training` states the rules.

    References
    ----------
    Loshchilov and Hutter, arXiv 1711.05101. Auxiliary words of length 2: Cirone et al.,
    arXiv 2402.19047.
    """
    _check(model, data, training)
    fitting = _Fit(model, data, training, key, on_event or (lambda event: None))
    if resume is not None:
        fitting.restore(resume)
    return fitting.run()


class _Fit:
    """One training: where it is, and what it has reported."""

    def __init__(
        self,
        model: PyTree,
        data: FitData,
        training: Training,
        key: PRNGKeyArray,
        on_event: Callable[[Evaluated | Stepped], None],
    ) -> None:
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)
        parameters = jax.tree.map(lambda p: jnp.array(p, copy=True), parameters)  # to be donated
        self.names = optimiser.tensor_names(model)
        self.data, self.training, self.key, self.on_event = data, training, key, on_event
        rates = optimiser.tensor_rates(model, training)
        options = (training.loss, training.clip, training.auxiliary, training.precision)
        self.frame = Frame(rest, rates, *options, optimiser.statistics(model))
        moments = optimiser.initial_moments(parameters, rates)
        self.carry = Carry(parameters, moments, jnp.asarray(True))
        self.progress = Progress()
        self.course = Course.of(training, data.sample)
        self.digest = data.digest()
        self.block = _block_length(training, sum(p.size for p in jax.tree.leaves(parameters)))

    def run(self) -> tuple[Any, History]:
        """Evaluate and train until something ends it."""
        if not self.progress.evaluations:
            self._evaluate()
            self._stepped()
        ended = self._ended()
        done = self.progress.step
        feed = Feed(self.data, self.training, self.course, self.key, self.block, done)
        while ended is None:
            positions = self.course.positions(self.progress.evaluations)
            batches = feed.block(self.progress.step, positions)
            self.carry, seen = advance(self.carry, *batches, self.frame)
            seen = jax.device_get(seen)
            if not seen.alive.all():
                return self._failed(seen)
            self._count(seen.loss)
            if self.progress.step % self.training.evaluate_every == 0 or self._last():
                self._evaluate()
                ended = self._ended()
            self._stepped()
        return ended

    def _last(self) -> bool:
        return self.progress.step == self.training.num_steps

    def _count(self, losses: np.ndarray) -> None:
        for loss in losses.tolist():  # one by one: a resumed fit adds in the same order
            self.progress.stepped(loss)

    def _evaluate(self) -> None:
        held_out = self.data.held_out
        rows = min(_EVALUATION_ROWS, len(held_out))
        parameters, rest = self.carry.parameters, self.frame.model
        metrics = evaluation.scores(parameters, rest, held_out, self.training.loss, rows)
        rate = self._learning_rate(max(self.progress.step, 1))
        metrics |= self.course.facts(self.progress.evaluations)
        self.on_event(self.progress.evaluated(metrics, learning_rate=rate))

    def _learning_rate(self, step: int) -> float:
        """Rate of the update that is the `step`-th."""
        return self.training.learning_rate * self.training.schedule_factor(step - 1)

    def _ended(self) -> tuple[Any, History] | None:
        """Outcome, if the state just evaluated ends the training."""
        last = self.progress.evaluations[-1]
        error = last.metrics["loss" if self.training.loss == "cross_entropy" else "rmse"]
        if not np.isfinite(error):
            return self._diverged(self.progress.step, "the held-out loss is not finite", error)
        if last.step == self.progress.step and self.training.reached(last.metrics):
            return self._outcome("target")
        return self._outcome("done") if self._last() else None

    def _failed(self, seen: Seen) -> tuple[Any, History]:
        failed = int(np.argmin(seen.alive))
        self._count(np.asarray(seen.loss[:failed]))
        bad = ~np.isfinite(seen.squares[failed])
        loss, norm = float(seen.loss[failed]), float(seen.norm[failed])
        what = "gradient" if np.isfinite(loss) else "loss"
        tensor = self.names[int(np.argmax(bad))] if bad.any() else None
        step = self.progress.step + 1
        return self._diverged(step, f"the {what} is not finite", loss, norm, tensor)

    def _diverged(
        self, step: int, reason: str, loss: Any, norm: float | None = None, tensor: Any = None
    ) -> tuple[Any, History]:
        facts = {"step": step, "reason": reason, "loss": loss, "gradient_norm": norm}
        facts |= {"tensor": tensor, "learning_rate": self._learning_rate(max(step, 1))}
        return self._outcome("diverged", facts)

    def _outcome(
        self, status: Literal["done", "target", "diverged"], divergence: dict | None = None
    ) -> tuple[Any, History]:
        model = eqx.combine(self.carry.parameters, self.frame.model)
        evaluations = tuple(self.progress.evaluations)
        return model, History(status, self.progress.step, evaluations, divergence)

    def _stepped(self) -> None:
        event = Stepped(self.progress.step, self.training.num_steps, self._snapshot)
        self.on_event(event)

    def _snapshot(self) -> Snapshot:
        state = self.progress.state(self.training, self.digest)
        state |= {"key": _numbers(self.key), "block": self.block}
        return Snapshot(self.progress.step, pack(self.names, self.carry), state)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to where a snapshot was taken."""
        self.progress = Progress.restored(snapshot, self.training, self.digest)
        for name, value in (("key", _numbers(self.key)), ("block", self.block)):
            if snapshot.state.get(name) != value:
                raise ValueError(
                    f"the snapshot was made with {name}={snapshot.state.get(name)!r}, and this "
                    f"fit has {name}={value!r}. Resume with what the training began with."
                )
        self.carry = unpack(self.names, self.carry, snapshot.tensors)


def _check(model: PyTree, data: FitData, training: Training) -> None:
    if training.precision == "bfloat16" and jax.default_backend() == "cpu":
        raise ValueError(
            "got precision='bfloat16' on a CPU, where it is slower than float32, expected an "
            "accelerator; use precision='float32'."
        )
    data.check(training)
    for _, part in data.parts():
        evaluation.check_data(model, part, training.loss)
    for rows, size, _ in learnt(data, training):
        row_batches(rows, size, training.seed, drop_last=True)  # raises if nothing is left


def _block_length(training: Training, parameters: int) -> int:
    common = gcd(training.evaluate_every, training.num_steps)
    most = max(1, min(_MOST_STEPS, _BLOCK_PARAMETERS // max(parameters, 1)))
    return max(n for n in range(1, most + 1) if common % n == 0)


def _numbers(key: PRNGKeyArray) -> list[int]:
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.key_data(key)
    return np.asarray(key).tolist()

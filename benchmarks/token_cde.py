"""One training step of the linear CDE on A5: forward, backward and optimiser, width 256, length 20.

Ours is the step that `lcde_jax.fit` takes, in its three forms: first-order steps (the default, and
the published step's order), exact exponentials, and one free matrix per token. All are compiled
before the clock starts, each call takes one step, and the loss must be finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work, threads

MODULE = "benchmarks.token_cde"
WIDTH, LENGTH, VOCABULARY = 256, 20, 60
BATCHES = (32, 128)
STEPS, ROUNDS = 1, 5
FORMS = {
    "first order": {"step": "first_order"},
    "exponential": {"step": "exponential"},
    "matrix per token": {"matrix_per_token": True},
}


def ours(form: str, batch: int) -> Work:
    """Take steps as `fit` does at this width, one per call."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from lcde_jax import LinearCDEClassifier
    from lcde_jax.train import blocks, optimiser
    from seqtheory.training import Training

    key = jax.random.key(0)
    model = LinearCDEClassifier(VOCABULARY, VOCABULARY, WIDTH, **FORMS[form], key=key)
    training = Training(loss="cross_entropy", learning_rate=2e-4, weight_decay=0.01)
    parameters, rest = eqx.partition(model, eqx.is_inexact_array)
    rates, statistics = optimiser.tensor_rates(model, training), optimiser.statistics(model)
    frame = blocks.Frame(rest, rates, "cross_entropy", None, "summed", "float32", statistics)
    carry = blocks.Carry(parameters, optimiser.initial_moments(parameters), jnp.asarray(True))
    words, targets = _words(batch)
    data = blocks.Batch(jnp.asarray(words), jnp.asarray(targets), None, None)
    rows = jnp.arange(batch, dtype=jnp.int32)[None]
    steps = blocks.Steps(rows, None, jnp.ones(1), jax.random.split(key, 1))
    del model, parameters

    def call() -> float:
        nonlocal carry
        for _ in range(STEPS):
            carry, seen = blocks.advance(carry, data, None, steps, frame)
        return float(jax.block_until_ready((carry, seen))[1].loss[0])

    return _work(call, "lcde-jax")


def published(batch: int) -> Work:
    """Take steps of the published form."""
    import jax
    import jax.numpy as jnp

    from benchmarks.published_token_cde import PublishedClassifier, published_step

    model = PublishedClassifier(VOCABULARY, WIDTH, jax.random.key(0))
    step, state = published_step(model)
    words, targets = (jnp.asarray(part) for part in _words(batch))

    def call() -> float:
        nonlocal model, state
        for _ in range(STEPS):
            model, state, loss = step(model, state, words + 0, targets + 0, jax.random.key(1))
        return float(jax.block_until_ready((model, loss))[1])

    return _work(call, "equinox")


def _work(call: Any, package: str) -> Work:
    def check(loss: float) -> dict[str, Any]:
        if not np.isfinite(loss):
            raise ValueError(f"the loss is {loss}")
        return {"loss": loss}

    call()  # compiles
    return Work(call, version(package, "jax"), threads(), "float32", check)


def _words(batch: int) -> tuple[np.ndarray, np.ndarray]:
    from seqtheory.tasks import GroupWords

    data = GroupWords("A5", length=LENGTH, num_words=batch).build(0)
    return data.inputs.astype(np.int32), data.targets.astype(np.int32)


def main() -> list[dict[str, Any]]:
    """Measure both batch sizes; print tables, and return the rows."""
    rows = []
    for batch in BATCHES:
        title = f"A5 training step: batch {batch}, length {LENGTH}, width {WIDTH}"
        contenders = [
            Contender(f"lcde_jax, {form}", MODULE, "ours", {"form": form, "batch": batch})
            for form in FORMS
        ]
        contenders.append(
            Contender("published vmap of a scan", MODULE, "published", {"batch": batch})
        )
        measured = compare(contenders, ROUNDS)
        report.show_comparison(title, measured)
        _, exact, free, scan = measured
        for form, form_of_ours in (("exponentials", exact), ("matrix per token", free)):
            ratio = scan.ratio_to(form_of_ours).text()
            print(f"Published / ours with {form}: {ratio}.")
        print()
        rows += report.rows(title, measured)
    return rows

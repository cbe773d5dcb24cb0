"""Curricula, mixed lengths, streams: what a step learns from; a resume gives the same bytes."""

import json
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcde_jax import fit
from seqtheory.tasks import GroupWords
from seqtheory.training import Curriculum, FitData, Snapshot, Stepped, TaskStream, Training
from seqtheory.training._curriculum import first_positions

KEY = jax.random.key(0)
TASK = GroupWords("Z4", length=5, num_words=60)
WORDS = FitData(*TASK.build(0).split((0.6, 0.4), seed=0))
FRESH = FitData(TaskStream(TASK), WORDS.held_out)
TRAINING = Training(
    loss="cross_entropy",
    num_steps=12,
    batch_size=8,
    learning_rate=0.1,
    evaluate_every=4,
    curriculum=Curriculum(start=2, level=0.3),
)
MASK = Curriculum(kind="mask", start=2, level=0.3)
CASES = {
    "length": (WORDS, {}),
    "mask": (WORDS, {"curriculum": MASK}),
    "mixed": (FRESH, {"curriculum": None, "lengths": "mixed"}),
    "fresh": (FRESH, {"lengths": "mixed"}),
}


class Sums(eqx.Module):
    """Classes from the running sum of embedded tokens."""

    table: jax.Array
    readout: jax.Array

    def __init__(self):
        first, second = jax.random.split(KEY)
        self.table, self.readout = (
            jax.random.normal(key, shape) for key, shape in ((first, (4, 8)), (second, (8, 4)))
        )

    def __call__(self, tokens, mask=None, *, key=None):
        return jnp.sin(self.table[tokens].cumsum(1)) @ self.readout


def same(one, other) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


@pytest.mark.parametrize("case", CASES)
def test_a_resume_gives_the_same_bytes(case):
    data, settings = CASES[case]
    training, held = replace(TRAINING, **settings), []

    def keep(event):
        if isinstance(event, Stepped):
            held.append(event.snapshot())

    model, history = fit(Sums(), data, training, key=KEY, on_event=keep)
    for snapshot in held[1:3]:
        resume = Snapshot(snapshot.step, snapshot.tensors, json.loads(json.dumps(snapshot.state)))
        again, told = fit(Sums(), data, training, key=KEY, resume=resume)
        assert same(again, model)
        assert told == history
    lengths = [e.metrics.get("trained_length") for e in history.evaluations]
    assert lengths == [None] * 4 if training.curriculum is None else lengths[-1] > lengths[0] == 2


def test_cut_or_masked_words_are_learnt_as_words_of_that_length():
    short = FitData(first_positions(WORDS.train, 3), first_positions(WORDS.held_out, 3))
    expected, _ = fit(Sums(), short, replace(TRAINING, curriculum=None), key=KEY)
    for kind in ("length", "mask"):
        stuck = replace(TRAINING, curriculum=Curriculum(kind=kind, start=3, level=1.0))
        model, _ = fit(Sums(), WORDS, stuck, key=KEY)
        np.testing.assert_allclose(model.table, expected.table, rtol=1e-9)

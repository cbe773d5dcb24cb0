"""Each optimiser trains a model with hidden layers, and a resume gives the same bytes."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcde_jax import fit
from seqtheory.dataset import Dataset
from seqtheory.training import FitData, Snapshot, Stepped, Training

KEY = jax.random.key(0)
MUON = {"optimiser": "muon", "matrix_learning_rate": 0.05, "matrix_weight_decay": 0.1}
OPTIMISERS = [{"optimiser": "sgd"}, {"optimiser": "momentum"}, MUON]


class Layered(eqx.Module):
    """Running sums of embedded tokens through two linear maps."""

    table: jax.Array
    layers: tuple[jax.Array, ...]

    def __init__(self):
        keys = jax.random.split(KEY, 3)
        shapes = ((4, 5), (6, 5), (3, 6))
        self.table, *layers = map(jax.random.normal, keys, shapes)
        self.layers = tuple(layers)

    def __call__(self, tokens, mask=None, *, key=None):
        x = self.table[tokens].cumsum(1)
        for matrix in self.layers:
            x = jnp.tanh(x @ matrix.T)
        return x


def training(**settings) -> Training:
    return Training(
        loss="cross_entropy",
        learning_rate=0.02,
        batch_size=4,
        num_steps=6,
        evaluate_every=2,
        clip=1.0,
        schedule="warmup_stable_decay",
        decay_steps=2,
        **settings,
    )


def words() -> FitData:
    tokens = np.random.default_rng(0).integers(0, 4, (24, 5))
    data = Dataset(tokens, tokens.cumsum(1) % 3)
    return FitData(*data.split((0.75, 0.25), seed=0))


def same(one, other) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


@pytest.mark.parametrize("settings", OPTIMISERS, ids=lambda held: held["optimiser"])
def test_a_resume_gives_the_same_bytes(settings):
    held = []

    def keep(event):
        if isinstance(event, Stepped):
            held.append(event.snapshot())

    model, history = fit(Layered(), words(), training(**settings), key=KEY, on_event=keep)
    assert not same(model, Layered())
    resume = Snapshot(held[1].step, held[1].tensors, json.loads(json.dumps(held[1].state)))
    again, told = fit(Layered(), words(), training(**settings), key=KEY, resume=resume)
    assert same(again, model)
    assert told == history
    if settings is MUON:
        names = {name for name in held[0].tensors if name.startswith("optimiser.muon")}
        assert names == {f"optimiser.muon.average.layers.{i}" for i in range(2)}

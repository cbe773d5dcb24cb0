r"""The published training step of the linear CDE on words, written again from its description.

One word at a time, mapped over the batch with vmap. A word's embeddings are the path
:math:`w_k = (t_k, e(x_k))`, and a scan takes the steps

.. math:: y_k = y_{k-1} + \tfrac{1}{L} \sum_i (A_i y_{k-1} + B_i)\, w_k^i, \qquad
    y_1 = C e(x_1) + d,

each of which multiplies all matrices :math:`A_i` by the state. Then dropout, a linear map, ReLU,
dropout, the embedding added, layer norm, and a linear map to the classes.

References: N. M. Cirone et al., arXiv:2402.19047, section 5.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

RATE, DECAY, DROPOUT = 2e-4, 0.01, 0.1


class PublishedClassifier(eqx.Module):
    """Scores of one word."""

    embedding: eqx.nn.Embedding
    A: jax.Array  # (width, channels + 1, width): the state's axis first, as published
    B: jax.Array
    C: jax.Array
    d: jax.Array
    mix: eqx.nn.Linear
    norm: eqx.nn.LayerNorm
    readout: eqx.nn.Linear
    dropout: eqx.nn.Dropout

    def __init__(self, vocabulary: int, width: int, key: jax.Array):
        self.embedding = eqx.nn.Embedding(vocabulary, width, key=key)
        keys = jax.random.split(key, 4)
        self.A = jax.random.normal(keys[0], (width, width + 1, width)) / width**0.5
        self.B = jax.random.normal(keys[1], (width, width + 1))
        self.C = jax.random.normal(keys[2], (width, width))
        self.d = jax.random.normal(keys[3], (width,))
        self.mix = eqx.nn.Linear(width, width, key=key)
        self.norm = eqx.nn.LayerNorm(width)
        self.readout = eqx.nn.Linear(width, vocabulary, key=key)
        self.dropout = eqx.nn.Dropout(DROPOUT)

    def states(self, path: jax.Array) -> jax.Array:
        """State at every token, by the published scan."""
        length = len(path)
        control = jnp.column_stack([jnp.linspace(0.0, 1.0, length), path])

        def advance(y: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
            y = y + (self.A @ y + self.B) @ w / length
            return y, y

        first = self.C @ path[0] + self.d
        return jnp.concatenate([first[None], jax.lax.scan(advance, first, control[1:])[1]])

    def __call__(self, word: jax.Array, key: jax.Array) -> jax.Array:
        """Scores `(time, classes)`."""
        first, second = jax.random.split(key)
        path = jax.vmap(self.embedding)(word)
        states = self.dropout(self.states(path), key=first)
        hidden = self.dropout(jax.nn.relu(jax.vmap(self.mix)(states)), key=second)
        return jax.vmap(self.readout)(jax.vmap(self.norm)(hidden + path))


def published_step(
    model: PublishedClassifier,
) -> tuple[Callable[..., tuple[PublishedClassifier, optax.OptState, jax.Array]], optax.OptState]:
    """One update of the model by AdamW, and the optimiser's first state."""
    optimiser = optax.adamw(RATE, weight_decay=DECAY)

    @eqx.filter_value_and_grad
    def loss(model: PublishedClassifier, words: jax.Array, targets: jax.Array, key: jax.Array):
        keys = jax.random.split(key, len(words))
        probabilities = jax.nn.softmax(jax.vmap(model)(words, keys))
        labels = jax.nn.one_hot(targets, probabilities.shape[-1])
        return -(labels * jnp.log(probabilities + 1e-10)).sum(axis=-1).mean()

    @eqx.filter_jit(donate="all")
    def step(model, state, words, targets, key):
        value, gradient = loss(model, words, targets, key)
        updates, state = optimiser.update(gradient, state, eqx.filter(model, eqx.is_array))
        return eqx.apply_updates(model, updates), state, value

    return step, optimiser.init(eqx.filter(model, eqx.is_array))

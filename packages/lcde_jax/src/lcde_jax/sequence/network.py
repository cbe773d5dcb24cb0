"""The module of a sequence model: whole sequences, or one position at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from seqtheory import _sequences
from seqtheory.checks import require_integer, require_memory

from .capacity import tree_bytes
from .embedding import LinearEmbedding, TokenEmbedding, affine, sinusoids
from .layer import Layer, dropout
from .linear_cde import DrivenMatrices
from .readout import MeanOutput, StepOutput, check_mask, pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax.typing import ArrayLike, DTypeLike
    from jaxtyping import Array, Float, Int, PRNGKeyArray

    from .model import SequenceModelConfig


class ModelState(NamedTuple):
    """What a model remembers between two calls of `SequenceModel.prefill` or `step`."""

    layers: tuple[Any, ...]
    position: Int[Array, ""]
    total: Float[Array, "batch width"]


class SequenceModel(eqx.Module):
    """Module of `SequenceModelConfig`; build it with `SequenceModelConfig.build(key)`."""

    embedding: TokenEmbedding | LinearEmbedding
    layers: tuple[Layer, ...]
    readout: eqx.nn.Linear
    config: SequenceModelConfig = eqx.field(static=True)

    def __init__(self, config: SequenceModelConfig, *, dtype: DTypeLike, key: PRNGKeyArray):
        of_input, of_readout, *keys = jax.random.split(key, 2 + config.depth)
        self.embedding = config.input.build(config.width, dtype=dtype, key=of_input)
        self.layers = tuple(
            Layer(config, index=index, dtype=dtype, key=one) for index, one in enumerate(keys)
        )
        size = config.output.size
        self.readout = eqx.nn.Linear(config.width, size, dtype=dtype, key=of_readout)
        self.config = config

    def __call__(
        self, inputs: ArrayLike, mask: ArrayLike | None = None, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "batch ... size"]:
        """Map whole sequences to outputs.

        Parameters
        ----------
        inputs
            Tokens ``(batch, time)`` for `TokenInput`, ``(batch, time, channel)`` for `LinearInput`.
        mask
            True at valid positions, which come first in each row; what stands elsewhere has no
            influence on any output, statistic or gradient. None where all are valid.
        key
            Training mode: decides dropout, and batch normalisation takes the batch's statistics.

        Returns
        -------
        ``(batch, time, size)`` for `StepOutput`, otherwise ``(batch, size)``.

        Raises
        ------
        TypeError, ValueError
            If shape, dtype, token range or mask are wrong, or there is no position at all. Under
            `jit` values are unknown, so only types and shapes are checked.
        """
        return self._run(inputs, mask, key)[0]

    def train_call(
        self, inputs: ArrayLike, mask: ArrayLike | None = None, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, "batch ... size"], SequenceModel]:
        """Give outputs in training mode, and the model with its running statistics moved."""
        outputs, norms = self._run(inputs, mask, key)
        if self.config.norm != "batch":
            return outputs, self
        return outputs, eqx.tree_at(lambda model: [la.norm for la in model.layers], self, norms)

    def check_inputs(self, inputs: ArrayLike, mask: ArrayLike | None = None) -> None:
        """Raise ValueError or TypeError unless the model accepts `inputs` and `mask`."""
        _sequences.check_inputs(np.shape(inputs))
        check_mask(mask, np.shape(inputs)[:2])
        self.embedding.check(inputs, mask)

    def mixed(self, inputs: ArrayLike) -> Float[Array, "batch time width"]:
        """Output of the last layer's mixer: all that the outputs know of that mixer's state.

        Parameters
        ----------
        inputs
            As the call takes them, all positions valid.
        """
        self.check_inputs(inputs)
        prepared = self.embedding.prepared(inputs, None)
        x = self._embedded(prepared, np.arange(prepared.shape[1]), None)
        *before, last = self.layers
        for layer in before:
            x, _ = layer(x)
        return last.mixed(x)

    def initial_state(self, batch_size: int) -> ModelState:
        """State before the first position, for streams of `batch_size` rows.

        Raises
        ------
        TypeError
            If the mixer is not causal.
        """
        require_integer("batch_size", batch_size, minimum=1)
        if not self.config.mixer.causal:
            raise _sequences.no_step(self.config.mixer, causal=False)
        row = tree_bytes([layer.mixer.initial_state(1) for layer in self.layers])
        require_memory(batch_size * row, f"a state of batch_size={batch_size}")
        states = tuple(layer.mixer.initial_state(batch_size) for layer in self.layers)
        total = jnp.zeros((batch_size, self.config.width), self.readout.weight.dtype)
        return ModelState(states, jnp.zeros((), jnp.int32), total)

    def prefill(
        self, inputs: ArrayLike, state: ModelState | None = None
    ) -> tuple[Float[Array, "batch ... size"], ModelState]:
        """Map the next part of whole sequences, and give the state that `step` goes on from.

        Parameters
        ----------
        inputs
            As the call takes them, all positions valid, and one position at least.
        state
            From `initial_state`, or from the call before; None at the first position.

        Returns
        -------
        What the call returns on the sequence so far (at the positions of this part, for
        `StepOutput`), and the state after it.

        Raises
        ------
        TypeError
            If the mixer is not causal.
        ValueError
            If the part has no position, or another number of rows than the state.
        """
        self.check_inputs(inputs)
        state = self.initial_state(np.shape(inputs)[0]) if state is None else state
        _sequences.check_rows(np.shape(inputs)[0], len(state.total))
        prepared = self.embedding.prepared(inputs, None)
        x = self._embedded(
            prepared, state.position + np.arange(prepared.shape[1], dtype=np.int32), None
        )
        states = []
        for layer, held in zip(self.layers, state.layers, strict=True):
            x, held = layer.prefill(x, held)
            states.append(held)
        return self._read_on(x, states, state)

    def step(self, x_k: Array, state: ModelState) -> tuple[Float[Array, "batch size"], ModelState]:
        """Advance by one position.

        Parameters
        ----------
        x_k
            Tokens ``(batch,)`` or channels ``(batch, channel)``.
        state
            From `initial_state`, or from the call before.

        Returns
        -------
        What the call returns on the sequence so far (at its last position, for `StepOutput`).
        """
        inputs = jnp.asarray(x_k)[:, None]
        _sequences.check_rows(np.shape(inputs)[0], len(state.total))
        self.check_inputs(inputs)
        x = self._embedded(self.embedding.prepared(inputs, None), state.position[None], None)[:, 0]
        states = []
        for layer, held in zip(self.layers, state.layers, strict=True):
            x, held = layer.step(x, held)
            states.append(held)
        y, state = self._read_on(x[:, None], states, state)
        return (y[:, 0] if isinstance(self.config.output, StepOutput) else y), state

    def _read_on(self, x: Array, states: list[Any], state: ModelState) -> tuple[Array, ModelState]:
        """Return the output at `x`, positions of the last layer, and the state after them."""
        position, total = state.position + x.shape[1], state.total + x.sum(1)
        if isinstance(self.config.output, MeanOutput):
            read = total / position.astype(total.dtype)
        else:
            read = pool(self.config.output, x, None)
        return affine(self.readout, read), ModelState(tuple(states), position, total)

    def _run(
        self, inputs: ArrayLike, mask: ArrayLike | None, key: PRNGKeyArray | None
    ) -> tuple[Array, list[Any]]:
        self.check_inputs(inputs, mask)
        held = None if mask is None else jnp.asarray(mask)
        count = len(self.layers)
        of_input, *keys = [None] * (count + 1) if key is None else jax.random.split(key, count + 1)
        prepared = self.embedding.prepared(inputs, held)
        x = self._embedded(prepared, np.arange(prepared.shape[1]), of_input)
        norms = []
        for index, (layer, one) in enumerate(zip(self.layers, keys, strict=True)):
            mix = self._lookup(layer, prepared) if index == 0 else None
            x, norm = layer(x, held, key=one, mix=mix)
            norms.append(norm)
        y = affine(self.readout, pool(self.config.output, x, held))
        if held is not None and isinstance(self.config.output, StepOutput):
            y = jnp.where(held[..., None], y, 0)
        return y, norms

    def _embedded(self, prepared: Array, positions: Any, key: PRNGKeyArray | None) -> Array:
        x = self.embedding(prepared)
        if not self.config.has_positions:
            return x
        added = x + sinusoids(positions, self.config.width, x.dtype)[None]
        return dropout(added, self.config.position_dropout, key)

    def _lookup(self, layer: Layer, tokens: Array) -> Callable[[Array], Array] | None:
        """Return the first mixer as a lookup by token, or None if it cannot be one.

        It can where the mixer's inputs are the embedded tokens alone, without positions or norm.
        """
        embedding, mixer = self.embedding, layer.mixer
        bare = not self.config.has_positions and self.config.norm_position == "post"
        if not (bare and isinstance(embedding, TokenEmbedding)):
            return None
        if not isinstance(mixer, DrivenMatrices) or tokens.size < len(embedding.table):
            return None
        return lambda _: mixer.lookup(embedding.table, tokens)

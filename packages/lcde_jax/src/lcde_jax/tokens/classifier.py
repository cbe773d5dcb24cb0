"""Sequence classifier: embedding, one linear CDE, and the published block around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from seqtheory.checks import require_memory
from seqtheory.structure._rule import Rule

from ..structure import Dense, Structure
from .cde import DELTA, Path, Step, TokenCDE
from .matrices import TokenMatrices

if TYPE_CHECKING:
    from jax.typing import ArrayLike, DTypeLike
    from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray


class LinearCDEClassifier(eqx.Module):
    r"""Scores of a class at every position of a sequence of tokens.

    .. math:: z = e(x) + D(\mathrm{relu}(W D(y) + b)), \qquad
        \text{scores} = R\, \mathrm{LayerNorm}(z) + r

    with y the states of a linear CDE along the tokens, e their embedding and D dropout.

    Parameters
    ----------
    vocabulary
        Number of tokens.
    num_classes
        Number of classes.
    width
        Entries of an embedding and of a state.
    matrix_per_token
        Whether each token has a free matrix (`TokenMatrices`) in place of one that is linear in
        its embedding (`TokenCDE`). Then `path`, `step`, `delta` and `rule` do not matter.
    structure
        Of the state matrices, as in `TokenCDE` and `TokenMatrices`.
    path, step, delta, forcing, rule
        As in `TokenCDE`.
    dropout
        Share of entries dropped in training, in [0, 1).
    shared_key
        Draw every part from one key, as the published code does, so that embedding, CDE and
        readouts share random numbers. Use it only to reproduce published results.
    dtype
        A floating type; JAX's default one if None.
    key
        JAX random key.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1, or dropout is outside [0, 1).
    MemoryError
        If the parameters do not fit this machine.

    Notes
    -----
    The model is causal. One step of training costs O(vocabulary width^3) for the matrices of the
    tokens (`matrix_per_token` has none of it) and O(batch time width^2) for the sequences.

    References
    ----------
    Cirone et al., arXiv 2402.19047, section 5 and appendix; width 256, dropout 0.1, one block.
    """

    embedding: Float[Array, "vocabulary width"]
    cde: TokenCDE | TokenMatrices
    mix: eqx.nn.Linear
    norm: eqx.nn.LayerNorm
    readout: eqx.nn.Linear
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        vocabulary: int,
        num_classes: int,
        width: int,
        *,
        matrix_per_token: bool = False,
        structure: Structure = Dense(),  # noqa: B008 - a frozen value
        path: Path = "sums",
        step: Step = "first_order",
        delta: float | None = DELTA,
        forcing: bool = True,
        rule: Rule = "own",
        dropout: float = 0.1,
        shared_key: bool = False,
        dtype: DTypeLike | None = None,
        key: PRNGKeyArray,
    ):
        sizes = {"vocabulary": vocabulary, "num_classes": num_classes, "width": width}
        _check_sizes(sizes, dropout)
        dtype = jnp.dtype(dtype or jax.dtypes.canonicalize_dtype(float))
        told = ", ".join(f"{name}={value:,}" for name, value in sizes.items())
        numbers = width * (vocabulary + num_classes + 2)
        require_memory(dtype.itemsize * numbers, f"a classifier with {told}")
        keys = [key] * 4 if shared_key else jax.random.split(key, 4)
        self.embedding = jax.random.normal(keys[0], (vocabulary, width), dtype)
        if matrix_per_token:
            settings = {"structure": structure, "forcing": forcing}
            self.cde = TokenMatrices(vocabulary, width, **settings, dtype=dtype, key=keys[1])
        else:
            settings = {"path": path, "step": step, "delta": delta, "forcing": forcing}
            settings |= {"structure": structure, "rule": rule}
            self.cde = TokenCDE(width, **settings, dtype=dtype, key=keys[1])
        self.mix = eqx.nn.Linear(width, width, dtype=dtype, key=keys[2])
        self.norm = eqx.nn.LayerNorm(width, dtype=dtype)
        self.readout = eqx.nn.Linear(width, num_classes, dtype=dtype, key=keys[3])
        self.dropout = dropout

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return len(self.embedding)

    def __call__(
        self,
        tokens: Int[ArrayLike, "batch time"],
        mask: Bool[ArrayLike, "batch time"] | None = None,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "batch time num_classes"]:
        """Scores (logits) of every position.

        Parameters
        ----------
        tokens
            Whole numbers below the size of the vocabulary.
        mask
            True where a token exists; elsewhere the state stays as it is. None: everywhere.
        key
            Switches dropout on; without it the model is deterministic.

        Raises
        ------
        TypeError, ValueError
            On tokens or a mask of wrong type or shape, a token out of range, or a row that the
            mask hides completely. Under `jit` only types and shapes are checked.
        """
        self.check_inputs(tokens, mask)
        tokens = jnp.asarray(tokens, jnp.int32)
        held = None if mask is None else jnp.asarray(mask)
        first, second = (None, None) if key is None else jax.random.split(key)
        states = self.cde(self.embedding, tokens, held)
        states = _linear(self.mix, self._dropped(states, first))
        hidden = self._dropped(jax.nn.relu(states), second) + self.embedding[tokens]
        return _linear(self.readout, _normalised(self.norm, hidden))

    def check_inputs(self, tokens: ArrayLike, mask: ArrayLike | None = None) -> None:
        """Raise ValueError or TypeError unless the model accepts `tokens` and `mask`."""
        shape, dtype = np.shape(tokens), _dtype(tokens)
        if not np.issubdtype(dtype, np.integer):
            raise TypeError(f"tokens have dtype {dtype}, expected integers; convert ids first.")
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"tokens have shape {shape}, expected (batch, time), neither 0.")
        if not isinstance(tokens, Tracer):
            _check_range(np.asarray(tokens), self.vocabulary)
        if mask is not None:
            _check_mask(mask, shape)

    def _dropped(self, values: Array, key: PRNGKeyArray | None) -> Array:
        if key is None or self.dropout == 0:
            return values
        kept = jax.random.bernoulli(key, 1 - self.dropout, values.shape)
        return jnp.where(kept, values / (1 - self.dropout), 0)


def _linear(layer: eqx.nn.Linear, values: Array) -> Array:
    assert layer.bias is not None
    moved = values @ layer.weight.T
    return moved + jnp.broadcast_to(layer.bias, moved.shape)


def _normalised(layer: eqx.nn.LayerNorm, values: Array) -> Array:
    """Layer norm that does not overflow: states may grow exponentially along a word."""
    assert layer.weight is not None
    assert layer.bias is not None
    largest = jnp.abs(values).max(axis=-1, keepdims=True)
    scale = jax.lax.stop_gradient(1 / jnp.maximum(largest, 1))
    values = values * scale
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    root = jax.lax.rsqrt(variance + layer.eps * scale**2)
    weight, bias = (jnp.broadcast_to(p, values.shape) for p in (layer.weight, layer.bias))
    return centred * root * weight + bias


def _dtype(array: ArrayLike) -> np.dtype:
    return getattr(array, "dtype", None) or np.asarray(array).dtype


def _check_sizes(sizes: dict[str, int], dropout: float) -> None:
    for name, value in sizes.items():
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(f"got {name}={value!r}, expected an integer of at least 1.")
        if value < 1:
            raise ValueError(f"got {name}={value}, expected at least 1.")
    if not 0 <= dropout < 1:
        raise ValueError(f"got dropout={dropout!r}, expected a share in [0, 1).")


def _check_range(tokens: np.ndarray, vocabulary: int) -> None:
    wrong = (tokens < 0) | (tokens >= vocabulary)
    if wrong.any():
        row, position = np.argwhere(wrong)[0].tolist()
        raise ValueError(
            f"tokens[{row}, {position}] = {tokens[row, position]}, expected 0..{vocabulary - 1}, "
            "the vocabulary of the model."
        )


def _check_mask(mask: ArrayLike, shape: tuple[int, ...]) -> None:
    dtype = _dtype(mask)
    if dtype != np.bool_:
        raise TypeError(f"the mask has dtype {dtype}, expected bool; use mask != 0.")
    if np.shape(mask) != shape:
        raise ValueError(f"the mask has shape {np.shape(mask)}, expected that of tokens, {shape}.")
    if not isinstance(mask, Tracer) and not (seen := np.asarray(mask).any(axis=1)).all():
        raise ValueError(
            f"the mask is False throughout row {int(np.argmin(seen))}: no token of it exists. "
            "Drop such rows first."
        )

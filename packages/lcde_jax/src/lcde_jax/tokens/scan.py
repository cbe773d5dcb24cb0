"""The recurrence with one affine map per token, and its gradient without a scatter.

Gradients of the token matrices are sums of outer products over all positions that hold the token.
The positions are sorted by token and cut into blocks of one token each, so that every block is one
small matrix product: on a CPU 10 to 20 times faster than adding the outer products one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int

_BLOCK = 16  # positions per block: 8 and 32 are slower at widths 32 and 256
_SMALL_WIDTH = 64  # below it one batched product over all blocks beats a loop over them


class Drift(NamedTuple):
    """A term `w_k (D y_{k-1} + g)` that depends on the position k and not on its token."""

    matrix: Float[Array, "width width"]
    offset: Float[Array, " width"]
    weights: Float[Array, " time"]


@jax.custom_vjp
def token_scan(
    matrices: Float[Array, "vocabulary width width"],
    offsets: Float[Array, "vocabulary width"],
    initial: Float[Array, "batch width"],
    tokens: Int[Array, "batch time"],
    drift: Drift | None = None,
) -> Float[Array, "batch time width"]:
    r"""Run every sequence of tokens through its affine maps.

    .. math:: y_k = M(x_k)\, y_{k-1} + f(x_k) + w_k (D y_{k-1} + g), \qquad k = 1, \dots, L

    Parameters
    ----------
    matrices, offsets
        M and f of each token.
    initial
        State before the first token.
    tokens
        Numbers below the size of the vocabulary; not checked here.
    drift
        D, g and the weights w; the weights are constants without a gradient. None: no term.

    Returns
    -------
    The state after each token.

    Notes
    -----
    Costs O(batch time width^2) in both directions; the backward pass keeps the states alone.
    """
    return token_scan_reference(matrices, offsets, initial, tokens, drift)


def masked_token_scan(
    matrices: Array,
    offsets: Array,
    initial: Array,
    tokens: Array,
    mask: Array | None,
    drift: Drift | None = None,
) -> Float[Array, "batch time width"]:
    """`token_scan`, where a state stays as it is at the positions where `mask` is False."""
    if mask is None:
        return token_scan(matrices, offsets, initial, tokens, drift)
    if drift is not None:
        raise ValueError(
            "got a mask with path='published', whose steps depend on the length of the whole "
            "sequence, expected words of one length; use path='sums'."
        )
    identity = jnp.eye(matrices.shape[-1], dtype=matrices.dtype)[None]
    matrices = jnp.concatenate([matrices, identity])
    offsets = jnp.concatenate([offsets, jnp.zeros_like(offsets[:1])])
    return token_scan(matrices, offsets, initial, jnp.where(mask, tokens, len(matrices) - 1))


def token_scan_reference(
    matrices: Float[Array, "vocabulary width width"],
    offsets: Float[Array, "vocabulary width"],
    initial: Float[Array, "batch width"],
    tokens: Int[Array, "batch time"],
    drift: Drift | None = None,
) -> Float[Array, "batch time width"]:
    """Twin of `token_scan` whose gradient is JAX's own."""

    def advance(state: Array, step: tuple[Array, Array | None]) -> tuple[Array, Array]:
        token, weight = step
        following = jnp.einsum("bij,bj->bi", matrices[token], state) + offsets[token]
        if drift is not None and weight is not None:
            following = following + weight * (state @ drift.matrix.T + drift.offset[None])
        return following, following

    steps = (tokens.T, None if drift is None else drift.weights)
    return jax.lax.scan(advance, initial, steps)[1].swapaxes(0, 1)


def _forward(
    matrices: Array, offsets: Array, initial: Array, tokens: Array, drift: Drift | None = None
) -> tuple[Array, tuple[Array, Array, Array, Array, Drift | None, Array]]:
    states = token_scan(matrices, offsets, initial, tokens, drift)
    return states, (matrices, offsets, initial, tokens, drift, states)


def _backward(
    kept: tuple[Array, Array, Array, Array, Drift | None, Array], cotangent: Array
) -> tuple[Array, Array, Array, np.ndarray, Drift | None]:
    matrices, offsets, initial, tokens, drift, states = kept

    def retreat(after: Array, step: tuple[Array, Array, Array | None]) -> tuple[Array, Array]:
        token, arriving, weight = step
        total = arriving + after
        before = jnp.einsum("bij,bi->bj", matrices[token], total)
        if drift is not None and weight is not None:
            before = before + weight * (total @ drift.matrix)
        return before, total

    weights = None if drift is None else drift.weights
    steps = (tokens.T, cotangent.swapaxes(0, 1), weights)
    before_first, totals = jax.lax.scan(retreat, jnp.zeros_like(initial), steps, reverse=True)
    totals = totals.swapaxes(0, 1)
    previous = jnp.concatenate([initial[:, None], states], axis=1)[:, : tokens.shape[1]]
    flat, left, right = tokens.reshape(-1), _rows(totals), _rows(previous)
    gradient = sum_outer_products(flat, left, right, len(matrices))
    one_hot = jax.nn.one_hot(flat, len(offsets), dtype=left.dtype)
    no_gradient = np.zeros(tokens.shape, jax.dtypes.float0)
    of_drift = None if weights is None else _drift_gradient(totals, previous, weights)
    return gradient, one_hot.T @ left, before_first, no_gradient, of_drift


def _rows(states: Float[Array, "batch time width"]) -> Float[Array, "row width"]:
    return states.reshape(-1, states.shape[-1])


def _drift_gradient(totals: Array, previous: Array, weights: Array) -> Drift:
    weighted = _rows(totals * weights[None, :, None])
    return Drift(weighted.T @ _rows(previous), weighted.sum(axis=0), jnp.zeros_like(weights))


token_scan.defvjp(_forward, _backward)


def sum_outer_products(
    tokens: Int[Array, " row"],
    left: Float[Array, "row width"],
    right: Float[Array, "row width"],
    vocabulary: int,
) -> Float[Array, "vocabulary width width"]:
    r"""Sum of outer products of the rows of each token.

    .. math:: G_v = \sum_{r : x_r = v} a_r b_r^\top
    """
    owners, used, slots, order = _blocks(tokens, vocabulary)
    left, right = (_placed(rows[order], slots, len(owners)) for rows in (left, right))
    shape = (vocabulary, left.shape[-1], right.shape[-1])
    if right.shape[-1] < _SMALL_WIDTH:
        products = jnp.einsum("nri,nrj->nij", left, right)
        return jax.ops.segment_sum(products, owners, vocabulary, indices_are_sorted=True)

    def add(block: int | Array, total: Array) -> Array:
        return total.at[owners[block]].add(left[block].T @ right[block])

    return jax.lax.fori_loop(0, used, add, jnp.zeros(shape, left.dtype))


def _blocks(
    tokens: Int[Array, " row"], vocabulary: int
) -> tuple[Int[Array, " block"], Int[Array, ""], Int[Array, " row"], Int[Array, " row"]]:
    """Token of each block, how many blocks hold rows, and where the sorted rows go in them."""
    order = jnp.argsort(tokens)
    ranked = tokens[order]
    counts = jnp.zeros(vocabulary, jnp.int32).at[tokens].add(1)
    blocks = -(-counts // _BLOCK)
    # Each token leaves one block unfilled; without any row there is one, and it stays empty.
    most = max(1, len(tokens) // _BLOCK + min(vocabulary, len(tokens)))
    first_block, first_row = jnp.cumsum(blocks) - blocks, jnp.cumsum(counts) - counts
    places = jnp.arange(len(tokens), dtype=counts.dtype)
    slots = first_block[ranked] * _BLOCK + places - first_row[ranked]
    owners = jnp.repeat(jnp.arange(vocabulary), blocks, total_repeat_length=most)
    return owners, blocks.sum(), slots, order


def _placed(
    rows: Float[Array, "row width"], slots: Int[Array, " row"], blocks: int
) -> Float[Array, "block place width"]:
    """Rows in their slots; empty slots are zero and add nothing."""
    width = rows.shape[-1]
    padded = jnp.zeros((blocks * _BLOCK, width), rows.dtype)
    return padded.at[slots].set(rows, unique_indices=True).reshape(blocks, _BLOCK, width)

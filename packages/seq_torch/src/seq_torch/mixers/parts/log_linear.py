r"""Log-linear attention: a state for each block of a tree over the past, each read by its weight.

.. math:: o_i = \sum_{j \le i} \lambda_i^{(\ell(i, j))}\,
          \Big(q_i^\top \prod_{s = j + 1}^{i} A_s\, k_j\Big) v_j, \qquad
          A_s = e^{g_s} \text{ or } e^{g_s} (I - \beta_s k_s k_s^\top), \text{ later ones left},

where :math:`\ell(i, j)` is 0 for j = i, and else 1 plus the place of the highest bit in which i and
j, counted from 0, differ: the positions of one level are a block of a power of two of them. With
weights of one it is the recurrence itself.

References
----------
Guo et al., arXiv 2506.04761, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ...ops.glue.chunks import ROWS, cut, ratios_of_logs


def levels_of(time: int) -> int:
    """Count the levels that a sequence needs."""
    return max(time - 1, 0).bit_length() + 1


def log_linear(
    q: Float[Tensor, "batch head time key"],
    k: Float[Tensor, "batch head time key"],
    v: Float[Tensor, "batch head time value"],
    log_decay: Float[Tensor, "batch head time"],
    weights: Float[Tensor, "batch head time level"],
    strength: Float[Tensor, "batch head time"] | None = None,
    *,
    rows: int = ROWS,
) -> Float[Tensor, "batch head time value"]:
    r"""Read every block of the past by the weight of its level.

    Parameters
    ----------
    q, k, v
        Queries, keys and values.
    log_decay
        :math:`g`, finite.
    weights
        :math:`\lambda`, of at least as many levels as `levels_of(time)`.
    strength
        :math:`\beta` of the delta rule, whose keys are then :math:`\beta k`; None for decays alone.
    rows
        Steps of a chunk, a power of two: inside, all pairs of positions meet; between chunks, one
        state for each block. At least as many as the sequence has: the quadratic form.

    Returns
    -------
    Outputs in the type of `v`, computed in single precision or better.

    Raises
    ------
    ValueError
        If there are fewer levels than the sequence needs.

    Notes
    -----
    Work is O(time * (rows + log(time) * key) * value) for each head; with the delta rule products
    of matrices of the keys come to it, O(log(time) * time / rows * key^2 * (key + value)).
    """
    time = v.shape[-2]
    if levels_of(time) > weights.shape[-1]:
        raise ValueError(
            f"got {time} positions with levels={weights.shape[-1]}, expected at most "
            f"{2 ** (weights.shape[-1] - 1)}; every doubling needs one more of `levels`."
        )
    rows = min(rows, 1 << max(time - 1, 0).bit_length())
    longer, given = torch.promote_types(v.dtype, torch.float32), v.dtype
    with torch.autocast(v.device.type, enabled=False):
        q, k, v, weights = (cut(x.to(longer), rows, -2) for x in (q, k, v, weights))
        logs = cut(log_decay.to(longer), rows, -1)
        strength = None if strength is None else cut(strength.to(longer), rows, -1)
        scores, chunks = _chunks(q, k, v, logs, strength)
        found = (scores * _by_level(weights, rows)) @ v
        found = found + _between(chunks, weights, first=rows.bit_length(), delta=strength)
    return found.flatten(2, 3)[:, :, :time].to(given)


@dataclass(frozen=True)
class _Chunks:
    """What is seen of chunks from outside: axes (batch, head, chunk, ...).

    Parameters
    ----------
    queries
        What reads the state before the chunk, (..., row, key).
    states
        After the chunk, from a state of zero before it, (..., key, value).
    moves
        Product of the chunk's transitions: a number, (..., 1, 1), or a matrix, (..., key, key).
    """

    queries: Tensor
    states: Tensor
    moves: Tensor


def _chunks(
    q: Tensor, k: Tensor, v: Tensor, logs: Tensor, strength: Tensor | None
) -> tuple[Tensor, _Chunks]:
    """Give the weights of values inside chunks, and what is seen of them from outside.

    With T the inverse of the identity plus the part below the diagonal of diag(b) K K^T, times
    diag(b), the product of I - b k k^T over a chunk is I - K^T T K, and what is left at its end of
    the key b_j k_j is column j of K^T T.
    """
    ratios, decay = ratios_of_logs(logs), logs.cumsum(-1).exp()[..., None]
    scores, keys, moves = (q @ k.mT).tril(), k, decay[..., -1:, :]
    if strength is not None:
        within = torch.eye(k.shape[-2], device=k.device, dtype=k.dtype)
        below = (strength[..., None] * (k @ k.mT)).tril(-1)
        T = torch.linalg.solve_triangular(
            within + below, torch.diag_embed(strength), upper=False, unitriangular=True
        )
        scores, keys = scores @ T, T.mT @ k
        q = q - scores @ k
        identity = torch.eye(k.shape[-1], device=k.device, dtype=k.dtype)
        moves = moves * (identity - keys.mT @ k)
    states = keys.mT @ (ratios[..., -1, :, None] * v)
    return scores * ratios, _Chunks(decay * q, states, moves)


def _by_level(weights: Tensor, rows: int) -> Tensor:
    """Spread weights over the pairs of positions of a chunk."""
    places = torch.arange(rows, device=weights.device)
    bits = 2 ** torch.arange(rows.bit_length() - 1, device=weights.device)
    level = ((places[:, None] ^ places)[..., None] >= bits).sum(-1)
    return weights.gather(-1, level.expand(*weights.shape[:-1], rows))


def _between(chunks: _Chunks, weights: Tensor, *, first: int, delta: Tensor | None) -> Tensor:
    """Read the blocks of whole chunks, the smallest of level `first`.

    A chunk reads, at a level where it stands in the second block of a pair, the state after the
    first, moved by the chunks between that and itself.
    """
    times = torch.mul if delta is None else torch.matmul
    q, states, moves = chunks.queries, chunks.states, chunks.moves
    places = torch.arange(q.shape[2], device=q.device)
    found, through = q.new_zeros(()), _identities(moves)
    for level in range(first, first + (q.shape[2] - 1).bit_length()):
        block = places >> (level - first)  # in which the chunk stands
        second, before = (block % 2 == 1)[:, None, None], (block - 1).clamp(min=0)
        seen = q @ times(through, states[:, :, before])
        found = found + second * weights[..., level : level + 1] * seen
        through = torch.where(second, times(through, moves[:, :, before]), through)
        states, moves = _paired(states, moves, times)
    return found


def _identities(moves: Tensor) -> Tensor:
    return torch.eye(moves.shape[-1], device=moves.device, dtype=moves.dtype).expand(moves.shape)


def _paired(
    states: Tensor, moves: Tensor, times: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Join the blocks of every pair; one that is left over is read by nobody."""
    pairs = states.shape[2] // 2
    (S, later_S), (M, later_M) = (
        x[:, :, : 2 * pairs].unflatten(2, (pairs, 2)).unbind(3) for x in (states, moves)
    )
    return times(later_M, S) + later_S, times(later_M, M)

r"""The outer scan by chunks: attention without a softmax inside, one state passed on.

With :math:`R_{ts}` the product of the decays over (s, t] and :math:`D_t` that from the chunk's
start, the output at step t is :math:`D_t S^\top q_t + \sum_{s \le t} R_{ts} (q_t \cdot k_s) v_s`,
where S is the state before the chunk. With a decay for every key channel R and D are diagonal
matrices: :math:`D_t q_t` and :math:`q_t^\top R_{ts} k_s` take their places. A quotient
:math:`D_t / D_s`, which would turn the sums over channels into matrix products, overflows under
strong decays; those chunks are short instead.

References
----------
Dao and Gu, arXiv 2405.21060, section 6 (the block decomposition of the semiseparable matrix);
Yang, Wang, Shen, Panda, Kim, arXiv 2312.06635, section 4 (decays of the channels).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..glue.chunks import carried, cut, ratios_of_factors, steps_of
from .problem import Problem

ROWS = 16  # of a chunk by channels, which holds as many ratios of each channel for every step


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, value)` and last state `(batch, head, key, value)`."""
    return _by_channels(p) if p.by_channels else _by_heads(p)


def _by_heads(p: Problem) -> tuple[Tensor, Tensor]:
    factors = p.v.shape[3]
    steps = steps_of(p.time, factors)
    k, v = (cut(value, steps, -3).flatten(3, 4) for value in (p.k, p.v))
    q, factor = cut(p.q, steps, -2), cut(p.decay, steps, -1, fill=1.0)
    ratios = ratios_of_factors(factor).repeat_interleave(factors, -1)  # (..., step, row)
    decay = factor.cumprod(-1)  # (..., step)

    added = k.mT @ (ratios[..., -1, :, None] * v)
    states = carried(p.initial, decay[..., -1], added)
    before = torch.stack(states[:-1], 2)
    output = ((q @ k.mT) * ratios) @ v + decay[..., None] * (q @ before)
    return output.flatten(2, 3)[:, :, : p.time], states[-1]


def _by_channels(p: Problem) -> tuple[Tensor, Tensor]:
    factors = p.v.shape[3]
    steps = steps_of(p.time, factors, ROWS)
    k, v = (cut(value, steps, -3).flatten(3, 4) for value in (p.k, p.v))
    q, factor = cut(p.q, steps, -2), cut(p.decay, steps, -2, fill=1.0)
    ratios = ratios_of_factors(factor.mT).repeat_interleave(factors, -1)  # (..., key, step, row)
    decay = factor.cumprod(-2)  # (..., step, key)

    added = (k.mT * ratios[..., -1, :]) @ v
    states = carried(p.initial, decay[..., -1, :], added)
    before = torch.stack(states[:-1], 2)
    scores = (q.mT[..., :, None] * ratios * k.mT[..., None, :]).sum(-3)
    output = scores @ v + (decay * q) @ before
    return output.flatten(2, 3)[:, :, : p.time], states[-1]

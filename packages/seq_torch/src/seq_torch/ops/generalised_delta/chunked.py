r"""The generalised delta rule by chunks: a triangular system and a few matrix products for each.

With :math:`R_{ij}` the products of each channel's decays over the steps (j, i], :math:`D_i` those
from the chunk's start and S the state before the chunk, the state after step i is
:math:`D_i \odot S + \sum_{j \le i} R_{ij} \odot (b_j u_j^\top + k_j v_j^\top)`, where what step i
recalls is

.. math:: u_i = S^\top (D_{i-1} \odot a_i)
              + \sum_{j < i} (a_i^\top R_{i-1,j}\, b_j)\, u_j + (a_i^\top R_{i-1,j}\, k_j)\, v_j

with R as a diagonal matrix. That is a unit triangular system for all steps at once, linear in S:
:math:`U = U_v + U_a S`. It is solved for every chunk before S is known.

Each :math:`R_{ij}` is the exponential of its own sum of logarithms, or its own product of decays,
channel by channel. A quotient
:math:`D_i / D_j`, which turns the sums over channels into matrix products, overflows under strong
decays; chunks are short instead.

References
----------
Kimi Team, arXiv 2510.26692, section 3 (the WY representation under decays of each channel); Peng et
al., arXiv 2503.14456, appendix on the parallel form of RWKV-7.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..glue.chunks import cut, ratios_of_factors, ratios_of_logs, steps_of
from .problem import Problem

ROWS = 16  # of a chunk, which holds as many ratios of each channel for every step


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, value)` and last state `(batch, head, key, value)`."""
    steps = steps_of(p.time, 1, ROWS)
    q, k, v, a, b = (cut(value, steps, -2) for value in (p.q, p.k, p.v, p.a, p.b))
    ratios, decay = _products(p, steps)
    earlier = pad(ratios, (0, 0, 1, 0))[..., :-1, :]  # a reads before its own step's decay
    before = pad(decay, (0, 0, 1, 0), value=1.0)[..., :-1, :]

    known = torch.cat((_scores(a, k, earlier) @ v, before * a), -1)
    solved = torch.linalg.solve_triangular(
        -_scores(a, b, earlier), known, upper=False, unitriangular=True
    )
    U_v, U_a = solved.split((v.shape[-1], a.shape[-1]), -1)
    late = ratios[..., -1, :]  # (..., key, step)
    written, corrected = (late * k.mT) @ v, late * b.mT
    state, states, recalled = p.initial, [], []
    chunks = (value.unbind(2) for value in (U_v, U_a, decay[..., -1, :, None], written, corrected))
    for at_zero, of_state, kept, added, moved in zip(*chunks, strict=True):
        states.append(state)
        recalled.append(at_zero + of_state @ state)
        state = kept * state + added + moved @ recalled[-1]
    within = _scores(q, k, ratios) @ v + _scores(q, b, ratios) @ torch.stack(recalled, 2)
    output = within + (decay * q) @ torch.stack(states, 2)
    return output.flatten(2, 3)[:, :, : p.time], state


def _products(p: Problem, steps: int) -> tuple[Tensor, Tensor]:
    """Products of the decays, R `(..., key, step, step)` and D `(..., step, key)`."""
    if p.decay is not None:
        factors = cut(p.decay, steps, -2, fill=1.0)
        return ratios_of_factors(factors.mT), factors.cumprod(-2)
    assert p.log_decay is not None
    logs = cut(p.log_decay, steps, -2)
    return ratios_of_logs(logs.mT), logs.cumsum(-2).exp()


def _scores(x: Tensor, y: Tensor, ratios: Tensor) -> Tensor:
    """Sum over the channels of `x_i R_ij y_j`."""
    return (x.mT[..., :, None] * ratios * y.mT[..., None, :]).sum(-3)

r"""The delta rule by chunks: one triangular system and a few matrix products for each.

The rows of a chunk are its steps times factors. With :math:`D_i` the product of the decays from the
chunk's start to row i, :math:`R_{ij} = D_i / D_j` and S the state before the chunk, the state after
row i is :math:`D_i S + \sum_{j \le i} R_{ij} k_j u_j^\top`, where what row i writes is

.. math:: u_i = \beta_i \Big(v_i - D_i S^\top k_i - \sum_{j < i} R_{ij} (k_i \cdot k_j) u_j\Big).

That is a unit triangular system for all rows at once, linear in S: :math:`U = W_v - W_k S`. It is
solved for every chunk before S is known, and only U and the states are formed in order.

References
----------
Yang, Wang, Zhang, Shen, Kim, arXiv 2406.06484, section 3.2 (the WY representation of a product of
Householder factors, and its UT transform); with decays, Yang, Kautz, Hatamizadeh, arXiv
2412.06464; several factors a step as interleaved rows, Siems et al., arXiv 2502.10297.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..glue.chunks import cut, ratios_of_logs, steps_of
from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, value)` and last state `(batch, head, key, value)`."""
    factors = p.k.shape[3]
    steps = steps_of(p.time, factors)
    k, v = (cut(value, steps, -3).flatten(3, 4) for value in (p.k, p.v))
    beta, q = cut(p.beta, steps, -2).flatten(3, 4)[..., None], cut(p.q, steps, -2)
    logs = p.beta.new_zeros(steps) if p.log_decay is None else cut(p.log_decay, steps, -1)
    ratios = ratios_of_logs(logs).repeat_interleave(factors, -1)  # (..., step, row)
    decay = logs.cumsum(-1).exp()[..., None]  # (..., step, 1)

    rows = k * decay.repeat_interleave(factors, -2)
    gram = (k @ k.mT) * ratios.repeat_interleave(factors, -2)
    solved = torch.linalg.solve_triangular(
        beta * gram, beta * torch.cat((v, rows), -1), upper=False, unitriangular=True
    )
    W_v, W_k = solved.split((v.shape[-1], k.shape[-1]), -1)
    late = (k * ratios[..., -1, :, None]).mT
    kept = decay[..., -1:, :].expand(*late.shape[:3], 1, 1)

    state, before, written = p.initial, [], []
    for at_zero, removed, added, factor in zip(
        *(x.unbind(2) for x in (W_v, W_k, late, kept)), strict=True
    ):
        before.append(state)
        written.append(at_zero - removed @ state)
        state = factor * state + added @ written[-1]
    within = ((q @ k.mT) * ratios) @ torch.stack(written, 2)
    output = within + (decay * q) @ torch.stack(before, 2)
    return output.flatten(2, 3)[:, :, : p.time], state

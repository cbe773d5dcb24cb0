"""A matrix memory with an exponential input gate, read relative to what was stored."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch.nn import functional

from ... import ops

EPSILON = 1e-6  # as published

State = tuple[torch.Tensor, torch.Tensor]


def recall(
    q: Float[torch.Tensor, "batch head time key"],
    k: Float[torch.Tensor, "batch head time key"],
    v: Float[torch.Tensor, "batch head time value"],
    i: Float[torch.Tensor, "batch head time"],
    f: Float[torch.Tensor, "batch head time"],
    state: State,
) -> tuple[Float[torch.Tensor, "batch head time value"], State]:
    r"""Values recalled by a memory with exponential gates, and its state after the last step.

    .. math:: C_t = \sigma(f_t)\, C_{t-1} + e^{i_t} k_t v_t^\top, \quad
              n_t = \sigma(f_t)\, n_{t-1} + e^{i_t} k_t, \qquad
              h_t = \frac{C_t^\top q_t}{\max(|n_t^\top q_t|, 1)}

    Parameters
    ----------
    q, k, v
        Queries, keys and values.
    i, f
        Gates before the exponential and before the logistic function.
    state
        :math:`(C, n) e^{-m}` side by side, ``(batch, head, key, value + 1)``, and m.

    Notes
    -----
    One `ops.outer_scan` of values with a column of ones, by the factors
    :math:`\sigma(f_t)\, e^{m_{t-1} - m_t}` and :math:`e^{i_t - m_t}`, at most 1. The denominator is
    :math:`\max(|n^\top q|\, e^{-m}, e^{-m}) + 10^{-6}`, as in the published code; numerator and
    denominator are multiplied by :math:`e^m` where m is negative, so that no power is above 1.
    """
    memory, m = state
    dtype = torch.promote_types(v.dtype, torch.float32)
    q, k, wide, i, f = (value.to(dtype) for value in (q, k, v, i, f))
    log_forget = functional.logsigmoid(f)
    before, after = _running_maximum(i, log_forget, m.to(dtype))
    written = (i - after).exp()[..., None] * k
    stored = torch.cat((wide, torch.ones_like(wide[..., :1])), -1)
    read, memory = ops.outer_scan(
        q,
        written[:, :, :, None],
        stored[:, :, :, None],
        (log_forget + before - after).exp(),
        memory,
        return_last_state=True,
    )
    level = after.clamp(max=0)[..., None]
    values, count = (level.exp() * read).split((v.shape[-1], 1), -1)
    least = (level - after[..., None]).exp()
    h = values / (torch.maximum(count.abs(), least) + EPSILON * level.exp())
    return h.to(v.dtype), (memory, after[..., -1])


def _running_maximum(
    i: torch.Tensor, log_forget: torch.Tensor, m: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Give :math:`m_t = \max(i_t, \log \sigma(f_t) + m_{t-1})`, before and after every step."""
    lost = log_forget.cumsum(-1)
    highest = torch.cat((m[..., None], i - lost), -1).cummax(-1).values[..., 1:]
    after = lost + highest
    return torch.cat((m[..., None], after[..., :-1]), -1), after

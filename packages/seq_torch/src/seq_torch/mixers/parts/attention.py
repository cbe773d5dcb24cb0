"""Logits of causal attention, as positions change them. Axes are (batch, head, time, channel)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def attend(
    q: Float[Tensor, "batch head time channel"],
    k: Float[Tensor, "batch head time channel"],
    v: Float[Tensor, "batch head time channel"],
    *,
    dropout: float = 0.0,
) -> Float[Tensor, "batch head time channel"]:
    r"""Attend by logits :math:`q_i^\top k_j / \sqrt{d}` for j up to i, with a kernel of torch."""
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)


def attend_with_bias(
    q: Float[Tensor, "batch head time channel"],
    k: Float[Tensor, "batch head time channel"],
    v: Float[Tensor, "batch head time channel"],
    bias: Float[Tensor, "#batch head time time"],
    *,
    dropout: float = 0.0,
) -> Float[Tensor, "batch head time channel"]:
    r"""Attend by logits :math:`q_i^\top k_j / \sqrt{d} + b_{ij}`, whose bias has a gradient too."""
    return _weighted(q @ k.mT * q.shape[-1] ** -0.5 + bias, v, dropout)


def linear_bias(heads: int, time: int, like: Tensor) -> Float[Tensor, "1 head time time"]:
    r"""Give :math:`-2^{-8 h / H} (i - j)` for h = 1, ..., H."""
    places = torch.arange(time, device=like.device, dtype=like.dtype)
    slopes = 2 ** (-8 * torch.arange(1, heads + 1, device=like.device, dtype=like.dtype) / heads)
    return (slopes[:, None, None] * (places - places[:, None]))[None]


def forgetting_bias(
    log_gates: Float[Tensor, "batch head time"],
) -> Float[Tensor, "batch head time time"]:
    r"""Give :math:`\sum_{s = j + 1}^{i} \log f_s` for j up to i; what lies above is not used."""
    total = log_gates.cumsum(-1)
    return total[..., :, None] - total[..., None, :]


def householder_attend(
    q: Float[Tensor, "batch head time channel"],
    k: Float[Tensor, "batch head time channel"],
    v: Float[Tensor, "batch head time channel"],
    w: Float[Tensor, "batch head time channel"],
    strength: Float[Tensor, "batch head time"],
    *,
    dropout: float = 0.0,
) -> Float[Tensor, "batch head time channel"]:
    r"""Attend by logits along the path from key to query.

    .. math:: q_i^\top \Big(\prod_{s = j + 1}^{i} (I - \beta_s w_s w_s^\top)\Big) k_j / \sqrt{d},
              \qquad \text{later factors on the left.}

    All products at once: with :math:`L` the part of :math:`\mathrm{diag}(\beta) W W^\top` below the
    diagonal and :math:`T = (I + L)^{-1} \mathrm{diag}(\beta)`, the product from j + 1 to i is
    :math:`I - \sum_{j < s \le t \le i} w_t T_{ts} w_s^\top`, since a block on the diagonal of the
    inverse of a triangular matrix is the inverse of its block. Work is O(time^3) for each head, in
    single precision or better.

    References
    ----------
    Yang et al., arXiv 2505.16381, section 3 (PaTH).
    """
    longer = torch.promote_types(q.dtype, torch.float32)
    with torch.autocast(q.device.type, enabled=False):
        logits = _path_logits(*(x.to(longer) for x in (q, k, w, strength)))
    return _weighted(logits, v, dropout)


def _path_logits(q: Tensor, k: Tensor, w: Tensor, strength: Tensor) -> Tensor:
    within = torch.eye(w.shape[-2], device=w.device, dtype=w.dtype)
    below = (strength[..., None] * (w @ w.mT)).tril(-1)
    keys = (strength[..., None] * (w @ k.mT)).tril(-1)
    solved = torch.linalg.solve_triangular(within + below, keys, upper=False, unitriangular=True)
    return (q @ k.mT - (q @ w.mT).tril() @ solved) * q.shape[-1] ** -0.5


def _weighted(logits: Tensor, v: Tensor, dropout: float) -> Tensor:
    """Sum values up to each position by the softmax of logits."""
    past = torch.ones(logits.shape[-2:], device=logits.device, dtype=torch.bool).tril()
    weights = logits.masked_fill(~past, -torch.inf).softmax(-1)
    return functional.dropout(weights, dropout).to(v.dtype) @ v

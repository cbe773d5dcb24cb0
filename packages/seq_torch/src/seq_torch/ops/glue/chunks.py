"""Sequences cut into chunks, and the products of their factors between two steps of a chunk.

A recurrence of matrices is slow step by step, since every step is a small product. Inside a chunk
all steps meet in a few large ones; only one state per chunk is then left to be passed on.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

ROWS = 64  # of a chunk: its cost grows with the square, the number of chunks falls


def steps_of(time: int, factors: int, rows: int | None = None) -> int:
    """Count the steps of a chunk, whose rows, at most `ROWS`, are steps times factors."""
    return max(1, min(time, (ROWS if rows is None else rows) // factors))


def cut(value: Tensor, steps: int, axis: int, fill: float = 0.0) -> Tensor:
    """Split the axis of time, counted from the right, into (chunk, step), filled up at the end."""
    missing = -value.shape[axis] % steps
    if missing:
        value = pad(value, (0, 0) * (-1 - axis) + (0, missing), value=fill)
    return value.unflatten(axis, (-1, steps))


def ratios_of_logs(logs: Tensor) -> Tensor:
    r"""Products over ``(column, row]`` of factors given by logarithms, zero above the diagonal.

    .. math:: R_{ij} = \exp\Big(\sum_{j < m \le i} g_m\Big), \quad i \ge j

    The sums are formed separately, since a difference of two long sums loses the short one.
    """
    steps = logs.shape[-1]
    later = _lower(logs, -1)
    sums = logs[..., :, None].expand(*logs.shape, steps).masked_fill(~later, 0.0).cumsum(-2)
    return sums.masked_fill(~_lower(logs, 0), -torch.inf).exp()


def ratios_of_factors(factors: Tensor) -> Tensor:
    r"""Products over ``(column, row]`` of factors of either sign, zero above the diagonal.

    .. math:: R_{ij} = \prod_{j < m \le i} a_m, \quad i \ge j
    """
    steps = factors.shape[-1]
    later = _lower(factors, -1)
    spread = factors[..., :, None].expand(*factors.shape, steps)
    return spread.masked_fill(~later, 1.0).cumprod(-2).masked_fill(~_lower(factors, 0), 0.0)


def carried(first: Tensor, decays: Tensor, added: Tensor) -> list[Tensor]:
    r"""States before every chunk and after the last.

    .. math:: S_{c+1} = \delta_c S_c + N_c

    Parameters
    ----------
    first
        State before the first chunk, ``(batch, head, key, value)``.
    decays
        Factors of the chunks, ``(batch, head, chunk)``, or with a factor for each row,
        ``(batch, head, chunk, key)``.
    added
        N, ``(batch, head, chunk, key, value)``.
    """
    states, of_rows = [first], decays if decays.ndim == 4 else decays[..., None]
    for decay, N in zip(of_rows.unbind(2), added.unbind(2), strict=True):
        states.append(decay[..., None] * states[-1] + N)
    return states


def _lower(like: Tensor, diagonal: int) -> Tensor:
    steps = like.shape[-1]
    return torch.ones(steps, steps, dtype=torch.bool, device=like.device).tril(diagonal)

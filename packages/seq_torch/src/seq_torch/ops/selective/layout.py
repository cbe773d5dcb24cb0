"""Tensors as the kernels read them: real, contiguous, the state last.

A complex tensor becomes its real and imaginary parts along a new first axis. Varying `B` and `C`
become (batch, group, time, state), constant ones (1, dim, 1, state).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def flat(value: Tensor) -> Tensor:
    """Contiguous, real and imaginary parts first where complex."""
    value = value.detach().resolve_conj().resolve_neg()
    return _parts(value).contiguous()


def joined(value: Tensor, is_complex: bool) -> Tensor:
    """Undo `flat`."""
    return torch.complex(value[0], value[1]) if is_complex else value


def rows(value: Tensor) -> Tensor:
    """`B` or `C` with the state last, flat."""
    value = value.detach().resolve_conj().resolve_neg()
    arranged = value[None, :, None, :] if value.ndim == 2 else value.transpose(-1, -2)
    return _parts(arranged).contiguous()


def unrows(value: Tensor, like: Tensor) -> Tensor:
    """Undo the arrangement of `rows`, for a tensor shaped as `like` was; a view."""
    return value[0, :, 0, :] if like.ndim == 2 else value.transpose(-1, -2)


def optional(value: Tensor | None, A: Tensor) -> Tensor:
    """States, flat; of no sequences where absent."""
    if value is not None:
        return flat(value)
    return A.new_empty(*A.shape[:-2], 0, 0, A.shape[-1])


def arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    """NumPy's views."""
    return tuple(tensor.numpy() for tensor in tensors)


def _parts(value: Tensor) -> Tensor:
    return torch.view_as_real(value).movedim(-1, 0) if value.is_complex() else value

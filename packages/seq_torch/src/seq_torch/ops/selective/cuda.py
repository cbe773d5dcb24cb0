"""The selective scan on a CUDA device, by mamba-ssm's kernel."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from ..glue.backend import BackendError
from ..glue.obstacles import of_device, of_import, rebuilt
from .problem import Problem

MODULE = "mamba_ssm.ops.selective_scan_interface"
MOST_STATES = 256


def obstacles(p: Problem) -> list[str]:
    """Name what the kernel does not cover, or what it needs and is not here."""
    checks = {
        "float64": p.u.dtype == torch.float64,
        "packed sequences": p.cu_seqlens is not None,
        "an initial state": p.initial_state is not None,
        f"more than {MOST_STATES} states": p.A.shape[1] > MOST_STATES,
        "an empty batch or sequence": p.u.numel() == 0,
    }
    return (
        of_device(p.u)
        or [name for name, present in checks.items() if present]
        or of_import(MODULE, rebuilt("mamba-ssm"))
    )


def covers(p: Problem) -> bool:
    """Whether there are no `obstacles`."""
    return not obstacles(p)


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output and last state; `torch.compile` breaks its graph here."""
    module: Any = import_module(MODULE)
    output, state = module.selective_scan_fn(
        p.u,
        p.delta,
        p.A,
        _interleaved(p.B),
        _interleaved(p.C),
        p.D,
        p.z,
        p.delta_bias,
        p.delta_softplus,
        True,
    )
    return output, _LastState.apply(state)


class _LastState(torch.autograd.Function):
    """A state whose gradient the kernel would silently take for zero."""

    @staticmethod
    def forward(ctx: Any, state: Tensor) -> Tensor:
        return state.view_as(state)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        raise BackendError(
            "selective_scan: got a gradient of the last state with backend='cuda', which "
            "mamba-ssm's kernel does not take back. Use backend='parallel', or detach the state."
        )


def _interleaved(value: Tensor) -> Tensor:
    """Varying complex input as pairs of real numbers along time, as the kernel reads it."""
    if value.ndim == 4 and value.is_complex():
        return torch.view_as_real(value.resolve_conj()).flatten(-2)
    return value

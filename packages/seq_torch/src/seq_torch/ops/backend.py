"""Moved to `seq_torch.ops.glue.backend`; what chose a backend in pieces goes with this path.

An operation has a table of `Backend` in place of `choose`, `choose_chunked` and their parts.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module

import torch
from torch import Tensor

from .glue import backend as glue
from .glue import obstacles
from .glue.backend import Backend, BackendError, asked, checked, use_backend
from .glue.obstacles import numba_obstacle

__all__ = ["BackendError", "asked", "checked", "choose", "choose_chunked", "kernel", "logged"]
__all__ += ["numba_obstacle", "on_cpu", "require", "use_backend"]

warnings.warn(
    "got an import of seq_torch.ops.backend, expected seq_torch.ops.glue.backend, where it is now.",
    DeprecationWarning,
    2,
)


@dataclass(frozen=True)
class _Alone:
    like: Tensor


def _named(operation: str, backend: str, like: Tensor, cuda: str | None, *names: str) -> str:
    """Choose among these; the kernels of CUDA are in a module, or None if they do not cover."""

    def device(p: _Alone) -> list[str]:
        module = obstacles.of_import(cuda, "see the doctor") if cuda else ["such a call"]
        return obstacles.of_device(p.like) or module

    of = {"fused": obstacles.of_fused, "cuda": device}
    table = [Backend(name, str, of.get(name, glue.nothing)) for name in names]
    return glue.choose(operation, table, _Alone(like), backend).name


def choose(operation: str, backend: str, tensor: Tensor, *, fast: bool = True) -> str:
    """Name of the backend to run of a diagonal recurrence."""
    module = "mamba_ssm.ops.selective_scan_interface" if fast else None
    return _named(operation, backend, tensor, module, "fused", "cuda", "parallel", "reference")


def choose_chunked(
    operation: str,
    backend: str,
    tensor: Tensor,
    *,
    kernel: str | None = None,
    compiled: bool = False,
) -> str:
    """Name of the backend to run of a recurrence of matrices."""
    names = (*["fused"] * compiled, "cuda", "chunked", "reference")
    return _named(operation, backend, tensor, kernel, *names)


def require(operation: str, backend: str, device: torch.device) -> None:
    """Raise `BackendError` if this backend cannot run on this device."""
    if backend == "fused" or (backend == "cuda" and device.type != "cuda"):
        _named(operation, backend, torch.empty(0, device=device), None, backend, "reference")


def logged(operation: str, tensor: Tensor, chosen: str, reason: str) -> str:
    """Return the backend chosen for ``"auto"``, after saying why in the log."""
    glue.logger.info("%s: backend %s on %s: %s", operation, chosen, tensor.device, reason)
    return chosen


def on_cpu(without_numba: str) -> tuple[str, str]:
    """Give the compiled kernels, or another backend where numba cannot run, and the reason."""
    obstacle = numba_obstacle()
    return (without_numba, obstacle) if obstacle else ("fused", "the tensors are on the CPU")


def kernel(operation: str, module: str) -> object:
    """Import a module with compiled kernels, or raise `BackendError`."""
    if found := obstacles.of_import(module, "see the doctor"):
        raise BackendError(f"{operation}: got backend='cuda' with {found[0]}.")
    return import_module(module)

"""Which implementation of an operation runs: chosen by name, or by device, type and shape."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module

import torch

from .constant import constant_when_compiled

BACKENDS = ("auto", "reference", "fused", "parallel", "chunked", "cuda")
INSTALL_CUDA = "uv pip install 'seq-torch[cuda]'"
INSTALL_FLA = "uv pip install 'fla-core>=0.6'"
INSTALL_NUMBA = "uv pip install 'numba>=0.61'"
WITHOUT_CUDA = ("linear_scan", "generalised_delta_scan")

logger = logging.getLogger(__name__)

_preferred: ContextVar[str] = ContextVar("backend of seq_torch.ops", default="auto")


class BackendError(RuntimeError):
    """A backend was named that cannot run here; the message holds the command that mends it."""


@contextmanager
def use_backend(backend: str) -> Iterator[None]:
    """Let every operation below that is asked for ``"auto"``, as mixers ask, run this backend.

    Parameters
    ----------
    backend
        ``"reference"``, ``"fused"``, ``"parallel"``, ``"chunked"``, ``"cuda"``, or ``"auto"`` for
        the choice by device, type and shape.

    Raises
    ------
    ValueError
        If `backend` is not one of the known names.
    BackendError
        Inside, from an operation that has no such backend or cannot run it here.

    Notes
    -----
    A backend that a call names itself comes first, and so does an inner ``with``. The choice
    belongs to the thread, or the asynchronous task, that made it; a thread begun inside starts from
    ``"auto"`` again. What `torch.compile` has compiled keeps the backend that it was compiled with.
    `causal_convolution`, which has no backends, is the direct sum under
    ``"reference"``.
    """
    token = _preferred.set(checked(backend))
    try:
        yield
    finally:
        _preferred.reset(token)


def asked(backend: str) -> str:
    """Backend that a call asks for: the one it names, or that of `use_backend`, or ``"auto"``."""
    return _preference() if checked(backend) == "auto" else backend


@constant_when_compiled  # the compiler cannot trace a context variable
def _preference() -> str:
    return _preferred.get()


def checked(backend: str) -> str:
    """Return the name of a backend, or raise ValueError."""
    if backend not in BACKENDS:
        raise ValueError(f"got backend={backend!r}, expected one of {', '.join(BACKENDS)}.")
    return backend


def choose(operation: str, backend: str, tensor: torch.Tensor, *, fast: bool = True) -> str:
    """Name of the backend to run.

    Parameters
    ----------
    operation
        Name of the operation, for messages.
    backend
        What the caller asked for.
    tensor
        An input whose device and type decide where `backend` is ``"auto"``.
    fast
        Whether the device's own kernel, if there is one, covers this call.

    Raises
    ------
    ValueError
        If `backend` is not one of the known names.
    BackendError
        If a named backend cannot run on this device or this machine.
    """
    backend = asked(backend)
    if backend != "auto":
        require(operation, backend, tensor.device)
        return backend
    return logged(operation, tensor, *_automatic(tensor.device.type, fast))


def logged(operation: str, tensor: torch.Tensor, chosen: str, reason: str) -> str:
    """Return the backend chosen for ``"auto"``, after saying why in the log, once."""
    if not torch.compiler.is_compiling():
        _log_once(operation, chosen, reason, tensor.device.type, str(tensor.dtype))
    return chosen


def choose_chunked(
    operation: str,
    backend: str,
    tensor: torch.Tensor,
    *,
    kernel: str | None = None,
    compiled: bool = False,
) -> str:
    """Name of the backend to run, of an operation that runs by chunks or step by step.

    Parameters
    ----------
    operation
        Name of the operation, for messages.
    backend
        What the caller asked for.
    tensor
        An input whose device decides where `backend` is ``"auto"``.
    kernel
        Module of the device's own kernel; None where it does not cover this call.
    compiled
        Whether the operation has a compiled kernel of the CPU.

    Raises
    ------
    ValueError
        If `backend` is not one of the known names.
    BackendError
        If it is one that the operation does not have, or that cannot run on this device.
    """
    backend = asked(backend)
    if backend == "cuda" or (backend == "fused" and compiled):
        require(operation, backend, tensor.device)
    if backend == "auto":
        return _automatic_chunked(operation, tensor, kernel, compiled)
    known = ["chunked", "reference"]
    known += ["fused"] * compiled + ["cuda"] * (operation not in WITHOUT_CUDA)
    if backend not in known:
        raise BackendError(
            f"{operation}: got backend={backend!r}, but this recurrence of matrices has none of "
            f"that kind. Use backend='auto', or one of {', '.join(map(repr, known))}; 'chunked' "
            "runs on every device."
        )
    return backend


def _automatic_chunked(
    operation: str, tensor: torch.Tensor, kernel: str | None, compiled: bool
) -> str:
    if compiled and tensor.device.type == "cpu":
        return logged(operation, tensor, *on_cpu("chunked"))
    chosen, reason = "chunked", "it runs everywhere, and no kernel of the device covers this call"
    if tensor.device.type == "cuda" and kernel is not None:
        reason = f"fla-core cannot be imported ({INSTALL_FLA})"
        if _kernel_imports(kernel):
            chosen, reason = "cuda", "flash-linear-attention's kernels cover this call"
    return logged(operation, tensor, chosen, reason)


def require(operation: str, backend: str, device: torch.device) -> None:
    """Raise `BackendError` if this backend cannot run on this device."""
    if backend == "fused":
        if device.type != "cpu":
            raise BackendError(
                f"{operation}: got backend='fused' with tensors on {device}, expected tensors on "
                "the CPU. Use backend='auto', or move them with .cpu()."
            )
        if obstacle := numba_obstacle():
            raise BackendError(f"{operation}: backend='fused' needs numba, but {obstacle}")
    if backend == "chunked":
        raise BackendError(
            f"{operation}: got backend='chunked', but only recurrences of matrices run by chunks. "
            "Use backend='parallel', or 'auto'."
        )
    if backend == "cuda" and operation in WITHOUT_CUDA:
        raise BackendError(
            f"{operation}: got backend='cuda', but no CUDA kernel of it exists. "
            "Use backend='auto', which takes what runs there."
        )
    if backend == "cuda" and device.type != "cuda":
        state = "this machine has one" if torch.cuda.is_available() else "none is available here"
        raise BackendError(
            f"{operation}: got backend='cuda' with tensors on {device}, expected tensors on a CUDA "
            f"device ({state}). Move them with .cuda(), or use backend='auto'. "
            f"The kernels are installed by: {INSTALL_CUDA}"
        )


def kernel(operation: str, module: str) -> object:
    """Import an optional module with compiled kernels, or say why not and what to do.

    Raises
    ------
    BackendError
        If the module is missing, its extension is not built, or its import fails.
    """
    try:
        return import_module(module)
    except Exception as error:  # a broken extension may raise anything
        package = module.partition(".")[0]
        raise BackendError(
            f"{operation}: backend='cuda' needs {package}, whose import failed with "
            f"{type(error).__name__}: {error}. Install or rebuild it where nvcc of CUDA "
            f"{torch.version.cuda or '13.0'} is present: {INSTALL_CUDA} --reinstall-package "
            f"{package.replace('_', '-')}"
        ) from error


@cache
def _kernel_imports(module: str) -> bool:
    try:
        import_module(module)
    except Exception:
        return False
    return True


def on_cpu(without_numba: str) -> tuple[str, str]:
    """Give the compiled kernels, or another backend where numba cannot run, and the reason."""
    if obstacle := numba_obstacle():
        return without_numba, f"the compiled kernels need numba, but {obstacle}"
    return "fused", "the tensors are on the CPU"


@constant_when_compiled
def numba_obstacle() -> str:
    """Say why numba cannot compile here and what to do; empty where it can.

    The first call imports numba, so it is made only where a kernel is about to run.
    """
    return _numba_obstacle()


@cache
def _numba_obstacle() -> str:
    obstacle = _tried_numba()
    if obstacle:
        logger.warning("slow scans stand in for the compiled ones, which need numba: %s", obstacle)
    return obstacle


def _tried_numba() -> str:
    try:
        config = import_module("numba").config
        import_module("numba.extending")
    except ModuleNotFoundError as error:
        if error.name == "numba":
            return f"it is not installed. Install it: {INSTALL_NUMBA}"
        return _broken(error)
    except Exception as error:  # a build that does not fit NumPy or LLVM may raise anything
        return _broken(error)
    if config.DISABLE_JIT:
        return "NUMBA_DISABLE_JIT is set, which makes it interpret kernels. Unset it."
    import_module(".kernels.compiler", __package__).announce_on_a_new_machine()
    return ""


def _broken(error: Exception) -> str:
    return (
        f"its import failed with {type(error).__name__}: {error}. "
        f"Install it anew: {INSTALL_NUMBA} --reinstall-package numba"
    )


def _automatic(device: str, fast: bool) -> tuple[str, str]:
    if device == "cpu":
        return on_cpu("parallel")
    if device == "cuda" and fast and _kernel_imports("mamba_ssm.ops.selective_scan_interface"):
        return "cuda", "mamba-ssm's kernel covers this call"
    return "parallel", "no kernel for this call on this device"


@cache
def _log_once(operation: str, chosen: str, reason: str, device: str, dtype: str) -> None:
    logger.info("%s: backend %s for %s on %s: %s", operation, chosen, dtype, device, reason)

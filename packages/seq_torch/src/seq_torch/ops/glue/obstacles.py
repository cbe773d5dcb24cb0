"""What stands in the way of compiled kernels: another device, or a package that is missing."""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module

import torch
from torch import Tensor

from .backend import Problem
from .constant import constant_when_compiled

INSTALL_CUDA = "uv pip install 'seq-torch[cuda]'"
INSTALL_FLA = "uv pip install 'fla-core>=0.6'"
INSTALL_NUMBA = "uv pip install 'numba>=0.61'"

logger = logging.getLogger("seq_torch.ops.backend")


def of_fused(problem: Problem) -> list[str]:
    """Name what keeps kernels that numba compiles from running."""
    device = problem.like.device
    if device.type != "cpu":
        return [f"tensors on {device} (expected the CPU: move them with .cpu())"]
    obstacle = numba_obstacle()
    return [f"no working numba ({obstacle})"] if obstacle else []


def of_device(like: Tensor) -> list[str]:
    """Name what keeps kernels of CUDA from running: the tensors' device."""
    if like.device.type == "cuda":
        return []
    return [
        f"tensors on {like.device} (expected a CUDA device: move them with .cuda(); the kernels "
        f"are installed by {INSTALL_CUDA})"
    ]


@cache
def of_import(module: str, install: str) -> list[str]:
    """Name why an optional module cannot be imported, and the command that mends it."""
    try:
        import_module(module)
    except Exception as error:  # a broken extension may raise anything
        package = module.partition(".")[0]
        return [
            f"no working {package} (its import failed with {type(error).__name__}: {error}; "
            f"install it: {install})"
        ]
    return []


def rebuilt(package: str) -> str:
    """Command that builds an extension of the CUDA extra, and where."""
    return (
        f"{INSTALL_CUDA} --reinstall-package {package}, where nvcc of CUDA "
        f"{torch.version.cuda or '13.0'} is present"
    )


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
            return f"it is not installed; install it: {INSTALL_NUMBA}"
        return _broken(error)
    except Exception as error:  # a build that does not fit NumPy or LLVM may raise anything
        return _broken(error)
    if config.DISABLE_JIT:
        return "NUMBA_DISABLE_JIT is set, which makes it interpret kernels; unset it"
    import_module("..kernels.compiler", __package__).announce_on_a_new_machine()
    return ""


def _broken(error: Exception) -> str:
    return (
        f"its import failed with {type(error).__name__}: {error}; "
        f"install it anew: {INSTALL_NUMBA} --reinstall-package numba"
    )

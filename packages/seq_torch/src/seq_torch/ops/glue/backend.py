"""The choice of a backend: the one that is named, or the first that can run.

An operation is an ordered tuple of backends. Each says what stands in its way for the problem at
hand, and choosing is one loop over what they say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from .constant import constant_when_compiled

BACKENDS = ("auto", "reference", "fused", "parallel", "chunked", "cuda")

logger = logging.getLogger("seq_torch.ops.backend")

_preferred: ContextVar[str] = ContextVar("backend of seq_torch.ops", default="auto")


class BackendError(RuntimeError):
    """A backend was named that cannot run here; the message says why and which can."""


class Problem(Protocol):
    """Checked inputs of an operation."""

    @property
    def like(self) -> Tensor:
        """Input whose device and type decide."""
        ...


P = TypeVar("P", bound=Problem, contravariant=True)
R = TypeVar("R", covariant=True)


def nothing(problem: Problem) -> list[str]:
    """Name no obstacle: plain torch runs everywhere."""
    return []


@dataclass(frozen=True)
class Backend(Generic[P, R]):
    """One implementation of an operation.

    Attributes
    ----------
    name
        One of the names that `use_backend` takes.
    run
        Solves a problem without obstacles.
    obstacles
        Lists what keeps `run` from solving a problem on this machine, each entry a noun followed by
        what was expected; empty where it can run.
    """

    name: str
    run: Callable[[P], R]
    obstacles: Callable[[P], list[str]] = nothing


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


def choose(
    operation: str, backends: Sequence[Backend[P, R]], problem: P, backend: str
) -> Backend[P, R]:
    """Backend to run: the one asked for, or for ``"auto"`` the first without obstacles.

    Parameters
    ----------
    operation
        Its name, for messages.
    backends
        Its backends, the one to prefer first. The last has no obstacles.
    problem
        Its inputs.
    backend
        What the call asks for.

    Raises
    ------
    ValueError
        If `backend` is not one of the known names.
    BackendError
        If the operation has no such backend, or it has obstacles here.
    """
    wanted, passed = asked(backend), ()
    for each in backends:
        if wanted not in ("auto", each.name):
            continue
        found = each.obstacles(problem)
        if not found:
            if wanted == "auto" and not torch.compiler.is_compiling():
                like = problem.like
                _log_once(operation, each.name, passed, like.device.type, like.dtype)
            return each
        passed = (*passed, f"{each.name} with {' and '.join(found)}")
    raise BackendError(_refusal(operation, backends, problem, wanted, passed))


def _refusal(
    operation: str,
    backends: Sequence[Backend[P, R]],
    problem: P,
    wanted: str,
    passed: Sequence[str],
) -> str:
    """One sentence: what stands in the way of the backend that was named, and which can run."""
    able = [repr(each.name) for each in backends if not each.obstacles(problem)]
    why = "".join(passed).removeprefix(wanted) or ", which it does not have"
    return (
        f"{operation}: got backend={wanted!r}{why}. Use backend='auto', or one of "
        f"{', '.join(able)}, which can run here."
    )


@cache
def _log_once(
    operation: str, chosen: str, passed: tuple[str, ...], device: str, dtype: torch.dtype
) -> None:
    why = f", passing over {' and '.join(passed)}" if passed else ""
    logger.info("%s: backend %s for %s on %s%s", operation, chosen, dtype, device, why)

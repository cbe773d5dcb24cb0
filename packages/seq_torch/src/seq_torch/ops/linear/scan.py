"""The linear scan: a diagonal linear recurrence over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..backend import choose
from ..inputs import broadcasts, check_initial, check_tensors, common_type
from ..tangents import without_tangents
from . import operator, parallel, reference

if TYPE_CHECKING:
    from jaxtyping import Inexact

_BACKENDS = {
    "fused": without_tangents("linear_scan", operator.scan),
    "parallel": parallel.scan,
    "reference": reference.scan,
}


def linear_scan(
    a: Inexact[Tensor, "*shape"],
    b: Inexact[Tensor, "batch time state"],
    initial: Inexact[Tensor, "batch state"] | None = None,
    backend: str = "auto",
) -> Inexact[Tensor, "batch time state"]:
    r"""States of a diagonal linear recurrence.

    .. math:: h_k = a_k \odot h_{k-1} + b_k, \qquad h_{-1} = \text{initial}

    Parameters
    ----------
    a
        Factors, broadcast against `b` as usual: `(state,)` for factors that never change,
        `(time, state)` for those that change with time alone. They are never expanded over batch
        or time.
    b
        Inputs.
    initial
        State before the first step, broadcast to `(batch, state)`; zero if None.
    backend
        ``"auto"``, ``"reference"``, ``"fused"`` or ``"parallel"``.

    Returns
    -------
    The state after every step, in the common type of the inputs, complex if any of them is.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here.

    Notes
    -----
    ``fused`` runs on the CPU in one pass each way; its results have the same bits on any number
    of threads. It can be differentiated once by autograd, compiled, and mapped by
    `torch.func.vmap`, which loops; `torch.func.grad` refuses it. ``reference`` and
    ``parallel`` can be differentiated again.
    """
    a, b, initial = check(a, b, initial)
    return _BACKENDS[choose("linear_scan", backend, b, fast=False)](a, b, initial)


def check(a: Tensor, b: Tensor, initial: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Bring inputs to one type, `a` to three axes and `initial` to `(batch, state)`."""
    given = {"a": a, "b": b} | ({} if initial is None else {"initial": initial})
    check_tensors(given, "b", may_be_complex=given)
    _check_shapes(a, b, initial)
    dtype = common_type(given.values())
    if initial is not None:
        initial = initial.to(dtype).expand(b.shape[0], b.shape[2])
    a = a.to(dtype).reshape((1,) * (3 - a.ndim) + tuple(a.shape))
    return a.expand(*a.shape[:2], b.shape[2]), b.to(dtype), initial


def _check_shapes(a: Tensor, b: Tensor, initial: Tensor | None) -> None:
    if b.ndim != 3:
        raise ValueError(f"got b of shape {tuple(b.shape)}, expected (batch, time, state).")
    if b.shape[2] == 0:
        raise ValueError(f"got b of shape {tuple(b.shape)}, expected a state of at least 1.")
    if not broadcasts(a.shape, b.shape):
        raise ValueError(
            f"got a of shape {tuple(a.shape)}, expected a shape that broadcasts to that of b, "
            f"(batch, time, state) = {tuple(b.shape)}."
        )
    check_initial(initial, b.shape[0], b.shape[2])

"""The sLSTM: a recurrence with exponential gates that read the output before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend
from ..glue.matrices import in_one_type, run
from ..glue.obstacles import of_fused
from . import operator, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Float

BACKENDS = (
    Backend("fused", in_one_type(operator.scan), of_fused),
    Backend("reference", in_one_type(reference.scan)),
)


def slstm_scan(
    x: Float[Tensor, "batch head time four channel"],
    weight: Float[Tensor, "head four channel channel"],
    initial: Float[Tensor, "batch head four channel"] | None = None,
    *,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Scalar memories with exponential gates, which read the output of the step before.

    .. math::
        (i, f, z, o)_t = x_t + R\, h_{t-1}, \qquad
        c_t = \sigma(f_t)\, c_{t-1} + e^{i_t} \tanh z_t, \quad
        n_t = \sigma(f_t)\, n_{t-1} + e^{i_t}, \qquad
        h_t = \sigma(o_t)\, \frac{c_t}{n_t}

    in each head. What is stored is :math:`c\, e^{-m}` and :math:`n\, e^{-m}` with

    .. math:: m_t = \max(i_t,\; \log \sigma(f_t) + m_{t-1}),

    so that no exponential is above 1; the output is the same.

    Parameters
    ----------
    x
        What the input adds to the gates i, f, z and o, in this order.
    weight
        R of each head and gate, ``(to, from)``.
    initial
        State before the first step: h, c, n and m. Zeros if None. Where n is zero nothing is
        stored, and the value of m says nothing.
    return_last_state
        Whether to return the state after the last step too.
    backend
        ``"auto"``, ``"fused"`` or ``"reference"``.

    Returns
    -------
    Output `(batch, head, time, channel)` in the type of `x`, and the last state
    `(batch, head, four, channel)` if asked for. Types shorter than float32 are computed in float32.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here. There is no parallel one for a nonlinear recurrence.

    Notes
    -----
    ``fused``, compiled kernels of the CPU, keeps three numbers per channel and step for a gradient,
    beside the output. It can be differentiated once, and gives the same bits on any number of
    threads, but for the gradient of `weight`. ``reference`` takes a step of Python for every
    position.

    References
    ----------
    Beck et al., arXiv 2405.04517, section 2.2 and appendix A.2.
    """
    problem = check(x, weight, initial)
    output, state = run("slstm_scan", BACKENDS, problem, backend)
    output = output.to(x.dtype)
    return (output, state) if return_last_state else output

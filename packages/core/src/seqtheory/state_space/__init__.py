r"""Linear state-space models with one input and one output, from their equation to S4's kernel.

.. math:: \dot x = A x + B u, \qquad y = C x

The files, in the order in which one follows from the other:

``_discretise``
    the equation becomes a recurrence
``_recurrence``
    the recurrence is a convolution with a kernel
``_generating_function``
    the kernel without powers of A, from one inverse at each frequency
``_dplr``
    the inverse in closed form, where A is a diagonal plus a low rank
"""

from seqtheory.state_space._discretise import bilinear, euler, zero_order_hold
from seqtheory.state_space._dplr import (
    dplr_bilinear,
    dplr_generating_function,
    dplr_kernel,
    dplr_step,
)
from seqtheory.state_space._generating_function import (
    circle,
    coefficients,
    generating_function,
    truncated_output,
)
from seqtheory.state_space._recurrence import convolve, kernel, recurrence

__all__ = [
    "bilinear",
    "circle",
    "coefficients",
    "convolve",
    "dplr_bilinear",
    "dplr_generating_function",
    "dplr_kernel",
    "dplr_step",
    "euler",
    "generating_function",
    "kernel",
    "recurrence",
    "truncated_output",
    "zero_order_hold",
]

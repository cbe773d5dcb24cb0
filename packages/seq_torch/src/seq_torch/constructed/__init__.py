"""Models whose weights are set by hand: what an architecture can represent, whatever training does.

`word_problem` builds stacks of ceil(log2 L) blocks that follow the products of a group,
`iterated_integral` one layer of the bare S6 or two that integrate a path; `set_kernels` gives S4
and S4D any convolution.
"""

from .integrals import IntegralCell, iterated_integral
from .kernels import set_kernels
from .word_problem import word_problem

__all__ = ["IntegralCell", "iterated_integral", "set_kernels", "word_problem"]

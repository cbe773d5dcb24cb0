"""Models whose weights are set by hand: what an architecture can represent, whatever training does.

`set_kernels` gives S4 and S4D any convolution; `word_problem` builds stacks of ceil(log2 L) blocks
that follow the products of a group.
"""

from .kernels import set_kernels
from .word_problem import word_problem

__all__ = ["set_kernels", "word_problem"]

r"""Random linear CDEs of infinite width: their kernels, and regression with them.

A linear readout of N random features is, as N grows, regression with the kernel

.. math:: k(x, x') = \lim_{N \to \infty} \tfrac1N \langle y(x), y(x') \rangle .

`dense_limit` and `diagonal_limit` are those of the two random equations of `lcde_jax.LinearCDE`;
both are inner products of explicit features, so that a Gram matrix is one matrix product.
"""

from seqtheory.limit_kernel._dense import dense_limit
from seqtheory.limit_kernel._diagonal import diagonal_limit
from seqtheory.limit_kernel._ridge import KernelReadout, fit_kernel_ridge

__all__ = ["KernelReadout", "dense_limit", "diagonal_limit", "fit_kernel_ridge"]

r"""Compiled scans of structured matrices: one module per structure, all with the same two kernels.

`forward` fills the states `h` of sequences `first` to `last`; `backward` the gradients of the
matrices' numbers, then of `drive` and `initial`; `drive` has no rows where nothing is added. With
the sum :math:`\lambda_k` of all that reaches state k, from its own output and from later states,

.. math:: \lambda_{k-1} = dh_{k-1} + M_k^\top \lambda_k, \qquad
          dM_k = \lambda_k y_{k-1}^\top, \qquad db_k = \lambda_k.

Complex numbers come conjugated to `backward`, all but dh. Each loop writes to one array, so that
the compiler need not fear that two of them overlap.
"""

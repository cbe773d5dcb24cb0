r"""A scan of blocks along the diagonal of which every position takes one of a table, by its token.

Axes: blocks (token, block, size, size); tokens, states `h` and drive (batch, time, ...). `forward`
fills the states, `backward` the sums :math:`\lambda_k` that reach them (see `structured`), and
`products` what these make of the table,

.. math:: dM_v = \sum_{k:\, v_k = v} \lambda_k y_{k-1}^\top,

from rows in order of their tokens, (block, row, size): a matrix product for each token, where a
sum position by position would read and write a whole matrix each time.
"""

from __future__ import annotations

from .compiler import compiled
from .copies import add_row, copy_row
from .products import add_product, add_rows, dot


@compiled
def forward(first, last, blocks, tokens, initial, drive, h):
    """Fill the states of sequences `first` to `last`; `drive` has no rows where it is zero."""
    count, size = blocks.shape[1], blocks.shape[2]
    for i in range(first, last):
        before = initial[i]
        for t in range(h.shape[1]):
            matrix, after = blocks[tokens[i, t]], h[i, t]
            for k in range(count):
                part = before[k * size : (k + 1) * size]
                for r in range(size):
                    after[k * size + r] = dot(matrix[k, r], part)
            if len(drive):
                add_row(drive[i, t], after)
            before = after


@compiled
def backward(first, last, blocks, tokens, dh, reached, dinitial):
    """Fill the sums that reach the states, and the gradient of the initial one."""
    count, size = blocks.shape[1], blocks.shape[2]
    for i in range(first, last):
        passed = dinitial[i]
        passed[:] = 0
        for t in range(dh.shape[1] - 1, -1, -1):
            matrix, total = blocks[tokens[i, t]], reached[i, t]
            copy_row(dh[i, t], total)
            add_row(passed, total)
            passed[:] = 0
            for k in range(count):
                part = slice(k * size, (k + 1) * size)
                add_rows(passed[part], total[part], matrix[k], 0, size)


@compiled
def products(first, last, starts, reached, before, dblocks):
    """Fill the gradients of matrices `first` to `last`; rows `starts[v]` on are of token v."""
    for v in range(first, last):
        left, right = starts[v], starts[v + 1]
        for k in range(dblocks.shape[1]):
            target = dblocks[v, k]
            target[:] = 0
            add_product(target, reached[k, left:right].T, before[k, left:right])


@compiled
def complex_products(first, last, starts, reached, before, dblocks):
    """Do as `products` does, row by row: vectors of registers hold real numbers."""
    for v in range(first, last):
        left, right = starts[v], starts[v + 1]
        for k in range(dblocks.shape[1]):
            target = dblocks[v, k]
            target[:] = 0
            for r in range(target.shape[0]):
                weights = reached[k, left:right, r]
                add_rows(target[r], weights, before[k, left:right], 0, right - left)

"""Spectra, commutators and products of learned transitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.diagnostics._arrays import as_elements, as_points, as_transitions

if TYPE_CHECKING:
    from jaxtyping import Complex, Float, Integer

    from seqtheory.group import Group


def spectra(
    transitions: Float[np.ndarray, "token n n"],
) -> Complex[np.ndarray, "token n"]:
    r"""Eigenvalues of every token's transition, the largest modulus first.

    .. math:: M(a)\, v = \lambda v

    Take a token that stands for a group element of order m. In the directions of the state that
    tell classes apart, the eigenvalues of its transition should be m-th roots of one. There a
    modulus below one makes the state decay and a modulus above one makes it grow. A phase that
    misses the root by :math:`\epsilon` turns the state by :math:`\epsilon` too far each time the
    token is read.

    Parameters
    ----------
    transitions
        :math:`M`, real.

    Returns
    -------
    One row per token.

    Raises
    ------
    TypeError, ValueError
        If the transitions are not finite real square matrices.

    Examples
    --------
    >>> turn = np.array([[[0.0, -1.0], [1.0, 0.0]]])
    >>> sorted(spectra(turn)[0].imag.round(6).tolist())
    [-1.0, 1.0]
    """
    values = np.linalg.eigvals(as_transitions(transitions)).astype(np.complex128)
    order = np.argsort(-np.abs(values), axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1)


def commutators(transitions: Float[np.ndarray, "token n n"]) -> Float[np.ndarray, "token token"]:
    r"""How far every pair of tokens is from commuting, between 0 and 1.

    .. math:: \frac{|M(a) M(b) - M(b) M(a)|_F}{|M(a) M(b)|_F + |M(b) M(a)|_F}

    Parameters
    ----------
    transitions
        :math:`M`.

    Notes
    -----
    Zero for all pairs means that the recurrence cannot tell the order of its tokens. All directions
    of the state count equally, even those that no readout sees; `compress` restricts the
    transitions to chosen directions. Where both products are zero, the result is 0.

    Examples
    --------
    >>> from seqtheory.representation import representation
    >>> s3 = representation("S3")
    >>> bool(np.array_equal(commutators(s3.matrices) > 0, s3.group.table != s3.group.table.T))
    True
    """
    matrices = as_transitions(transitions)
    products = matrices[:, None] @ matrices[None]
    return _relative(products, products.swapaxes(0, 1))


def product_errors(
    transitions: Float[np.ndarray, "token n n"],
    group: Group,
    elements: Integer[np.ndarray, " token"] | None = None,
) -> Float[np.ndarray, "token token"]:
    r"""How far the transitions are from multiplying as the group does, between 0 and 1.

    .. math:: \frac{|M(b) M(a) - M(ab)|_F}{|M(b) M(a)|_F + |M(ab)|_F}

    Parameters
    ----------
    transitions
        :math:`M`; the later token stands on the left, since :math:`h_k = M(x_k) h_{k-1}`.
    group
        The group whose running products :math:`x_1 x_2 \cdots x_k` the state should follow.
    elements
        Element that each token stands for; None where token i is element i.

    Returns
    -------
    Row a and column b hold the error for token a followed by token b. NaN where no token stands for
    the product.

    Examples
    --------
    >>> from seqtheory.representation import representation
    >>> a5 = representation("A5")
    >>> float(product_errors(a5.matrices.swapaxes(1, 2), a5.group).max()) < 1e-12
    True
    """
    matrices = as_transitions(transitions)
    named = as_elements(elements, len(matrices), group.order)
    token = np.full(group.order, -1)
    token[named] = np.arange(len(named))
    wanted = token[group.table[np.ix_(named, named)]]
    products = (matrices[:, None] @ matrices[None]).swapaxes(0, 1)
    return np.where(wanted < 0, np.nan, _relative(products, matrices[wanted]))


def compress(
    transitions: Float[np.ndarray, "token n n"], basis: Float[np.ndarray, "n direction"]
) -> Float[np.ndarray, "token direction direction"]:
    r"""Transitions as they act on some directions of the state, :math:`Q^T M(a)\, Q`.

    Parameters
    ----------
    transitions
        :math:`M`.
    basis
        :math:`Q`, orthonormal columns, such as `separating_basis` gives.

    Raises
    ------
    ValueError
        If the columns are not orthonormal vectors of the state.
    """
    matrices, columns = as_transitions(transitions), as_points(basis, "basis")
    if columns.ndim != 2 or len(columns) != matrices.shape[1]:
        raise ValueError(
            f"basis has shape {columns.shape}, expected ({matrices.shape[1]}, directions): one "
            "column per direction of the state."
        )
    error = np.abs(columns.T @ columns - np.eye(columns.shape[1])).max()
    if error > 1e-6:
        raise ValueError(
            f"the columns of basis are not orthonormal (error {error:.1e}); take those of "
            "numpy.linalg.qr(basis)."
        )
    return columns.T @ matrices @ columns


def _relative(
    one: Float[np.ndarray, "a b n n"], other: Float[np.ndarray, "a b n n"]
) -> Float[np.ndarray, "a b"]:
    size = np.linalg.norm(one, axis=(2, 3)) + np.linalg.norm(other, axis=(2, 3))
    return np.linalg.norm(one - other, axis=(2, 3)) / np.where(size > 0, size, 1.0)

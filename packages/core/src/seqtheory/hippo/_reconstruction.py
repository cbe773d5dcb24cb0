"""What the state of a HiPPO system remembers: the reconstruction of its input, and its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.hippo._family import HiPPO, require_states
from seqtheory.hippo._legendre import legs

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact
    from numpy.typing import ArrayLike


def reconstruct(
    state: Inexact[np.ndarray, "*batch state"], ages: ArrayLike, family: HiPPO = legs
) -> Inexact[np.ndarray, "*batch age"]:
    r"""Reconstruct past inputs from the state.

    .. math:: \hat u(t - \text{age}) = \sum_n x_n(t)\, g_n\big(s(\text{age})\big)

    Parameters
    ----------
    state
        x(t) of :math:`\theta \dot x = A x + B u`, in the original coordinates (V times those of
        `diagonal_plus_low_rank`).
    ages
        In units of the time scale theta, shape (age,). For `legt` and `fourier` from 0 to 1, the
        length of their window; for `legs` any that are not negative.
    family
        The family of A and B: `legs` (the default), `legt` or `fourier`.

    Returns
    -------
    One value for each state and age.

    Raises
    ------
    ValueError
        If an age lies outside what the family holds.

    References
    ----------
    Gu, Johnson, Timalsina, Rudra, Ré, arXiv 2206.12037.

    Examples
    --------
    A constant input of 3 is held by the constant function alone:

    >>> reconstruct(np.array([3.0, 0.0, 0.0]), [0.0, 1.0, 5.0]).tolist()
    [3.0, 3.0, 3.0]
    """
    x = as_array(state)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"state has shape {x.shape}; expected (..., state), one state or more.")
    s = family.position(np.atleast_1d(ages))
    return x @ family.functions(x.shape[-1], s).T


def reconstruction_error(
    size: int, ages: ArrayLike, frequencies: ArrayLike, family: HiPPO = legs
) -> Float[np.ndarray, "age frequency"]:
    r"""Error in the reconstruction of a wave, by its age and frequency.

    After a long input :math:`e^{i\omega t}` the state is
    :math:`(i\omega - A)^{-1} B\, e^{i\omega t}`, so what is reconstructed at an age a is off by

    .. math:: \Big| \sum_n g_n\big(s(a)\big) \big[ (i\omega - A)^{-1} B \big]_n
              - e^{-i\omega a} \Big|,

    the same at all t. Its root mean square over frequencies is the relative error for a random
    input with that spectrum.

    Parameters
    ----------
    size
        Number of states.
    ages
        In units of the time scale, as in `reconstruct`.
    frequencies
        Angular, in radians per time scale.
    family
        `legs` (the default), `legt` or `fourier`.

    Returns
    -------
    Errors relative to the amplitude of the wave: 0 is perfect memory, 1 is what a state of zero
    gives.

    Notes
    -----
    Exact: nothing is sampled. The state of LegS is an orthogonal projection, and its error,
    averaged over ages with the weight that it gives them, has the closed form

    .. math:: \int_0^\infty e^{-a}\, \text{error}(a)^2\, da = \frac{\omega^2}{\omega^2 + N^2}

    (expand :math:`s^{i\omega}` in Legendre polynomials; the sum telescopes). At a position s the
    polynomials of degree below N turn by up to :math:`N / \sqrt{s (1 - s)}` radians per unit of s,
    and the wave by omega / s, so it is held as far back as :math:`a = \log(1 + (N / \omega)^2)`.

    Examples
    --------
    >>> from seqtheory.hippo import legt
    >>> bool(reconstruction_error(16, [0.5], [6.28], legt).max() < 1e-6)
    True
    """
    A, B = family(size)
    omega, a = _real_vector(frequencies, "frequencies"), _real_vector(ages, "ages")
    require_states(size, matrices=8 * len(omega))
    resolvents = 1j * omega[:, None, None] * np.eye(size) - A
    states = np.linalg.solve(resolvents, np.broadcast_to(B[:, None], (len(omega), size, 1)))
    waves = np.exp(-1j * np.outer(a, omega))
    return np.abs(reconstruct(states[..., 0], a, family).T - waves)


def _real_vector(values: ArrayLike, name: str) -> np.ndarray:
    array = np.atleast_1d(as_array(values, dtype=np.float64))
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be a list of finite numbers, but are {values!r}.")
    return array

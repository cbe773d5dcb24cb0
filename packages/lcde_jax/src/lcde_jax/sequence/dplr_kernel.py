"""The kernel of S4 in JAX; `seqtheory.settings.s4_dplr` derives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Array, Complex, Float

BLOCK = 2**18  # modes of all channels times frequencies that are held at once


def dplr_kernel(
    mu: Complex[Array, "channel mode"],
    p: Complex[Array, "channel mode"],
    b: Complex[Array, "channel mode"],
    c: Complex[Array, "output channel mode"],
    length: int,
) -> Float[Array, "output channel length"]:
    """Kernel at the first `length` lags.

    Parameters
    ----------
    mu, p, b
        The system in real coordinates, with Re mu < 0.
    c
        One or more output maps.
    length
        At least 1, even or odd; known when compiled.

    Notes
    -----
    Work is O(channel mode length) for the sums over modes, formed in blocks of frequencies and anew
    in the backward pass, and O(channel mode^3 log length) for the power of the transition.
    """
    rest = lost(mu, p, c, length)
    products = jnp.concatenate((rest.conj() * b[None], rest.conj() * p[None], (p.conj() * b)[None]))
    products = jnp.concatenate((products, (p.conj() * p)[None])).swapaxes(0, 1)
    weights = jnp.concatenate((products.real, -(mu.conj()[:, None] * products).real), axis=1)
    sine, cosine = (jnp.asarray(part, weights.dtype) for part in nodes(length))
    constant, linear = jnp.split(_sums_of_poles(weights, mu, sine, cosine), 2, axis=1)
    sigma, gamma = (part.astype(mu.dtype)[None, None] for part in (sine, cosine))
    resolved = 1j * sigma * constant + gamma * linear
    direct, left, around = jnp.split(resolved, (len(c), 2 * len(c)), axis=1)
    right, middle = around[:, :1], around[:, 1:]
    spectrum = direct - gamma * left * right / (1 + gamma * middle)
    rotated = (gamma + 1j * sigma) * spectrum
    return jnp.fft.irfft(rotated, length).swapaxes(0, 1)


def advance(
    mu: Complex[Array, "channel mode"],
    p: Complex[Array, "channel mode"],
    driven: Complex[Array, "batch channel mode"],
    state: Complex[Array, "batch channel mode"],
) -> Complex[Array, "batch channel mode"]:
    r"""One step, :math:`h_k = 2 (1 - M)^{-1} (h_{k-1} + b u_k) - h_{k-1}`, for a drive b u."""
    gain = 1 / (1 - mu)
    along, moved = (gain * p)[None], gain[None] * (state + driven)
    share = inner(p[None], moved) / (1 + inner(p[None], along))
    return 2 * (moved - along * share[..., None].astype(along.dtype)) - state


def inner(u: Complex[Array, "... mode"], v: Complex[Array, "... mode"]) -> Float[Array, ...]:
    """Inner product of real coordinates."""
    return (u.conj() * v).real.sum(-1)


def lost(
    mu: Complex[Array, "channel mode"],
    p: Complex[Array, "channel mode"],
    c: Complex[Array, "output channel mode"],
    length: int,
) -> Complex[Array, "output channel mode"]:
    r"""Give what is left, :math:`(1 - \bar A^L)^\top c`, by squaring the increment."""
    increment = _increment(mu, p)
    rows = jnp.concatenate((c.real, c.imag), -1).swapaxes(0, 1)
    change = jnp.zeros_like(rows)
    while True:
        if length % 2:
            change = change + (rows + change) @ increment
        length //= 2
        if not length:
            real, imaginary = jnp.split(-change.swapaxes(0, 1), 2, axis=-1)
            return jax.lax.complex(real, imaginary)
        increment = 2 * increment + increment @ increment


def nodes(length: int) -> tuple[Float[np.ndarray, " node"], Float[np.ndarray, " node"]]:
    """Sine and cosine of pi k / length for k up to length / 2; the last cosine 0 exactly."""
    k = np.arange(length // 2 + 1)
    return np.sin(np.pi * k / length), np.sin(np.pi * (length - 2 * k) / (2 * length))


def _increment(mu: Array, p: Array) -> Float[Array, "channel real real"]:
    """Transition less 1, real parts of all modes before the imaginary ones."""
    gain = 1 / (1 - mu)
    along, across = gain * p, gain.conj() * p
    across = 2 * across / (1 + inner(p, along))[..., None].astype(across.dtype)
    along, across = (jnp.concatenate((v.real, v.imag), -1) for v in (along, across))
    diagonal = 2 * mu * gain
    eye = jnp.eye(mu.shape[-1], dtype=diagonal.real.dtype)[None]
    real, imaginary = diagonal.real[..., None] * eye, diagonal.imag[..., None] * eye
    blocks = jnp.block([[real, -imaginary], [imaginary, real]])
    return blocks - along[..., :, None] * across[..., None, :]


def _sums_of_poles(
    weights: Float[Array, "channel row mode"],
    mu: Complex[Array, "channel mode"],
    sine: Float[Array, " node"],
    cosine: Float[Array, " node"],
) -> Complex[Array, "channel row node"]:
    r"""Give :math:`\sum_n q_n / ((i \sigma - \gamma \mu_n)(i \sigma - \gamma \bar\mu_n))`."""
    square = mu.real**2 + mu.imag**2

    @jax.checkpoint
    def block(node: tuple[Array, Array]) -> tuple[Array, Array]:
        s, g = (part[None, None] for part in node)
        real = square[..., None] * g**2 - s**2
        imaginary = mu.real[..., None] * (-2 * s * g)
        size = real**2 + imaginary**2
        return weights @ (real / size), weights @ (-imaginary / size)

    columns = max(1, BLOCK // mu.size)
    if len(sine) <= columns:
        return jax.lax.complex(*block((sine, cosine)))
    missing = -len(sine) % columns
    padded = (jnp.pad(part, (0, missing), mode="edge") for part in (sine, cosine))
    parts = jax.lax.map(block, tuple(part.reshape(-1, columns) for part in padded))
    joined = (jnp.moveaxis(part, 0, 2).reshape(*weights.shape[:2], -1) for part in parts)
    return jax.lax.complex(*joined)[..., : len(sine)]

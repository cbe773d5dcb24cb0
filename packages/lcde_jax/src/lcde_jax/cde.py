"""The linear controlled differential equation and its random initialisation."""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.checks import physical_memory

from .structure import Dense, Diagonal, OneHotDiagonal, Structure, by_name, named

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Float, PRNGKeyArray


class LinearCDE(eqx.Module):
    r"""Linear controlled differential equation driven by time and data.

    .. math:: dy = \sum_i A_i\, y\, dw^i + B\, dw, \qquad y_0 = C x_0 + d, \qquad w = (t, x).

    Parameters
    ----------
    width
        Number of state variables, at least 1.
    channels
        Number of data channels, at least 1. Time is channel 0 of `w` and is not counted.
    structure
        Of the matrices `A`: `Dense()`, `Diagonal()`, or another of `seqtheory.structure` that is a
        field of an equation (all but `OneHotDiagonal`).
    forcing
        Whether the term `B dw` is present. Without it `B` is None and the equation is homogeneous.
    dtype
        A floating type; JAX's default one if None.
    key
        JAX random key. All parameters are cut from one vector of independent draws, which costs
        one compilation for each size instead of four.

    Attributes
    ----------
    A
        State matrices, `(channels + 1, width, width)`, for `Diagonal()` `(channels + 1, width)`;
        for other structures a named tuple of their parameters, with `channels + 1` in front.
    B
        Forcing, `(width, channels + 1)`, or None.
    C, d
        Initial state, `(width, channels)` and `(width,)`.

    Raises
    ------
    ValueError
        If `width` or `channels` is below 1, the structure does not fit the width, the parameters
        exceed the memory of the machine, or `dtype` is not available.

    Notes
    -----
    Entries of `B`, `C` and `d` are N(0, 1), those of `A` as its structure says. The published
    code uses one key for several parameters, which correlates them; here the draws are independent.

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, equation (6) and Theorem 4.2.
    """

    A: Float[Array, "path_channel width ..."] | Any
    B: Float[Array, "width path_channel"] | None
    C: Float[Array, "width channel"]
    d: Float[Array, " width"]
    structure: Structure = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        channels: int,
        *,
        structure: Structure = Dense(),  # noqa: B008 - a frozen value
        forcing: bool = True,
        dtype: DTypeLike | None = None,
        key: PRNGKeyArray,
    ):
        _check_sizes(width, channels, structure)
        dtype = _checked_dtype(dtype)
        _check_memory(width, channels, structure, dtype.itemsize)
        of_A = ((channels + 1, *shape) for shape in structure.shapes(width).values())
        shapes = (*of_A, (width, channels + 1), (width, channels), (width,))
        *draws, B, self.C, self.d = _normals(key, shapes, dtype)
        scales = structure.scales(width)
        A = {name: part * scales[name] for name, part in zip(scales, draws, strict=True)}
        self.A = next(iter(A.values())) if isinstance(structure, (Dense, Diagonal)) else named(A)
        self.B = B if forcing else None
        self.structure = structure

    @property
    def width(self) -> int:
        """Number of state variables."""
        return self.C.shape[0]

    @property
    def channels(self) -> int:
        """Number of data channels, time not counted."""
        return self.C.shape[1]

    @property
    def parameters(self) -> dict[str, Float[Array, "path_channel ..."]]:
        """Parameters of `A` by the names of the structure."""
        if isinstance(self.A, tuple):
            return by_name(self.A)
        return {next(iter(self.structure.shapes(self.width))): self.A}

    @property
    def forcing(self) -> bool:
        """Whether the term `B dw` is present."""
        return self.B is not None

    def initial_state(self, start: Float[Array, " channel"]) -> Float[Array, " width"]:
        """State at the first vertex, `C x_0 + d`."""
        return self.C @ start + self.d


@partial(jax.jit, static_argnames=("shapes", "dtype"))
def _normals(
    key: PRNGKeyArray, shapes: tuple[tuple[int, ...], ...], dtype: DTypeLike
) -> list[Array]:
    """Draw independent N(0, 1) arrays of these shapes."""
    ends = list(accumulate(prod(shape) for shape in shapes))
    parts = jnp.split(jax.random.normal(key, (ends[-1],), dtype), ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _check_sizes(width: int, channels: int, structure: Structure) -> None:
    for name, value in (("width", width), ("channels", channels)):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(f"got {name}={value!r}, expected an integer of at least 1.")
        if value < 1:
            raise ValueError(f"got {name}={value}, expected at least 1.")
    if not isinstance(structure, Structure) or isinstance(structure, OneHotDiagonal):
        raise TypeError(
            f"got structure={structure!r}, expected Dense() or Diagonal(), or a BlockDiagonal, "
            "DiagonalPlusLowRank, Sparse or WalshHadamard: matrices of a vector field."
        )
    structure.shapes(width)


def _checked_dtype(dtype: DTypeLike | None) -> jnp.dtype:
    default = jax.dtypes.canonicalize_dtype(float)
    if dtype is None:
        return jnp.dtype(default)
    asked = jnp.dtype(dtype)
    if not jnp.issubdtype(asked, jnp.floating):
        raise ValueError(f"got dtype={asked}, expected a floating type such as float32.")
    if asked == jnp.float64 and default != jnp.float64:
        raise ValueError(
            "got dtype=float64, but JAX's 64-bit mode is off in this process. Wrap the call in "
            "`with jax.enable_x64(True):`, or leave dtype=None."
        )
    return asked


def _check_memory(width: int, channels: int, structure: Structure, itemsize: int) -> None:
    needed = (channels + 1) * structure.num_parameters(width) * itemsize
    present = physical_memory()
    if present is not None and needed > present // 2:
        raise ValueError(
            f"got width={width}, channels={channels}: the {type(structure).__name__} A takes "
            f"{needed / 2**30:,.1f} GiB, and this machine has {present / 2**30:,.1f} GiB in all, "
            "of which A may take half. Lower the width, or use structure=Diagonal()."
        )

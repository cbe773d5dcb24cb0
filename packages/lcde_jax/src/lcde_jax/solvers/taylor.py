r"""Action of an exponential on a vector by its Taylor series, with a rigorous remainder.

One step solves :math:`dy = G y\,ds + v\,ds` over :math:`s \in [0, 1]`, where
:math:`G = \sum_i g_i A_i` and :math:`v = \sum_i g_i B_i` for the step's increments :math:`g`:

.. math:: y(1) = y + \sum_{k \ge 1} \frac{G^{k-1} (G y + v)}{k!}.

Neither G nor its exponential is formed: a term is one product of the outer product `g y` with the
stacked matrices, which under `vmap` becomes one matrix product over the batch.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import structure as structured

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int

    from ..cde import LinearCDE
    from ..structure import Structure

MOST_TERMS = 24  # enough for a norm of 1 in float64, which takes 18
LARGEST_NORM = 1000.0  # of one step; the exponential overflows float64 at 710


class Generators(NamedTuple):
    """State matrices and forcing vectors, one pair per increment."""

    stacked: Float[Array, "increment_and_width width"]  # transposed, one below the other
    vectors: Float[Array, "increment width"] | None

    def velocity(
        self, increment: Float[Array, " increment"], state: Float[Array, " width"]
    ) -> Float[Array, " width"]:
        """`G y + v` at a state."""
        moved = self.act(increment, state)
        return moved if self.vectors is None else moved + increment @ self.vectors

    def act(
        self, increment: Float[Array, " increment"], vector: Float[Array, " width"]
    ) -> Float[Array, " width"]:
        """`G` applied to a vector."""
        return jnp.outer(increment, vector).reshape(-1) @ self.stacked

    def norm_bound(self) -> Float[Array, ""]:
        r"""Bound K with :math:`|G|_2 \le K |g|_2` for every increment g.

        By Cauchy and Schwarz the spectral norm of :math:`[A_0, A_1, \dots]` will do, whose square
        is that of :math:`S = \sum_i A_i A_i^T`; for a positive matrix
        :math:`|S|_2 \le |S^4|_F^{1/4}`, at most `width^(1/8)` too large and two products cheap.
        """
        gram = self.stacked.T @ self.stacked
        scale = jnp.linalg.norm(gram)
        safe = jnp.where(scale > 0, scale, 1.0)
        square = (gram / safe) @ (gram / safe)
        fourth = jnp.linalg.norm(square @ square)
        return jnp.where(scale == 0, 0.0, jnp.sqrt(safe * fourth**0.25))  # NaN stays NaN


def stack(
    matrices: Float[Array, "increment width width"], vectors: Float[Array, "increment width"] | None
) -> Generators:
    """Arrange matrices and vectors so that each Taylor term is one matrix product."""
    return Generators(matrices.transpose(0, 2, 1).reshape(-1, matrices.shape[-1]), vectors)


class StructuredGenerators(NamedTuple):
    """State matrices with a structure, never formed, and forcing vectors, one per increment."""

    structure: Structure
    parameters: dict[str, Float[Array, "increment ..."]]
    vectors: Float[Array, "increment width"] | None

    velocity = Generators.velocity

    def act(
        self, increment: Float[Array, " increment"], vector: Float[Array, " width"]
    ) -> Float[Array, " width"]:
        """`G` applied to a vector."""
        return increment @ structured.apply(self.structure, self.parameters, vector)

    def norm_bound(self) -> Float[Array, ""]:
        """As `Generators.norm_bound`, by the structure's own bound."""
        return structured.norm_bound(self.structure, self.parameters)


def generators(cde: LinearCDE) -> Generators | StructuredGenerators:
    """Give the matrices and vectors that an increment of `w = (t, x)` weighs."""
    vectors = None if cde.B is None else cde.B.T
    if isinstance(cde.structure, structured.Dense):
        return stack(cde.A, vectors)
    return StructuredGenerators(cde.structure, cde.parameters, vectors)


def step(
    generators: Generators | StructuredGenerators,
    state: Float[Array, " width"],
    increment: Float[Array, " increment"],
    order: int | Int[Array, ""],
    substeps: int | Int[Array, ""] = 1,
) -> Float[Array, " width"]:
    """Advance the state by one increment with `order` terms of the series in each substep.

    Reverse-mode differentiable where `order` and `substeps` are Python integers.
    """
    part = increment / jnp.asarray(substeps, increment.dtype)

    def advance(_: Int[Array, ""], state: Float[Array, " width"]) -> Float[Array, " width"]:
        first = generators.velocity(part, state)

        def add_term(
            k: Int[Array, ""], carry: tuple[Float[Array, " width"], Float[Array, " width"]]
        ) -> tuple[Float[Array, " width"], Float[Array, " width"]]:
            total, term = carry
            term = generators.act(part, term) / k.astype(term.dtype)
            return total + term, term

        return jax.lax.fori_loop(2, order + 1, add_term, (state + first, first))[0]

    return jax.lax.fori_loop(0, substeps, advance, state)


def scan_inputs(
    generators: Generators | StructuredGenerators, increments: Float[Array, "step increment"]
) -> tuple[Float[Array, "step increment"], Int[Array, " step"], Int[Array, " step"]]:
    """Increments, each with the number of Taylor terms and substeps that it needs.

    A step that is too long, or whose norm is no number, becomes NaN, and its state with it: not
    wrong, and not late. A norm of NaN would ask for no substep, which leaves the state as it is.
    """
    norms = generators.norm_bound() * jnp.linalg.norm(increments, axis=-1)
    bounded = norms <= LARGEST_NORM
    increments = jnp.where(bounded[:, None], increments, jnp.nan)
    return increments, *orders(jnp.where(bounded, norms, 0.0), rounding(increments.dtype))


def rounding(dtype: np.dtype) -> float:
    """Accuracy beyond which further terms are lost in rounding."""
    return float(jnp.finfo(dtype).eps) / 4


def orders(
    norm: Float[Array, "*shape"], accuracy: float
) -> tuple[Int[Array, "*shape"], Int[Array, "*shape"]]:
    r"""Terms and substeps that keep the remainder of every substep within `accuracy |G y + v|`.

    After m terms the remainder is at most :math:`r_m |G y + v|` with

    .. math:: r_m = \sum_{k > m} \frac{\theta^{k-1}}{k!}
                  \le \frac{\theta^m}{(m + 1)!} \, \frac{1}{1 - \theta / (m + 2)},

    where theta bounds the norm of G in a substep; there are `ceil(norm)` of them, so theta <= 1.
    """
    substeps = jnp.maximum(jnp.ceil(norm), 1).astype(jnp.int32)
    theta = (norm / substeps.astype(norm.dtype))[..., None]
    terms = np.arange(1.0, MOST_TERMS + 1).reshape((1,) * norm.ndim + (-1,))
    log_factorials = np.cumsum(np.log(terms + 1), axis=-1).astype(norm.dtype)
    terms = terms.astype(norm.dtype)
    log_power = terms * jnp.log(jnp.maximum(theta, jnp.finfo(norm.dtype).tiny))
    log_remainder = log_power - log_factorials - jnp.log1p(-theta / (terms + 2))
    enough = log_remainder <= log(accuracy)
    return 1 + jnp.argmax(enough, axis=-1).astype(jnp.int32), substeps


def check_norm(norm: float) -> None:
    """Raise ValueError for a step so large that its exponential would overflow."""
    if not norm <= LARGEST_NORM:
        raise ValueError(
            f"got a path with a step on which the matrices have a norm of up to {norm:.3g}, "
            f"expected at most {LARGEST_NORM:g}: its exponential overflows. "
            "Scale the path down (the published experiments divide by its largest value) or sample "
            "it more finely."
        )

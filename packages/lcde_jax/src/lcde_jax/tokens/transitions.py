"""Structured matrices at every position, and the recurrence that they drive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from ..structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    OneHotDiagonal,
    Structure,
    apply,
)
from .exponential import exponentials

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Inexact, Int

    Parameters = dict[str, Array]

Transition = Literal["exponential", "first_order", "direct"]
ScanBackend = Literal["sequential", "chunked", "associative"]


class Transitions(NamedTuple):
    """Matrices with leading axes, such as those of batch and time.

    A matrix is that of the structure's parameters, plus the identity where it says so.
    """

    structure: Structure
    parameters: Parameters
    width: int
    plus_identity: bool = False

    @property
    def closed(self) -> bool:
        """Whether products of these matrices have their structure."""
        return isinstance(self.structure, (Dense, Diagonal, BlockDiagonal))

    def apply(self, states: Inexact[Array, "... width"]) -> Inexact[Array, "... width"]:
        """Multiply states by the matrices; leading axes broadcast."""
        moved = apply(self.structure, self.parameters, states)
        return states + moved if self.plus_identity else moved

    def map(self, move: Any) -> Transitions:
        """Move the leading axes of every parameter alike."""
        return self._replace(parameters=jax.tree.map(move, self.parameters))

    def columns(self) -> Transitions:
        """Insert an axis for several states behind the leading axes of the matrices."""
        shapes = self.structure.shapes(self.width)
        wide = {n: jnp.expand_dims(v, -1 - len(shapes[n])) for n, v in self.parameters.items()}
        return self._replace(parameters=wide)

    def identity(self) -> Inexact[Array, "... width width"]:
        """Give identity matrices, as many as there are matrices and in their type."""
        (name, value), *_ = self.parameters.items()
        leading = value.shape[: value.ndim - len(self.structure.shapes(self.width)[name])]
        unit = jnp.eye(self.width, dtype=value.dtype)
        return jnp.broadcast_to(unit, (*leading, self.width, self.width))

    def dense(self) -> Inexact[Array, "... width width"]:
        """Form the whole matrices."""
        return self.columns().apply(self.identity()).swapaxes(-1, -2)


def transitions(
    structure: Structure, transition: Transition, parameters: Parameters, width: int
) -> Transitions:
    r"""Matrices of a transition whose generator has these parameters.

    .. math:: M = e^G, \quad M = I + G \quad \text{or (direct)} \quad M = G

    Parameters
    ----------
    structure, transition
        As `LinearCDEConfig` admits them.
    parameters
        Of the structure, with any leading axes, scaled by the step already.
    width
        Rows of a matrix.

    Notes
    -----
    `OneHotDiagonal` becomes dense: a hard choice whose gradient is that of the softmax over its
    logits (straight through).
    """
    if isinstance(structure, OneHotDiagonal):
        return Transitions(Dense(), {"matrix": _routes(structure, parameters)}, width)
    if transition == "direct":
        return Transitions(structure, parameters, width)
    if isinstance(structure, Diagonal):
        diagonal = parameters["diagonal"]
        moved = jnp.exp(diagonal) if transition == "exponential" else 1 + diagonal
        return Transitions(structure, {"diagonal": moved}, width)
    if isinstance(structure, (Dense, BlockDiagonal)):
        steps = jax.tree.map(lambda squares: _squares(squares, transition), parameters)
        return Transitions(structure, steps, width)
    if isinstance(structure, DiagonalPlusLowRank):
        return Transitions(structure, parameters | {"diagonal": 1 + parameters["diagonal"]}, width)
    return Transitions(structure, parameters, width, plus_identity=True)


def structured_scan(
    matrices: Transitions,
    initial: Inexact[Array, "batch width"],
    backend: ScanBackend | None = None,
) -> Inexact[Array, "batch time width"]:
    r"""States of :math:`y_k = M_k\, y_{k-1}`.

    Parameters
    ----------
    matrices
        With leading axes `(batch, time)`.
    initial
        State before the first position.
    backend
        ``"sequential"``; ``"chunked"``, all chunks of about :math:`\sqrt L` positions at once;
        ``"associative"``, in log2(L) turns, for structures that products keep. None takes the
        first on the CPU, and the last possible one elsewhere.

    Raises
    ------
    ValueError
        If the backend is unknown, or the products do not keep the structure.
    """
    if backend is None:
        parallel: ScanBackend = "associative" if matrices.closed else "chunked"
        backend = "sequential" if jax.default_backend() == "cpu" else parallel
    if backend == "sequential":
        return _sequential(matrices, initial)
    if backend == "chunked":
        return _chunked(matrices, initial)
    if backend == "associative" and matrices.closed:
        products = jax.lax.associative_scan(_composed(matrices), matrices.parameters, axis=1)
        return matrices._replace(parameters=products).apply(initial[:, None])
    raise ValueError(
        f"got backend={backend!r} for {matrices.structure}, expected 'sequential' or 'chunked', or "
        "'associative' for structures that products keep (dense, diagonal, block-diagonal)."
    )


def affine_scan(
    matrices: Transitions,
    offsets: Float[Array, "token width"] | None,
    initial: Float[Array, " width"],
    tokens: Int[Array, "batch time"],
    mask: Bool[Array, "batch time"] | None = None,
) -> Float[Array, "batch time width"]:
    r"""States of :math:`y_k = M(x_k)\, y_{k-1} + f(x_k)`, in turn.

    Parameters
    ----------
    matrices
        With one leading axis, that of the tokens.
    offsets
        f of each token; None for none.
    initial
        State before the first token, the same for all sequences.
    tokens
        Numbers below the size of the vocabulary.
    mask
        Where False, the state stays as it is.
    """

    def advance(state: Array, step: tuple[Array, Array | None]) -> tuple[Array, Array]:
        token, valid = step
        moved = matrices.map(lambda values: values[token]).apply(state)
        moved = moved if offsets is None else moved + offsets[token]
        state = moved if valid is None else jnp.where(valid[:, None], moved, state)
        return state, state

    start = jnp.broadcast_to(initial, (len(tokens), len(initial)))
    steps = (tokens.T, None if mask is None else mask.T)
    return jax.lax.scan(advance, start, steps)[1].swapaxes(0, 1)


def _sequential(matrices: Transitions, initial: Array) -> Array:
    def advance(state: Array, parameters: Parameters) -> tuple[Array, Array]:
        state = matrices._replace(parameters=parameters).apply(state)
        return state, state

    steps = jax.tree.map(lambda value: value.swapaxes(0, 1), matrices.parameters)
    return jax.lax.scan(advance, initial, steps)[1].swapaxes(0, 1)


def _chunked(matrices: Transitions, initial: Array) -> Array:
    """Run all chunks at once from their first states, which their products give in turn."""
    time = next(iter(matrices.parameters.values())).shape[1]
    size = max(1, round(time**0.5))
    whole = time // size
    body = matrices.map(lambda v: v[:, : whole * size].reshape(len(v), whole, size, *v.shape[2:]))
    products = _chunk_products(body)
    advance = products.map(lambda v: v[:, :-1])
    firsts = jnp.concatenate([initial[:, None], _sequential(advance, initial)], axis=1)
    inside = body.map(lambda v: v.reshape(-1, *v.shape[2:]))
    states = _sequential(inside, firsts.reshape(-1, matrices.width))
    states = states.reshape(len(initial), whole * size, matrices.width)
    rest = matrices.map(lambda v: v[:, whole * size :])
    return jnp.concatenate([states, _sequential(rest, states[:, -1])], axis=1)


def _chunk_products(body: Transitions) -> Transitions:
    """Give the product of every chunk, dense where the structure is lost."""
    if body.closed:
        turns = jax.tree.map(lambda v: jnp.moveaxis(v, 2, 0), body.parameters)
        first, rest = jax.tree.map(lambda v: v[0], turns), jax.tree.map(lambda v: v[1:], turns)
        compose = _composed(body)
        product = jax.lax.scan(lambda a, b: (compose(a, b), None), first, rest)[0]
        return body._replace(parameters=product)
    turns = jax.tree.map(lambda v: jnp.moveaxis(v, 2, 0), body.parameters)
    identity = body.map(lambda v: v[:, :, 0]).identity()

    def advance(columns: Array, parameters: Parameters) -> tuple[Array, None]:
        return body._replace(parameters=parameters).columns().apply(columns), None

    columns = jax.lax.scan(advance, identity, turns)[0]
    return Transitions(Dense(), {"matrix": columns.swapaxes(-1, -2)}, body.width)


def _composed(matrices: Transitions) -> Any:
    diagonal = isinstance(matrices.structure, Diagonal)

    def compose(earlier: Parameters, later: Parameters) -> Parameters:
        return jax.tree.map(lambda a, b: b * a if diagonal else b @ a, earlier, later)

    return compose


def _squares(generators: Array, transition: Transition) -> Array:
    if transition == "first_order":
        unit = jnp.eye(generators.shape[-1], dtype=generators.dtype)
        return generators + jnp.broadcast_to(unit, generators.shape)
    flat = generators.reshape(-1, *generators.shape[-2:])
    return exponentials(flat).reshape(generators.shape)


def _routes(structure: OneHotDiagonal, parameters: Parameters) -> Array:
    choice, magnitude = parameters["choice"], parameters["magnitude"]
    axis = structure.axis
    soft = jax.nn.softmax(choice, axis=axis)
    hard = jax.nn.one_hot(choice.argmax(axis), choice.shape[-1], axis=axis, dtype=choice.dtype)
    if structure.entries == "real":
        factors = jnp.tanh(magnitude)
    else:
        turn = jnp.exp(jax.lax.complex(jnp.zeros_like(magnitude), parameters["phase"]))
        factors = jax.nn.sigmoid(magnitude).astype(turn.dtype) * turn
    routes = jax.lax.stop_gradient(hard - soft) + soft
    spread = factors[..., None, :] if structure.one_per == "column" else factors[..., None]
    return routes.astype(factors.dtype) * spread

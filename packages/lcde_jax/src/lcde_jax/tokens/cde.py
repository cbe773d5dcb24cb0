"""A linear CDE driven by the embeddings of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.checks import require_choice
from seqtheory.structure._rule import Rule, check_rule, start_scales, step_power, stored
from seqtheory.structure._transition import check_transition

from ..cde import LinearCDE
from ..structure import Dense, Sparse, Structure, by_name, entries, named
from .exponential import exponentials
from .scan import Drift, masked_token_scan
from .transitions import affine_scan, transitions

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

Path = Literal["sums", "differences", "published"]
Step = Literal["exponential", "first_order"]
DELTA = 1 / 40


class TokenCDE(eqx.Module):
    r"""A linear CDE whose driver is made of the embeddings of tokens.

    .. math:: dy = \sum_i A_i\, y\, dw^i + B\, dw, \qquad
        w_k = \delta \sum_{j \le k} (1, e(x_j)), \quad w_0 = 0, \quad y_0 = d

    so that :math:`y_k = M(x_k) y_{k-1} + f(x_k)` with one affine map per token.

    Parameters
    ----------
    width
        Number of state variables, and of entries of an embedding.
    structure
        Of the matrices; any other than `Dense()` has ``path="sums"`` alone, and exponential steps
        only where the exponential has the same structure and there is no forcing.
    path
        ``"sums"``: the driver above; every token acts, the first one included.
        ``"differences"``: :math:`w_k = (k \delta, e(x_k))` from the first token on, with
        :math:`y_1 = C e(x_1) + d`; one affine map per pair of tokens.
        ``"published"``: the published experiment's form, which takes first-order steps
        with the *values* :math:`w_k = (t_k, e(x_k))`, times uniform on [0, 1], divided by the
        length; the first token acts through :math:`y_1 = C e(x_1) + d` alone.
    step
        ``"first_order"``: :math:`M = I + \sum_i A_i dw^i`, the order of the published steps.
        ``"exponential"``: the exact solution, at the cost of about ten more matrix products per
        token of the vocabulary in each training step.
    delta
        Length of a step, above 0. None means one over the length of the sequence, which
        ``"published"`` always uses; a model trained so works at that length only.
    forcing
        Whether the term `B dw` is present.
    rule
        "own", or "published", of structures in first-order steps: low-rank matrices are
        :math:`\delta\,\mathrm{diag}(d) + \delta^2 U V^\top`, Walsh-Hadamard ones have
        :math:`\tanh(d_i)` in place of :math:`d_i`, sparse ones places of their own in each channel;
        as in `sequence.LinearCDEConfig`.
    dtype
        A floating type; JAX's default one if None.
    key
        JAX random key.

    Attributes
    ----------
    A, B, d
        As in `LinearCDE`, with `width` data channels; for structures other than `Dense()` A is a
        named tuple of their parameters.
    C
        Initial state by the first token; None for ``"sums"``, which does not use it.

    Notes
    -----
    The parameters of the matrix are linear in the embedding. The matrix itself then is too, except
    for `DiagonalPlusLowRank`, where it is quadratic in the embedding and keeps its rank.

    References
    ----------
    Cirone et al., arXiv 2402.19047, section 5. A step of 1/40 is that of Walker et al.,
    Structured Linear CDEs, arXiv 2505.17761.
    """

    A: Float[Array, "path_channel width width"] | Any = eqx.field(metadata={"state": True})
    B: Float[Array, "width path_channel"] | None
    C: Float[Array, "width channel"] | None
    d: Float[Array, " width"]
    path: Path = eqx.field(static=True)
    step: Step = eqx.field(static=True)
    delta: float | None = eqx.field(static=True)
    structure: Structure = eqx.field(static=True)
    rule: Rule = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        *,
        structure: Structure = Dense(),  # noqa: B008 - a frozen value
        path: Path = "sums",
        step: Step = "first_order",
        delta: float | None = DELTA,
        forcing: bool = True,
        rule: Rule = "own",
        dtype: DTypeLike | None = None,
        key: PRNGKeyArray,
    ):
        _check_settings(path, step, delta)
        check_rule(rule, step)
        if not isinstance(structure, Dense):
            _check_structured(structure, path, step, forcing)
        settings = {"structure": stored(structure, rule), "forcing": forcing, "dtype": dtype}
        cde = LinearCDE(width, width, **settings, key=key)
        self.A, self.B, self.d = _started(cde, structure, rule), cde.B, cde.d
        self.structure, self.rule = structure, rule
        self.C = None if path == "sums" else cde.C
        self.path, self.step, self.delta = path, step, delta

    def __call__(
        self,
        embedding: Float[Array, "vocabulary width"],
        tokens: Int[Array, "batch time"],
        mask: Bool[Array, "batch time"] | None = None,
    ) -> Float[Array, "batch time width"]:
        """State after each token; where `mask` is False the state stays as it is."""
        delta = 1 / tokens.shape[1] if self.delta is None else self.delta
        if self.path == "published":
            return self._published_states(embedding, tokens, mask)
        if self.path == "differences":
            return self._difference_states(embedding, tokens, mask, delta)
        ones = jnp.ones((len(embedding), 1), embedding.dtype)
        if not isinstance(self.structure, Dense):
            inputs = jnp.concatenate([ones, embedding], axis=1)
            return self._structured_states(inputs, tokens, mask, delta)
        maps = _maps(*self._fields(jnp.concatenate([ones, embedding], axis=1) * delta), self.step)
        initial = jnp.broadcast_to(self.d, (len(tokens), len(self.d)))
        return masked_token_scan(*maps, initial, tokens, mask)

    def _fields(
        self, increments: Float[Array, "token path_channel"]
    ) -> tuple[Float[Array, "token width width"], Float[Array, "token width"]]:
        """Matrix and offset of the vector field along each increment."""
        width = len(self.d)
        matrices = (increments @ self.A.reshape(len(self.A), -1)).reshape(-1, width, width)
        if self.B is None:
            return matrices, jnp.zeros((len(increments), width), matrices.dtype)
        return matrices, increments @ self.B.T

    def _structured_states(
        self, inputs: Array, tokens: Array, mask: Array | None, delta: float
    ) -> Array:
        structure, rule, parameters = self.structure, self.rule, {}
        for name, value in by_name(self.A).items():
            scaled = inputs * delta ** step_power(structure, rule, name)
            parameters[name] = jnp.tensordot(scaled, entries(structure, rule, value), 1)
        moves = transitions(stored(structure, rule), self.step, parameters, len(self.d))
        offsets = None if self.B is None else (inputs * delta) @ self.B.T
        return affine_scan(moves, offsets, self.d, tokens, mask)

    def _published_states(self, embedding: Array, tokens: Array, mask: Array | None) -> Array:
        length = tokens.shape[1]
        initial = self._first_state(embedding, tokens)
        zeros = jnp.zeros((len(embedding), 1), embedding.dtype)
        fields = self._fields(jnp.concatenate([zeros, embedding], axis=1) / length)
        times = jnp.linspace(0.0, 1.0, length, dtype=embedding.dtype)[1:] / length
        offset = jnp.zeros_like(self.d) if self.B is None else self.B[:, 0]
        drift = Drift(self.A[0], offset, times)
        later = None if mask is None else mask[:, 1:]
        states = masked_token_scan(
            *_maps(*fields, "first_order"), initial, tokens[:, 1:], later, drift
        )
        return jnp.concatenate([initial[:, None], states], axis=1)

    def _difference_states(
        self, embedding: Array, tokens: Array, mask: Array | None, delta: float
    ) -> Array:
        """Pairs of tokens are too many for one matrix each: each step computes its own."""
        initial, path = self._first_state(embedding, tokens), embedding[tokens]
        times = jnp.full((*path.shape[:2], 1), delta, path.dtype)[:, 1:]
        increments = jnp.concatenate([times, jnp.diff(path, axis=1)], axis=-1)
        if mask is not None:
            increments = jnp.where(mask[:, 1:, None], increments, 0)

        def advance(state: Array, increment: Array) -> tuple[Array, Array]:
            matrices, offsets = _maps(*self._fields(increment), self.step)
            following = jnp.einsum("bij,bj->bi", matrices, state) + offsets
            return following, following

        states = jax.lax.scan(advance, initial, increments.swapaxes(0, 1))[1].swapaxes(0, 1)
        return jnp.concatenate([initial[:, None], states], axis=1)

    def _first_state(self, embedding: Array, tokens: Array) -> Float[Array, "batch width"]:
        assert self.C is not None
        return embedding[tokens[:, 0]] @ self.C.T + self.d[None]


def _started(cde: LinearCDE, structure: Structure, rule: Rule) -> Any:
    """Parameters of a random CDE at the start of the rule."""
    if isinstance(structure, Dense):
        return cde.A
    if rule == "own":
        return named(cde.parameters)
    drawn, asked = cde.structure.scales(cde.width), start_scales(structure, rule, cde.width)
    found = {name: value * (asked[name] / drawn[name]) for name, value in cde.parameters.items()}
    if isinstance(structure, Sparse):
        found["matrix"] = entries(structure, rule, found["matrix"])
    return named(found)


def _maps(
    matrices: Float[Array, "token width width"], offsets: Float[Array, "token width"], step: Step
) -> tuple[Float[Array, "token width width"], Float[Array, "token width"]]:
    """Affine maps of one step along vector fields `y -> X y + v`."""
    if step == "first_order":
        return matrices + jnp.eye(matrices.shape[-1], dtype=matrices.dtype)[None], offsets
    augmented = jnp.concatenate([matrices, offsets[..., None]], axis=-1)
    augmented = jnp.pad(augmented, ((0, 0), (0, 1), (0, 0)))
    moved = exponentials(augmented)
    return moved[:, :-1, :-1], moved[:, :-1, -1]


def _check_structured(structure: Structure, path: str, step: str, forcing: bool) -> None:
    check_transition(structure, step)
    if path != "sums":
        raise ValueError(
            f"got path={path!r} with structure={structure}, expected path='sums', or Dense()."
        )
    if step == "exponential" and forcing:
        raise ValueError(
            f"got step='exponential' with forcing and structure={structure}, expected "
            "step='first_order', forcing=False, or Dense()."
        )


def _check_settings(path: str, step: str, delta: float | None) -> None:
    for name, value, known in (("path", path, get_args(Path)), ("step", step, get_args(Step))):
        require_choice(name, value, known)
    if delta is not None and not (isinstance(delta, int | float) and 0 < delta < float("inf")):
        raise ValueError(f"got delta={delta!r}, expected a positive number, or None for 1/length.")

"""What a layer without `step` keeps of its past, seen by derivatives of its outputs alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from seqtheory.diagnostics import Recurrence, classify_recurrence
from seqtheory.expressivity import Transition

_PASTS = (8, 16, 32, 64)  # positions behind which is looked
_LARGEST = 256  # numbers of a past that are followed
_CUT = 1e-6  # singular values below this share of the largest are rounding
_LETTERS = 8
_FEW = 1e-3  # share of a response outside the space of others that is rounding
_GROWS, _SETTLES = 1.7, 1.2  # by which the rank grows where the past doubles
_TOLERANCE = 1e-5
_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)

ADD_STEP = "add initial_state(batch_size) and step(x_k, state), and it is named from these"


def probe_outputs(module: nn.Module, width: int, random: torch.Generator) -> Recurrence:
    r"""Say whether a module keeps a state of fixed size, and what moves it, if outputs show it.

    What the first t inputs leave behind is seen in the derivatives H of later outputs with respect
    to them. Their rank is the number of numbers that are kept: of a recurrence it stops growing
    with t, of attention it does not. With outputs linear in the state, :math:`H = O C`, an input
    put between past and future gives :math:`O A(x) C`, and with it A(x) up to a change of basis.

    Parameters
    ----------
    module
        Maps ``(batch, time, width)`` to the same shape, or to a tuple that begins with it.
    width
        Channels.
    random
        Of all draws.
    """
    responses = _Responses(module, width, random)
    try:
        if responses.look_ahead():
            return Recurrence("none", "it looks ahead: outputs depend on later inputs")
        ranks = dict(responses.ranks())
    except _FAILURES as error:
        return Recurrence("not probed", f"it failed on a random sequence: {error}; {ADD_STEP}")
    if len(ranks) < 2:
        wide = f"it has no step, and width={width} is too wide to look from outside"
        return Recurrence("not probed", f"{wide}: at most {_LARGEST // _PASTS[1]}; or {ADD_STEP}")
    past, rank = list(ranks.items())[-1]
    if (window := responses.window(past)) < past:
        seen = "the position itself alone" if window == 1 else f"a window of {window} positions"
        return Recurrence("none", f"an output sees {seen}, and nothing else is kept")
    growth = rank / max(1, list(ranks.values())[-2])
    counted = ", ".join(f"{kept} of {length}" for length, kept in ranks.items())
    if growth > _GROWS:
        return Recurrence(
            "none",
            f"what it keeps grows with the past (numbers of positions: {counted}), so it has no "
            "recurrence of fixed size, or a larger one",
        )
    if growth > _SETTLES:
        few = f"how many numbers it keeps is not settled (of positions: {counted})"
        return Recurrence("not probed", f"{few}; {ADD_STEP}")
    return responses.classified(past, rank)


class _Responses:
    """Derivatives of a module's outputs with respect to its inputs."""

    def __init__(self, module: nn.Module, width: int, random: torch.Generator) -> None:
        like = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
        self.module, self.width, self.random, self.dtype = module, width, random, like.dtype

    def draw(self, time: int, size: float = 1.0) -> Float[torch.Tensor, "time width"]:
        """Draw a sequence."""
        drawn = torch.randn(time, self.width, generator=self.random, dtype=torch.float64)
        return (size * drawn).to(self.dtype)

    def outputs(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Call the module."""
        given: Any = self.module(x)
        y = given[0] if isinstance(given, tuple) else given
        if not isinstance(y, torch.Tensor) or y.shape[:2] != x.shape[:2]:
            raise ValueError(f"it gave {type(y).__name__}, expected (batch, time, width)")
        return y

    @torch.no_grad()
    def look_ahead(self) -> bool:
        """Whether a change of later inputs changes earlier outputs."""
        x = self.draw(16)
        other = torch.cat((x[:8], self.draw(8)))
        one, two = self.outputs(torch.stack((x, other)))
        return bool((one[:8] - two[:8]).abs().max() > 1e-6 * one.abs().max())

    def after(
        self, x: Float[torch.Tensor, "time width"], past: int, future: int
    ) -> Float[np.ndarray, "responses inputs"]:
        """Differentiate the last outputs with respect to the first inputs."""
        count = future * self.width
        rows = x.expand(count, -1, -1).clone().requires_grad_()
        with torch.enable_grad():
            late = self.outputs(rows.clone())[:, -future:, : self.width].flatten(1)
            (found,) = torch.autograd.grad(late[:, :count].diagonal().sum(), rows)
        return found[:, :past].flatten(1).double().numpy()

    def ranks(self) -> Iterator[tuple[int, int]]:
        """Numbers kept of longer and longer pasts, until they grow no more."""
        last = -1
        for past in _PASTS:
            if past * self.width > _LARGEST:
                return
            found = _rank(self.after(self.draw(2 * past), past, past))
            yield past, found
            if found == last:
                return
            last = found

    def window(self, past: int) -> int:
        """Positions that an output sees; `past` if it sees as far as is looked."""
        sizes = np.abs(self.after(self.draw(2 * past), past, past))
        pairs = sizes.reshape(past, self.width, past, self.width).max(axis=(1, 3))
        later, earlier = np.indices(pairs.shape)
        by_age = np.array([pairs[past + later - earlier == k].max() for k in range(1, 2 * past)])
        heard = np.flatnonzero(by_age > 1e-14 * max(by_age.max(), 1e-300))
        if not len(heard):
            return 1
        fades = by_age[heard[-1]] < 1e-8 * by_age.max()  # a window ends, and does not fade
        return past if fades else min(past, int(heard[-1]) + 2)

    def classified(self, past: int, rank: int) -> Recurrence:
        """Class of the transitions, where outputs are linear in what is kept."""
        kept = f"it keeps {rank} numbers, but not linearly, or outputs are not linear in them"
        unclear = Recurrence("not probed", f"{kept}; {ADD_STEP}", numbers=rank)
        future = self.draw(past)
        pasts = [self.draw(past) for _ in range(2)]
        plain = [self.after(torch.cat((p, future)), past, past) for p in pasts]
        basis = np.linalg.svd(plain[0])[0][:, :rank]
        if _missed(basis, plain[1]) > _FEW:  # soonest seen
            return unclear
        letters = [self.draw(1, float(size)) for size in np.geomspace(0.1, 30, _LETTERS)]
        moved = [
            [self.after(torch.cat((p, x, future)), past, past) for p in pasts] for x in letters
        ]
        if max(_missed(basis, each) for row in moved for each in row) > _FEW:
            return unclear
        inverse = [np.linalg.pinv(basis.T @ each, rcond=_CUT) for each in plain]
        matrices = np.array(
            [[basis.T @ m @ back for m, back in zip(row, inverse, strict=True)] for row in moved]
        )
        found = classify_recurrence(
            matrices[None], np.zeros(rank, dtype=np.int64), tolerance=_TOLERANCE
        )
        known = found.transition
        return unclear if known is None else _of_outputs(found, known, rank)


def _of_outputs(found: Recurrence, known: Transition, rank: int) -> Recurrence:
    """Keep of a class what does not depend on the basis."""
    if known.structure != "diagonal":
        known = Transition(
            "dense", known.eigenvalues, input_dependent=known.input_dependent, size=rank
        )
    return replace(found, transition=known, blocks=(), norm=float("nan"))


def _rank(matrix: Float[np.ndarray, "responses inputs"]) -> int:
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > _CUT * max(float(values[0]), 1e-300)).sum())


def _missed(basis: Float[np.ndarray, "responses rank"], matrix: np.ndarray) -> float:
    """Share of a matrix outside a space of responses."""
    beside = matrix - basis @ (basis.T @ matrix)
    return float(np.linalg.norm(beside) / max(float(np.linalg.norm(matrix)), 1e-300))

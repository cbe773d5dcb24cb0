"""A recurrent step as a function of one flat vector of real numbers, whatever its state is."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import nn
from torch.utils import _pytree

_ROWS = 4096  # of a batch in which derivatives are taken at once


class NoRecurrenceError(Exception):
    """There is no step to probe; `kind` is what a `seqtheory.diagnostics.Recurrence` says."""

    def __init__(self, kind: Literal["none", "not probed"], reason: str) -> None:
        super().__init__(reason)
        self.kind: Literal["none", "not probed"] = kind
        self.reason = reason


class FlatStep:
    """The step of a module on flat states ``(batch, size)``.

    A state is any nest of tuples, lists and dictionaries. Its real and complex tensors that have an
    axis of the batch are the numbers; a complex one is two. All else, such as a counter, is what it
    is after the first step.

    Parameters
    ----------
    module
        Has ``initial_state(batch_size)`` and ``step(x_k, state)``.
    width
        Channels of x_k.

    Attributes
    ----------
    size
        Numbers of a state.
    pairs
        True for the real part of a complex number; the imaginary part follows.
    dtype
        Type in which the module computes.

    Raises
    ------
    NoRecurrenceError
        If there is no step, or the state grows.
    """

    def __init__(self, module: nn.Module, width: int) -> None:
        self.module, self.width = module, width
        like = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
        self.dtype = like.dtype
        leaves, self._tree = self._after_one(2)
        others = self._after_one(3)[0]
        self._axes = [_batch_axis(one, other) for one, other in zip(leaves, others, strict=True)]
        self._like = leaves
        marks: list[bool] = []
        for leaf in self._numbers(leaves):
            marks += ([True, False] if leaf.is_complex() else [False]) * leaf[0].numel()
        self.pairs = np.array(marks, dtype=bool)
        self.size = len(self.pairs)

    @property
    def tolerance(self) -> float:
        """Share of a derivative that is rounding."""
        return 1e-7 if self.dtype == torch.float64 else 1e-3

    def draw(
        self, sizes: Float[torch.Tensor, " sample"], random: torch.Generator
    ) -> tuple[Float[torch.Tensor, "sample width"], Float[torch.Tensor, "sample size"]]:
        """Draw inputs of these sizes, and states of the size of 1."""
        x = torch.randn(len(sizes), self.width, generator=random, dtype=torch.float64)
        h = torch.randn(len(sizes), self.size, generator=random, dtype=torch.float64)
        return (sizes[:, None] * x).to(self.dtype), h.to(self.dtype)

    def __call__(
        self, x: Float[torch.Tensor, "batch width"], h: Float[torch.Tensor, "batch size"]
    ) -> tuple[torch.Tensor, Float[torch.Tensor, "batch size"]]:
        """Give the output and the next state."""
        y, after = self._step(x, self._nested(h))
        leaves = _pytree.tree_flatten(after)[0]
        return y, torch.cat([_flat(leaf) for leaf in self._numbers(leaves)], 1)

    def jacobians(
        self,
        x: Float[torch.Tensor, "sample width"],
        h: Float[torch.Tensor, "sample size"],
        own: Integer[np.ndarray, " n"] | None = None,
    ) -> Float[np.ndarray, "sample n n"]:
        """Differentiate numbers `own` of the next state with respect to the same of the state.

        Every state stands in as many rows of a batch as there are numbers, and each row is asked
        for one of them: rows do not meet, so one backward pass gives all.
        """
        asked = torch.arange(self.size) if own is None else torch.from_numpy(own)
        if not len(asked):
            return np.zeros((len(x), 0, 0))
        several = max(1, _ROWS // len(asked))
        parts = [
            self._jacobians(x[k : k + several], h[k : k + several], asked)
            for k in range(0, len(x), several)
        ]
        return np.concatenate(parts)

    @torch.no_grad()
    def check(self, x: torch.Tensor, h: torch.Tensor, jacobians: np.ndarray) -> None:
        """Raise unless derivatives agree with differences at most of these states."""
        along = torch.ones_like(h)
        small = 1e-5 if self.dtype == torch.float64 else 1e-2
        ahead, behind = (self(x, h + sign * small * along)[1] for sign in (1, -1))
        seen = ((ahead - behind) / (2 * small)).double().numpy()
        told = (jacobians @ along.double().numpy()[..., None])[..., 0]
        scale = np.maximum(np.abs(jacobians).max(axis=(1, 2)), np.abs(seen).max(axis=1))
        wrong = np.abs(seen - told).max(axis=1) > 0.01 * scale
        if wrong.mean() > 0.5:
            raise TypeError(
                f"{type(self.module).__name__}.step: differences of the next state are not what "
                "its derivatives say, expected a step that is differentiated as it computes; does "
                "it detach the state, round it, or run under no_grad?"
            )

    def _jacobians(self, x: torch.Tensor, h: torch.Tensor, own: torch.Tensor) -> np.ndarray:
        n = len(own)
        rows = h.detach().repeat_interleave(n, 0).requires_grad_()
        with torch.enable_grad():
            after = self(x.repeat_interleave(n, 0), rows)[1]
            asked = after.gather(1, own.repeat(len(h))[:, None]).sum()
            if not asked.requires_grad:
                return np.zeros((len(h), n, n))
            (found,) = torch.autograd.grad(asked, rows, allow_unused=True)
        found = torch.zeros_like(rows) if found is None else found
        return found[:, own].detach().double().unflatten(0, (-1, n)).numpy()

    def _after_one(self, rows: int) -> tuple[list[Any], Any]:
        """Leaves of a state after one step, which are those after two."""
        state = self._initial(rows)
        x = torch.zeros(rows, self.width, dtype=self.dtype)
        first = _pytree.tree_flatten(self._step(x, state)[1])
        second = _pytree.tree_flatten(self._step(x, _pytree.tree_unflatten(*first))[1])
        shapes = [[_shape(leaf) for leaf in leaves] for leaves, _ in (first, second)]
        if first[1] != second[1] or shapes[0] != shapes[1]:
            grown = next(
                (pair for pair in zip(*shapes, strict=False) if pair[0] != pair[1]), shapes
            )
            raise NoRecurrenceError(
                "none", f"its state grows with time: from {grown[0]} to {grown[1]} in a step"
            )
        return first

    def _initial(self, rows: int) -> Any:
        try:
            state = self.module.initial_state(rows)  # pyright: ignore
        except TypeError as error:
            raise NoRecurrenceError("none", str(error)) from error
        return _pytree.tree_map(self._converted, state)

    def _converted(self, leaf: Any) -> Any:
        """Numbers in the type of the module, whichever a start is made in."""
        if isinstance(leaf, torch.Tensor) and leaf.is_floating_point():
            return leaf.to(self.dtype)
        if isinstance(leaf, torch.Tensor) and leaf.is_complex():
            return leaf.to(self.dtype.to_complex())
        return leaf

    def _step(self, x: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        given = self.module.step(x, state)  # pyright: ignore
        if not isinstance(given, tuple) or len(given) != 2:
            raise TypeError(
                f"{type(self.module).__name__}.step gave a {type(given).__name__}, expected a "
                "pair: the output and the next state."
            )
        return given

    def _numbers(self, leaves: list[Any]) -> list[torch.Tensor]:
        """Tensors that hold numbers of a state, the batch in front."""
        if len(leaves) != len(self._axes):
            raise NoRecurrenceError("none", "its state changes its form from step to step")
        return [
            leaf.movedim(axis, 0)
            for leaf, axis in zip(leaves, self._axes, strict=True)
            if axis is not None
        ]

    def _nested(self, h: Float[torch.Tensor, "batch size"]) -> Any:
        """Give the state that a module expects."""
        parts, start, rest = [], 0, None
        for place, (leaf, axis) in enumerate(zip(self._like, self._axes, strict=True)):
            if axis is None:
                if isinstance(leaf, torch.Tensor):
                    rest = self._after_one(len(h))[0] if rest is None else rest
                    leaf = rest[place]
                parts.append(leaf)
                continue
            shape = leaf.movedim(axis, 0).shape[1:]
            count = shape.numel() * (2 if leaf.is_complex() else 1)
            part = h[:, start : start + count]
            start += count
            if leaf.is_complex():
                part = torch.view_as_complex(part.unflatten(1, (-1, 2)))
            # A copy, which a step may write into.
            parts.append(part.reshape(len(h), *shape).movedim(0, axis).clone())
        return _pytree.tree_unflatten(parts, self._tree)


def has_step(module: nn.Module) -> bool:
    """Whether a module hands on a state."""
    return all(callable(getattr(module, name, None)) for name in ("initial_state", "step"))


def _flat(leaf: torch.Tensor) -> torch.Tensor:
    leaf = leaf.flatten(1) if leaf.ndim > 1 else leaf[:, None]
    return torch.view_as_real(leaf).flatten(1) if leaf.is_complex() else leaf


def _batch_axis(two: Any, three: Any) -> int | None:
    """Axis of the rows in a tensor of numbers; None where there is none."""
    if not isinstance(two, torch.Tensor) or not (two.is_floating_point() or two.is_complex()):
        return None
    sizes = list(zip(two.shape, three.shape, strict=True))
    return sizes.index((2, 3)) if (2, 3) in sizes else None


def _shape(leaf: Any) -> Any:
    return tuple(leaf.shape) if isinstance(leaf, torch.Tensor) else type(leaf).__name__

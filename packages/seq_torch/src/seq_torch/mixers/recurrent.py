"""The contract of recurrent mixers: a state is handed on from part to part of a sequence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeGuard

import torch
from jaxtyping import Float
from torch import nn

from .mixer import check_sequence, check_step


class Shared:
    """What the mixers of a model hand on from layer to layer, in one call, at the same positions.

    A model whose mixer `shares` makes one for each call and gives it to every mixer in turn.

    Attributes
    ----------
    values
        Values of the first layer's mixer, ``(batch, time, value)``.
    """

    values: torch.Tensor | None = None


class Recurrent(nn.Module, ABC):
    r"""A mixer that hands on a state, whose size does not grow with time.

    .. math:: (y_1, \dots, y_L) = f(x_1, \dots, x_L; s_0), \qquad
              (y_{k+1}, \dots, y_L) = f(x_{k+1}, \dots, x_L; s_k)

    A subclass sets `width` and gives `initial_state` and `run`; forward, `prefill` and `step`
    follow from them. It writes forward or `step` itself only where a whole sequence, or one
    position, has a shorter way.

    Attributes
    ----------
    width
        Number of channels.
    """

    width: int
    _fitting: Any = None  # rows, and the outline of the last state that was found to fit them

    @abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """State before the first position: a tensor, or a tuple of states and None."""

    @abstractmethod
    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[Float[torch.Tensor, "batch time width"], Any]:
        """Give outputs and last state, for at least one position and a checked state."""

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a whole sequence."""
        check_sequence(x, self.width)
        return self.run(x, self.initial_state(len(x)))[0]

    def prefill(
        self, x: Float[torch.Tensor, "batch time width"], state: Any = None, *shared: Shared
    ) -> tuple[Float[torch.Tensor, "batch time width"], Any]:
        """Map the next part of a sequence.

        Parameters
        ----------
        x
            The part; its length may be zero.
        state
            What `prefill` or `step` gave for the positions before, or `initial_state`, which is
            also meant by None. Gradients go through it.
        shared
            What the mixers of a model hand on, for a `Sharing` one.

        Returns
        -------
        Outputs at these positions, as forward gives them on the whole sequence, and the state
        after the last of them.

        Raises
        ------
        TypeError, ValueError
            If the part or the state has another shape or kind than expected.
        """
        check_sequence(x, self.width, may_be_empty=True)
        if state is None:
            state = self.initial_state(len(x))
        else:
            self._check_state(state, len(x))
        return self.run(x, state, *shared) if x.shape[1] else (x, state)

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: Any
    ) -> tuple[Float[torch.Tensor, "batch width"], Any]:
        """Give the output at the next position, and the state after it."""
        self.check_step(x_k, state)
        y, state = self.run(x_k[:, None], state)
        return y[:, 0], state

    def check_step(self, x_k: torch.Tensor, state: Any) -> None:
        """Raise unless `x_k` is one position and `state` fits its number of rows."""
        check_step(x_k, self.width)
        self._check_state(state, len(x_k))

    def _check_state(self, state: Any, rows: int) -> None:
        """Raise unless a state fits; one like the last that did is not compared again."""
        if torch.compiler.is_compiling():
            check_state(state, self.initial_state(rows))
        elif (outline := (rows, _outline(state))) != self._fitting:
            check_state(state, self.initial_state(rows))
            self._fitting = outline

    def _apply(self, *arguments: Any, **options: Any) -> Recurrent:
        """Move or convert the parameters; the next state is then checked again."""
        self._fitting = None
        return super()._apply(*arguments, **options)


class Sharing(Recurrent):
    """A recurrent mixer that hands on something from layer to layer, at the same positions.

    Its settings say `shares`, and `run` takes a `Shared` as its third argument.
    """

    def forward(self, x: Float[torch.Tensor, "batch time width"], *shared: Shared) -> torch.Tensor:
        """Map a whole sequence."""
        check_sequence(x, self.width)
        return self.run(x, self.initial_state(len(x)), *shared)[0]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: Any, *shared: Shared
    ) -> tuple[Float[torch.Tensor, "batch width"], Any]:
        """Give the output at the next position, and the state after it."""
        self.check_step(x_k, state)
        y, state = self.run(x_k[:, None], state, *shared)
        return y[:, 0], state


def is_recurrent(module: nn.Module) -> TypeGuard[Recurrent]:
    """Whether a module is a `Recurrent`, or a wrapper that shows the methods of one."""
    return all(hasattr(module, name) for name in ("initial_state", "prefill", "step"))


def check_state(state: Any, like: Any) -> None:
    """Raise unless `state` has the parts, shapes and kinds of numbers of `like`."""
    if isinstance(like, tuple):
        if not isinstance(state, tuple) or len(state) != len(like):
            raise _foreign(state, like)
        for part, expected in zip(state, like, strict=True):
            check_state(part, expected)
        return
    if like is None and state is None:
        return
    if not isinstance(state, torch.Tensor) or like is None:
        raise _foreign(state, like)
    _check_part(state, like)


def _outline(state: Any) -> Any:
    """Give what of a state decides whether it fits."""
    if isinstance(state, tuple):
        return tuple(map(_outline, state))
    if isinstance(state, torch.Tensor):
        return state.shape, state.dtype, state.device
    return type(state)


def _check_part(state: torch.Tensor, like: torch.Tensor) -> None:
    if state.shape != like.shape:
        raise ValueError(
            f"got a state of shape {tuple(state.shape)}, expected {tuple(like.shape)} for as many "
            f"rows as the input has; start with initial_state(batch_size)."
        )
    floating = state.is_floating_point() or (state.is_complex() and like.is_complex())
    if not floating:
        raise TypeError(f"got a state of dtype {state.dtype}, expected {like.dtype}.")
    if state.device != like.device:
        raise ValueError(
            f"got a state on {state.device}, expected {like.device} as the parameters; move it."
        )


def _foreign(state: Any, like: Any) -> TypeError:
    return TypeError(
        f"got a state of {_described(state)}, expected {_described(like)}; take it from "
        "initial_state, prefill or step of this mixer."
    )


def _described(state: Any) -> str:
    if isinstance(state, tuple):
        return f"{len(state)} parts"
    return "one tensor" if isinstance(state, torch.Tensor) else type(state).__name__

r"""A module of JAX as a module of torch: one bench for guests of both frameworks.

Parameters are torch's; values and gradients are JAX's. Forward is
:math:`y = f(\theta, x)`, compiled, and backward the vector-Jacobian product
:math:`(\bar\theta, \bar x) = \bar y^\top \partial f` that `jax.vjp` gives. Numbers are copied on
their way, so that neither framework writes into what the other holds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn


def is_jax(kind: object) -> bool:
    """Whether a guest is of JAX: an equinox module's class, or a function that asks for a key."""
    if inspect.isclass(kind):
        return issubclass(kind, eqx.Module)
    return callable(kind) and "key" in inspect.signature(kind).parameters


@dataclass(frozen=True)
class JaxMake:
    """What makes a torch module of a width, from what makes one of JAX.

    Parameters
    ----------
    kind
        ``kind(width, key=key)`` gives an equinox module, or parameters and a function of them and
        an input. Either maps ``(batch, time, width)`` to the same shape; where an attribute
        ``batched`` of `kind` is False, ``(time, width)``, and its state has no axis of the batch.
    """

    kind: Any

    def __getattr__(self, name: str) -> Any:
        """Give what the guest says of itself: causal, straight_through, transition_class."""
        if name == "kind" or (name.startswith("__") and name != "__name__"):
            raise AttributeError(name)  # which copies and pickles ask for
        return getattr(self.kind, name)

    def __call__(self, width: int) -> nn.Module:
        """Draw a module; its key is drawn from torch's random state."""
        key = jax.random.key(int(torch.randint(2**31, ()).item()))
        made = self.kind(width, key=key)
        if isinstance(made, tuple) and len(made) == 2 and callable(made[1]):
            made = Applied(made[0], _Function(made[1]))
        if not isinstance(made, eqx.Module) or not callable(made):
            raise ValueError(
                f"{self.__name__}({width}, key=...) is a {type(made).__name__}, expected an "
                "equinox module with a call, or a pair: parameters, and a function of them and x"
            )
        batched = getattr(self.kind, "batched", True) is not False
        has_step = callable(getattr(made, "step", None)) and hasattr(made, "initial_state")
        return (JaxRecurrence if has_step else JaxModule)(made, batched=batched)


class _Function:
    """A function that equals one of the same code and surroundings: it is compiled once for both.

    A closure that holds an array, or what else cannot be hashed, equals itself alone.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self._key = function, id(function)
        try:
            cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
            key = (function.__code__, id(function.__globals__), cells, function.__defaults__)
            self._key = hash(key) and key
        except (AttributeError, TypeError, ValueError):
            pass  # no Python function, not hashable, or a cell that is empty

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Function) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        return self.function(*arguments)


class Applied(eqx.Module):
    """A function together with its parameters."""

    parameters: Any
    apply: _Function = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Apply the function."""
        return self.apply(self.parameters, x)


@dataclass(frozen=True)
class _Form:
    """All of a JAX module but its trained numbers."""

    tree: Any
    rest: Any
    batched: bool
    pairs: tuple[bool, ...]  # which trained numbers are complex, and held as pairs of real ones

    def __deepcopy__(self, memo: Any) -> _Form:
        return self  # nothing in it changes

    def restored(self, leaves: Sequence[Any]) -> Any:
        """Put the trained numbers back."""
        return eqx.combine(jax.tree.unflatten(self.tree, leaves), self.rest)


class JaxModule(nn.Module):
    """An equinox module whose trained numbers are parameters of torch.

    Parameters
    ----------
    made
        The module; its arrays of real and complex numbers are trained, all else stays.
    batched
        Whether its call takes ``(batch, time, width)``, or one sequence.
    """

    def __init__(self, made: Any, *, batched: bool = True) -> None:
        super().__init__()
        trained, rest = eqx.partition(made, eqx.is_inexact_array)
        paths, tree = jax.tree.flatten_with_path(trained)
        self.form = _Form(tree, rest, batched, tuple(leaf.dtype.kind == "c" for _, leaf in paths))
        for path, leaf in paths:
            value = _torch(leaf)
            value = torch.view_as_real(value) if value.is_complex() else value
            self.register_parameter(_name(path), nn.Parameter(value))

    @property
    def trained(self) -> list[torch.Tensor]:
        """The trained numbers, real and complex, as the module has them."""
        pairs = zip(self.form.pairs, self.parameters(), strict=True)
        return [torch.view_as_complex(p) if pair else p for pair, p in pairs]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map whole sequences."""
        y, *others = self._call("__call__", x)
        if others:
            raise TypeError(f"gives {1 + len(others)} arrays, expected one: the output")
        return y

    def kept_bytes(self, x: torch.Tensor) -> int:
        """Bytes that JAX keeps from the forward pass for the backward pass, parameters left out."""
        own = {(p.shape, p.dtype) for p in self.trained}
        held = _forth_and_back("__call__", self._module(), (_jax(x),), self.form.batched)[-1]
        kept = [_torch(leaf) for leaf in jax.tree.leaves(held) if eqx.is_array(leaf)]
        return sum(t.nbytes for t in kept if (t.shape, t.dtype) not in own)

    def _module(self) -> Any:
        return self.form.restored([_jax(p) for p in self.trained])

    def _call(self, method: str, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _Bridge.apply(method, self.form, len(inputs), *inputs, *self.trained)


class JaxRecurrence(JaxModule):
    """An equinox module with ``initial_state`` and ``step``; a state is a tuple of its arrays."""

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, ...]:
        """Give the state before the first position."""
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        with _precision(self.parameters()):
            start = partial(self._start, batch_size=batch_size)
            made = (jax.eval_shape if device.type == "meta" else _called)(start, self._module())
        return tuple(_torch(leaf, device) for leaf in jax.tree.leaves(made))

    def step(
        self, x_k: torch.Tensor, state: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Give the output at the next position, and the state after it."""
        y, *after = self._call("step", x_k, *state)
        return y, tuple(after)

    def _start(self, module: Any, batch_size: int) -> Any:
        if self.form.batched:
            return module.initial_state(batch_size)
        one = module.initial_state()
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch_size, *leaf.shape)), one)


class _Bridge(torch.autograd.Function):
    """A method of a JAX module on tensors: its inputs, then the module's trained numbers."""

    @staticmethod
    def forward(ctx: Any, method: str, form: _Form, count: int, *tensors: torch.Tensor) -> Any:
        """Give the outputs' tensors; where a gradient is wanted, hold what backward needs."""
        with _precision(tensors):
            arrays = [_jax(tensor) for tensor in tensors]
            module, inputs = form.restored(arrays[count:]), tuple(arrays[:count])
            if tensors[0].is_meta:
                call = partial(_applied, method, batched=form.batched)
                outputs = jax.eval_shape(call, module, inputs)
            elif any(ctx.needs_input_grad):
                slopes, rest, ctx.back = _forth_and_back(method, module, inputs, form.batched)
                outputs = eqx.combine(slopes, rest)
                ctx.places = [slope is not None for slope in slopes]
            else:
                outputs = _forth(method, module, inputs, form.batched)
            given = tuple(_torch(output, tensors[0].device) for output in outputs)
        ctx.save_for_backward(*tensors)  # which refuses those that were changed since
        ctx.mark_non_differentiable(*(t for t in given if not _has_slope(t)))
        return given

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        """Give the gradients of inputs and trained numbers."""
        tensors = ctx.saved_tensors
        with _precision(tensors):
            wanted = [
                _jax(c.conj().resolve_conj()) if has else None
                for c, has in zip(cotangents, ctx.places, strict=True)
            ]
            inputs, trained = _back(ctx.back, tuple(wanted))
            found = [*inputs, *jax.tree.leaves(trained)]
            slopes = iter([_torch(f, tensors[0].device).conj().resolve_conj() for f in found])
            grads = [next(slopes) if _has_slope(t) else None for t in tensors]
        return None, None, None, *grads


def _applied(method: str, module: Any, inputs: tuple[Any, ...], batched: bool) -> list[Any]:
    """Leaves of what a method gives; its state, after the first input, in the form it began in."""
    x, *state = inputs
    if method == "step":
        shapes = jax.eval_shape(lambda: module.initial_state(*([len(x)] if batched else [])))
        held = jax.tree.unflatten(jax.tree.structure(shapes), state)
        step = module.step if batched else jax.vmap(module.step)
        return jax.tree.leaves(step(x, held))
    return jax.tree.leaves(module(x) if batched else jax.vmap(module)(x))


@eqx.filter_jit
def _forth(method: str, module: Any, inputs: tuple[Any, ...], batched: bool) -> list[Any]:
    return _applied(method, module, inputs, batched)


@eqx.filter_jit
def _forth_and_back(
    method: str, module: Any, inputs: tuple[Any, ...], batched: bool
) -> tuple[Any, Any, Any]:
    """Give outputs that have a slope, the others, and the map from cotangents to gradients."""
    moved, fixed = eqx.partition((inputs, module), eqx.is_inexact_array)

    def outputs(moved: Any) -> tuple[Any, Any]:
        inputs, module = eqx.combine(moved, fixed)
        return eqx.partition(_applied(method, module, inputs, batched), eqx.is_inexact_array)

    slopes, back, rest = jax.vjp(outputs, moved, has_aux=True)
    return slopes, rest, back


@eqx.filter_jit
def _back(back: Any, cotangents: tuple[Any, ...]) -> Any:
    ((inputs, trained),) = back(list(cotangents))
    return [leaf for leaf in inputs if leaf is not None], trained


def _precision(tensors: Any) -> Any:
    """Let JAX compute in double precision if a tensor has it, and in single precision otherwise."""
    double = (torch.float64, torch.complex128)
    return jax.enable_x64(any(tensor.dtype in double for tensor in tensors))


def _has_slope(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _called(make: Callable[[Any], Any], module: Any) -> Any:
    return make(module)


def _jax(tensor: torch.Tensor) -> Any:
    """Copy a tensor; one without numbers gives a shape and a type."""
    if tensor.is_meta:
        kind = torch.empty(0, dtype=tensor.dtype).numpy().dtype
        return jax.ShapeDtypeStruct(tensor.shape, kind)
    if tensor.dtype == torch.bfloat16:
        raise TypeError(
            "got bfloat16, expected float32 or float64: modules of JAX take no autocast"
        )
    return jnp.array(tensor.detach().resolve_conj().numpy(force=True), copy=True)


def _torch(array: Any, device: torch.device | str = "cpu") -> torch.Tensor:
    """Copy an array; a shape and a type give a tensor without numbers."""
    if isinstance(array, jax.ShapeDtypeStruct):
        kind = torch.from_numpy(np.empty(0, array.dtype)).dtype
        return torch.empty(array.shape, dtype=kind, device=device)
    return torch.from_numpy(np.array(array)).to(device)


def _name(path: Any) -> str:
    """Name of a leaf, by its attributes and places, as torch allows them."""
    return jax.tree_util.keystr(path, simple=True, separator="/").replace(".", "_") or "values"

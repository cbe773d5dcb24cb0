"""A trained model as a tracker: its states over time and its transitions, as arrays.

They are what `seqtheory.diagnostics` judges, for any recurrent mixer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float, Int

from seqtheory.checks import require_integer, require_memory

from .mixers.recurrent import is_recurrent
from .model.embedding import TokenEmbedding
from .model.layer import Layer
from .model.network import ModelState, SequenceModel


class Trace(NamedTuple):
    """What a model did along sequences: `trace` makes one.

    Attributes
    ----------
    states
        State of one layer's mixer after each token, ``(batch, time, n)``, float64. The parts of a
        state follow one another; a complex number is its real and its imaginary part.
    outputs
        Outputs of the model, ``(batch, time, size)``, float64.
    """

    states: Float[np.ndarray, "batch time n"]
    outputs: Float[np.ndarray, "batch time size"]


class Transitions(NamedTuple):
    r"""How each token moves the state near a point: `transitions` makes one.

    .. math:: h \mapsto M(a)\, h + b(a), \qquad M(a) = \frac{\partial f_a}{\partial h}(h_0), \quad
              b(a) = f_a(h_0) - M(a)\, h_0

    Attributes
    ----------
    matrices, offsets
        M, ``(token, n, n)``, and b, ``(token, n)``, float64.
    linearity
        Greatest relative difference between :math:`M(a) h + b(a)` and the true step, at a second
        point: rounding (about 1e-6 in float32) for a mixer that is affine in its state.
    """

    matrices: Float[np.ndarray, "token n n"]
    offsets: Float[np.ndarray, "token n"]
    linearity: float


def trace(model: SequenceModel, tokens: Int[np.ndarray, "batch time"], layer: int = -1) -> Trace:
    """Run a model along token sequences, one position at a time, and keep its states.

    Parameters
    ----------
    model
        A model with token inputs and a recurrent mixer. It runs in evaluation mode, and is put back
        into its own afterwards.
    tokens
        Integers below the model's vocabulary.
    layer
        Index of the layer whose state is kept; the last by default.

    Raises
    ------
    TypeError, ValueError
        If the mixer has no `step`, the layer does not exist, or the tokens are no tokens.
    MemoryError
        If the states do not fit this machine.
    """
    words = torch.as_tensor(np.asarray(tokens), device=next(model.parameters()).device)
    if words.ndim != 2 or words.numel() == 0:
        raise ValueError(f"tokens have shape {tuple(words.shape)}, expected (batch, time).")
    _check_layer(model, layer)
    states, outputs = [], []
    with torch.no_grad(), _evaluation(model):
        state: ModelState = model.initial_state(len(words))
        axes = _batch_axes(model, layer)
        size = _flat(state.layers[layer], axes).shape[1]
        require_memory(16 * size * words.numel(), f"states of {size} numbers at every position")
        for k in range(words.shape[1]):
            output, state = model.step(words[:, k], state)
            states.append(_array(_flat(state.layers[layer], axes)))
            outputs.append(_array(output))
    return Trace(np.stack(states, axis=1), np.stack(outputs, axis=1))


def transitions(
    model: SequenceModel,
    tokens: Sequence[int] | Int[np.ndarray, " token"] | None = None,
    *,
    point: Float[np.ndarray, " n"] | None = None,
) -> Transitions:
    r"""Transition of the first layer's state per token: the Jacobian of `step`.

    Parameters
    ----------
    model
        A model with token inputs and a recurrent mixer. The first layer sees nothing but the token,
        so that its transition is a function of it; a deeper one sees the layers before it.
    tokens
        Which tokens; None for the whole vocabulary.
    point
        State :math:`h_0` at which to differentiate, as a row of `Trace.states`; None for the
        initial state. It matters for a mixer that is not affine in its state (RNN, LSTM, and a
        Mamba block, whose convolution precedes a nonlinearity).

    Returns
    -------
    Matrices and offsets, with a measure of how linear the mixer is.

    Raises
    ------
    TypeError, ValueError
        If the mixer has no `step`, the inputs are no tokens, positions are added to them, or the
        point has the wrong size.
    MemoryError
        If token n**2 numbers do not fit this machine.

    Notes
    -----
    One step and one backward pass per token, on n copies of the state: row j of the Jacobian is
    the gradient of entry j of the j-th copy.

    Examples
    --------
    >>> from seq_torch import LinearCDEConfig, SequenceModelConfig, StepOutput, TokenInput
    >>> cde = LinearCDEConfig(state_dim=3)
    >>> shape = {"input": TokenInput(vocabulary=5), "output": StepOutput(size=5), "width": 4}
    >>> model = SequenceModelConfig(mixer=cde, **shape).build(0)
    >>> found = transitions(model)
    >>> found.matrices.shape, found.linearity < 1e-5
    ((5, 3, 3), True)
    """
    embedding = model.embedding
    if not isinstance(embedding, TokenEmbedding) or model.config.has_positions:
        raise TypeError(
            "transitions per token need TokenInput and no positions: otherwise what a token does "
            "depends on more than the token."
        )
    named = np.arange(embedding.vocabulary) if tokens is None else np.asarray(tokens)
    words = torch.as_tensor(named, device=embedding.table.device)
    if words.ndim != 1 or not len(words):
        raise ValueError(f"tokens have shape {tuple(words.shape)}, expected (token,).")
    with _evaluation(model):
        initial = model.initial_state(1)
        stepper = _Stepper(model, initial.layers[0])
        start = stepper.start if point is None else stepper.point(point)
        require_memory(24 * len(start) ** 2 * len(words), f"{len(words)} transitions")
        inputs = model.embedding.checked(words[:, None], None)[:, 0]
        found = [stepper.linearised(embedding.table[token], start) for token in inputs]
    matrices, offsets, errors = zip(*found, strict=True)
    return Transitions(np.stack(matrices), np.stack(offsets), max(errors))


class _Stepper:
    """The first layer's step as a function of flat states."""

    def __init__(self, model: SequenceModel, template: Any):
        first = model.layers[0]
        self.axes, self.template = _batch_axes(model, 0), template
        self.layer = cast("Layer", first)  # or a wrapper that shows its parts
        self.start = _flat(template, self.axes)[0].detach()

    def point(self, values: np.ndarray) -> torch.Tensor:
        """Check a point and bring it to the model's type."""
        point = torch.as_tensor(np.asarray(values), dtype=self.start.dtype).to(self.start.device)
        if point.shape != self.start.shape:
            raise ValueError(
                f"point has shape {tuple(point.shape)}, expected {tuple(self.start.shape)}: one "
                "row of the states of `trace(model, tokens, layer=0)`."
            )
        return point

    def step(self, x: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """States (row, n) after the input x, (row, n)."""
        parts = iter(_parts(self.template, states, self.axes))
        rows = self.layer.before(x.expand(len(states), -1))
        assert is_recurrent(self.layer.mixer)  # `initial_state` has checked it
        return _flat(self.layer.mixer.step(rows, _rebuilt(self.template, parts))[1], self.axes)

    def linearised(
        self, x: torch.Tensor, start: torch.Tensor
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Jacobian and offset at a point, and how far the step is from them at another one."""
        copies = start.repeat(len(start), 1).requires_grad_()
        with torch.enable_grad():
            after = self.step(x.detach(), copies)
            (jacobian,) = torch.autograd.grad(after.diagonal().sum(), copies)
        M, after = jacobian.double(), after[0].detach().double()
        offset = after - M @ start.double()
        drawn = np.random.default_rng(0).standard_normal(len(start))
        other = torch.from_numpy(drawn).to(start)
        with torch.no_grad():
            true = self.step(x, other[None])[0].double()
        wrong = torch.linalg.vector_norm(M @ other.double() + offset - true)
        size = torch.linalg.vector_norm(true) + torch.linalg.vector_norm(offset)
        return _array(M), _array(offset), float(wrong / size.clamp_min(1e-30))


class _evaluation:  # noqa: N801 - read as a verb: with _evaluation(model)
    """Evaluation mode, and the former modes again afterwards."""

    def __init__(self, model: torch.nn.Module):
        self.modes = [(module, module.training) for module in model.modules()]

    def __enter__(self) -> None:
        for module, _ in self.modes:
            module.training = False

    def __exit__(self, *error: object) -> None:
        for module, mode in self.modes:
            module.training = mode


def _check_layer(model: SequenceModel, layer: int) -> None:
    depth = len(model.layers)
    require_integer("layer", layer, minimum=-depth)
    if layer >= depth:
        raise ValueError(f"layer={layer}, but the model has {depth} (0..{depth - 1}).")


def _leaves(state: Any) -> Iterator[torch.Tensor]:
    """Tensors of a mixer's state, which may be nested in tuples."""
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from _leaves(part)
    elif state is not None:
        raise TypeError(
            f"a mixer's state holds a {type(state).__name__}; expected tensors in tuples."
        )


def _rebuilt(template: Any, parts: Iterator[torch.Tensor]) -> Any:
    """Nest tensors as the template is nested."""
    if isinstance(template, torch.Tensor):
        return next(parts)
    if isinstance(template, tuple):
        inner = [_rebuilt(part, parts) for part in template]
        return type(template)(*inner) if hasattr(template, "_fields") else tuple(inner)
    return template


def _batch_axes(model: SequenceModel, layer: int) -> list[int]:
    """Axis of each tensor of the state that counts the sequences: the one that follows them."""
    two, three = (_leaves(model.initial_state(size).layers[layer]) for size in (2, 3))
    axes = []
    for one, other in zip(two, three, strict=True):
        pairs = enumerate(zip(one.shape, other.shape, strict=True))
        axes.append(next(axis for axis, sizes in pairs if sizes == (2, 3)))
    return axes


def _flat(state: Any, axes: Sequence[int]) -> torch.Tensor:
    """State as one real vector per sequence."""
    parts = []
    for leaf, axis in zip(_leaves(state), axes, strict=True):
        rows = leaf.movedim(axis, 0)
        real = torch.view_as_real(rows.resolve_conj()) if rows.is_complex() else rows
        parts.append(real.flatten(1))
    return torch.cat(parts, dim=1)


def _parts(template: Any, states: torch.Tensor, axes: Sequence[int]) -> Iterator[torch.Tensor]:
    """Cut flat states into tensors with the shapes and types of the template's."""
    start = 0
    for leaf, axis in zip(_leaves(template), axes, strict=True):
        shape = leaf.movedim(axis, 0).shape[1:]
        full = (*shape, 2) if leaf.is_complex() else shape
        count = int(np.prod(full))
        part = states[:, start : start + count].unflatten(1, full) if full else states[:, start]
        start += count
        part = torch.view_as_complex(part.contiguous()) if leaf.is_complex() else part
        yield part.to(leaf.dtype).movedim(0, axis).contiguous()


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()

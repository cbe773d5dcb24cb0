"""The module of a sequence model: whole sequences, or one position at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import nn

from seqtheory import _sequences
from seqtheory.checks import require_integer

from ..capacity import require_states
from ..mixers.recurrent import Shared, is_recurrent
from .embedding import TokenEmbedding, sinusoids
from .layer import Layer
from .readout import StepOutput, checked_mask, pool, pool_on

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped

    from .model import SequenceModelConfig


class ModelState(NamedTuple):
    """What a model remembers between two calls of `SequenceModel.prefill` or `step`.

    Attributes
    ----------
    layers
        States of the mixers.
    batch_size
        Rows.
    position
        Number of positions so far.
    pooled
        What the readout needs of these positions, ``(batch, width)``: their sum for `MeanOutput`,
        the last of them for `LastOutput`; None for `StepOutput`, and before the first position.
    """

    layers: tuple[Any, ...]
    batch_size: int
    position: int
    pooled: torch.Tensor | None


class SequenceModel(nn.Module):
    """Module of `SequenceModelConfig`; build it with `SequenceModelConfig.build(seed)`."""

    def __init__(self, config: SequenceModelConfig):
        super().__init__()
        self.config = config
        self.embedding = config.input.build(config.width)
        self.position_dropout = nn.Dropout(config.position_dropout)
        self.layers = nn.ModuleList(Layer(config, index=i) for i in range(config.depth))
        self.readout = nn.Linear(config.width, config.output.size)

    def forward(
        self,
        inputs: Shaped[torch.Tensor, "batch time ..."],
        mask: Bool[torch.Tensor, "batch time"] | None = None,
    ) -> Float[torch.Tensor, "batch ... size"]:
        """Map whole sequences to outputs.

        Parameters
        ----------
        inputs
            Tokens ``(batch, time)`` for `TokenInput`, ``(batch, time, channel)`` for `LinearInput`.
        mask
            True at valid positions, which come first in each row; what stands elsewhere has no
            influence on any output, statistic or gradient. None where all are valid.

        Returns
        -------
        ``(batch, time, size)`` for `StepOutput`, otherwise ``(batch, size)``. A NaN among the
        valid inputs gives NaN in the outputs that depend on it.

        Raises
        ------
        TypeError, ValueError
            If shape, dtype, token range or mask are wrong, or there is no position at all.
        """
        _check_tensor(inputs)
        _sequences.check_inputs(tuple(inputs.shape))
        mask = checked_mask(mask, inputs)
        checked = self.embedding.checked(inputs, mask)
        x = self._embedded(checked, start=0)
        source, shared = self._source(checked), self._shared()
        for index, layer in enumerate(self.layers):
            more = (source if index == 0 else None, *shared)
            x = layer(x, mask, *more) if more != (None,) else layer(x, mask)
        y = self.readout(pool(self.config.output, x, mask))
        if mask is not None and isinstance(self.config.output, StepOutput):
            y = y.masked_fill(~mask[..., None], 0.0)
        return y

    def mixed(
        self, inputs: Shaped[torch.Tensor, "batch time ..."]
    ) -> Float[torch.Tensor, "batch time width"]:
        """Output of the last layer's mixer, before activation, mixing and readout.

        Parameters
        ----------
        inputs
            As `forward` takes them, all positions valid.
        """
        x = self._embedded(self.embedding.checked(inputs, None), start=0)
        (*before, last), shared = self._sequence(), self._shared()
        for layer in before:
            x = layer(x, None, None, *shared)
        return last.mixer(last.before(x), *shared)

    def initial_state(self, batch_size: int) -> ModelState:
        """State before the first position, for streams of `batch_size` rows.

        Raises
        ------
        TypeError
            If the mixer is not recurrent, or not causal.
        """
        require_integer("batch_size", batch_size, minimum=1)
        states = []
        for layer in self._sequence():
            if not is_recurrent(layer.mixer) or not self.config.mixer.causal:
                raise _sequences.no_step(self.config.mixer, causal=self.config.mixer.causal)
            require_states(layer.mixer.initial_state(1), batch_size * len(self.layers))
            states.append(layer.mixer.initial_state(batch_size))
        return ModelState(tuple(states), batch_size, 0, None)

    def prefill(
        self,
        inputs: Shaped[torch.Tensor, "batch time ..."],
        state: ModelState | None = None,
        mask: Bool[torch.Tensor, "batch time"] | None = None,
    ) -> tuple[Float[torch.Tensor, "batch ... size"], ModelState]:
        """Map the next part of whole sequences, and give the state that `step` goes on from.

        Parameters
        ----------
        inputs
            As `forward` takes them. A part may have no position, if the output can do without.
        state
            From `initial_state`, or from the call before; None at the first position.
        mask
            None, or True everywhere.

        Returns
        -------
        What forward returns on the sequence so far (at the positions of this part, for
        `StepOutput`), and the state after it.

        Raises
        ------
        TypeError
            If the mixer is not recurrent, or not causal.
        ValueError
            If a mask hides a position: the state would have passed over it. Also as `step` does.
        """
        _check_tensor(inputs)
        checked = self.embedding.checked(inputs, None)
        if checked_mask(mask, inputs) is not None:
            raise ValueError(
                "got a mask that hides positions, but a state goes through every position of its "
                "row. Give rows of one length in each call, without padding."
            )
        state = self.initial_state(len(inputs)) if state is None else state
        self._check_rows(inputs, state)
        x = self._embedded(checked, start=state.position)
        layers, shared = [], self._shared()
        for layer, layer_state in zip(self._sequence(), state.layers, strict=True):
            x, layer_state = layer.prefill(x, layer_state, *shared)
            layers.append(layer_state)
        return self._read_on(x, layers, state)

    def step(
        self, x_k: Shaped[torch.Tensor, "batch ..."], state: ModelState
    ) -> tuple[Float[torch.Tensor, "batch size"], ModelState]:
        """Advance by one position.

        Parameters
        ----------
        x_k
            Tokens ``(batch,)`` or channels ``(batch, channel)``.
        state
            From `initial_state`, or from the call before.

        Returns
        -------
        What forward returns on the sequence so far (at its last position, for `StepOutput`).

        Raises
        ------
        ValueError
            If `x_k` has another number of rows than the state, or in training mode with batch
            normalisation, whose statistics need whole sequences.
        """
        self._check_rows(x_k, state)
        checked = self.embedding.checked(x_k[:, None], None)
        x = self._embedded(checked, start=state.position)[:, 0]
        layers, shared = [], self._shared()
        for layer, layer_state in zip(self._sequence(), state.layers, strict=True):
            x, layer_state = layer.step(x, layer_state, *shared)
            layers.append(layer_state)
        y, state = self._read_on(x[:, None], layers, state)
        return (y[:, 0] if isinstance(self.config.output, StepOutput) else y), state

    def _check_rows(self, inputs: torch.Tensor, state: ModelState) -> None:
        if self.training and self.config.norm == "batch":
            raise ValueError(
                "a state with norm='batch' needs its final statistics: call model.eval()."
            )
        _sequences.check_rows(len(inputs), state.batch_size)

    def _read_on(
        self, x: torch.Tensor, layers: list[Any], state: ModelState
    ) -> tuple[torch.Tensor, ModelState]:
        """Read the output after these positions of the last layer, and make the next state."""
        position = state.position + x.shape[1]
        y, pooled = pool_on(self.config.output, x, state.pooled, position)
        return self.readout(y), ModelState(tuple(layers), state.batch_size, position, pooled)

    def _sequence(self) -> list[Layer]:
        """Layers whose parts are used one by one; a wrapper must show those of what it wraps."""
        for index, layer in enumerate(self.layers):
            if not all(
                hasattr(layer, part) for part in ("before", "mixer", "after", "prefill", "step")
            ):
                raise TypeError(
                    f"layers[{index}] is a {type(layer).__name__}, which hides the mixer and the "
                    "`step` of the layer that it wraps. Call the model on whole sequences, or put "
                    "the layer itself back."
                )
        return cast("list[Layer]", list(self.layers))

    def _shared(self) -> tuple[Shared, ...]:
        """Give what mixers that hand on something need in one call, and others do not."""
        return (Shared(),) if self.config.mixer.shares else ()

    def _embedded(self, checked: torch.Tensor, *, start: int) -> torch.Tensor:
        x = self.embedding(checked)
        if not self.config.has_positions:
            return x
        positions = sinusoids(x.shape[1], self.config.width, start=start)
        return self.position_dropout(x + positions.to(x))

    def _source(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Table and tokens, where the first mixer sees nothing else."""
        bare = not self.config.has_positions and self.config.norm_position == "post"
        if bare and isinstance(self.embedding, TokenEmbedding):
            return self.embedding.table, tokens
        return None


def _check_tensor(inputs: object) -> None:
    if not isinstance(inputs, torch.Tensor):
        raise TypeError(
            f"got inputs of type {type(inputs).__name__}, expected a torch.Tensor; convert "
            "them with torch.as_tensor(inputs)."
        )

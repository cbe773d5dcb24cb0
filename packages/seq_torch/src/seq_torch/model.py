"""A sequence model: input, layers around one mixer, output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import nn

from seqtheory._settings import require_choice, require_flag, require_integer

from .embedding import LinearInput, TokenEmbedding, TokenInput, sinusoids
from .layer import Layer
from .mixers.mixer import MixerConfig, Recurrent, require_probability
from .readout import MeanOutput, Output, StepOutput, checked_mask, pool


@dataclass(frozen=True, kw_only=True)
class SequenceModelConfig:
    r"""Settings of a sequence model: `depth` layers of one mixer between an input and an output.

    With `order="published"` each layer is

    .. math:: x \leftarrow \mathrm{norm}(x + \mathrm{drop}(\mathrm{act}(W\,\mathrm{drop}(
              \mathrm{mixer}(x)) + b))),

    or with `norm_position="pre"` the norm acts on what the mixer sees instead. With
    `order="2024-05"` mixers are joined by ``W act(.) + b`` (activation *before* mixing), without
    residual and norm, and nothing follows the last mixer.

    Parameters
    ----------
    mixer
        What moves information along time.
    input
        `TokenInput(vocabulary=...)` or `LinearInput(channels=...)`.
    output
        `StepOutput(size=...)`, `MeanOutput(size=...)` or `LastOutput(size=...)`.
    width
        Channels between the layers, at least 1.
    depth
        Number of layers, at least 1.
    dropout
        Probability, in [0, 1), of dropping an entry after the mixer and after the activation.
    mixing
        Whether a linear map over channels follows the mixer (twice as wide for "glu").
    activation
        "glu" (published for A5), "gelu" (published for the toy task), "relu" or "none". With
        "none", no norm and a linear mixer the whole model is affine in its input.
    residual
        Whether a layer adds its input.
    norm
        "layer", "batch" or "none".
    norm_position
        "post", after the residual, or "pre", before the mixer.
    order
        "published" (the state at publication) or "2024-05" (the preprint's).
    positions
        "sinusoidal", "none", or "auto": sinusoidal for a mixer that needs them (Transformer).
    position_dropout
        Dropout after the positions are added; the published code hard-codes 0.1.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, is out of range or contradicts another; it is named.

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, section 5.
    """

    mixer: MixerConfig
    input: TokenInput | LinearInput
    output: Output
    width: int
    depth: int = 1
    dropout: float = 0.0
    mixing: bool = True
    activation: Literal["glu", "gelu", "relu", "none"] = "glu"
    residual: bool = True
    norm: Literal["layer", "batch", "none"] = "layer"
    norm_position: Literal["post", "pre"] = "post"
    order: Literal["published", "2024-05"] = "published"
    positions: Literal["auto", "sinusoidal", "none"] = "auto"
    position_dropout: float = 0.0

    def __post_init__(self) -> None:
        parts = (("mixer", MixerConfig), ("input", (TokenInput, LinearInput)), ("output", Output))
        for name, kind in parts:
            if not isinstance(getattr(self, name), kind):
                raise TypeError(
                    f"{name}={getattr(self, name)!r} is no {name} config; expected a value such "
                    f"as {_EXAMPLES[name]}."
                )
        require_integer("width", self.width, minimum=1)
        require_integer("depth", self.depth, minimum=1)
        for name in ("dropout", "position_dropout"):
            require_probability(name, getattr(self, name))
        require_flag("mixing", self.mixing)
        require_flag("residual", self.residual)
        require_choice("activation", self.activation, ("glu", "gelu", "relu", "none"))
        require_choice("norm", self.norm, ("layer", "batch", "none"))
        require_choice("norm_position", self.norm_position, ("post", "pre"))
        require_choice("order", self.order, ("published", "2024-05"))
        require_choice("positions", self.positions, ("auto", "sinusoidal", "none"))
        self._check_combination()

    @property
    def has_positions(self) -> bool:
        """Whether sinusoidal positions are added to the input."""
        return self.positions == "sinusoidal" or (
            self.positions == "auto" and self.mixer.needs_positions
        )

    def build(self, seed: int) -> SequenceModel:
        """Draw every parameter from this seed, on the CPU; torch's random state stays as it is.

        Raises
        ------
        TypeError, ValueError
            If the seed is not an integer in ``range(2**63)``.
        """
        require_integer("seed", seed, minimum=0)
        if seed >= 2**63:
            raise ValueError(f"seed={seed} is too large: it must be below 2**63.")
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            torch.default_generator.manual_seed(seed)
            return SequenceModel(self)

    def _check_combination(self) -> None:
        if self.activation == "glu" and not self.mixing:
            raise ValueError(
                "activation='glu' halves the channels, which mixing=True doubles first; got "
                "mixing=False. Choose 'gelu', 'relu' or 'none', or keep the mixing."
            )
        if self.order == "2024-05" and (
            self.residual or self.norm != "none" or self.activation == "glu"
        ):
            raise ValueError(
                "order='2024-05' has no residual and no norm, and its activation comes before the "
                f"mixing; got residual={self.residual}, norm={self.norm!r}, "
                f"activation={self.activation!r}. Set residual=False, norm='none' and "
                "activation='relu' (or 'gelu', 'none')."
            )


_EXAMPLES = {
    "mixer": "S5Config(state_dim=64)",
    "input": "TokenInput(vocabulary=60) or LinearInput(channels=2)",
    "output": "StepOutput(size=60), MeanOutput(size=1) or LastOutput(size=1)",
}


class ModelState(NamedTuple):
    """What a model remembers between two calls of `SequenceModel.step`."""

    layers: tuple[Any, ...]
    position: int
    total: torch.Tensor | None


class SequenceModel(nn.Module):
    """Module of `SequenceModelConfig`; build it with `SequenceModelConfig.build(seed)`."""

    def __init__(self, config: SequenceModelConfig):
        super().__init__()
        self.config = config
        self.embedding = config.input.build(config.width)
        self.position_dropout = nn.Dropout(config.position_dropout)
        last = config.depth - 1
        self.layers = nn.ModuleList(Layer(config, last=i == last) for i in range(config.depth))
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
        if inputs.ndim < 2 or inputs.shape[0] == 0 or inputs.shape[1] == 0:
            raise ValueError(
                f"got inputs of shape {tuple(inputs.shape)}: they hold no position. Give at least "
                "one row of at least one position."
            )
        mask = checked_mask(mask, inputs)
        checked = self.embedding.checked(inputs, mask)
        x = self._embedded(checked, start=0)
        for index, layer in enumerate(self.layers):
            x = self._looked_up(layer, checked, x, mask) if index == 0 else layer(x, mask)
        y = self.readout(pool(self.config.output, x, mask))
        if mask is not None and isinstance(self.config.output, StepOutput):
            y = y.masked_fill(~mask[..., None], 0.0)
        return y

    def initial_state(self, batch_size: int) -> ModelState:
        """State before the first position, for streams of `batch_size` rows.

        Raises
        ------
        TypeError
            If the mixer is not recurrent.
        """
        require_integer("batch_size", batch_size, minimum=1)
        mixers = [layer.mixer for layer in self.layers]
        if not all(isinstance(mixer, Recurrent) for mixer in mixers):
            raise TypeError(
                f"{type(self.config.mixer).__name__} has no `step`: it cannot run one position at "
                "a time. Call the model on the whole sequence."
            )
        states = tuple(mixer.initial_state(batch_size) for mixer in mixers)
        return ModelState(states, 0, None)

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
            In training mode with batch normalisation, whose statistics need whole sequences.
        """
        if self.training and self.config.norm == "batch":
            raise ValueError(
                "step with norm='batch' needs its final statistics: call model.eval()."
            )
        checked = self.embedding.checked(x_k[:, None], None)
        x = self._embedded(checked, start=state.position)[:, 0]
        layers = []
        for layer, layer_state in zip(self.layers, state.layers, strict=True):
            x, layer_state = layer.step(x, layer_state)
            layers.append(layer_state)
        position, total = state.position + 1, None
        if isinstance(self.config.output, MeanOutput):
            total = x if state.total is None else state.total + x
            x = total / position
        return self.readout(x), ModelState(tuple(layers), position, total)

    def _embedded(self, checked: torch.Tensor, *, start: int) -> torch.Tensor:
        x = self.embedding(checked)
        if not self.config.has_positions:
            return x
        positions = sinusoids(x.shape[1], self.config.width, start=start)
        return self.position_dropout(x + positions.to(x))

    def _looked_up(
        self, layer: Layer, tokens: torch.Tensor, x: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Run the first layer; a mixer with a `lookup` is told which token stands where."""
        tabled = isinstance(self.embedding, TokenEmbedding) and not self.config.has_positions
        if not tabled or layer.config.norm_position == "pre" or not hasattr(layer.mixer, "lookup"):
            return layer(x, mask)
        return layer.after(x, layer.mixer.lookup(self.embedding.weight, tokens), mask)

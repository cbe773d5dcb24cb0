"""A sequence model: input, layers around one mixer, output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqtheory import plain
from seqtheory.checks import (
    require_choice,
    require_flag,
    require_fraction,
    require_integer,
    require_memory,
)

from .inputs import LinearInput, TokenInput
from .mixer import Mixer, Settings
from .outputs import Output

_BYTES_OF_LAYER = 20_000  # size of a layer's objects, without their arrays
_EXAMPLES = {
    "mixer": "S5Config(state_dim=64)",
    "input": "TokenInput(vocabulary=60) or LinearInput(channels=2)",
    "output": "StepOutput(size=60), MeanOutput(size=1) or LastOutput(size=1)",
}


@dataclass(frozen=True, kw_only=True)
class SequenceModel(Settings):
    r"""Settings of a sequence model: `depth` layers of one mixer between an input and an output.

    With `order="published"` each layer is

    .. math:: x \leftarrow \mathrm{norm}(x + \mathrm{drop}(\mathrm{act}(W\,\mathrm{drop}(
              \mathrm{mixer}(x)) + b))),

    or, with `norm_position="pre"`, the norm acts on the mixer's input instead. With
    `order="2024-05"` mixers are joined by ``W act(.) + b`` (activation *before* mixing), without
    residual and norm, and nothing follows the last mixer.

    Parameters
    ----------
    mixer
        Settings of the map that moves information along time.
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
        If a setting has the wrong type, is out of range or contradicts another; the message names
        it.

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, section 5.
    """

    mixer: Mixer
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
        self._check_parts()
        require_integer("width", self.width, minimum=1)
        require_integer("depth", self.depth, minimum=1)
        for name in ("dropout", "position_dropout"):
            require_fraction(name, getattr(self, name), zero=True)
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

    def require_memory(self, ends: int, layer: int) -> None:
        """Raise MemoryError unless `ends` bytes and `layer` bytes for each layer fit."""
        require_memory(
            ends + self.depth * (layer + _BYTES_OF_LAYER),
            f"a model with width={self.width}, depth={self.depth}, mixer={self.mixer}, "
            f"input={self.input} and output={self.output}",
        )

    def _check_parts(self) -> None:
        """Raise unless mixer, input and output belong to the framework of this model."""
        package = type(self).__module__.partition(".")[0]
        for name, example in _EXAMPLES.items():
            value = getattr(self, name)
            if not isinstance(value, plain.members(plain.field_types(type(self))[name])):
                found = f"a {type(value).__name__} of {type(value).__module__}"
                raise TypeError(
                    f"{name}={value!r}, {found}: expected the {name} settings of {package}, such "
                    f"as {example}"
                )

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

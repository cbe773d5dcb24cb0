"""Settings of a sequence model: input, layers around one mixer, output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_fraction,
    require_integer,
    require_memory,
)

from .capacity import bytes_when_built
from .embedding import LinearInput, TokenInput
from .layer import Layer
from .mixer import MixerConfig
from .network import SequenceModel
from .readout import Output

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import PRNGKeyArray

_BYTES_OF_LAYER = 20_000  # of the objects that hold its arrays


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
        "glu", "gelu", "relu" or "none".
    residual
        Whether a layer adds its input.
    norm
        "layer", "batch" or "none".
    norm_position
        "post", after the residual, or "pre", before the mixer.
    order
        "published" or "2024-05".
    positions
        "sinusoidal", "none", or "auto": none, since these mixers know the order of their inputs.
    position_dropout
        Dropout after the positions are added.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, is out of range or contradicts another; it is named.

    Notes
    -----
    Names, fields and meanings are those of the package's twin in torch, with which it shares the
    files of `save` and `load`.
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
                raise TypeError(f"{name}={getattr(self, name)!r} is no {name} config of JAX.")
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

    def build(self, key: PRNGKeyArray, *, dtype: DTypeLike | None = None) -> SequenceModel:
        """Draw every parameter from this key, in JAX's default floating type or another one.

        Raises
        ------
        MemoryError
            If the parameters do not fit this machine.
        """
        chosen = jnp.dtype(dtype or jax.dtypes.canonicalize_dtype(float))
        if not isinstance(key, Tracer):
            self._require_memory(chosen)
        return SequenceModel(self, dtype=chosen, key=key)

    def _require_memory(self, dtype: DTypeLike) -> None:
        ends = bytes_when_built(
            lambda key: (
                self.input.build(self.width, dtype=dtype, key=key),
                eqx.nn.Linear(self.width, self.output.size, dtype=dtype, key=key),
            )
        )
        last = self.depth == 1
        layer = bytes_when_built(lambda key: Layer(self, last=last, dtype=dtype, key=key))
        require_memory(
            ends + self.depth * (layer + _BYTES_OF_LAYER),
            f"a model with width={self.width}, depth={self.depth}, mixer={self.mixer}, "
            f"input={self.input} and output={self.output}",
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

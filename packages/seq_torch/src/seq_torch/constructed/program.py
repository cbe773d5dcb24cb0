r"""Layers of the bare S6 as programs: sums of products along a path.

A layer of channels c and modes n computes

.. math:: y_c(k) = \sum_n C_n(k) \sum_{j \le k} \Delta_c(j)\, B_n(j)\, x_c(j)
          \prod_{j < s \le k} r_{cn}^{\Delta_c(s) / b},

where B, C and what a step exceeds b by are linear in the layer's input. So it sums products of up
to three of its inputs (r = 1), gives them at once (r = 0) or one position late (the difference of a
small r and r = 0, over r), and by the derivative at r = 1 integrates against later inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import TypeAlias, cast

import numpy as np
import torch
from torch import nn

from ..mixers.mamba import MambaConfig, SelectiveRecurrence
from ..model import LastOutput, LinearInput, MeanOutput, SequenceModel, SequenceModelConfig
from ..model.embedding import LinearEmbedding
from ..model.layer import Layer
from .selection import set_selection

Form: TypeAlias = Mapping[str, float]
"""A linear form in named features of the stream; "1" is the constant."""

STEP = 32.0  # b: softplus is the identity above 20
ANSWER = "answer"
_ERASED, _KEPT, _SHUT = log(1e3), -60.0, -800.0  # log rates of factors 0 and 1; bias of no step


@dataclass(frozen=True)
class Channel:
    """What drives a channel, its factor r in each mode, and by which feature its step exceeds b."""

    drive: Form
    factors: tuple[float, ...]
    excess: str | None = None
    strength: float = 1.0


@dataclass(frozen=True)
class Program:
    """A layer: B and C of each mode, channels, and the features that it writes.

    A feature is a form in what is fed, and one in the outputs of the channels. The last layer
    writes the feature `ANSWER`.
    """

    modes: tuple[tuple[Form, Form], ...]
    channels: Mapping[str, Channel]
    features: Mapping[str, tuple[Form, Form]]


def assembled(
    programs: Sequence[Program],
    fed: Sequence[str],
    output: MeanOutput | LastOutput,
    *,
    input_dependent_C: bool,
    scale: float,
    dtype: torch.dtype,
) -> SequenceModel:
    """Build the model that runs programs one after another; its output is `scale` times the answer.

    Layers are those of the published arrangement without activation, x + W mixer(x).
    """
    stream = _Stream(programs, fed)
    mixer = MambaConfig(
        block=False,
        state_dim=max(len(program.modes) for program in programs),
        input_dependent_C=input_dependent_C,
        step_rank=max(1, *(len(_excesses(program)) for program in programs)),
    )
    model = SequenceModelConfig(
        mixer=mixer,
        input=LinearInput(channels=len(fed)),
        output=output,
        width=len(stream.places),
        depth=len(programs),
        activation="none",
        norm="none",
    ).build(0)
    model = model.to(dtype).eval()
    with torch.no_grad():
        stream.set_ends(model, fed, scale)
        for index, program in enumerate(programs):
            layer = cast("Layer", model.layers[index])
            _set_mixer(cast("SelectiveRecurrence", layer.mixer), program, index, stream)
            mixing = cast("nn.Linear", layer.mixing)
            mixing.weight.copy_(torch.from_numpy(stream.mixing(index)))
            mixing.bias.zero_()
    return model


class _Stream:
    """Channels of the stream: features, what drives each channel of each layer, the answer."""

    def __init__(self, programs: Sequence[Program], fed: Sequence[str]):
        self.programs = programs
        written = [name for program in programs for name in program.features]
        drives = [_key(i, name) for i, p in enumerate(programs) for name in p.channels]
        self.places = {name: i for i, name in enumerate(["1", *fed, *written, *drives])}
        self.derived = {f: parts for program in programs for f, parts in program.features.items()}

    def row(self, form: Form) -> np.ndarray:
        """Give the map from the stream to a form in its features."""
        found = np.zeros(len(self.places))
        for name, factor in form.items():
            found[self.places[name]] = factor
        return found

    def set_ends(self, model: SequenceModel, fed: Sequence[str], scale: float) -> None:
        """Write what is fed into the stream, and read the answer off it."""
        table = np.zeros((len(self.places), len(fed) + 1))  # the bias last
        number = {name: i for i, name in enumerate(fed)} | {"1": len(fed)}
        contents = {name: {name: 1.0} for name in number}
        contents |= {name: form for name, (form, _) in self.derived.items()}
        for index, program in enumerate(self.programs):
            for name, channel in program.channels.items():
                contents[_key(index, name)] = self._fed_part(channel.drive)
        for name, form in contents.items():
            for feature, factor in form.items():
                table[self.places[name], number[feature]] = factor
        linear = cast("LinearEmbedding", model.embedding).linear
        linear.weight.copy_(torch.from_numpy(table[:, :-1]))
        linear.bias.copy_(torch.from_numpy(table[:, -1]))
        model.readout.weight.copy_(torch.from_numpy(self.row({ANSWER: scale})[None]))
        model.readout.bias.zero_()

    def mixing(self, index: int) -> np.ndarray:
        """Give the map that adds what a layer computes to its features, and to later drives."""
        found = np.zeros((len(self.places),) * 2)
        written = self.programs[index].features
        for name, (_, outputs) in written.items():
            found[self.places[name]] = self.row(_keyed(index, outputs, 1.0))
        for later, program in enumerate(self.programs[index + 1 :], index + 1):
            for name, channel in program.channels.items():
                for feature, factor in channel.drive.items():
                    if feature in written:
                        outputs = _keyed(index, written[feature][1], factor)
                        found[self.places[_key(later, name)]] += self.row(outputs)
        return found

    def _fed_part(self, drive: Form) -> dict[str, float]:
        """Give the part of a form that what is fed decides."""
        found: dict[str, float] = {}
        for feature, factor in drive.items():
            for name, inner in self.derived.get(feature, ({feature: 1.0}, {}))[0].items():
                found[name] = found.get(name, 0.0) + factor * inner
        return found


def _set_mixer(mixer: SelectiveRecurrence, program: Program, index: int, stream: _Stream) -> None:
    width, modes = mixer.width, len(program.modes)
    B, C = np.zeros((2, mixer.state_dim, width))
    for n, (into, out) in enumerate(program.modes):
        B[n], C[n] = stream.row(into), stream.row(out)
    step, rates = np.full(width, _SHUT), np.full((width, mixer.state_dim), _ERASED)
    excesses = _excesses(program)
    along = np.array([stream.row({name: 1.0}) for name in excesses]).reshape(-1, width)
    slope = np.zeros((width, len(excesses)))
    for name, channel in program.channels.items():
        place = stream.places[_key(index, name)]
        step[place] = STEP
        rates[place, :modes] = [_log_rate(factor) for factor in channel.factors]
        if channel.excess is not None:
            slope[place, excesses.index(channel.excess)] = channel.strength
    fixed = C[:, stream.places["1"]]
    set_selection(
        mixer,
        B=B,
        C=C if mixer.C is None else fixed,
        step=step,
        log_decay=rates,
        skip=np.zeros(width),
        slope=slope,
        along=along,
    )


def _excesses(program: Program) -> list[str]:
    held = (channel.excess for channel in program.channels.values())
    return sorted({name for name in held if name is not None})


def _log_rate(factor: float) -> float:
    """Log rate of a state that a step of b multiplies by this factor."""
    if factor in (0.0, 1.0):
        return _KEPT if factor else _ERASED
    return log(-log(factor) / STEP)


def _key(index: int, name: str) -> str:
    return f"{index}.{name}"


def _keyed(index: int, outputs: Form, factor: float) -> dict[str, float]:
    return {_key(index, name): factor * value for name, value in outputs.items()}

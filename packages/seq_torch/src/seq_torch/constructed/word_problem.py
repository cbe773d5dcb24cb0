r"""Stacks of blocks that multiply the letters of a word, set by hand: what depth can represent.

Block d delays by :math:`2^{d-1}` positions and multiplies two matrices by its gates,

.. math:: P_d(t) = P_{d-1}(t - 2^{d-1})\, P_{d-1}(t), \qquad P_0(t) = \rho(x_t),

so that the product of the last :math:`2^d` letters stands in the stream after block d.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from seqtheory.checks import require_integer
from seqtheory.representation import Representation

from ..mixers.mamba import MambaConfig
from ..mixers.s4 import S4Config
from ..mixers.s4d import S4DConfig
from ..model import SequenceModel, SequenceModelConfig, StepOutput, TokenInput
from .delays import ConvolvedDelay, Delay, SelectedDelay

if TYPE_CHECKING:
    from ..model.embedding import TokenEmbedding

_OPEN = 40.0  # a gate of sigmoid(40), which is 1 in float64


def word_problem(
    representation: Representation,
    length: int,
    *,
    depth: int | None = None,
    mixer: S4Config | S4DConfig | MambaConfig | None = None,
    epsilon: float | None = None,
    dtype: torch.dtype = torch.float32,
) -> SequenceModel:
    r"""Build a stack of published blocks that gives the running products of words.

    Every block is :math:`x \leftarrow \mathrm{LayerNorm}(x + \mathrm{GLU}(W\,\mathrm{mixer}(x) +
    b))`, with nothing left out. Two gates make a product of two numbers,

    .. math:: a\,\sigma(\epsilon b) - a\,\sigma(-\epsilon b) = a \tanh(\epsilon b / 2)
              \approx \tfrac{\epsilon}{2}\, a b.

    Parameters
    ----------
    representation
        Orthogonal matrices of the group. Of n dimensions they take :math:`8 (2 n^3 + 1)` channels:
        440 for A5 by rotations of space.
    length
        Longest word that the mixers' delays are set for.
    depth
        Blocks; None for as many as such words need, :math:`\lceil \log_2 length \rceil`. The output
        is the product of the last :math:`2^{depth}` letters.
    mixer
        S4 or S4D, with a conjugate pair for every two positions, or the bare S6, with a state for
        every position and C from the input; None for S4.
    epsilon
        Slope of the gates; None for the cube root of the rounding unit.
    dtype
        float32 or float64.

    Returns
    -------
    The model, in evaluation mode; its greatest output at a position is the product up to there.

    Raises
    ------
    TypeError, ValueError
        If the mixer is of another kind, or its state is too small for this length.

    Notes
    -----
    A product of two matrices is right to about :math:`\epsilon^2 / 12`, by which the sigmoid is not
    straight, and to the rounding unit over :math:`\epsilon`, as the two gates of a product nearly
    cancel. Half the least distance between two elements of A5 is .83, so float32 is ample.

    The norm does nothing: channels come in pairs of opposite sign, and the squares of all products
    of the entries of two orthogonal matrices have the same sum whatever the matrices. Channels
    written by one block are cleared by the next, through the residual, while it writes others.

    Examples
    --------
    >>> import torch
    >>> from seqtheory.representation import representation
    >>> rotations = representation("A5")
    >>> model = word_problem(rotations, length=8)
    >>> words = np.array([[7, 31, 59, 2, 40, 11, 23, 5]])
    >>> products = rotations.group.running_products(words)
    >>> found = model(torch.from_numpy(words)).argmax(-1).numpy()
    >>> len(model.layers), bool((found == products).all())
    (3, True)
    """
    require_integer("length", length, minimum=1)
    depth = max(1, (length - 1).bit_length()) if depth is None else depth
    chosen = mixer or S4Config(state_dim=max(1, -(-length // 2)))
    delay = _delay(chosen, representation.dimension, length, float(torch.finfo(dtype).eps))
    order = representation.group.order
    config = SequenceModelConfig(
        mixer=chosen,
        input=TokenInput(vocabulary=order),
        output=StepOutput(size=order),
        width=delay.layout.width,
        depth=depth,
    )
    model = config.build(0).to(dtype).eval()
    slope = float(torch.finfo(dtype).eps) ** (1 / 3) if epsilon is None else epsilon
    with torch.no_grad():
        _set_ends(model, delay, representation, slope)
        for index, layer in enumerate(model.layers):
            delay.set_mixer(layer.mixer, index)
            _set_block(layer, delay, index, slope)
    return model


def _delay(mixer: object, dimension: int, length: int, unit: float) -> Delay:
    if isinstance(mixer, (S4Config, S4DConfig)):
        if not mixer.skip:
            raise ValueError("skip=False: the block's other factor passes by the skip term.")
        return ConvolvedDelay(dimension, length)
    if not isinstance(mixer, MambaConfig) or mixer.block:
        raise TypeError(f"mixer={mixer!r}: expected S4, S4D, or Mamba with block=False.")
    if (
        not (mixer.input_dependent_C and mixer.skip)
        or mixer.eigenvalues != "unit"
        or mixer.state_dim < max(2, length)
    ):
        raise ValueError(
            f"got {mixer!r}, expected state_dim of at least {max(2, length)}, a slot for every "
            "position, with input_dependent_C=True, skip=True and eigenvalues='unit'."
        )
    return SelectedDelay(dimension, mixer.state_dim, unit**0.5)


def _set_ends(
    model: SequenceModel, delay: Delay, representation: Representation, epsilon: float
) -> None:
    """Write the letters' matrices into the first set; read the nearest element off the last."""
    layout, order = delay.layout, representation.group.order
    letters = np.zeros((order, layout.width))
    for v, g, i, k, j, channel in layout.places(0):
        if i == k:
            letters[:, channel] = v * g * epsilon / 4 * representation.matrices[:, k, j]
    letters[:, layout.ones[0]] = 1, -1
    delay.start(letters)
    entries = layout.entries(model.config.depth % 2, copy=0).reshape(-1, layout.width) / epsilon
    scores = representation.matrices.reshape(order, -1) @ entries
    cast("TokenEmbedding", model.embedding).table.copy_(torch.from_numpy(letters))
    model.readout.weight.copy_(torch.from_numpy(scores))
    model.readout.bias.zero_()


def _set_block(layer: Any, delay: Delay, block: int, epsilon: float) -> None:
    """Multiply what one set holds into the other, and clear the first."""
    layout, read, written = delay.layout, block % 2, 1 - block % 2
    value, gate = np.zeros((2, layout.width, layout.width + 1))  # the bias last
    left, right = layout.entries(read, copy=1) / epsilon, layout.entries(read, copy=0)
    begun = layout.one(read, copy=1)
    for v, g, i, k, j, channel in layout.places(written):
        value[channel, :-1] = v * (left[i, k] - (i == k) * begun)
        value[channel, -1] = v * (i == k)  # the identity before the first letter
        gate[channel, :-1] = g * right[k, j]
    value[layout.ones[written], -1] = 1, -1
    gate[layout.ones[written], -1] = _OPEN
    value[layout.signals[read], layout.signals[read, :1]] = -1
    gate[layout.signals[read], -1] = _OPEN
    if block == 0:
        delay.write(value, gate)
    both = torch.from_numpy(np.concatenate([value, gate]))
    layer.mixing.weight.copy_(both[:, :-1])
    layer.mixing.bias.copy_(both[:, -1])
    variance = (2 * (layout.dimension**2 + 2) + delay.squares) / layout.width
    layer.norm.weight.fill_((variance + layer.norm.eps) ** 0.5)
    layer.norm.bias.zero_()

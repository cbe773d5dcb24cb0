"""The linear CDE classifier as a sequence model, which has a file and a twin in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..structure import Dense, named
from ..tokens.cde import TokenCDE
from .embedding import TokenInput
from .linear_cde import LinearCDEConfig
from .model import SequenceModelConfig
from .readout import StepOutput

if TYPE_CHECKING:
    from ..tokens.classifier import LinearCDEClassifier
    from .network import SequenceModel


def from_classifier(classifier: LinearCDEClassifier) -> SequenceModel:
    """Give the sequence model that computes what a classifier computes.

    Parameters
    ----------
    classifier
        With a `TokenCDE` of ``path="sums"``, a fixed step and no forcing: the linear CDE that a
        sequence model has. Its output map is the identity here.

    Raises
    ------
    ValueError
        If the classifier's CDE is another one.
    """
    cde = classifier.cde
    if not isinstance(cde, TokenCDE) or cde.path != "sums" or cde.B is not None or not cde.delta:
        raise ValueError(
            "got a classifier whose linear CDE a sequence model does not have, expected "
            "matrix_per_token=False, path='sums', forcing=False and a delta that is not None."
        )
    vocabulary, width = classifier.embedding.shape
    config = SequenceModelConfig(
        mixer=LinearCDEConfig(
            state_dim=width,
            structure=cde.structure,
            transition=cde.step,
            dt=cde.delta,
            rule=cde.rule,
        ),
        input=TokenInput(vocabulary=vocabulary),
        output=StepOutput(size=len(classifier.readout.weight)),
        width=width,
        activation="relu",
        dropout=classifier.dropout,
    )
    dtype = classifier.embedding.dtype
    model = config.build(jax.random.key(0), dtype=dtype)
    return eqx.tree_at(
        _parts,
        model,
        (
            classifier.embedding,
            named({"matrix": cde.A}) if isinstance(cde.structure, Dense) else cde.A,
            cde.d,
            jnp.eye(width, dtype=dtype),
            classifier.mix,
            classifier.norm.weight,
            classifier.norm.bias,
            classifier.readout,
        ),
    )


def _parts(model: SequenceModel) -> tuple[Any, ...]:
    (layer,) = model.layers
    mixer: Any = layer.mixer
    norm: Any = layer.norm
    maps = (mixer.A, mixer.start, mixer.C.weight)
    around = (layer.mixing, norm.weight, norm.bias, model.readout)
    embedding: Any = model.embedding
    return (embedding.table, *maps, *around)

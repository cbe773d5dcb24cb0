"""Every size that a setting of a model or a mixer takes, by name, as a build with that size."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
from limited import Case, judge

import lcde_jax as lj

WIDTH = 4
KEY = jax.random.key(0)
DRAWN = {"dtype": np.float32, "key": KEY}
MIXERS: list[lj.MixerConfig] = [
    lj.S5Config(),
    lj.S5Config(state_dim=4, conjugate_symmetry=False, start="published"),
    lj.S4DConfig(),
    lj.S4DConfig(initialisation="legs"),
    lj.S4DPLRConfig(),
    lj.LinearCDEConfig(),
    lj.LinearCDEConfig(transition="direct", initial="orthogonal"),
    lj.LinearCDEConfig(structure=lj.Diagonal(), transition="direct", initial="orthogonal"),
    lj.LinearCDEConfig(structure=lj.Sparse(density=0.1), transition="first_order"),
    lj.LinearCDEConfig(structure=lj.DiagonalPlusLowRank(rank=2), transition="first_order"),
    lj.LinearCDEConfig(structure=lj.OneHotDiagonal(), transition="direct"),
]


def of_mixers() -> dict[str, Case]:
    """Each integer of each mixer, and the width that it is built with."""
    found: dict[str, Case] = {}
    for number, mixer in enumerate(MIXERS):
        kind = type(mixer).__name__
        found[f"{kind}.width of mixer {number}"] = lambda n, m=mixer: m.build(n, **DRAWN)
        for field in dataclasses.fields(mixer):
            if type(getattr(mixer, field.name)) is int:
                found[f"{kind}.{field.name} of mixer {number}"] = lambda n, m=mixer, f=field.name: (
                    dataclasses.replace(m, **{f: n}).build(WIDTH, **DRAWN)
                )
    return found


def model(mixer: lj.MixerConfig, **changes: object) -> lj.SequenceModelConfig:
    """A small model of this mixer, with changes."""
    settings = {"input": lj.LinearInput(channels=2), "output": lj.StepOutput(size=2), "width": 4}
    return lj.SequenceModelConfig(mixer=mixer, **(settings | changes))


def of_models() -> dict[str, Case]:
    """Width, depth and rows of a model around two of the mixers."""
    found: dict[str, Case] = {}
    for mixer in (lj.S5Config(state_dim=4), lj.LinearCDEConfig(state_dim=4)):
        kind, built = type(mixer).__name__, model(mixer).build(KEY)
        found[f"model.width of {kind}"] = lambda n, m=mixer: model(m, width=n).build(KEY)
        found[f"model.depth of {kind}"] = lambda n, m=mixer: model(m, depth=n).build(KEY)
        found[f"model.batch_size of {kind}"] = lambda n, b=built: b.initial_state(n)
    return found


OTHERS: dict[str, Case] = {
    "TokenInput.vocabulary": lambda n: lj.TokenInput(vocabulary=n).build(WIDTH, **DRAWN),
    "TokenInput.width": lambda n: lj.TokenInput(vocabulary=4).build(n, **DRAWN),
    "TokenInput.vocabulary of unit vectors": lambda n: lj.TokenInput(
        vocabulary=n, one_hot=True
    ).build(n, **DRAWN),
    "LinearInput.channels": lambda n: lj.LinearInput(channels=n).build(WIDTH, **DRAWN),
    "LinearInput.width": lambda n: lj.LinearInput(channels=2).build(n, **DRAWN),
    **{
        f"{kind.__name__}.size": lambda n, k=kind: model(
            lj.S5Config(state_dim=4), output=k(size=n)
        ).build(KEY)
        for kind in (lj.StepOutput, lj.MeanOutput, lj.LastOutput)
    },
    "S5Config.blocks of one state each": lambda n: lj.S5Config(state_dim=n, blocks=n).build(
        WIDTH, **DRAWN
    ),
    "LinearCDE.width": lambda n: lj.LinearCDE(n, 2, key=KEY),
    "LinearCDE.width of a diagonal": lambda n: lj.LinearCDE(n, 2, structure=lj.Diagonal(), key=KEY),
    "LinearCDE.channels": lambda n: lj.LinearCDE(4, n, key=KEY),
    "TokenCDE.width": lambda n: lj.TokenCDE(n, key=KEY),
    "TokenMatrices.vocabulary": lambda n: lj.TokenMatrices(n, 4, key=KEY),
    "TokenMatrices.width": lambda n: lj.TokenMatrices(4, n, key=KEY),
    "LinearCDEClassifier.vocabulary": lambda n: lj.LinearCDEClassifier(n, 2, 4, key=KEY),
    "LinearCDEClassifier.num_classes": lambda n: lj.LinearCDEClassifier(4, n, 4, key=KEY),
    "LinearCDEClassifier.width": lambda n: lj.LinearCDEClassifier(4, 2, n, key=KEY),
    "LinearCDEClassifier.width of a matrix per token": lambda n: lj.LinearCDEClassifier(
        4, 2, n, matrix_per_token=True, key=KEY
    ),
    "LeastSquares.num_features": lambda n: lj.LeastSquares(n),
    "LeastSquares.num_targets": lambda n: lj.LeastSquares(2, n),
}


if __name__ == "__main__":
    judge(of_mixers() | OTHERS | of_models())

"""Every size that a setting of a model or a mixer takes, by name, as a build with that size."""

from __future__ import annotations

import dataclasses

from limited import Case, judge

import seq_torch as st

WIDTH = 4


def heirs(kind: type[st.MixerConfig]) -> set[type[st.MixerConfig]]:
    """All mixers, and not the class that they share."""
    return {kind}.union(*(heirs(heir) for heir in kind.__subclasses__()))


# Mixers whose defaults do not fit so small a width.
SMALL: dict[type[st.MixerConfig], st.MixerConfig] = {
    st.TransformerConfig: st.TransformerConfig(heads=2, feed_forward=8),
    st.GLAConfig: st.GLAConfig(heads=2),
    st.RetNetConfig: st.RetNetConfig(heads=2),
    st.HGRN2Config: st.HGRN2Config(state_dim=2),
}
MIXERS: list[st.MixerConfig] = [
    *(
        SMALL[kind] if kind in SMALL else kind()
        for kind in sorted(heirs(st.MixerConfig), key=lambda kind: kind.__name__)
        if kind.__name__ in st.__all__ and kind not in (st.MixerConfig, st.ModuleConfig)
    ),
    st.S5Config(state_dim=4, conjugate_symmetry=False, start="published"),
    st.S4DConfig(initialisation="legs"),
    st.S4Config(published_step=True),
    st.MambaConfig(block=False),
    st.MambaConfig(step_rank=3),
    st.Mamba2Config(block=False),
    st.DeltaNetConfig(block=False),
    st.M2RNNConfig(block=False),
    st.M2RNNConfig(layer=1, layers=2),
    st.MLSTMConfig(block=False),
    st.MLSTMConfig(layer=1, layers=2),
    st.GLAConfig(heads=2, key_dim=3, value_dim=3, convolution=2),
    st.RetNetConfig(heads=2, key_dim=3, value_dim=3, rotary=False),
    st.FPRNNConfig(rank=2, iterations=3, convolution=2),
    st.MinGRUConfig(trained_start=True),
    st.SLSTMConfig(block=False),
    st.SLSTMConfig(layer=1, layers=2),
    st.RWKV7Config(decay_rank=2, rate_rank=2, gate_rank=2),
    st.RWKV7Config(value_rank=2, layer=1, layers=2),
    st.LinearCDEConfig(structure=st.Diagonal(), transition="direct", initial="orthogonal"),
    st.LinearCDEConfig(transition="direct", initial="orthogonal"),
    st.LinearCDEConfig(structure=st.Sparse(density=0.1), transition="first_order"),
    st.LinearCDEConfig(structure=st.DiagonalPlusLowRank(rank=2), transition="first_order"),
    st.LinearCDEConfig(structure=st.OneHotDiagonal(), transition="direct"),
]


def of_mixers() -> dict[str, Case]:
    """Each integer of each mixer, and the width that it is built with."""
    found: dict[str, Case] = {}
    for number, mixer in enumerate(MIXERS):
        kind = type(mixer).__name__
        found[f"{kind}.width of mixer {number}"] = lambda n, m=mixer: m.build(n)
        for field in dataclasses.fields(mixer):
            if type(getattr(mixer, field.name)) is int:
                found[f"{kind}.{field.name} of mixer {number}"] = lambda n, m=mixer, f=field.name: (
                    dataclasses.replace(m, **{f: n}).build(WIDTH)
                )
    return found


def model(mixer: st.MixerConfig, **changes: object) -> st.SequenceModelConfig:
    """A small model of this mixer, with changes."""
    settings = {"input": st.LinearInput(channels=2), "output": st.StepOutput(size=2), "width": 4}
    return st.SequenceModelConfig(mixer=mixer, **(settings | changes))


def of_models() -> dict[str, Case]:
    """Each size of a model around each mixer."""
    found: dict[str, Case] = {}
    for number, mixer in enumerate(MIXERS):
        found[f"SequenceModel.width of mixer {number}"] = lambda n, m=mixer: model(
            m, width=n
        ).build(seed=0)
        found[f"SequenceModel.depth of mixer {number}"] = lambda n, m=mixer: model(
            m, depth=n
        ).build(seed=0)
        if isinstance(model(mixer).build(0).layers[0].mixer, st.Recurrent) and mixer.causal:
            found[f"initial_state.batch_size of mixer {number}"] = lambda n, m=mixer: (
                model(m).build(seed=0).initial_state(n)
            )
    return found


OTHERS: dict[str, Case] = {
    "TokenInput.vocabulary": lambda n: st.TokenInput(vocabulary=n).build(WIDTH),
    "TokenInput.width": lambda n: st.TokenInput(vocabulary=4).build(n),
    "TokenInput.width of unit vectors": lambda n: st.TokenInput(vocabulary=4, one_hot=True).build(
        n
    ),
    "TokenInput.vocabulary of unit vectors": lambda n: st.TokenInput(
        vocabulary=n, one_hot=True
    ).build(n),
    "LinearInput.channels": lambda n: st.LinearInput(channels=n).build(WIDTH),
    "LinearInput.width": lambda n: st.LinearInput(channels=2).build(n),
    "model.vocabulary": lambda n: model(st.LRUConfig(), input=st.TokenInput(vocabulary=n)).build(
        seed=0
    ),
    "model.channels": lambda n: model(st.LRUConfig(), input=st.LinearInput(channels=n)).build(
        seed=0
    ),
    **{
        f"{kind.__name__}.size": lambda n, k=kind: model(st.LRUConfig(), output=k(size=n)).build(
            seed=0
        )
        for kind in (st.StepOutput, st.MeanOutput, st.LastOutput)
    },
    "BlockDiagonal.block_size": lambda n: st.LinearCDEConfig(
        state_dim=n, structure=st.BlockDiagonal(block_size=n)
    ).build(WIDTH),
    "DiagonalPlusLowRank.rank": lambda n: st.LinearCDEConfig(
        state_dim=4, structure=st.DiagonalPlusLowRank(rank=n), transition="first_order"
    ).build(WIDTH),
    "S5Config.blocks of one state each": lambda n: st.S5Config(state_dim=n, blocks=n).build(WIDTH),
    "recurrent_stack.width": lambda n: st.recurrent_stack(
        st.RNNConfig(), st.LinearInput(channels=1), st.StepOutput(size=1), width=n
    ).build(seed=0),
    "stable_ssm_stack.depth": lambda n: st.stable_ssm_stack(
        st.LinearInput(channels=1), st.StepOutput(size=1), depth=n
    ).build(seed=0),
}


if __name__ == "__main__":
    judge(of_mixers() | OTHERS | of_models())

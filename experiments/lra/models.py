"""Models of the study, by the names that both frameworks have for their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.lra.tasks import Tokens, num_classes

if TYPE_CHECKING:
    from types import ModuleType

    from experiments.lra.training_run import LongRangeRun


def model_config(
    framework: ModuleType, run: LongRangeRun, shape: tuple[int, ...], mixer: Any
) -> Any:
    """Give the settings of the whole model.

    Parameters
    ----------
    framework
        `seq_torch` or `lcde_jax`.
    run
        The run.
    shape
        Of one input: time, and channels where it is no token.
    mixer
        Settings of the mixer, of the same framework.
    """
    if isinstance(run.task, Tokens):
        embedding = framework.TokenInput(vocabulary=run.task.vocabulary)
    else:
        embedding = framework.LinearInput(channels=shape[-1])
    return framework.SequenceModelConfig(
        mixer=mixer,
        input=embedding,
        output=framework.MeanOutput(size=num_classes(run.task)),
        width=run.width,
        depth=run.depth,
        dropout=run.dropout,
        norm=run.norm,
        norm_position=run.position,
    )


def twin_mixer(framework: ModuleType, run: LongRangeRun) -> Any:
    """Give the settings of a mixer that both frameworks have: S4, S4D or S5."""
    if run.model == "s4":
        return framework.S4DPLRConfig(state_dim=run.state_dim, bidirectional=run.bidirectional)
    if run.model == "s5":
        return framework.S5Config(state_dim=run.state_dim)
    return framework.S4DConfig(
        state_dim=run.state_dim,
        initialisation=run.model.removeprefix("s4d_"),
        bidirectional=run.bidirectional,
    )

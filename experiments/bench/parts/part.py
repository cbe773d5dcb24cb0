"""What the parts of the bench share: models of runs, and records gathered into measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from experiments.bench import baselines
from experiments.guest import guest_mixer, model_name
from experiments.record import DIVERGED, DONE, Record

if TYPE_CHECKING:
    from experiments.bench.measurements import BenchRun

Key = TypeVar("Key")


def mixer(run: BenchRun) -> Any:
    """Give the settings of a run's mixer."""
    import seq_torch

    if run.model == "guest":
        return guest_mixer(seq_torch, run.guest)
    if run.model == "random_linear_cde":
        raise ValueError(f"{run.model} is no mixer, only its signatures are measured")
    tokens = run.part_name in ("tracking", "recall", "rates")
    return baselines.settings(run.model, run.width, tokens=tokens)


def build(run: BenchRun, inputs: Any, output: Any) -> Any:
    """Build a run's whole model: input map, `depth` layers around the mixer, readout."""
    import seq_torch

    config = seq_torch.SequenceModelConfig(
        mixer=mixer(run), input=inputs, output=output, width=run.width, depth=run.depth
    )
    return config.build(run.seed)


def token_input(run: BenchRun, vocabulary: int) -> Any:
    """Give the input map of a token task: trained vectors; unit vectors for a linear CDE.

    A linear CDE has a matrix for each channel of its input, so that unit vectors give a matrix to
    each token.
    """
    import seq_torch

    linear_cde = isinstance(mixer(run), seq_torch.LinearCDEConfig)
    one_hot = linear_cde and vocabulary <= run.width
    return seq_torch.TokenInput(vocabulary=vocabulary, one_hot=one_hot)


def name(run: BenchRun) -> str:
    """Name of a run's model in cards."""
    return model_name(run) if run.model == "guest" else baselines.NAMES[run.model]


def done(records: Iterable[Record]) -> list[Record]:
    """Keep the records of runs that ended well."""
    return [held for held in records if held.status == DONE]


def diverged(records: Sequence[Record]) -> str:
    """Say how many runs diverged; nothing where none did."""
    count = sum(held.status == DIVERGED for held in records)
    return f"{count} of {len(records)} runs diverged" if count else ""


def grouped(records: Iterable[Record], key: Any) -> dict[Any, list[Record]]:
    """Gather records by what a function of their run gives, in order of appearance."""
    found: dict[Any, list[Record]] = {}
    for held in records:
        found.setdefault(key(held.run), []).append(held)
    return found


def hashes(records: Iterable[Record]) -> tuple[str, ...]:
    """List the hashes of records."""
    return tuple(held.hash for held in records)


def interval(values: Sequence[float]) -> dict[str, Any]:
    """Give mean, least, most and number of some numbers, as fields of a measurement."""
    if not values:
        return {"value": None, "n": 0}
    return {
        "value": sum(values) / len(values),
        "low": min(values),
        "high": max(values),
        "n": len(values),
    }


def share(successes: int, trials: int) -> dict[str, Any]:
    """Give a share of successes with Wilson's interval of 95 %, as fields of a measurement."""
    from experiments.report.interval import wilson  # brings scipy, which a list of runs needs not

    low, high = wilson(successes, trials)
    return {"value": successes / trials, "low": low, "high": high, "n": trials}

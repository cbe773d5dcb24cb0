"""Widths at which a baseline has as many parameters, or numbers of state, as another model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from experiments.bench.parts import part as parts
from experiments.bench.parts.cost import state_numbers
from experiments.exit_code import ConfigError

if TYPE_CHECKING:
    from experiments.bench.baselines import Baseline
    from experiments.bench.measurements import BenchRun

_WIDTHS = range(4, 513, 4)


def matched(run: BenchRun, name: Baseline, what: Literal["parameters", "state"]) -> int:
    """Give the width, of multiples of 4 to 512, at which a baseline's layer is nearest in size.

    Parameters
    ----------
    run
        Any run of the model to match.
    name
        The baseline.
    what
        ``"parameters"`` of one layer, or ``"state"``, the numbers that one layer hands on.

    Raises
    ------
    ConfigError
        If the model, or the baseline, hands on no state of fixed size.
    """
    wanted = _size(run, what)
    if wanted is None:
        raise ConfigError(
            "--match state: the model has no step, so that its state has no size; match parameters"
        )
    sizes: dict[int, int] = {}
    for width in _WIDTHS:
        found = _size(replace(run, model=name, guest=None, width=width), what)
        if found is None:
            raise ConfigError(f"--match state: {name} has no state of fixed size; leave it out")
        sizes[width] = found
        if found > 2 * wanted:
            break
    return min(sizes, key=lambda width: abs(sizes[width] - wanted))


def _size(run: BenchRun, what: str) -> int | None:
    import torch

    layer: Any = parts.mixer(run).build(run.width)
    with torch.no_grad():
        if what == "parameters":
            return sum(p.numel() for p in layer.parameters())
        return state_numbers(layer)

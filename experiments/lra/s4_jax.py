"""Long-range tasks in JAX: the half of the normalisation table that S4's annotated code made.

The models are the twins of those in `sequence_models`, weight for weight. A seed gives both the
same batches in the same order; each draws its initial parameters from its own generator. `paper`
has the settings of the grid in torch, and those of the annotated code: layer norm before the mixer,
on ListOps and on CIFAR-10 in colour.

Source: A. Gu, K. Goel and C. Ré, arXiv:2111.00396; S. Rush and S. Karamcheti, The Annotated S4
(ICLR Blog Track 2022), whose one-cycle schedule is here a warm-up and a cosine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.best_model import BestModel
from experiments.kept_model import with_tensors
from experiments.lra.learned import LONGEST_KERNEL, layer_tensors
from experiments.lra.models import model_config, twin_mixer
from experiments.lra.settings import (
    ANNOTATED,
    FIRST,
    SEEDS,
    TASK_PRESETS,
    published,
    rates,
    short,
    smoke,
    steps,
    task_grid,
)
from experiments.lra.training_run import (
    LongRangeRun,
    Model,
    fit_data,
    grid,
    keep_selected,
    load,
    note_data,
    note_selected,
)
from experiments.run import of_preset

if TYPE_CHECKING:
    import numpy as np

    from experiments.recorder import Recorder

VERSION = 1
PRESETS = (
    *("smoke", "quick", "rates", "steps", "images", "reviews", "drawn-images", "drawn-reviews"),
    "paper",
)
DEFAULT_PRESET = "quick"

TWINS: tuple[Model, ...] = ("s4", "s4d_lin", "s4d_inv", "s4d_legs", "s5")


@dataclass(frozen=True, kw_only=True)
class JaxRun(LongRangeRun):
    """A run of one of the models that have a twin in JAX."""

    def __post_init__(self) -> None:
        """Refuse the others."""
        super().__post_init__()
        if self.model not in TWINS:
            raise ValueError(
                f"model={self.model!r} has no twin in JAX: expected one of {', '.join(TWINS)}, or "
                "the study lra.sequence_models"
            )


def runs(preset: str) -> list[JaxRun]:
    """List the runs of a preset: grids of S4, that of ListOps in `quick`."""
    ladder = {
        "smoke": lambda: grid(smoke(JaxRun), (0,)),
        "quick": lambda: grid(short(JaxRun, "list_ops"), SEEDS),
        "rates": lambda: rates(JaxRun),
        "steps": lambda: steps(JaxRun),
        **{name: partial(task_grid, JaxRun, name) for name in TASK_PRESETS},
        "paper": _paper,
    }
    return of_preset(preset, ladder)


def _paper() -> list[JaxRun]:
    annotated = [published(JaxRun, found) for found in ANNOTATED.values()]
    return grid(published(JaxRun, FIRST["list_ops"]), SEEDS) + [
        replace(run, seed=seed) for run in annotated for seed in SEEDS[:2]
    ]


def execute(run: JaxRun, recorder: Recorder) -> None:
    """Train the model, go back to its best evaluation, and measure it there."""
    import jax

    import lcde_jax
    from experiments.fitting import fit_recorded

    splits = load(run)
    note_data(splits, recorder)
    of_model, of_training = jax.random.split(jax.random.key(run.seed))
    shape = splits.train.inputs.shape[1:]
    config = model_config(lcde_jax, run, shape, twin_mixer(lcde_jax, run))
    model = config.build(of_model)
    recorder.note(device=jax.default_backend(), parameters=_num_parameters(model))
    best = BestModel()
    fit_recorded(
        lcde_jax.fit,
        model,
        fit_data(run, splits),
        run.seeded_training,
        recorder,
        keeper=best,
        key=of_training,
    )
    model = with_tensors(model, best.tensors)
    keep_selected(run, recorder, model, best)
    note_selected(best, splits, recorder, lambda d: lcde_jax.evaluate(model, d, "cross_entropy"))
    if run.model == "s4":
        recorder.save("learned", _learned(model, shape[0]))


def _num_parameters(model: Any) -> int:
    """Count what gradients move: not the running statistics of a norm."""
    import equinox as eqx
    import jax

    from lcde_jax.train.optimiser import statistics

    leaves = jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
    return sum(p.size for p, held in zip(leaves, statistics(model), strict=True) if not held)


def _learned(model: Any, length: int) -> dict[str, np.ndarray]:
    """Kernels and eigenvalues of all layers."""
    import numpy as np

    found: dict[str, np.ndarray] = {}
    for number, layer in enumerate(model.layers):
        kernel = np.asarray(layer.mixer.kernels(min(length, LONGEST_KERNEL))[0])
        names = ("log_decay", "frequency", "log_dt")
        parameters = {name: np.asarray(getattr(layer.mixer, name)) for name in names}
        found |= layer_tensors(number, kernel, parameters)
    return found

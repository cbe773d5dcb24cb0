r"""Long-range tasks in torch: S4 with layer or batch normalisation before or after, and its peers.

A model is a stack of `depth` layers, mixer, linear map with GLU, residual and norm, between an
embedding and the mean over the positions that count. A replication study of S4 found that it could
not reproduce the published numbers, suspected the normalisation, and left its table empty. This is
that table; its half in JAX (`s4_jax`) is trained on the same batches.

`rates` repeats the grid of ListOps at three learning rates. `images` and `reviews` are the grids of
those tasks with five seeds; `drawn-images` and `drawn-reviews` the same on made-up data, for where
the files are absent.

Source: A. Gu, K. Goel and C. Ré, arXiv:2111.00396. `paper` has the settings of its first published
code, and rows of the later ones (A. Gu et al., arXiv:2206.12037); for the schedule that waits for a
plateau they use a cosine.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.best_model import BestModel
from experiments.guest import Guest, guest_mixer, in_place_of
from experiments.kept_model import with_tensors
from experiments.lra.learned import LONGEST_KERNEL, layer_tensors
from experiments.lra.models import model_config, twin_mixer
from experiments.lra.settings import (
    FIRST,
    LATER,
    SEEDS,
    SHORT,
    TASK_PRESETS,
    peer,
    published,
    rates,
    short,
    smoke,
    task_grid,
)
from experiments.lra.training_run import (
    MODELS,
    LongRangeRun,
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
    *("smoke", "quick", "rates", "images", "reviews", "drawn-images", "drawn-reviews", "paper"),
)
DEFAULT_PRESET = "quick"

BOTH = "list_ops"
"""The task that `s4_jax` learns as well."""
PEER_SEEDS = (0, 1)


def runs(preset: str) -> list[LongRangeRun]:
    """List the runs of a preset: the grid of S4 on every task, and other models beside it."""
    small = smoke(LongRangeRun)
    ladder = {
        "smoke": lambda: grid(small, (0,)) + _peers(small, (0,)),
        "quick": lambda: _tasks({name: short(LongRangeRun, name) for name in SHORT}),
        "rates": lambda: rates(LongRangeRun),
        **{name: partial(task_grid, LongRangeRun, name) for name in TASK_PRESETS},
        "paper": _paper,
    }
    return of_preset(preset, ladder)


def _paper() -> list[LongRangeRun]:
    first = {name: published(LongRangeRun, found) for name, found in FIRST.items()}
    later = [published(LongRangeRun, found, bidirectional=True) for found in LATER.values()]
    return _tasks(first) + [replace(run, seed=seed) for run in later for seed in PEER_SEEDS]


def bench(mixer: Guest, preset: str) -> list[LongRangeRun]:
    """Give the runs of a preset with a guest in place of Mamba, or of the first model."""
    return in_place_of("mamba", runs(preset), mixer)


def _tasks(found: dict[str, LongRangeRun]) -> list[LongRangeRun]:
    """List all runs of the tasks; the one that both frameworks learn has more seeds."""
    return [
        run
        for name, one in found.items()
        for run in (
            *grid(one, SEEDS if name == BOTH else PEER_SEEDS),
            *_peers(one, PEER_SEEDS),
        )
    ]


def _peers(run: LongRangeRun, seeds: tuple[int, ...]) -> list[LongRangeRun]:
    return [replace(peer(run, model), seed=seed) for model in MODELS[1:] for seed in seeds]


def execute(run: LongRangeRun, recorder: Recorder) -> None:
    """Train the model, go back to its best evaluation, and measure it there."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    splits = load(run)
    note_data(splits, recorder)
    shape = splits.train.inputs.shape[1:]
    model = model_config(seq_torch, run, shape, _mixer(run)).build(run.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recorder.note(device=device, parameters=sum(p.numel() for p in model.parameters()))
    best = BestModel()
    training = run.seeded_training
    fit_recorded(
        seq_torch.fit,
        model,
        fit_data(run, splits),
        training,
        recorder,
        keeper=best,
        device=device,
    )
    model = with_tensors(model, best.tensors)
    keep_selected(run, recorder, model, best)
    note_selected(best, splits, recorder, lambda data: seq_torch.evaluate(model, data, training))
    if run.model == "s4":
        recorder.save("learned", _learned(model, shape[0]))


def _learned(model: Any, length: int) -> dict[str, np.ndarray]:
    """Kernels and eigenvalues of all layers."""
    found: dict[str, np.ndarray] = {}
    for number, layer in enumerate(model.layers):
        kernel = layer.mixer.kernel(min(length, LONGEST_KERNEL)).numpy(force=True)
        parameters = {name: p.numpy(force=True) for name, p in layer.mixer.named_parameters()}
        found |= layer_tensors(number, kernel, parameters)
    return found


def _mixer(run: LongRangeRun) -> Any:
    import seq_torch

    match run.model:
        case "guest":
            return guest_mixer(seq_torch, run.guest)
        case "lru":
            return seq_torch.LRUConfig(state_dim=run.state_dim)
        case "mamba":
            # Its inner width is that of the other models.
            return seq_torch.MambaConfig(state_dim=run.state_dim, expand=1)
        case "transformer":
            return seq_torch.TransformerConfig(
                heads=run.heads, feed_forward=run.feed_forward, dropout=run.dropout
            )
        case _:
            return twin_mixer(seq_torch, run)

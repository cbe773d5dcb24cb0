r"""State tracking in torch: each transition class on each task, and then at eight times the length.

A model is one block, mixer, linear map with GLU, residual and LayerNorm, between tokens and a
readout at every position. Linear CDEs have unit vectors for tokens, so that every token has a
matrix of its own; the other mixers have a trained embedding.

Preset `quick` holds the cells that decide the study's claims; `prediction` every task with every
class, so that what theory calls possible or impossible (`seqtheory.expressivity`) stands beside
what training finds; its runs include those of `quick`. `rows` holds PD-SSM with one 1 per column
and with one per row. `paper` has the lengths of the published experiments.

Source: R. Grazzi et al., arXiv:2411.12537, section 5 (eigenvalue range); B. Walker et al.,
arXiv:2505.17761, section 6 (structured linear CDEs); A. Terzic et al., arXiv:2509.22284 (PD-SSM).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from experiments.guest import Guest, guest_mixer, in_place_of, no_guest, require_model
from experiments.run import of_preset
from experiments.tracking import tracking_run
from experiments.tracking.models import (
    LINEAR_CDES,
    MODELS,
    ONE_HOT,
    STRUCTURED,
    TorchModel,
    mixer,
    model_config,
)
from experiments.tracking.settings import MORE_SEEDS, SEEDS, SHORT_WORDS, TASKS, shorts, smoke
from experiments.tracking.tasks import Task
from experiments.tracking.tracking_run import Tracker, TrackingRun
from seqtheory.tasks import GroupWords
from seqtheory.training import Training

if TYPE_CHECKING:
    import numpy as np

    from experiments.recorder import Recorder

VERSION = 3
PRESETS = ("smoke", "quick", "prediction", "rows", "paper")
DEFAULT_PRESET = "quick"


@dataclass(frozen=True, kw_only=True)
class SequenceModelRun(TrackingRun):
    """One model of a transition class.

    Parameters
    ----------
    model
        The class; see `experiments.tracking.models`.
    guest
        A mixer of one's own, where `model` is "guest" (see `experiments.guest`).
    """

    model: TorchModel | Literal["guest"] = "mamba_signed"
    guest: Guest | None = no_guest

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        require_model(self.model, self.guest, (*MODELS, *ONE_HOT))


PARITY: tuple[TorchModel, ...] = ("mamba", "mamba_signed", "delta_net", "delta_net_signed")
COUNTING: tuple[TorchModel, ...] = (
    "mamba", "mamba_signed", "complex_diagonal", "delta_net_signed", "delta_product"
)  # fmt: skip
DIAGONALS: tuple[TorchModel, ...] = ("mamba", "mamba_signed", "complex_diagonal")
QUICK: dict[Task, tuple[TorchModel, ...]] = {
    TASKS["parity"]: PARITY,
    TASKS["counting"]: COUNTING,
    TASKS["flip_flop"]: ("mamba",),  # which Mamba can learn, so that its failures count
    TASKS["A5"]: (*STRUCTURED, *DIAGONALS, "rnn"),
    SHORT_WORDS: DIAGONALS,
    TASKS["Z60"]: ("complex_diagonal",),
}
ROWS: dict[Task, tuple[TorchModel, ...]] = {
    TASKS[name]: ONE_HOT for name in ("parity", "even_pairs", "flip_flop", "cycle")
}


def runs(preset: str) -> list[SequenceModelRun]:
    """List the runs of a preset."""
    ladder = {
        "smoke": lambda: [smoke(SequenceModelRun, model) for model in MODELS],
        "quick": lambda: shorts(SequenceModelRun, QUICK),
        "prediction": lambda: shorts(SequenceModelRun, dict.fromkeys(TASKS.values(), MODELS)),
        "rows": lambda: shorts(SequenceModelRun, ROWS, MORE_SEEDS),
        "paper": _paper,
    }
    return of_preset(preset, ladder)


def bench(mixer: Guest, preset: str) -> list[SequenceModelRun]:
    """Give the runs of a preset with a guest in place of Mamba, or of PD-SSM in `rows`."""
    return in_place_of("pd_ssm" if preset == "rows" else "mamba", runs(preset), mixer)


STATES: dict[TorchModel, int] = dict.fromkeys((*STRUCTURED, "complex_diagonal"), 128)
"""Entries of the state where `paper` has not 16."""


def _paper() -> list[SequenceModelRun]:
    """List two layers at the published lengths, 3 to 40, and numbers of steps; for a GPU."""
    lengths = {"min_length": 3, "max_length": 40, "num_sequences": 1_000_000}
    training = Training(
        loss="cross_entropy",
        learning_rate=1e-3,
        batch_size=256,
        num_steps=100_000,
        schedule="cosine",
        warmup_steps=1_000,
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=5_000,
    )
    found: list[Task] = [
        GroupWords(task.group, 40) if isinstance(task, GroupWords) else replace(task, **lengths)
        for task in TASKS.values()
    ]
    return [
        SequenceModelRun(
            task=task,
            model=model,
            seed=seed,
            depth=2,
            width=128,
            state_dim=STATES.get(model, 16),
            pairs=isinstance(task, GroupWords),
            training=training,
        )
        for task in found
        for model in MODELS
        for seed in SEEDS
    ]


def execute(run: SequenceModelRun, recorder: Recorder) -> None:
    """Train the model, then test it at every length."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    data = tracking_run.fit_data(run)
    config = model_config(seq_torch, run, _mixer(run), one_hot=run.model in LINEAR_CDES)
    model = config.build(run.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recorder.note(device=device, parameters=sum(p.numel() for p in model.parameters()))
    fit_recorded(
        seq_torch.fit,
        model,
        data,
        run.seeded_training,
        recorder,
        keep_model=run.keep_model,
        device=device,
    )
    tracking_run.note_tracking(run, recorder, tracker_of(model, device))


def tracker_of(model: Any, device: str = "cpu") -> Tracker:
    """Give a model on a device as functions of arrays."""
    import seq_torch

    double = deepcopy(model).double()
    return Tracker(
        in_single=lambda data: seq_torch.evaluate(model, data, "cross_entropy"),
        in_double=lambda data: seq_torch.evaluate(double, data, "cross_entropy"),
        mixed=lambda tokens: _mixed(double, tokens, device),
    )


def _mixer(run: SequenceModelRun) -> Any:
    if run.model == "guest":
        import seq_torch

        return guest_mixer(seq_torch, run.guest)
    return mixer(run.model, run.state_dim)


def _mixed(model: Any, tokens: np.ndarray, device: str) -> np.ndarray:
    import torch

    model.eval()
    with torch.no_grad():
        parts = [model.mixed(part.to(device)) for part in torch.tensor(tokens).split(100)]
    return torch.cat(parts).numpy(force=True)

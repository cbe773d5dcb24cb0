r"""Random linear CDEs of growing width, and of infinite width, on the same training paths.

A linear readout of N random features becomes, as N grows, ridge regression with the limit kernel of
the equation (`seqtheory.limit_kernel`): the signature kernel for dense fields, a function of
increments for diagonal ones. Both are fitted to the same 4,000 paths, few enough for the kernel's
Gram matrix, and measured on the same held-out ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.run import Run, of_preset
from seqtheory import metrics
from seqtheory.checks import require_choice, require_fraction, require_integer
from seqtheory.limit_kernel import dense_limit, diagonal_limit, fit_kernel_ridge
from seqtheory.tasks import SignatureLabels

if TYPE_CHECKING:
    from experiments.recorder import Recorder
    from seqtheory.dataset import Dataset
    from seqtheory.limit_kernel import KernelReadout

VERSION = 1
PRESETS = ("smoke", "quick")
DEFAULT_PRESET = "quick"

WIDTHS = (16, 32, 64, 128, 256, 512)
# Longest words: of the features, and of the kernel, which can afford one letter more.
FEATURE_DEPTH = {2: 6, 3: 5}
KERNEL_DEPTH = {2: 7, 3: 6}


@dataclass(frozen=True, kw_only=True)
class KernelLimitRun(Run):
    """Several widths and the limit of one kind of equation, fitted to one training set.

    `seed` decides the random fields and `data_seed` the paths. Random features are fitted without
    ridge, as in the rest of the study; the kernel's ridge is chosen on a fifth of the training set.
    """

    task: SignatureLabels = field(default_factory=SignatureLabels)
    data_seed: int = 1234
    structure: Literal["dense", "diagonal"] = "dense"
    forcing: bool = True
    widths: tuple[int, ...] = WIDTHS
    draws: int = 3

    def __post_init__(self) -> None:
        """Refuse what could not give a result, before any framework is imported."""
        super().__post_init__()
        require_choice("structure", self.structure, ("dense", "diagonal"))
        if not self.widths or min(self.widths) < 1:
            raise ValueError(f"widths={self.widths}: expected at least one width, each 1 or more")
        require_integer("draws", self.draws, minimum=1)
        if self.task.channels not in KERNEL_DEPTH:
            raise ValueError(f"task.channels={self.task.channels}: expected 2 or 3")
        require_fraction("task.train_fraction", self.task.train_fraction)  # some are held out


def runs(preset: str) -> list[KernelLimitRun]:
    """List the runs of a preset: dense and diagonal, in 2-D also without forcing."""
    small: dict[str, Any] = {"num_paths": 400, "widths": (8, 16), "draws": 2}
    kinds = ((2, True), (3, True), (2, False))
    ladder = {
        "smoke": lambda: [_run(2, s, True, **small) for s in _STRUCTURES],
        "quick": lambda: [_run(d, s, forcing) for d, forcing in kinds for s in _STRUCTURES],
    }
    return of_preset(preset, ladder)


_STRUCTURES: tuple[Literal["dense", "diagonal"], ...] = ("dense", "diagonal")


def _run(
    channels: int,
    structure: Literal["dense", "diagonal"],
    forcing: bool,
    *,
    num_paths: int = 8_000,
    **settings: Any,
) -> KernelLimitRun:
    task = SignatureLabels(channels=channels, num_paths=num_paths, train_fraction=0.5)
    return KernelLimitRun(task=task, structure=structure, forcing=forcing, **settings)


def execute(run: KernelLimitRun, recorder: Recorder) -> None:
    """Fit the kernel and a readout for every width and draw, and measure them on held-out paths."""
    data = run.task.build(run.data_seed)
    fraction = run.task.train_fraction
    train, held_out = data.split((fraction, 1 - fraction), seed=None)
    kernel, error = _kernel_regression(run, train, held_out)
    recorder.note(
        predict_zero=float(metrics.rmse(np.zeros(len(held_out)), held_out.targets)),
        num_train=len(train),
        num_held_out=len(held_out),
        kernel_rmse=error,
        kernel_ridge=kernel.ridge,
        kernel_choice=dict(zip(map(str, kernel.ridges), kernel.errors, strict=True)),
    )
    recorder.progress(1, 2)
    for width in run.widths:
        for draw in range(run.draws):
            rmse, rank = _feature_regression(run, width, draw, train, held_out)
            recorder.log(len(data), width=width, draw=draw, rmse=rmse, rank=rank)
    recorder.progress(2, 2)


def _kernel_regression(
    run: KernelLimitRun, train: Dataset, held_out: Dataset
) -> tuple[KernelReadout, float]:
    def limit(*paths: np.ndarray) -> np.ndarray:
        if run.structure == "diagonal":
            return diagonal_limit(*paths, forcing=run.forcing)
        return dense_limit(*paths, forcing=run.forcing, depth=KERNEL_DEPTH[run.task.channels])

    readout = fit_kernel_ridge(limit(train.inputs), train.targets)
    predicted = readout.predict(limit(held_out.inputs, train.inputs))
    return readout, float(metrics.rmse(predicted, held_out.targets))


def _feature_regression(
    run: KernelLimitRun, width: int, draw: int, train: Dataset, held_out: Dataset
) -> tuple[float, int]:
    import jax

    from lcde_jax import Dense, Diagonal, LinearCDE, fit_readout, random_features

    dense = run.structure == "dense"
    cde = LinearCDE(
        width,
        run.task.channels,
        structure=Dense() if dense else Diagonal(),
        forcing=run.forcing,
        key=jax.random.fold_in(jax.random.fold_in(jax.random.key(run.seed), width), draw),
    )
    how: dict[str, Any] = {"method": "exact"}
    if dense:  # a truncated signature is as good a random feature
        how = {"method": "signature", "depth": FEATURE_DEPTH[run.task.channels], "tolerance": 0.5}
    readout = fit_readout(random_features(cde, train.inputs, **how), train.targets)
    predicted = readout.predict(random_features(cde, held_out.inputs, **how))
    return float(metrics.rmse(predicted, held_out.targets)), readout.rank

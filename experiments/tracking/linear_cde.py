r"""State tracking in JAX: linear CDEs of each structure, trained as the same classes in torch are.

A model is that of `sequence_models`, tensor for tensor: one block around
:math:`S_k = M(x_k) S_{k-1}` with a trained matrix per token, which starts as a rotation, or for
diagonals as random signs. A seed gives both halves the same sequences in the same batches; each
draws its initial parameters from its own generator, so that what they find agrees within the
spread of seeds and not run by run.

`diagonal` is here alone. Its entries are free real numbers: it can turn a sign, and so follow
parity, but neither count modulo 3 nor follow a group that is not abelian.

Preset `quick` holds the cells of this half's claims; `prediction` every task with every structure.

Source: B. Walker et al., arXiv:2505.17761, section 6 (structured linear CDEs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.run import of_preset
from experiments.tracking import tracking_run
from experiments.tracking.models import LINEAR_CDES, LinearCDEModel, linear_cde, model_config
from experiments.tracking.settings import SHORT_WORDS, TASKS, shorts, smoke
from experiments.tracking.tracking_run import Tracker, TrackingRun

if TYPE_CHECKING:
    import numpy as np

    from experiments.recorder import Recorder
    from seqtheory.dataset import Dataset

VERSION = 2
PRESETS = ("smoke", "quick", "prediction")
DEFAULT_PRESET = "quick"


@dataclass(frozen=True, kw_only=True)
class LinearCDERun(TrackingRun):
    """One linear CDE.

    Parameters
    ----------
    model
        Its structure, by the names of `experiments.tracking.models`.
    """

    model: LinearCDEModel = "block_diagonal"

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        if self.model not in LINEAR_CDES:
            raise ValueError(
                f"model={self.model!r} is no linear CDE: expected one of {', '.join(LINEAR_CDES)}, "
                "or the study tracking.sequence_models"
            )


def runs(preset: str) -> list[LinearCDERun]:
    """List the runs of a preset."""
    quick = {
        TASKS["parity"]: ("diagonal",),  # which it can learn, so that its failures count
        TASKS["A5"]: LINEAR_CDES,
        SHORT_WORDS: ("diagonal",),
        TASKS["Z60"]: ("diagonal", "block_diagonal"),
    }
    ladder = {
        "smoke": lambda: [smoke(LinearCDERun, model) for model in LINEAR_CDES],
        "quick": lambda: shorts(LinearCDERun, quick),
        "prediction": lambda: shorts(LinearCDERun, dict.fromkeys(TASKS.values(), LINEAR_CDES)),
    }
    return of_preset(preset, ladder)


def execute(run: LinearCDERun, recorder: Recorder) -> None:
    """Train the model, then test it at every length."""
    import jax

    import lcde_jax
    from experiments.fitting import fit_recorded

    data = tracking_run.fit_data(run)
    of_model, of_training = jax.random.split(jax.random.key(run.seed))
    mixer = linear_cde(lcde_jax, run.model, run.state_dim)
    model = model_config(lcde_jax, run, mixer, one_hot=True).build(of_model)
    trained = _tensors(model, trained=True)
    recorder.note(device=jax.default_backend(), parameters=sum(p.size for p in trained.values()))
    model, _ = fit_recorded(
        lcde_jax.fit,
        model,
        data,
        run.seeded_training,
        recorder,
        keep_model=run.keep_model,
        key=of_training,
    )
    tracking_run.note_tracking(run, recorder, _tracker(model))


def _tracker(model: Any) -> Tracker:
    import equinox as eqx
    import jax
    import numpy as np

    import lcde_jax

    with jax.enable_x64(True):
        numbers, rest = eqx.partition(model, eqx.is_inexact_array)
        double = eqx.combine(jax.tree.map(lambda p: p.astype(np.float64), numbers), rest)

    def in_double(data: Dataset) -> dict[str, Any]:
        with jax.enable_x64(True):
            return lcde_jax.evaluate(double, data, "cross_entropy")

    def mixed(tokens: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(eqx.filter_jit(type(double).mixed)(double, tokens))

    return Tracker(
        in_single=lambda data: lcde_jax.evaluate(model, data, "cross_entropy"),
        in_double=in_double,
        mixed=mixed,
    )


def _tensors(model: Any, *, trained: bool = False) -> dict[str, np.ndarray]:
    """Tensors by the names that torch has for them; all, or those that gradients move."""
    import equinox as eqx
    import jax
    import numpy as np

    from lcde_jax.train.optimiser import statistics, tensor_names

    leaves = jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
    named = zip(tensor_names(model), leaves, statistics(model), strict=True)
    return {name: np.asarray(leaf) for name, leaf, held in named if not (trained and held)}

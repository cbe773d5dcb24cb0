r"""Words of a group through one linear CDE: the linear-CDE line of Figure 2.

On tokens a linear CDE is a product of one matrix per token, :math:`S_k = M(x_k) S_{k-1}`, and one
block of it tracks any finite group. `form="free"` trains the matrices themselves;
`form="embedding"` trains embeddings and fields, :math:`M(x) = \exp(\sum_i A_i\, e_i(x)\,\delta)`;
`form="published"` is the published recurrence, driven by path values times one over the length.

Source: N. Muca Cirone et al., arXiv:2402.19047, Figure 2 and Theorem 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from experiments.a5 import words
from experiments.a5.words import CONTROL_GROUPS, CONTROL_LENGTH, PUBLISHED_LENGTHS, SEEDS, WordsRun
from experiments.run import of_preset
from seqtheory.checks import require_choice, require_fraction, require_integer
from seqtheory.group import order_of
from seqtheory.training import Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "controls", "published", "paper")
DEFAULT_PRESET = "quick"

Form = Literal["free", "embedding", "published"]
FORMS: tuple[Form, ...] = ("free", "embedding", "published")
LENGTHS = (3, 4, 6, 8, 12, 20)
PUBLISHED_STEPS = 20_000
"""Steps within which the published runs have solved their words."""


@dataclass(frozen=True, kw_only=True)
class LinearCDERun(WordsRun):
    """One linear CDE of this width.

    Parameters
    ----------
    model, depth
        Fixed: one block of a linear CDE.
    form
        What is trained; see the head of this file.
    width
        Size of the state.
    dropout
        After the recurrence and after the activation.
    """

    model: Literal["linear_cde"] = "linear_cde"
    depth: Literal[1] = 1
    form: Form = "free"
    width: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        require_choice("form", self.form, FORMS)
        require_integer("width", self.width, minimum=1)
        require_fraction("dropout", self.dropout, zero=True)


def runs(preset: str) -> list[LinearCDERun]:
    """List the runs of a preset."""
    small: dict[str, Any] = {"num_words": 2_000, "num_held_out": 200, "num_longer": 50}
    return of_preset(
        preset,
        {
            "smoke": lambda: [_run(3, 0, num_steps=250, **small)],
            "quick": lambda: [_run(n, seed) for n in LENGTHS for seed in SEEDS],
            "controls": lambda: [
                _run(CONTROL_LENGTH, seed, group=g) for g in CONTROL_GROUPS for seed in SEEDS
            ],
            "published": lambda: [
                _published(n, seed, num_steps=PUBLISHED_STEPS, evaluate_every=500)
                for n in LENGTHS
                for seed in SEEDS
            ],
            "paper": lambda: [
                _published(
                    n, seed, num_steps=1_000_000, evaluate_every=10_000, num_held_out=200_000
                )
                for n in PUBLISHED_LENGTHS
                for seed in SEEDS
            ],
        },
    )


def _run(length: int, seed: int, num_steps: int = 2_000, **settings: Any) -> LinearCDERun:
    training = Training(
        loss="cross_entropy",
        learning_rate=1e-2,
        batch_size=128,
        num_steps=num_steps,
        schedule="cosine",
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=250,
        target=0.9995,
    )
    return LinearCDERun(length=length, seed=seed, dropout=0.1, training=training, **settings)


def _published(
    length: int, seed: int, *, num_steps: int, evaluate_every: int, **settings: Any
) -> LinearCDERun:
    training = Training(
        loss="cross_entropy",
        learning_rate=2e-4,
        batch_size=32,
        auxiliary="separate",
        auxiliary_batch_size=3,
        num_steps=num_steps,
        weight_decay=0.01,
        evaluate_every=evaluate_every,
        target=0.90,
    )
    return LinearCDERun(
        length=length,
        seed=seed,
        form="published",
        width=256,
        dropout=0.1,
        training=training,
        **settings,
    )


def execute(run: LinearCDERun, recorder: Recorder) -> None:
    """Train the model, then test it on longer words."""
    import equinox as eqx
    import jax

    import lcde_jax
    from experiments.fitting import fit_recorded

    data = words.fit_data(run)
    words.note_words(run, data, recorder)
    initial, dropout = jax.random.split(jax.random.key(run.seed))
    model = _model(run, initial)
    sizes = [leaf.size for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))]
    recorder.note(parameters=sum(sizes))
    model, _ = fit_recorded(
        lcde_jax.fit,
        model,
        data,
        run.seeded_training,
        recorder,
        keep_model=run.keep_model,
        key=dropout,
    )
    words.note_longer(run, recorder, lambda data: lcde_jax.evaluate(model, data, "cross_entropy"))


def _model(run: LinearCDERun, key: Any) -> Any:
    import lcde_jax

    order = order_of(run.group)
    forms: dict[Form, dict[str, Any]] = {
        "free": {"matrix_per_token": True},
        "embedding": {},
        "published": {"path": "published", "step": "first_order", "delta": None},
    }
    return lcde_jax.LinearCDEClassifier(
        order, order, run.width, dropout=run.dropout, key=key, **forms[run.form]
    )

r"""Words of a group through recurrent, attention and state-space models: Figure 2's torch half.

Each model is a stack of `depth` blocks, mixer, dropout, linear map with GLU, dropout, residual,
LayerNorm, between an embedding of tokens and a readout at every position; it is trained on the
running product of words of one length, with all words of length 2 beside them.

Source: N. Muca Cirone et al., arXiv:2402.19047, Figure 2. The published models are 1024 wide and
take up to a million steps at batch 32; `quick` asks the same question of narrower ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from experiments.a5 import depth_schedule, plateaus, words
from experiments.a5.words import CONTROL_GROUPS, CONTROL_LENGTH, PUBLISHED_LENGTHS, SEEDS, WordsRun
from experiments.guest import Guest, guest_mixer, in_place_of, no_guest, require_model
from experiments.report.curve import curve
from experiments.run import of_preset
from seqtheory.checks import require_fraction, require_integer
from seqtheory.training import Training

if TYPE_CHECKING:
    from experiments.record import Record
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = (
    *("smoke", "quick", "controls", "long", "paper"),
    *("plateaus", "one-block", "ablation", "trials"),
)
SEARCHED = ("paper", "plateaus", "one-block")
DEFAULT_PRESET = "quick"

Model = Literal[
    "rnn", "lstm", "transformer", "s4", "s4d", "s5", "mamba", "lru", "selective_diagonal"
]
MODELS: tuple[Model, ...] = get_args(Model)
CONTROL_STEPS = 4_500


@dataclass(frozen=True, kw_only=True)
class SequenceModelRun(WordsRun):
    """One model of this depth and width.

    Parameters
    ----------
    model
        The mixer.
    depth, width
        Blocks, and channels between them.
    state_dim
        State per channel (S4, S4D, Mamba) or in all (S5, LRU, selective_diagonal).
    heads, feed_forward
        Of the transformer.
    dropout
        After the mixer and after the activation.
    published_step
        Whether S4 takes the published double softplus, with steps near 0.7 whatever was asked.
    guest
        A mixer of one's own, where `model` is "guest" (see `experiments.guest`).
    """

    model: Model | Literal["guest"] = "mamba"
    depth: int = 1
    width: int = 128
    state_dim: int = 16
    heads: int = 4
    feed_forward: int = 512
    dropout: float = 0.0
    published_step: bool = False
    guest: Guest | None = no_guest

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        require_model(self.model, self.guest, MODELS)
        for name in ("depth", "width", "state_dim", "heads", "feed_forward"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.model == "transformer" and self.width % self.heads:
            raise ValueError(f"heads={self.heads}: expected a divisor of width={self.width}")
        require_fraction("dropout", self.dropout, zero=True)


def runs(preset: str) -> list[SequenceModelRun]:
    """List the runs of a preset."""
    ladder = {
        "smoke": _smoke,
        "quick": _quick,
        "controls": lambda: [
            _run(model, CONTROL_LENGTH, 1, seed, CONTROL_STEPS, group=group)
            for group in CONTROL_GROUPS
            for model in ("mamba", "selective_diagonal")
            for seed in SEEDS
        ],
        "long": lambda: [_run(m, n, depth, s, steps) for m, n, depth, steps in LONG for s in SEEDS],
        "paper": _paper,
        "plateaus": lambda: [SequenceModelRun(**fields) for fields in plateaus.searched()],
        "one-block": lambda: [SequenceModelRun(**fields) for fields in plateaus.one_block()],
        "ablation": lambda: [SequenceModelRun(**fields) for fields in plateaus.ablated()],
        "trials": lambda: [SequenceModelRun(**fields) for fields in plateaus.tried()],
    }
    return of_preset(preset, ladder)


def bench(mixer: Guest, preset: str) -> list[SequenceModelRun]:
    """Give the runs of a preset with a guest in place of Mamba, or of the first model."""
    return in_place_of("mamba", runs(preset), mixer)


def due(
    preset: str, runs: Sequence[SequenceModelRun], held: Mapping[SequenceModelRun, Record]
) -> list[SequenceModelRun]:
    """List the runs to do next: all at once, but where the least depth is searched for.

    Parameters
    ----------
    preset
        The preset that the runs are of.
    runs
        All runs of it.
    held
        Finished records.
    """
    if preset not in SEARCHED:
        return [run for run in runs if run not in held]
    return depth_schedule.due(runs, {run: curve(held[run]).passes for run in held})


# Every model takes as many steps on words of one length, so that a failure can be told from too
# short a training. At length 20 only `long` is long enough; `quick` shows how far one gets.
STEPS = {3: 14_000, 4: 2_400, 6: 4_000, 8: 3_200, 12: 4_600, 20: 500}
# Those that fail stay on a plateau of two letters; at length 3 they leave it after some 10,000
# steps. Whether they ever do at length 6, with one block or two, is asked with several times as
# many.
LONG: tuple[tuple[Model, int, int, int], ...] = (
    ("mamba", 3, 1, 40_000),
    ("s4", 6, 1, 30_000),
    ("mamba", 6, 1, 30_000),
    ("mamba", 6, 1, 100_000),
    ("s4", 6, 2, 30_000),
    ("mamba", 6, 2, 30_000),
    ("rnn", 20, 1, 8_000),
    ("s4", 20, 1, 8_000),
    ("mamba", 20, 1, 8_000),
)  # model, length, depth, steps
# Width, rate and weight decay. A recurrent network 128 wide is at 0.2 where one of 512 has solved
# the words; the others learn three letters soonest at a high rate with a strong decay.
SETTINGS: dict[str, tuple[int, float, float]] = {
    "rnn": (512, 1e-3, 0.01),
    "lstm": (512, 1e-3, 0.01),
    "transformer": (128, 1e-3, 0.1),
}
OTHERS = (256, 3e-3, 0.1)


def _run(
    model: Model, length: int, depth: int, seed: int, num_steps: int | None = None, **settings: Any
) -> SequenceModelRun:
    width, rate, decay = SETTINGS.get(model, OTHERS)
    training = Training(
        loss="cross_entropy",
        learning_rate=rate,
        batch_size=64,
        auxiliary_batch_size=64,
        num_steps=STEPS[length] if num_steps is None else num_steps,
        schedule="cosine",
        warmup_steps=200,
        weight_decay=decay,
        clip=1.0,
        evaluate_every=250,
        target=0.92,
    )
    return SequenceModelRun(
        model=model,
        length=length,
        depth=depth,
        seed=seed,
        width=width,
        training=training,
        **settings,
    )


def _smoke() -> list[SequenceModelRun]:
    training = Training(
        loss="cross_entropy", learning_rate=3e-3, num_steps=40, evaluate_every=20, batch_size=16
    )
    small: dict[str, Any] = {"length": 3, "num_words": 2_000, "num_held_out": 200}
    return [
        SequenceModelRun(
            model=model, width=16, state_dim=4, num_longer=50, training=training, **small
        )
        for model in MODELS
    ]


def _quick() -> list[SequenceModelRun]:
    """Every model at depth 1; S4 and Mamba at depth 2 where theory lets them gain by it."""
    one_block: tuple[Model, ...] = ("rnn", "transformer", "s4", "mamba")
    two_blocks: tuple[Model, ...] = ("s4", "mamba")
    return [
        _run(model, length, depth, seed)
        for depth, lengths, models in (
            (1, (3, 4, 6, 8, 12), one_block),
            (2, (4, 6, 8), two_blocks),
            (1, (20,), one_block),
        )
        for length in lengths
        for model in models
        for seed in SEEDS
    ]


def _paper() -> list[SequenceModelRun]:
    """List the published widths, rates, depths and numbers of steps; for a GPU.

    Which of them are run is for `due` to say.
    """
    models: tuple[Model, ...] = ("rnn", "transformer", "s4", "s4d", "s5", "mamba", "lru")
    return [
        _published(model, length, depth, seed)
        for depth in (1, 2, 3, 4)
        for length in PUBLISHED_LENGTHS
        for model in models
        if model != "rnn" or depth == 1
        for seed in SEEDS
    ]


def _published(model: Model, length: int, depth: int, seed: int) -> SequenceModelRun:
    rates = {"rnn": 1e-4, "s4": 1e-4, "mamba": 3e-4}
    training = Training(
        loss="cross_entropy",
        learning_rate=rates.get(model, 2e-4),
        batch_size=32,
        num_steps=1_000_000,
        weight_decay=0.01,
        evaluate_every=10_000,
        target=0.90,
    )
    return SequenceModelRun(
        model=model,
        length=length,
        depth=depth,
        seed=seed,
        width=1024,
        state_dim=64,
        heads=64,
        feed_forward=2048,
        dropout=0.1,
        auxiliary_fraction=0.8,
        num_held_out=200_000,
        training=training,
    )


def execute(run: SequenceModelRun, recorder: Recorder) -> None:
    """Train the model, then test it on longer words."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    data = words.fit_data(run)
    words.note_words(run, data, recorder)
    model = _config(run).build(run.seed)
    recorder.note(parameters=sum(p.numel() for p in model.parameters()))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recorder.note(device=device)
    fit_recorded(
        seq_torch.fit,
        model,
        data,
        run.seeded_training,
        recorder,
        keep_model=run.keep_model,
        device=device,
    )
    words.note_longer(run, recorder, lambda data: seq_torch.evaluate(model, data, run.training))


def _config(run: SequenceModelRun) -> Any:
    import seq_torch
    from seqtheory.group import order_of

    order = order_of(run.group)
    return seq_torch.SequenceModelConfig(
        mixer=_mixer(run),
        input=seq_torch.TokenInput(vocabulary=order),
        output=seq_torch.StepOutput(size=order),
        width=run.width,
        depth=run.depth,
        dropout=run.dropout,
    )


def _mixer(run: SequenceModelRun) -> Any:
    from seq_torch import mixers

    match run.model:
        case "rnn":
            return mixers.RNNConfig()
        case "lstm":
            return mixers.LSTMConfig()
        case "transformer":
            return mixers.TransformerConfig(
                heads=run.heads, feed_forward=run.feed_forward, dropout=run.dropout
            )
        case "s4":
            return mixers.S4Config(state_dim=run.state_dim, published_step=run.published_step)
        case "s4d":
            return mixers.S4DConfig(state_dim=run.state_dim)
        case "s5":
            return mixers.S5Config(state_dim=run.state_dim)
        case "mamba":
            return mixers.MambaConfig(block=False, state_dim=run.state_dim)
        case "lru":
            return mixers.LRUConfig(state_dim=run.state_dim)
        case "guest":
            return guest_mixer(mixers, run.guest)
        case "selective_diagonal":
            return mixers.SelectiveDiagonalConfig(state_dim=run.state_dim)

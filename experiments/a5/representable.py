r"""Words of a group through stacks whose weights are set by hand: what depth can represent.

Nothing is trained. `seq_torch.constructed.word_problem` builds published blocks (mixer, GLU,
residual, LayerNorm) in which block d multiplies the product of a window of :math:`2^{d-1}` letters
with that of the window before it. For each depth up to :math:`\lceil \log_2 L \rceil` a run
measures, on random words of length L, how often the greatest output is the running product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from experiments.run import Run, of_preset
from seqtheory.checks import require_choice, require_integer
from seqtheory.group import order_of

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick")
DEFAULT_PRESET = "quick"

Model = Literal["s4", "mamba"]
MODELS: tuple[Model, ...] = get_args(Model)
LENGTHS = (3, 4, 6, 8, 12, 16, 20, 32)
_BATCH = 125  # words at once


@dataclass(frozen=True, kw_only=True)
class RepresentableRun(Run):
    """Stacks of all depths for words of one length.

    Parameters
    ----------
    seed
        Of the words.
    group
        Whose products are followed, by orthogonal matrices of the fewest dimensions.
    model
        S4, with a conjugate pair for every two positions, or Mamba's bare recurrence, with a state
        for every position.
    length, num_words
        Letters of a word, at least 2, and words to measure.
    dtype
        Of the weights and of all computation.
    """

    group: str = "A5"
    model: Model = "s4"
    length: int = 8
    num_words: int = 1_000
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        order_of(self.group)
        require_choice("model", self.model, MODELS)
        require_integer("length", self.length, minimum=2, maximum=4_096)
        require_integer("num_words", self.num_words, minimum=1)
        require_choice("dtype", self.dtype, ("float32", "float64"))

    @property
    def depth(self) -> int:
        """Blocks that words of this length need."""
        return (self.length - 1).bit_length()


def runs(preset: str) -> list[RepresentableRun]:
    """List the runs of a preset."""
    ladder = {
        "smoke": lambda: [
            RepresentableRun(model=model, group="S3", length=4, num_words=50) for model in MODELS
        ],
        "quick": lambda: [
            RepresentableRun(model=model, length=length) for model in MODELS for length in LENGTHS
        ],
    }
    return of_preset(preset, ladder)


def execute(run: RepresentableRun, recorder: Recorder) -> None:
    """Measure stacks of every depth on the same words."""
    import torch

    from seq_torch import constructed
    from seqtheory.group import group
    from seqtheory.representation import smallest

    matrices = smallest(group(run.group))
    shape = (run.num_words, run.length)
    words = np.random.default_rng(run.seed).integers(matrices.group.order, size=shape)
    products = matrices.group.running_products(words)
    recorder.note(order=matrices.group.order, dimension=matrices.dimension, device="cpu")
    for depth in range(1, run.depth + 1):
        model = constructed.word_problem(
            matrices,
            run.length,
            depth=depth,
            mixer=_mixer(run),
            dtype=getattr(torch, run.dtype),
        )
        recorder.note(width=model.config.width)
        recorder.log(depth, depth=depth, **_measured(model, words, products))
        recorder.progress(depth, run.depth)


def _measured(model: Any, words: np.ndarray, products: np.ndarray) -> dict[str, Any]:
    """Accuracies, and the least lead of the right element before all others."""
    import torch

    right, lead = [], np.inf
    for start in range(0, len(words), _BATCH):
        rows = slice(start, start + _BATCH)
        with torch.no_grad():
            scores = model(torch.from_numpy(words[rows])).double().numpy()
        at = products[rows, :, None].astype(np.int64)
        own = np.take_along_axis(scores, at, -1)[..., 0]
        np.put_along_axis(scores, at, -np.inf, -1)
        lead = min(lead, float((own - scores.max(-1)).min()))
        right.append(own > scores.max(-1))
    found = np.concatenate(right)
    return {
        "token_accuracy": float(found.mean()),
        "sequence_accuracy": float(found.all(1).mean()),
        "position_accuracy": found.mean(0).tolist(),
        "lead": lead,
    }


def _mixer(run: RepresentableRun) -> Any:
    from seq_torch import mixers

    if run.model == "s4":
        return mixers.S4Config(state_dim=-(-run.length // 2))
    return mixers.MambaConfig(block=False, state_dim=run.length)

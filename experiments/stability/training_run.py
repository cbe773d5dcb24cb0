"""One training of StableSSM at one rate: what the studies of this folder share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from experiments.kept_model import Keep, no_model, require_keep
from experiments.run import Run
from seqtheory.checks import require_integer
from seqtheory.reparameterisation import Best, Direct, Exp, Inverse, ReLU, Softplus
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

RATES = (5e0, 5e-1, 5e-2, 5e-3, 5e-4, 5e-5, 5e-6)
SEEDS = (0, 1, 2)

Map = Direct | Exp | Softplus | Best | Inverse | ReLU


class Start(NamedTuple):
    """A parameterisation, and whether its real parts start from the published wrong sign."""

    parameterisation: Map
    upstream_sign: bool = False


STARTS = (Start(Direct(), True), Start(Direct()), Start(Exp()), Start(Softplus()), Start(Best()))
UPSTREAM_BEST = Start(Best(b=0.1))
"""The map best as in the published code; the paper has b = 0.5."""


@dataclass(frozen=True, kw_only=True)
class TrainingRun(Run):
    """One model, one learning rate, one seed.

    Parameters
    ----------
    parameterisation
        From trained weights to real parts; they all start at -0.5.
    upstream_sign
        Whether direct weights start at +0.5 instead, as in the published code.
    upstream_groups
        Whether the weights of the recurrence decay like all others, as in the published code.
    width, depth, state_dim
        Channels, layers, and real states per channel.
    training
        Its `learning_rate` is what a sweep varies; its seed is the run's.
    keep_model
        Whether the record holds the trained model: false, true, or "best" for that of its best
        evaluation (see `experiments.kept_model`).
    """

    parameterisation: Map = field(default_factory=Best)
    upstream_sign: bool = False
    upstream_groups: bool = False
    width: int = 64
    depth: int = 1
    state_dim: int = 64
    training: Training = field(default_factory=Training)
    keep_model: Keep = no_model

    def __post_init__(self) -> None:
        """Refuse what could not be built, before any framework is imported."""
        super().__post_init__()
        require_keep(self.keep_model)
        for name in ("width", "depth"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.state_dim < 2 or self.state_dim % 2:
            raise ValueError(f"state_dim={self.state_dim}: expected an even number, 2 or more")
        if self.upstream_sign and not isinstance(self.parameterisation, Direct):
            raise ValueError(
                f"upstream_sign=True with {self.parameterisation}: expected Direct(), whose "
                "published code alone has the wrong sign"
            )

    @property
    def seeded_training(self) -> Training:
        """Settings of the training with this run's seed in them."""
        return replace(self.training, seed=self.seed)


AnyRun = TypeVar("AnyRun", bound=TrainingRun)


def swept(
    run: AnyRun,
    *,
    starts: Iterable[Start] = STARTS,
    rates: Iterable[float] = RATES,
    seeds: Iterable[int] = SEEDS,
) -> list[AnyRun]:
    """Repeat a run with every parameterisation, rate and seed; the largest rates come first."""
    return [
        replace(
            run,
            parameterisation=start.parameterisation,
            upstream_sign=start.upstream_sign,
            training=replace(run.training, learning_rate=rate),
            seed=seed,
        )
        for rate in rates
        for start in starts
        for seed in seeds
    ]


def settings(
    loss: Literal["squared_error", "cross_entropy"],
    batch_size: int,
    num_steps: int,
    *,
    evaluate_every: int,
) -> Training:
    """Training settings that all sweeps share: a cosine, and a weight decay of 0.01."""
    return Training(
        loss=loss,
        batch_size=batch_size,
        num_steps=num_steps,
        schedule="cosine",
        weight_decay=0.01,
        evaluate_every=evaluate_every,
    )


def published(loss: Literal["squared_error", "cross_entropy"], rows: int) -> Training:
    """Ten epochs of `rows` rows in batches of 128, as published; a short last batch is a step."""
    return settings(loss, 128, 10 * math.ceil(rows / 128), evaluate_every=43)


def gradient_over_weight(model: Any) -> Callable[[], dict[str, list[float]]]:
    r"""Watch how large a gradient is beside its weight, for the weights of every real part.

    .. math:: r_h = \max_n \frac{|\partial \ell / \partial w_{hn}|}{|w_{hn}|}

    for each channel h, layers one after the other. Gradients are taken before clipping and weights
    before the update.

    Parameters
    ----------
    model
        A torch model with `seq_torch` mixers `StableSSM`; every backward pass is watched from now
        on.

    Returns
    -------
    A function that gives the ratios of the last backward pass, under ``gradient_over_weight``.

    References
    ----------
    Wang, Li, arXiv 2311.14495, section 4: the published quantity is the maximum over channels.
    """
    from seq_torch.mixers.stable_ssm import StableSSM

    weights = [module.w for module in model.modules() if isinstance(module, StableSSM)]
    held = [weight.new_zeros(len(weight)) for weight in weights]

    def watch(layer: int, weight: Any) -> None:
        # A weight at 0 without a gradient has the ratio 0, with one infinity.
        gradient = weight.grad.abs()
        ratio = gradient / weight.detach().abs()
        held[layer] = ratio.masked_fill(gradient == 0, 0.0).amax(dim=-1)

    for layer, weight in enumerate(weights):
        weight.register_post_accumulate_grad_hook(partial(watch, layer))
    return lambda: {"gradient_over_weight": [r for ratios in held for r in ratios.tolist()]}


def train(run: TrainingRun, data: FitData, recorder: Recorder, output: Any) -> Any:
    """Train the stack on these data and record it; return the model as training left it.

    Raises
    ------
    experiments.recorder.Diverged
        If a loss or a gradient is not finite: a row of the sweep like any other.
    """
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded
    from seq_torch.mixers import StableSSMConfig
    from seq_torch.model.stacks import stable_ssm_stack

    mixer = StableSSMConfig(
        state_dim=run.state_dim,
        parameterisation=run.parameterisation,
        upstream_sign=run.upstream_sign,
        upstream_groups=run.upstream_groups,
    )
    channels = data.sample.inputs.shape[-1]
    model = stable_ssm_stack(
        seq_torch.LinearInput(channels=channels),
        output,
        mixer=mixer,
        width=run.width,
        depth=run.depth,
    ).build(run.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recorder.note(device=device, parameters=sum(p.numel() for p in model.parameters()))
    measure = gradient_over_weight(model)
    fit_recorded(
        seq_torch.fit,
        model,
        data,
        run.seeded_training,
        recorder,
        measure=measure,
        keep_model=run.keep_model,
        device=device,
    )
    return model

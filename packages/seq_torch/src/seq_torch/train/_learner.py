"""One optimiser step: batches in, updated parameters or a divergence out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from ._distributed import World, without_sum
from ._loss import Batch, count, outputs_of, summed_loss, to_batch

if TYPE_CHECKING:
    from seqtheory.training import Training

    from ._feed import Feed, Rows
    from ._place import Place
    from .optim import Optimiser


class Divergence(NamedTuple):
    """What was not finite, and the numbers seen."""

    reason: str
    loss: float
    gradient_norm: float
    tensor: str | None

    def facts(self, step: int, learning_rate: float) -> dict[str, Any]:
        """Give the facts in the form that `seqtheory.training.History` holds."""
        return {"step": step, **self._asdict(), "learning_rate": learning_rate}


class Learner:
    """The optimiser at work on a model: `step` is the whole of the training loop's body."""

    def __init__(
        self,
        model: nn.Module,
        optimiser: Optimiser,
        feed: Feed,
        training: Training,
        place: Place,
        world: World,
    ) -> None:
        self._model, self._optimiser, self._feed = model, optimiser, feed
        self._training, self._place, self._world = training, place, world
        self._wrapped = world.wrap(model)
        self._trainable = [p for p in model.parameters() if p.requires_grad]

    def step(self, step: int, positions: int) -> float | Divergence:
        """Take step number `step`, counted from 0; return the loss of its main batch.

        At most the first `positions` of the words of the main batch count.

        What it draws at random depends on the seed, the step and the process alone, so that a
        resumed training draws what an uninterrupted one does.
        """
        factor = self._training.schedule_factor(step)
        self._place.seed(self._training.seed, step, self._world.rank)
        batches = self._feed.batches(step, positions)
        if self._training.auxiliary == "summed" or len(batches) == 1:
            return self._update(batches, factor)
        main, auxiliary = batches
        loss = self._update([main], factor)
        if isinstance(loss, Divergence):
            return loss
        second = self._update([auxiliary], factor)
        return second if isinstance(second, Divergence) else loss

    def _update(self, batches: list[Rows], factor: float) -> float | Divergence:
        """One update from the summed losses of the batches; none if a number is not finite."""
        for parameter in self._trainable:
            parameter.grad = None
        losses = [self._backward(batch) for batch in batches[:-1]]
        losses.append(self._backward(batches[-1], last=True))
        gradients = [p.grad for p in self._trainable if p.grad is not None]
        # The processes hold one gradient, but each the loss of its own share.
        seen = self._world.add(torch.stack(losses))
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        *values, norm = torch.cat([seen, norm[None]]).tolist()
        if not math.isfinite(norm) or not all(map(math.isfinite, values)):
            return self._divergence(values, norm)
        if self._training.clip is not None and norm > self._training.clip:
            scale = self._training.clip / norm
            torch._foreach_mul_(gradients, scale)  # pyright: ignore[reportPrivateImportUsage]
        self._optimiser.update(factor)
        return values[0]

    def _backward(self, batch: Rows, *, last: bool = False) -> torch.Tensor:
        """Add this process's part of the gradient of a mean loss; return its part of the loss.

        The mean is over what counts in the whole batch, so parts need not be of one size.
        """
        if last or self._world.size == 1:
            return self._backward_of_share(batch)
        with without_sum(self._wrapped):
            return self._backward_of_share(batch)

    def _backward_of_share(self, batch: Rows) -> torch.Tensor:
        share = self._world.share(batch.rows)
        # Every process must take part in the sum of gradients: one without rows with weight 0.
        rows = share if len(share) else batch.rows[:1]
        held: Batch = to_batch(batch.data, rows, self._place)
        outputs = outputs_of(self._wrapped, held, self._place)
        scale = 1 / count(batch.data, batch.rows) if len(share) else 0.0
        loss = summed_loss(self._training.loss, outputs, held) * scale
        # Torch averages gradients over processes; a sum is wanted.
        (loss * self._world.size if self._world.size > 1 else loss).backward()
        return loss.detach()

    def _divergence(self, values: list[float], norm: float) -> Divergence:
        names = ("loss", "auxiliary loss") if len(values) > 1 else ("loss",)
        wrong = [n for n, value in zip(names, values, strict=True) if not math.isfinite(value)]
        reason = f"{wrong[0] if wrong else 'gradient'} is not finite"
        return Divergence(reason, values[0], norm, first_not_finite(self._model))


def first_not_finite(model: nn.Module) -> str | None:
    """Name of the first parameter or buffer that is not finite, else of the first such gradient."""
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not torch.isfinite(tensor).all():
            return name
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and not torch.isfinite(parameter.grad).all():
            return f"gradient of {name}"
    return None

"""The settings of a training: data only, read by the fit of each framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.plain import added
from seqtheory.training import _curriculum, _optimiser, _schedule, _target
from seqtheory.training._curriculum import Curriculum


@dataclass(frozen=True, kw_only=True)
class Training:
    r"""Settings of one training run.

    Parameters
    ----------
    loss
        ``"squared_error"`` of real targets or ``"cross_entropy"`` of classes, averaged over the
        targets that count.
    learning_rate
        Step size of the optimiser, above 0.
    state_learning_rate
        Step size of the parameters of a recurrence, above 0; None for `learning_rate`.
    schedule
        ``"constant"``; ``"cosine"``: half a cosine from the full rate down to 0 at `num_steps`;
        ``"warmup_stable_decay"``: constant, then linearly down to 0 over the last `decay_steps`.
    warmup_steps
        Steps over which the rate first grows linearly, at most `num_steps`.
    batch_size
        Rows per step.
    num_steps
        Largest number of optimiser steps to take.
    weight_decay
        Decoupled decay, at least 0; applied to weight matrices only.
    clip
        Largest global norm of the gradient, above 0; None leaves gradients alone.
    evaluate_every
        Steps between evaluations; one more follows the last step.
    target
        Held-out metric, at least 0, at which training stops early: the token accuracy to reach
        for ``"cross_entropy"``, the root mean squared error to come down to for
        ``"squared_error"``; None never stops.
    auxiliary
        How a step uses an auxiliary batch: ``"summed"`` adds its loss to that of the main batch and
        makes one update, ``"separate"`` makes a second update from it.
    auxiliary_batch_size
        Rows per auxiliary batch; None for `batch_size`.
    precision
        ``"bfloat16"`` computes matrix products in that type; parameters stay as they are. Needs
        an accelerator.
    seed
        Decides the order of the batches and every other draw of the training.
    optimiser
        ``"adamw"``, which without weight decay is Adam; ``"sgd"``; ``"momentum"``; ``"muon"``: Muon
        for the matrices of the hidden layers, AdamW for all else. See the notes.
    momentum
        Share of the last average in the next, in [0, 1), with ``"momentum"`` (None for 0.9) and
        ``"muon"`` (None for 0.95).
    matrix_learning_rate
        Step size of what Muon moves, above 0; None for 0.02, as published.
    matrix_weight_decay
        Decoupled decay of what Muon moves, at least 0; None for 0.
    decay_steps
        Steps of the last part of ``"warmup_stable_decay"``, at least 1.
    curriculum
        Which positions of a word the loss of the main batch counts, and when more; None for all.
        Needs ``"cross_entropy"`` and a target at every position.
    lengths
        ``"mixed"`` draws a length for each step, from 2 to the positions of the curriculum or of
        the word, and learns from the first positions of the main batch's words only: it cuts the
        words, unless the curriculum masks. In JAX it masks always, which for causal models is the
        same.
    target_at
        Positions whose token accuracy the target means: ``"all"``, or the ``"last"`` of the words.

    Notes
    -----
    With the gradient g after clipping, rate :math:`\eta` (times `schedule_factor`) and decay d of a
    tensor, each update is :math:`\theta \leftarrow (1 - \eta d)\, \theta - \eta u`, where

    .. math:: u = g \text{ (SGD)}, \qquad
              m \leftarrow \mu m + g, \; u = m \text{ (momentum)}, \qquad
              u = \frac{m / (1 - 0.9^k)}{\sqrt{v / (1 - 0.999^k)} + 10^{-8}} \text{ (AdamW)}

    with :math:`m \leftarrow 0.9\, m + 0.1\, g`, :math:`v \leftarrow 0.999\, v + 0.001\, g^2`.
    Muon takes a matrix of r rows and c columns (a map from c to r numbers) along

    .. math:: m \leftarrow \mu m + (1 - \mu)\, g, \qquad
              u = \sqrt{\max(1, r / c)} \; N\bigl((1 - \mu)\, g + \mu m\bigr),

    where N nearly sets all singular values to 1: after :math:`X \leftarrow X / \lVert X \rVert_F`
    five times :math:`X \leftarrow a X + b\, X X^T X + c\, (X X^T)^2 X` with a, b, c = 3.4445,
    -4.7750, 2.0315, in the type of the parameters. It moves parameters of two axes below the
    model's attribute `layers`, other than biases and those of a recurrence; embedding, readout,
    vectors and the parameters of recurrences are left to AdamW at their own rates.

    References
    ----------
    I. Loshchilov and F. Hutter, arXiv:1711.05101 (AdamW). K. Jordan et al., Muon: An optimizer for
    hidden layers in neural networks, 2024; J. Liu et al., arXiv:2502.16982.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of range; the message names it.

    Examples
    --------
    >>> Training(learning_rate=3e-4, num_steps=1000).batch_size
    32
    """

    loss: Literal["squared_error", "cross_entropy"] = "squared_error"
    learning_rate: float = 1e-3
    state_learning_rate: float | None = None
    schedule: Literal["constant", "cosine", "warmup_stable_decay"] = "constant"
    warmup_steps: int = 0
    batch_size: int = 32
    num_steps: int = 10_000
    weight_decay: float = 0.0
    clip: float | None = None
    evaluate_every: int = 1000
    target: float | None = None
    auxiliary: Literal["summed", "separate"] = "summed"
    auxiliary_batch_size: int | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0
    optimiser: Literal["adamw", "sgd", "momentum", "muon"] = added("adamw")
    momentum: float | None = added(None)
    matrix_learning_rate: float | None = added(None)
    matrix_weight_decay: float | None = added(None)
    decay_steps: int = added(0)
    curriculum: Curriculum | None = added(None)  # noqa: RUF009  (None, so it can be shared)
    lengths: Literal["whole", "mixed"] = added("whole")
    target_at: Literal["all", "last"] = added("all")

    def __post_init__(self) -> None:
        require_choice("loss", self.loss, ("squared_error", "cross_entropy"))
        require_choice("auxiliary", self.auxiliary, ("summed", "separate"))
        require_choice("precision", self.precision, ("float32", "bfloat16"))
        for name in ("batch_size", "num_steps", "evaluate_every"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.auxiliary_batch_size is not None:
            require_integer("auxiliary_batch_size", self.auxiliary_batch_size, minimum=1)
        require_integer("seed", self.seed, minimum=0)
        require_positive("learning_rate", self.learning_rate)
        require_positive("weight_decay", self.weight_decay, zero_allowed=True)
        for name in ("state_learning_rate", "clip"):
            if getattr(self, name) is not None:
                require_positive(name, getattr(self, name))
        _schedule.check(self)
        _optimiser.check(self)
        _curriculum.check(self)
        _target.check(self)

    def schedule_factor(self, step: int) -> float:
        r"""Factor on the learning rates in the update that follows `step` updates.

        .. math:: f_k = \frac{k + 1}{w} \quad (k < w), \qquad
            f_k = \tfrac12 \Bigl(1 + \cos \pi \frac{k - w}{n - w}\Bigr)
            \quad (k \ge w, \text{ cosine})

        and 1 from step w on if the schedule is constant; w is `warmup_steps`, n is `num_steps`.
        With a late decay over d = `decay_steps`, :math:`f_k = \min(1, (n - k) / d)` from step w on.

        Examples
        --------
        >>> training = Training(num_steps=8, warmup_steps=4, schedule="cosine")
        >>> [round(training.schedule_factor(step), 3) for step in range(8)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 0.854, 0.5, 0.146]
        """
        return _schedule.factor(self, step)

    def reached(self, metrics: dict[str, float | list[float]]) -> bool:
        """Whether held-out metrics (those of `Evaluated`) meet the target.

        Examples
        --------
        >>> Training(target=0.1).reached({"rmse": 0.09})
        True
        >>> Training(loss="cross_entropy", target=0.9).reached({"token_accuracy": 0.89})
        False
        """
        return _target.reached(self, metrics)

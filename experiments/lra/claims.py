"""What the replication asked and what theory expects: claims that the records may refute."""

from __future__ import annotations

from experiments.claim import NOT_UNDERSTOOD, Claim
from experiments.lra.judges import (
    AGREEMENT,
    LIST_OPS,
    MARGIN,
    NOTHING,
    Keep,
    at_rate,
    judge_agreement,
    judge_factor,
    judge_lasting,
    judge_narrowing,
    judge_pixels,
    judge_rates,
    judge_tuned,
    of,
)
from experiments.lra.settings import RATE, RATES, STEPS

_ONE_SIGN = "have one sign and exclude zero"
_FAILS = f"(fails with opposite signs, or around zero within {NOTHING:g} point)"
_TASKS: dict[str, tuple[str, tuple[Keep, ...]]] = {
    "": ("on ListOps", (of(LIST_OPS),)),
    "-images": ("on grey pixels (or drawn shapes)", (of("CIFAR-10"), of("drawn shapes"))),
    "-reviews": ("on reviews (or drawn ones)", (of("IMDB"), of("drawn reviews"))),
}
_SAME_FIT = (
    "After the residual is ahead with batch normalisation. With layer normalisation both places "
    "reach the same, on the training set as well, and far less than with batch."
)

CLAIMS = (
    *(
        Claim(
            f"norm{ending}",
            f"{where} one normalisation is ahead in either place: the intervals of layer - batch "
            "in S4's test accuracy, before the mixer and after the residual, "
            f"{_ONE_SIGN} {_FAILS}",
            judge_factor("norm", "position", *kinds),
        )
        for ending, (where, kinds) in _TASKS.items()
    ),
    *(
        Claim(
            f"norm-rate-{rate:g}",
            f"on ListOps at the learning rate {rate:g}, in place of {RATE:g}, the intervals of "
            f"layer - batch in either place {_ONE_SIGN} {_FAILS}",
            judge_factor("norm", "position", at_rate(rate)),
        )
        for rate in RATES
        if rate != RATE
    ),
    Claim(
        "norm-rates",
        "the norm decides at whatever rate: on ListOps the intervals of layer - batch at the "
        f"rates {', '.join(f'{rate:g}' for rate in RATES)}, in either place, all {_ONE_SIGN} "
        f"{_FAILS}",
        judge_rates,
    ),
    Claim(
        "norm-tuned",
        "a rate of its own does not make up for the norm: on ListOps, each norm in each place at "
        "that of the rates which validates best, the intervals of layer - batch in either place "
        f"{_ONE_SIGN} {_FAILS}",
        judge_tuned,
    ),
    Claim(
        "norm-lasts",
        f"more steps do not undo it: on ListOps after {STEPS[-1]:,} steps the intervals of layer - "
        f"batch in either place {_ONE_SIGN} {_FAILS}",
        judge_lasting,
    ),
    Claim(
        "norm-narrows",
        f"more steps narrow it: on ListOps layer - batch is nearer to zero after {STEPS[-1]:,} "
        f"steps than after {STEPS[0]:,}, or beyond it, by paired intervals that exclude zero in "
        "either place (fails if one excludes it on the other side, or lies around it within "
        f"{NOTHING:g} point)",
        judge_narrowing,
    ),
    *(
        Claim(
            f"position{ending}",
            f"{where} one place is ahead with either normalisation: the intervals of pre - post "
            f"{_ONE_SIGN} (fails likewise)",
            judge_factor("position", "norm", *kinds),
            _SAME_FIT if ending == "-reviews" else NOT_UNDERSTOOD,
        )
        for ending, (where, kinds) in _TASKS.items()
    ),
    Claim(
        "frameworks",
        f"JAX and torch agree: the interval of their difference lies within {AGREEMENT:g} points",
        judge_agreement,
    ),
    *(
        Claim(
            f"pixels-{model}",
            f"on grey pixels {name} beats a small Transformer by at least {MARGIN:g} points, "
            "its worst seed the other's best",
            judge_pixels(model),
            reason,
        )
        for model, name, reason in (
            ("s4d_lin", "S4D", NOT_UNDERSTOOD),
            ("s5", "S5", NOT_UNDERSTOOD),
            (
                "lru",
                "an LRU",
                "It is as low on the training set: it has learnt little in so few "
                "steps, and its rate was not searched for.",
            ),
        )
    ),
)

"""What theory says about the edge of learning under each optimiser, and what the ladders showed.

Claims were written before the ladders were run, findings after they were seen.
"""

from __future__ import annotations

import math
from functools import partial

from experiments.claim import NOT_UNDERSTOOD, Claim
from experiments.report.variants import of_one_setting
from experiments.stability.edge_judges import (
    GRADIENT,
    SIGN,
    STABLE,
    STEP,
    TIE,
    ahead,
    judge,
    judge_optimiser,
    one,
    over,
    ranks,
    ranks_within,
    slope,
    ties,
)
from experiments.stability.edges import LAYER, MODES, STATES, cell_of


def _claim(name: str, statement: str, *judged: object, reason: str = NOT_UNDERSTOOD) -> Claim:
    return Claim(name, statement, partial(judge, *judged), reason)


CLAIMS = of_one_setting(
    (
        _claim(
            "gradient-order",
            "modes under SGD and momentum: over maps and memories largest rates are ranked as "
            "predicted, Spearman above 0.8",
            *(MODES, GRADIENT, one(ranks), 0.8, math.inf),
        ),
        _claim(
            "gradient-stable",
            "the same of the stable maps alone, above 0.5",
            *(MODES, GRADIENT, one(ranks, maps=STABLE), 0.5, math.inf),
        ),
        _claim(
            "gradient-exponent",
            "there they are in proportion to the prediction: a slope of logarithms within a "
            "quarter of 1",
            *(MODES, GRADIENT, one(slope), 0.75, 1.25),
        ),
        _claim(
            "gradient-long",
            "of the longest memory best bears a larger rate than exp there",
            *(MODES, GRADIENT),
            *(one(ahead, first="best", second="exp", place=-1), 0.0, math.inf),
        ),
        _claim(
            "gradient-short",
            "of the shortest exp bears a larger rate than best there",
            *(MODES, GRADIENT),
            *(one(ahead, first="exp", second="best", place=0), 0.0, math.inf),
        ),
        _claim(
            "adam-tie",
            "modes under Adam: at every memory the rates of two stable maps are within a factor "
            "of 3 of each other",
            *(MODES, SIGN, ties(), -TIE, TIE),
            reason="Best bears more than exp and softplus at every memory, at the longest up to "
            "the end of the grid (finding adam-reach). A step of Adam is as large as its rate, "
            "whatever the gradient. Steps of several units take modes of exp and softplus to where "
            "they forget at once, or never, and have no gradient to come back by; eigenvalues of "
            "best stay in a bounded range. That was seen in trials of seed 0, and the prediction, "
            "which is about small changes of a mode, does not see it.",
        ),
        _claim(
            "adam-direct",
            "there direct bears a smaller rate than exp at the longest memory",
            *(MODES, SIGN),
            *(one(ahead, first="exp", second="direct", place=-1), 0.0, math.inf),
        ),
        Claim(
            "optimiser",
            "modes: rates of the stable maps are further apart under SGD than under Adam",
            partial(judge_optimiser, MODES),
        ),
        _claim(
            "layer-order",
            "the published layer under SGD and momentum: maps are ranked as predicted at the "
            "start (softplus, exp, best, direct), Spearman above 0",
            *(LAYER, GRADIENT, one(ranks_within), 0.0, math.inf),
        ),
        _claim(
            "layer-tie",
            "the published layer under Adam and AdamW: as adam-tie",
            *(LAYER, SIGN, ties(), -TIE, TIE),
        ),
        _claim(
            "layer-direct",
            "the published layer: under every optimiser exp bears a larger rate than direct, in "
            "the mean of memories",
            *(LAYER, (*GRADIENT, *SIGN)),
            *(one(ahead, first="exp", second="direct", place=None), 0.0, math.inf),
        ),
        _claim(
            "layer-best",
            "the paper's comparison: under AdamW best bears a larger rate than exp, in the mean of "
            "memories",
            *(LAYER, ("AdamW",)),
            *(one(ahead, first="best", second="exp", place=None), 0.0, math.inf),
        ),
        Claim(
            "layer-optimiser",
            "the published layer: as optimiser",
            partial(judge_optimiser, LAYER),
            "Under SGD the maps around the recurrence break first, under all maps of the decays "
            "alike (finding layer-gradient): at about twice the largest rate the layer diverged "
            "also where the recurrence had the rate 0.001, in trials of seeds 0 and 1.",
        ),
        _claim(
            "states-direct",
            "the published layer, the rate of its recurrence alone swept: under SGD and Adam every "
            "stable map bears a larger rate than direct, in the mean of memories",
            *(STATES, ("SGD", "Adam"), over("direct"), 0.0, math.inf),
        ),
        _claim(
            "states-order",
            "there under SGD: as layer-order",
            *(STATES, ("SGD",), one(ranks_within), 0.0, math.inf),
        ),
        _claim(
            "states-best",
            "there under SGD and Adam best bears a larger rate than exp, in the mean of memories",
            *(STATES, ("SGD", "Adam")),
            *(one(ahead, first="best", second="exp", place=None), 0.0, math.inf),
        ),
    ),
    cell_of,
)

FINDINGS = of_one_setting(
    (
        _claim(
            "adam-reach",
            "modes under Adam: at every memory best bears a larger rate than exp",
            *(MODES, ("Adam",), over("exp", "best", memories=3), 0.0, math.inf),
        ),
        _claim(
            "layer-gradient",
            "the published layer under SGD and momentum: in the mean of memories every stable map "
            "bears the rate of direct, within a step of the grid",
            *(LAYER, GRADIENT, over("direct"), -STEP, STEP),
        ),
        _claim(
            "layer-adam",
            "the published layer under Adam and AdamW: best bears the rate of exp, within a step "
            "of the grid, in the mean of memories",
            *(LAYER, SIGN, over("exp", "best"), -STEP, STEP),
        ),
    ),
    cell_of,
)

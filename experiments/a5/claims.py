"""What theory says about tracking A5 and its controls, as functions from records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from experiments.a5.linear_cde import LENGTHS
from experiments.a5.minimum_depth import Cell, cell_of, cells, longest, outcome
from experiments.claim import Claim, Judge, Verdict
from experiments.record import Record
from experiments.report.rows import select
from experiments.report.variants import of_one_setting

_CHANCE = 1 / 60


def _listed(rows: Sequence[Cell]) -> str:
    return ", ".join(
        f"{_group(cell)}L{cell.length}: {cell.accuracies.mean():.3f} "
        f"({cell.accuracies.min():.3f}..{cell.accuracies.max():.3f} of {len(cell.curves)})"
        for cell in rows
    )


def _group(cell: Cell) -> str:
    return "" if cell.group == "A5" else f"{cell.group} "


def _judge(
    decide: Callable[[Sequence[Cell], Sequence[Cell]], Verdict],
    lengths: range,
    needed: Sequence[int] = (),
    **facts: object,
) -> Judge:
    """Judge the cells with these facts and lengths, beside all cells of the study.

    Of cells that were trained for several numbers of steps, the longest training counts. A claim
    about the lengths `needed` does not pass before there are records of all of them.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        study = cells(records)
        rows = [cell for cell in longest(select(study, **facts)) if cell.length in lengths]
        if not rows:
            return Verdict("not run", "no finished record of such a run")
        found = decide(rows, study)
        missing = sorted({n for n in needed if n in lengths} - {cell.length for cell in rows})
        if found.status != "pass" or not missing:
            return found
        names = ", ".join(f"L{n}" for n in missing)
        return Verdict("undecided", f"no record of {names}; so far {found.detail}")

    return judge


def _all_reach(bound: float) -> Callable[[Sequence[Cell], Sequence[Cell]], Verdict]:
    """Every seed of every cell reaches `bound`."""

    def decide(rows: Sequence[Cell], study: Sequence[Cell]) -> Verdict:
        holds = all((cell.accuracies >= bound).all() for cell in rows)
        return Verdict("pass" if holds else "fail", _listed(rows))

    return decide


def _all_solved(rows: Sequence[Cell], study: Sequence[Cell]) -> Verdict:
    """Each length is solved by two of three seeds."""
    outcomes = {outcome(cell, study) for cell in rows}
    if outcomes == {"solved"}:
        return Verdict("pass", _listed(rows))
    return Verdict("fail" if "cannot" in outcomes else "undecided", _listed(rows))


def _none_solved(rows: Sequence[Cell], study: Sequence[Cell]) -> Verdict:
    """No length is solved, and training was long enough to tell."""
    outcomes = {cell.length: outcome(cell, study) for cell in rows}
    detail = _listed(rows)
    if "solved" in outcomes.values():
        return Verdict("fail", detail)
    short = [f"L{length}" for length, found in outcomes.items() if found == "undertrained"]
    if short:
        return Verdict("undecided", f"undertrained: {', '.join(short)} ({detail})")
    return Verdict("pass", detail)


def _judge_letters(model: str) -> Judge:
    """Whether longer words, seen as often, leave a model of one block with fewer letters known."""

    def judge(records: Sequence[Record]) -> Verdict:
        rows = longest(select(cells(records), model=model, group="A5", depth=1))
        if len(rows) < 2:
            return Verdict("not run", "needs two lengths")
        words = min(_words_seen(cell) for cell in rows)
        letters = [letters_known(cell, words) for cell in rows]
        pairs = zip(rows, letters, strict=True)
        detail = ", ".join(f"L{cell.length}: {known:.2f}" for cell, known in pairs)
        holds = all(short > long for short, long in pairwise(letters))
        return Verdict("pass" if holds else "fail", f"letters after {words:,} words: {detail}")

    return judge


def _words_seen(cell: Cell) -> int:
    """Count the words that the shortest run of a cell was trained on."""
    steps = min(curve.steps[-1] for curve in cell.curves)
    return steps * cell.records[0].run.training.batch_size


def letters_known(cell: Cell, words: int) -> float:
    """Estimate how many letters of a word a model has learnt to multiply, as a mean over seeds.

    The estimate uses the best accuracy up to the evaluation at which `words` words had been seen.

    A letter that is known is right, and one that is not is right by chance, once in the order of
    the group: `k` letters of `L` make an accuracy of `(k + (L - k) / 60) / L`.
    """
    steps = words // cell.records[0].run.training.batch_size
    accuracy = np.mean([curve.best_by(steps) for curve in cell.curves])
    return float(cell.length * (accuracy - _CHANCE) / (1 - _CHANCE))


def _judge_two_blocks_help(model: str) -> Judge:
    """Where one block fails, two do better in as many steps."""

    def judge(records: Sequence[Record]) -> Verdict:
        study = select(cells(records), model=model, group="A5")
        one = {(c.length, c.budget): _mean(c) for c in select(study, depth=1) if not c.is_solved}
        two = {(c.length, c.budget): _mean(c) for c in select(study, depth=2)}
        both = sorted(one.keys() & two.keys())
        if not both:
            return Verdict("not run", "needs a length that one block fails, at depths 1 and 2")
        detail = ", ".join(f"L{n[0]}: {one[n]:.3f} to {two[n]:.3f}" for n in both)
        return Verdict("pass" if all(two[n] > one[n] for n in both) else "fail", detail)

    return judge


def _mean(cell: Cell) -> float:
    return float(cell.accuracies.mean())


_ALL, _TO_12, _FROM_6 = range(1, 10_000), range(1, 13), range(6, 10_000)

_CLAIMS = (
    Claim(
        "dense",
        "a linear CDE tracks A5 at every length with one block: at least 0.99 token accuracy",
        _judge(_all_reach(0.99), _ALL, LENGTHS, model="linear_cde", group="A5"),
    ),
    Claim(
        "rnn",
        "an RNN tracks A5 with one block up to length 12",
        _judge(_all_solved, _TO_12, LENGTHS, model="rnn", group="A5", depth=1),
    ),
    Claim(
        "s4",
        "one block of S4 fails from length 6 on",
        _judge(_none_solved, _FROM_6, LENGTHS, model="s4", group="A5", depth=1),
    ),
    Claim(
        "mamba",
        "one block of Mamba fails from length 6 on",
        _judge(_none_solved, _FROM_6, LENGTHS, model="mamba", group="A5", depth=1),
    ),
    *(
        Claim(
            f"letters-{model}",
            f"{name} with one block knows fewer letters of longer words, after training on equally "
            "many words",
            _judge_letters(model),
            "Letters are learnt one after another, and after so few words the models of all "
            "lengths stand on one plateau, where they know two.",
        )
        for model, name in (("s4", "S4"), ("mamba", "Mamba"))
    ),
    *(
        Claim(
            f"deeper-{model}",
            f"where one block of {name} fails, two do better",
            _judge_two_blocks_help(model),
            "Short trainings leave both depths on the plateau of two letters, where one block is "
            "enough; in the longest one two blocks are ahead.",
        )
        for model, name in (("s4", "S4"), ("mamba", "Mamba"))
    ),
    Claim(
        "abelian",
        "complex diagonal transitions track Z60 with one block: at least 0.95",
        _judge(_all_reach(0.95), _ALL, model="selective_diagonal", group="Z60", depth=1),
    ),
    Claim(
        "solvable",
        "complex diagonal transitions fail on A4_x_Z5 with one block",
        _judge(_none_solved, _ALL, model="selective_diagonal", group="A4_x_Z5", depth=1),
    ),
    Claim(
        "non-solvable",
        "complex diagonal transitions fail on A5 with one block",
        _judge(_none_solved, _ALL, model="selective_diagonal", group="A5", depth=1),
    ),
    Claim(
        "controls",
        "a linear CDE tracks Z60 and A4_x_Z5 as well: at least 0.99",
        lambda records: _judge(_all_reach(0.99), _ALL, model="linear_cde")(
            [record for record in records if record.run.group != "A5"]
        ),
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)

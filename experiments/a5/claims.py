"""What theory says about tracking A5 and its controls, as functions from records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from experiments.a5.known_letters import KnownLetters, known_letters
from experiments.a5.linear_cde import LENGTHS, PUBLISHED_STEPS
from experiments.a5.minimum_depth import Cell, cell_of, cells, deciding, longest, outcome
from experiments.a5.models import PUBLISHED_FORM
from experiments.claim import Claim, Judge, Verdict
from experiments.record import Record
from experiments.report.rows import select
from experiments.report.variants import of_one_setting


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

    Of cells that were trained for several numbers of steps one that is solved counts, or else the
    longest training. A claim about the lengths `needed` does not pass before there are records of
    all of them.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        study = cells(records)
        rows = [cell for cell in deciding(select(study, **facts)) if cell.length in lengths]
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
    """Each length is solved by two of three seeds in the steps that they had."""
    return Verdict("pass" if all(cell.is_solved for cell in rows) else "fail", _listed(rows))


def _soon_solved(rows: Sequence[Cell], study: Sequence[Cell]) -> Verdict:
    """Each length is solved by two of three seeds within the published steps."""
    found = {
        cell.length: [c.passes and c.first_pass <= PUBLISHED_STEPS for c in cell.curves]
        for cell in rows
    }
    holds = all(3 * sum(soon) >= 2 * len(soon) for soon in found.values())
    detail = ", ".join(f"L{n}: {sum(soon)} of {len(soon)}" for n, soon in found.items())
    return Verdict("pass" if holds else "fail", detail)


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
    """Whether longer words, seen as often, leave a model of one block with fewer letters known.

    Trainings on growing words are left out, since they see the same words whatever the length.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        whole = [record for record in records if not _grows(record)]
        rows = longest(select(cells(whole), model=model, group="A5", depth=1))
        if len(rows) < 2:
            return Verdict("not run", "needs two lengths")
        known = {cell.length: [known_letters(r) for r in cell.records] for cell in rows}
        words = min(run.words[-1] for runs in known.values() for run in runs)
        letters = {length: _mean_letters(runs, words) for length, runs in known.items()}
        detail = ", ".join(f"L{length}: {mean:.3g}" for length, mean in letters.items())
        holds = letters[min(letters)] > letters[max(letters)]
        return Verdict("pass" if holds else "fail", f"letters after {words:,} words: {detail}")

    return judge


def _grows(record: Record) -> bool:
    return record.run.training.curriculum is not None


def _mean_letters(runs: Sequence[KnownLetters], words: int) -> float:
    return float(np.mean([run.after(words) for run in runs]))


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
        "published-form",
        "the linear CDE in the form of the published code passes 0.90 at every length within "
        f"{PUBLISHED_STEPS:,} steps, in two of three seeds",
        _judge(_soon_solved, _ALL, LENGTHS, model=PUBLISHED_FORM, group="A5"),
    ),
    Claim(
        "rnn",
        "an RNN tracks A5 with one block up to length 12, in the steps of this study",
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
            f"{name} with one block knows fewer letters of the longest words than of the shortest, "
            "after training on equally many words",
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

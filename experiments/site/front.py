"""The start page: questions, studies, models and claims, all of it searched by one field."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.report import reproduction
from experiments.site import claims, follows, model
from experiments.site.columns import Choice
from experiments.site.follows import Line
from experiments.site.model import Shelf
from experiments.site.published import Published
from experiments.site.study import Story
from experiments.site.template import render
from experiments.zoo import TASKS

QUESTIONS = (
    (
        "What does theory say that a recurrence can follow, and what does training find?",
        "tracking",
        "studies/tracking.html#figures",
        "Theory beside measurement, and accuracy position by position beyond the trained length.",
    ),
    (
        "How many blocks does A5 need as words grow?",
        "a5",
        "studies/a5.html#figures",
        "Depths, accuracies and longer words, beside the published numbers.",
    ),
    (
        "What is remembered, for how long, and is it stable?",
        "memory",
        "studies/memory.html",
        "Memory functions, and what a perturbation of the weights does to them.",
    ),
    (
        "Which learning rates does a parameterisation bear?",
        "stability",
        "studies/stability.html",
        "Losses over five decades of rates; runs that diverged are counted.",
    ),
    (
        "What does a random linear CDE know of a path?",
        "toy",
        "studies/toy.html",
        "Signature coefficients from random features, up to infinite width.",
    ),
    (
        "How does every model do on one bench, and what does it cost?",
        "bench",
        "studies/bench.html",
        "Contract, tracking, recall, memory, learning rates and cost, side by side.",
    ),
)


def page(
    stories: Sequence[Story],
    shelf: Shelf,
    held: Published,
    followed: Sequence[Line],
    *,
    docs: bool,
    checkpoints: int = 0,
) -> str:
    """Write the start page.

    `followed` says how long each model follows each task, `checkpoints` how many have a page.
    """
    found = [claim for story in stories for claim in story.claims]
    known = {story.name for story in stories}
    counts = claims.counts(found)
    newest = [each[-1] for each in held.attested.values()]
    again = reproduction.sentence(newest).replace("`", "")
    questions = [(asked, href, said) for asked, study, href, said in QUESTIONS if study in known]
    if followed:
        questions.insert(0, (follows.QUESTION, follows.FILE, follows.sentence(followed)))
    questions.append(("Do the numbers come out again?", "reproduction.html", again))
    questions.append(
        ("What is new here?", "new.html", "Results that are not in the papers behind it.")
    )
    return render(
        "index.html",
        root="",
        docs=docs,
        title="seqtheory: what sequence models remember and compute",
        kicker="A laboratory of sequence models",
        heading="seqtheory",
        runs=f"{len(held.all):,}",
        studies=stories,
        counts=counts,
        claims=found,
        questions=questions,
        models=[model.brief(each, shelf) for each in model.models()],
        tasks=tuple(TASKS),
        checkpoints=checkpoints,
        verdicts=[Choice(3, "verdict", tuple(status for status, _ in counts))],
    )

"""The verdict of theory on whether a class of recurrences can do a task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seqtheory.automaton import Algebra
from seqtheory.expressivity._constructions import CONSTRUCTIONS
from seqtheory.expressivity._obstructions import OBSTRUCTIONS, SARROF
from seqtheory.expressivity._transition import Transition, Verdict

if TYPE_CHECKING:
    from seqtheory.tasks import TokenTask

SLICE = "Walker et al., Structured Linear CDEs, Theorems 4.2 and 4.3"


def predict(task: TokenTask | Algebra, transition: Transition) -> Verdict:
    """Say whether a class of recurrences can do a task at every length, and by which theorem.

    Parameters
    ----------
    task
        A task, or the algebra of one.
    transition
        The class: structure, eigenvalues, layers.

    Returns
    -------
    ``impossible`` only where a cited theorem covers the class; ``possible`` only where weights are
    known; else ``open``.

    Notes
    -----
    Every verdict is about finite precision and all lengths at once. *Possible* says that weights
    exist, not that training finds them; *impossible* says nothing of short words. If the transition
    matrices do not depend on the input, a construction applies only where all letters act alike.

    Examples
    --------
    >>> from seqtheory.tasks import GroupWords, Parity
    >>> predict(Parity(), Transition("diagonal", "unit")).status
    'impossible'
    >>> predict(GroupWords("A5"), Transition("householder", "signed", factors=2)).status
    'possible'
    """
    algebra = task if isinstance(task, Algebra) else task.algebra
    if algebra is None:
        return Verdict(
            "open",
            "none",
            "the task has no finite automaton small enough to close, and the theorems known here "
            "speak of those.",
        )
    for obstruction in OBSTRUCTIONS:
        if verdict := obstruction(algebra, transition):
            return verdict
    if transition.input_dependent or len(set(algebra.letters)) == 1:
        # If all letters act alike, one layer needs no dependence on the input; deeper layers do.
        depth = transition if transition.input_dependent else replace(transition, layers=1)
        for construction in CONSTRUCTIONS:
            if verdict := construction(algebra, depth):
                return verdict
    return _undecided(algebra, transition)


def _undecided(algebra: Algebra, transition: Transition) -> Verdict:
    if not transition.input_dependent:
        return Verdict("open", "none", "one fixed matrix for letters that do different things.")
    if transition.structure in ("sparse", "walsh_hadamard"):
        return Verdict(
            "open",
            SLICE,
            "in the limit of width they approach any function of words of bounded length, which "
            "says nothing of all lengths at one width.",
        )
    if algebra.is_aperiodic and transition.has_diagonals:
        return Verdict(
            "open",
            f"{SARROF}, on star-free languages",
            "aperiodic, so some number of layers is enough; whether "
            f"{transition.layers} is, the theorem does not say.",
        )
    return Verdict("open", "none", "no theorem known here covers this task and class.")

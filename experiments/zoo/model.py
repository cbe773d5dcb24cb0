"""A model of the zoo: its equation, its settings, and what theory says of one layer of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from experiments.zoo.papers import PAPERS, project
from seqtheory.expressivity import Transition, Verdict, predict
from seqtheory.settings import FPRNN
from seqtheory.tasks import FiniteAutomaton, GroupWords, ModularCounting, Parity

TASKS = {
    "parity": Parity(),
    "mod 3": ModularCounting(3),
    "flip-flop": FiniteAutomaton(),
    "S3": GroupWords("S3"),
    "Z60": GroupWords("Z60"),
    "A5": GroupWords("A5"),
}
"""Tasks of which theory is asked."""
ON_THE_BENCH = {"mod 3": "counting mod 3"}
"""Where the bench calls a task otherwise."""


@dataclass(frozen=True)
class Model:
    """A model of the zoo.

    Parameters
    ----------
    name, year
        What it is called, and when it was published.
    equation
        What one layer does, in LaTeX.
    settings
        Its settings, which declare the class of its transition; `seq_torch` and `lcde_jax` have
        subclasses that build them.
    page
        Page of the documentation that explains it.
    baseline
        Its name on the bench; empty if it has no card there.
    speed
        Beginnings of the titles under which the benchmarks measure it.
    paper
        Key of the paper that it is from.
    """

    name: str
    year: int
    equation: str
    settings: Any
    page: str
    baseline: str = ""
    speed: tuple[str, ...] = ()
    paper: str = ""

    @property
    def bibtex(self) -> str:
        """Entry of its paper for BibTeX; the laboratory's own if it is from no paper."""
        return PAPERS[self.paper].bibtex() if self.paper else project()

    @property
    def transition(self) -> Transition | str:
        """Class of its transition; "nonlinear", or "none" without a state of fixed size."""
        return self.settings.transition_class

    def follows(self) -> dict[str, Verdict | None]:
        """Ask theory what one layer can follow at every length; None where it says nothing."""
        found = self.transition
        if not isinstance(found, Transition):
            return dict.fromkeys(TASKS)
        return {name: predict(task, found) for name, task in TASKS.items()}

    @property
    def any_automaton(self) -> bool:
        """Whether it follows any automaton if it is wide enough, which `expressivity` cannot say.

        That is so of recurrences that are nonlinear in their state (arXiv 1906.01615); for FP-RNN
        no proof is known here.
        """
        return self.transition == "nonlinear" and not isinstance(self.settings, FPRNN)

    @property
    def said(self) -> str:
        """Settings as one writes them: only what is not the default."""
        held = self.settings
        changed = [
            f"{field.name}={getattr(held, field.name)!r}"
            for field in dataclasses.fields(held)
            if field.default is dataclasses.MISSING or getattr(held, field.name) != field.default
        ]
        return f"{type(held).__name__}({', '.join(changed)})"

    @property
    def in_words(self) -> str:
        """Class of the transition in words; signs of its eigenvalues in brackets."""
        found = self.transition
        if not isinstance(found, Transition):
            return {"none": "no state of fixed size", "nonlinear": "nonlinear"}[found]
        signed = f"[{found.lowest:.3g}, 1]"
        spectrum = {"unit": "[0, 1]", "signed": signed, "complex": "disc"}[found.eigenvalues]
        count = f", {found.factors} factors" if found.factors > 1 else ""
        fixed = "" if found.input_dependent else ", fixed"
        layers = f", {found.layers} in a row" if found.layers != 1 else ""
        return f"{found.structure.replace('_', ' ')}{count}, {spectrum}{fixed}{layers}"

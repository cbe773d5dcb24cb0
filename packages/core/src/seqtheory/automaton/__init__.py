"""Finite automata, and what algebra says of the maps that their words make of the states."""

from seqtheory.automaton._algebra import Algebra, algebra_of, group_algebra
from seqtheory.automaton._automaton import Automaton, group_automaton

__all__ = ["Algebra", "Automaton", "algebra_of", "group_algebra", "group_automaton"]

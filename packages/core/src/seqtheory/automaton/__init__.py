"""Finite automata, and the algebra of the maps that words induce on their states."""

from seqtheory.automaton._algebra import Algebra, algebra_of, group_algebra
from seqtheory.automaton._automaton import Automaton, group_automaton

__all__ = ["Algebra", "Automaton", "algebra_of", "group_algebra", "group_automaton"]

"""Tasks: frozen descriptions of synthetic problems, each of which builds a data set."""

from seqtheory.tasks._lengths import Sequences, TokenTask
from seqtheory.tasks.copying import Copying
from seqtheory.tasks.decaying_memory import DecayingMemory
from seqtheory.tasks.group_words import GroupWords
from seqtheory.tasks.list_ops import ListOps
from seqtheory.tasks.modular_arithmetic import ModularArithmetic
from seqtheory.tasks.multi_query_recall import MultiQueryRecall
from seqtheory.tasks.regular import (
    CycleNavigation,
    EvenPairs,
    FiniteAutomaton,
    ModularCounting,
    Parity,
)
from seqtheory.tasks.selective_copying import SelectiveCopying
from seqtheory.tasks.signature_labels import SignatureLabels

__all__ = [
    "Copying",
    "CycleNavigation",
    "DecayingMemory",
    "EvenPairs",
    "FiniteAutomaton",
    "GroupWords",
    "ListOps",
    "ModularArithmetic",
    "ModularCounting",
    "MultiQueryRecall",
    "Parity",
    "SelectiveCopying",
    "Sequences",
    "SignatureLabels",
    "TokenTask",
]

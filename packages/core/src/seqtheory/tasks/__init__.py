"""Tasks: frozen descriptions of synthetic problems, each of which builds a data set."""

from seqtheory.tasks.decaying_memory import DecayingMemory
from seqtheory.tasks.group_words import GroupWords
from seqtheory.tasks.list_ops import ListOps
from seqtheory.tasks.signature_labels import SignatureLabels

__all__ = ["DecayingMemory", "GroupWords", "ListOps", "SignatureLabels"]

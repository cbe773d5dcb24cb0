"""Finite groups as multiplication tables, in the word-problem convention.

Elements are the numbers ``0 .. order - 1`` and ``table[a, b]`` is a after b: the right factor
acts first. In every named group the identity is element 0.
"""

from seqtheory.group._axioms import MAX_ORDER
from seqtheory.group._catalogue import from_permutations, from_table, group, order_of
from seqtheory.group._structure import Group, index_dtype

__all__ = [
    "MAX_ORDER",
    "Group",
    "from_permutations",
    "from_table",
    "group",
    "index_dtype",
    "order_of",
]

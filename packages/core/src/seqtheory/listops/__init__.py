r"""ListOps: nested list operations over digits, evaluated, read and written.

An expression such as ``[MAX 4 [MIN 2 9 ] 7 ]`` is a row of tokens, indices into `VOCABULARY`.
`seqtheory.tasks.ListOps` makes data sets of them; `read` and `write` handle the tab-separated files
of the Long Range Arena (arXiv:2011.04006).
"""

from seqtheory.listops._grammar import VOCABULARY, curried, evaluate, parse
from seqtheory.listops._lengths import length_distribution
from seqtheory.listops._reading import ListOpsFileError, read
from seqtheory.listops._writing import write

__all__ = [
    "VOCABULARY",
    "ListOpsFileError",
    "curried",
    "evaluate",
    "length_distribution",
    "parse",
    "read",
    "write",
]

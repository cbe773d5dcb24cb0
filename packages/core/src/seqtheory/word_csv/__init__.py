r"""The word-problem CSV format: words over a group and their running products.

The header is ``seed,input,target``; each row holds the seed of the file, then the tokens of the
word and of its products, separated by single spaces; lines end in ``\n`` and nothing is quoted.
"""

from seqtheory.word_csv._reading import read
from seqtheory.word_csv._source import WordFileError
from seqtheory.word_csv._writing import write

__all__ = ["WordFileError", "read", "write"]

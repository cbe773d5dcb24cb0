"""Signatures of piecewise-linear paths: exact iterated integrals, in plain NumPy.

A path is an array of vertices `(..., time, channel)`. Its signature is the collection of
all iterated integrals, one per word over the channels. `coefficient` computes one word,
`signature` all words up to a depth, `kernel` the inner product of two whole signatures.

The layout of a truncated signature is: levels 1 to `depth` one after the other, the words
of a level in lexicographic order, without the leading 1 of the empty word.

Neither time nor a starting point is ever implied: see `add_time` and `add_basepoint`.
"""

from seqtheory.signature._algebra import chen, inverse
from seqtheory.signature._augment import add_basepoint, add_time
from seqtheory.signature._coefficient import coefficient
from seqtheory.signature._kernel import gram, kernel
from seqtheory.signature._logarithm import log_signature
from seqtheory.signature._truncated import signature
from seqtheory.signature._words import lyndon_words, word_index, words

__all__ = [
    "add_basepoint",
    "add_time",
    "chen",
    "coefficient",
    "gram",
    "inverse",
    "kernel",
    "log_signature",
    "lyndon_words",
    "signature",
    "word_index",
    "words",
]

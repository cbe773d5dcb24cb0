"""Expressions over digits: their tokens and their values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from seqtheory._text_file import shown

OPERATORS = ("[MIN", "[MAX", "[MED", "[SM")
VOCABULARY = (*"0123456789", *OPERATORS, "]")
"""The 15 tokens; each is written as its index here, so that a digit's token is the digit."""

NUM_DIGITS = 10
FIRST_OPERATOR = NUM_DIGITS
CLOSE = len(VOCABULARY) - 1

_MIN, _MAX, _MED, _SM = range(FIRST_OPERATOR, CLOSE)


def evaluate(tokens: Iterable[int]) -> int:
    r"""Value of an expression.

    A digit is its own value. An operator is applied to the values of its arguments, up to its
    ``]``:
    the least, the greatest, the median (of an even number the mean of the two middle values,
    rounded down) or the sum modulo 10.

    Parameters
    ----------
    tokens
        Indices into `VOCABULARY`, one whole expression: an array ``(time,)``, bytes or integers.

    Returns
    -------
    An integer of 0 to 9.

    Raises
    ------
    ValueError
        If the tokens are no expression; the message names the position, counted from 0.

    Notes
    -----
    One pass over the tokens, whatever the depth: a closed operator is replaced by its value.

    References
    ----------
    N. Nangia and S. Bowman, ListOps, arXiv:1804.06028.

    Examples
    --------
    >>> evaluate(parse("[MAX 4 [MIN 2 9 ] [MED 7 2 5 8 ] ]"))
    6
    """
    whole = _as_bytes(tokens)
    opened: list[tuple[int, bytearray]] = []  # each operator, and the values in front of it
    values = bytearray()
    for token in whole:
        if token < NUM_DIGITS:
            values.append(token)
        elif token < CLOSE:
            opened.append((token, values))
            values = bytearray()
        elif token > CLOSE or not opened or not values:
            raise ValueError(_fault(whole))
        else:
            operator, outer = opened.pop()
            outer.append(_value(operator, values))
            values = outer
    if opened or len(values) != 1:
        raise ValueError(_fault(whole))
    return values[0]


def parse(text: str) -> bytes:
    """Tokens of an expression in words, round brackets left out.

    Raises
    ------
    ValueError
        If a word is no token; the message gives the word and its place, counted from 0.

    Examples
    --------
    >>> parse("( ( ( [SM 4 ) 9 ) ] )") == parse("[SM 4 9 ]") == bytes([13, 4, 9, 14])
    True
    """
    words = text.replace("(", " ").replace(")", " ").split()
    try:
        return bytes([_TOKENS[word] for word in words])
    except KeyError as error:
        place = words.index(error.args[0])
        raise ValueError(
            f"token {place} is {shown(words[place])}, expected a digit, one of "
            f"{', '.join(OPERATORS)}, or ]"
        ) from None


def curried(tokens: Iterable[int]) -> str:
    """Write an expression as the published files do, with operators applied to one argument each.

    Each argument and the final ``]`` closes one round bracket, and all of them open in front of the
    operator; an expression of n tokens has n - 1 pairs.

    Raises
    ------
    ValueError
        If the tokens are no expression.

    Examples
    --------
    >>> curried(parse("[MAX 4 [MIN 2 9 ] 7 ]"))
    '( ( ( ( [MAX 4 ) ( ( ( [MIN 2 ) 9 ) ] ) ) 7 ) ] )'
    """
    evaluate(tokens := _as_bytes(tokens))
    words: list[str] = []
    opened: list[tuple[int, int]] = []  # where an operator stands, and its arguments so far
    for token in tokens:
        words.append(VOCABULARY[token])
        if FIRST_OPERATOR <= token < CLOSE:
            opened.append((len(words) - 1, 0))
            continue
        if token == CLOSE:
            place, arguments = opened.pop()
            words[place] = "( " * (arguments + 1) + words[place]
            words[-1] = "] )"
        if opened:
            place, arguments = opened[-1]
            opened[-1] = place, arguments + 1
            words[-1] += " )"
    return " ".join(words)


_OPERATORS = range(FIRST_OPERATOR, CLOSE)
_TOKENS = {word: token for token, word in enumerate(VOCABULARY)}


def _value(operator: int, digits: bytearray) -> int:
    """Value of an operator applied to digits."""
    if operator == _MIN:
        return min(digits)
    if operator == _MAX:
        return max(digits)
    if operator == _SM:
        return sum(digits) % NUM_DIGITS
    assert operator == _MED, "the caller passes operators only"
    ranked, last = sorted(digits), len(digits) - 1
    return (ranked[last // 2] + ranked[(last + 1) // 2]) // 2


def _as_bytes(tokens: Iterable[int]) -> bytes:
    if isinstance(tokens, np.ndarray):
        tokens = tokens.tolist()
    try:
        return tokens if isinstance(tokens, bytes) else bytes(tokens)
    except (TypeError, ValueError):
        raise ValueError(
            f"got tokens {shown(str(tokens))}, expected one row of integers 0..{CLOSE}"
        ) from None


def _fault(tokens: bytes) -> str:
    """Why these tokens are no expression."""
    if not tokens:
        return "got no token, expected an expression: a digit, or an operator with its arguments"
    depth = expressions = 0
    for position, token in enumerate(tokens):
        where = f"token {position} is {token}"
        if token > CLOSE:
            return f"{where}, expected 0..{CLOSE}"
        if token == CLOSE and not depth:
            return f"{where}, a ] that closes nothing: brackets are unbalanced"
        if token == CLOSE and tokens[position - 1] in _OPERATORS:
            return f"{where}, a ] that leaves {VOCABULARY[tokens[position - 1]]} without arguments"
        depth += (token in _OPERATORS) - (token == CLOSE)
        expressions += not depth
    if depth:
        return (
            f"brackets are unbalanced: {depth} of them are open at the end, expected a ] for each"
        )
    return (
        f"got {expressions} expressions side by side, expected one: hide padding, as in row[mask]"
    )

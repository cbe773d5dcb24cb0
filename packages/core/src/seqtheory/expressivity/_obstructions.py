"""Theorems that say *impossible*: obstructions for a class of recurrences on a task.

Each function takes a task's algebra and a class of recurrences, and returns None where its theorem
does not apply. All of them assume finite precision: a recurrence reaches finitely many states, and
its matrices act exactly on these. Whatever a cascade of layers then computes, a finite automaton
computes. A verdict that cites a theorem "in its proof" uses a bound from the proof that is stronger
than the theorem's statement.
"""

from __future__ import annotations

import numpy as np

from seqtheory.automaton import Algebra
from seqtheory.expressivity._irreducibles import faithful_dimension
from seqtheory.expressivity._transition import Transition, Verdict
from seqtheory.group import Group
from seqtheory.group._axioms import span

GRAZZI = "Grazzi et al., arXiv:2411.12537"
DIAGONAL = "Shakerinava et al., arXiv:2603.01959"
SARROF = "Sarrof, Veitsman and Hahn, arXiv:2405.17394"
CKDA = "arXiv:2609.24797"
MERRILL = "Merrill, Petty and Sabharwal, arXiv:2404.08819"


def odd_part(number: int) -> int:
    """Divide by two as often as possible."""
    return number // (number & -number)


def non_negative_diagonal(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Layers of non-negative diagonal matrices recognise only star-free languages."""
    if not transition.is_diagonal or transition.eigenvalues != "unit" or algebra.is_aperiodic:
        return None
    return Verdict(
        "impossible",
        f"{SARROF}, on star-free languages",
        "diagonal layers with eigenvalues in [0, 1] at finite precision do star-free tasks alone, "
        f"but a word of this task has period {_largest(algebra)}.",
    )


def non_negative(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Eigenvalues in [0, 1] let every layer settle on a constant input."""
    products = (transition.symmetric_factors or 1) > 2
    period = max(algebra.letter_periods)
    if transition.eigenvalues != "unit" or products or period == 1:
        return None
    two = transition.symmetric_factors == 2
    return Verdict(
        "impossible",
        f"{GRAZZI}, Theorem 1" + (" in its proof" if odd_part(period) > 1 else ""),
        f"a letter repeated makes states of period {period}, but where no eigenvalue leaves "
        "[0, inf) every layer at finite precision settles on a constant input."
        + (" Two factors in [0, 1] have a product with such eigenvalues." if two else ""),
    )


def no_reflection(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Real eigenvalues in (-1, 1] let every layer settle on a constant input.

    On finitely many states a letter repeated ends in a cycle of length p. Differences d of its
    states have :math:`A^p d = d`, so they are sums of eigenvectors whose eigenvalues are roots of
    unity. The only such eigenvalue is 1: all steps along the cycle are one d, and p d = 0.
    """
    period = max(algebra.letter_periods)
    several = (transition.symmetric_factors or 1) > 1
    if transition.eigenvalues != "signed" or transition.reflects or several or period == 1:
        return None
    return Verdict(
        "impossible",
        f"roots of unity, after {GRAZZI}, Theorem 1",
        f"a letter repeated makes states of period {period}, but eigenvalues are real and at least "
        f"{transition.lowest:.3g}, so that 1 is the only root of unity among them: every layer on "
        "finitely many states settles on a constant input.",
    )


def real_diagonal(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Real diagonal layers at most double the period of a periodic input, one after the other."""
    if not transition.is_real_diagonal:
        return None
    if odd_part(algebra.exponent) > 1:
        return Verdict(
            "impossible",
            f"{GRAZZI}, Theorem 2",
            "counting modulo what is no power of 2 needs a product of matrices with a complex "
            "eigenvalue, at finite precision and any depth; products of real diagonal matrices "
            f"have none, and a word of this task has period {_largest(algebra)}.",
        )
    if transition.layers is not None and algebra.exponent > 2**transition.layers:
        return Verdict(
            "impossible",
            f"{GRAZZI}, Theorem 2 in its proof",
            "each layer of real eigenvalues at most doubles the period of its input: "
            f"{transition.layers} reach 2^{transition.layers}, but a word of this task has period "
            f"{_largest(algebra)}.",
        )
    return None


def real_spectrum_in_one_layer(algebra: Algebra, transition: Transition) -> Verdict | None:
    """One layer whose matrices have real eigenvalues answers a letter repeated with period 1 or 2.

    Products of *different* matrices may have complex eigenvalues, so only powers of single letters
    are checked.
    """
    # Of two symmetric factors one needs to have no negative eigenvalue.
    most = 2 if transition.eigenvalues == "unit" else 1
    several = (transition.symmetric_factors or 1) > most
    if transition.layers != 1 or transition.eigenvalues == "complex" or several:
        return None
    period = max(algebra.letter_periods, key=lambda p: (odd_part(p), p))
    if period <= 2:
        return None
    return Verdict(
        "impossible",
        f"{GRAZZI}, Theorem 2" + ("" if odd_part(period) > 1 else " in its proof"),
        f"a letter repeated makes states of period {period}, which in one layer at finite "
        "precision needs a matrix with a complex eigenvalue.",
    )


def one_plane_per_letter(algebra: Algebra, transition: Transition) -> Verdict | None:
    """One layer of a reflection times signs turns one plane per letter, and what it can generate.

    No such matrix expands, so on finitely many states a letter acts as an isometry: as a reflection
    times signs, whose eigenvalues are 1 and -1 but for one pair. Its power x of order p^k, p > 2,
    turns a plane in each head. Conjugates of x generate irreducible groups, in two dimensions
    cyclic ones. In more, those of reflections over the complex numbers have p = 5 at most (Shephard
    and Todd); others are primitive, where an angle below 60 degrees is ruled out (Blichfeldt), and
    for p = 5 are built of A5, on which only inner automorphisms act (Huffman and Wales).
    """
    one = transition.factors == 1 and transition.layers == 1
    if transition.structure != "householder_diagonal" or not one or not algebra.is_group:
        return None
    if not algebra.groups:
        return None
    inner = algebra.groups[0]
    for letter in set(algebra.letters):
        for prime in _primes(int(inner.element_orders[letter])):
            if prime >= 5 and _needs_more_planes(inner, letter, prime):
                return Verdict(
                    "impossible",
                    "Blichfeldt, Finite Collineation Groups (1917); Huffman and Wales, Linear and "
                    f"Multilinear Algebra 3 (1975); {CKDA}, for S5",
                    f"in one layer a letter's power of order {prime}^k turns one plane in each "
                    "head, and such turns generate abelian groups, or for 5 products of A5 and its "
                    "coverings, in which no turn is conjugate to its square; this task's letters "
                    "ask for more.",
                )
    return None


def diagonal_depth(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Bound the depth: k diagonal layers do only groups of derived length up to k."""
    if not transition.is_diagonal:
        return None
    length, layers = algebra.derived_length, transition.layers
    if length is not None and (layers is None or length <= layers):
        return None
    kind = (
        "no depth is enough for a group that is not solvable"
        if length is None
        else f"{layers} {'layer does' if layers == 1 else 'layers do'} groups of derived length up "
        f"to {layers}, and this task holds one of {length}"
    )
    return Verdict(
        "impossible",
        f"{DIAGONAL}, the theorem on k layers",
        f"diagonal layers at finite precision, complex ones included: {kind}.",
    )


def small_blocks(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Blocks of two numbers turn and mirror the plane, and cascades of those are solvable."""
    blocks = transition.structure in ("block_diagonal", "dense") and transition.size is not None
    if not blocks or algebra.is_solvable or (transition.size or 0) > 2:
        return None
    return Verdict(
        "impossible",
        "Krohn and Rhodes, Trans. AMS 116 (1965)",
        "finite groups of real 2x2 matrices are cyclic or dihedral, hence solvable, and a cascade "
        "of finitely many states holds no simple group that none of its layers holds; this task "
        "holds one that is not abelian.",
    )


def small_state(algebra: Algebra, transition: Transition) -> Verdict | None:
    """One dense layer on at most three numbers does the finite groups of rotations of space."""
    size = transition.size
    if transition.structure != "dense" or size is None or size > 3 or transition.layers != 1:
        return None
    if not algebra.is_group or not algebra.groups:
        return None
    needed = faithful_dimension(algebra.groups[0])
    if needed <= size:
        return None
    return Verdict(
        "impossible",
        "F. Klein's list of the finite subgroups of O(3)",
        f"on finitely many states one layer of width {size} acts as a finite group of orthogonal "
        f"{size}x{size} matrices, of which the task's group must be a quotient. Up to width 3 such "
        f"quotients are such groups again, but this one acts faithfully from width {needed} on.",
    )


def time_invariant(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Layers with one fixed matrix stay in TC0."""
    if transition.input_dependent or algebra.is_solvable:
        return None
    return Verdict(
        "impossible",
        f"{MERRILL}, the theorem on non-gated SSMs",
        "unless TC0 = NC1: layers with one fixed matrix stay in TC0 at logarithmic precision, and "
        "the word problem of a group that is not solvable is complete for NC1.",
    )


def _primes(number: int) -> list[int]:
    return [p for p in range(2, number + 1) if number % p == 0 and all(p % q for q in range(2, p))]


def _needs_more_planes(group: Group, letter: int, prime: int) -> bool:
    """Whether turns of one plane cannot stand for a letter's power of prime order and its kin."""
    table, inverses, elements = group.table, group.inverses, np.arange(group.order)
    rest = int(group.element_orders[letter])
    while rest % prime == 0:
        rest //= prime
    power = letter
    for _ in range(rest - 1):
        power = int(table[power, letter])
    conjugates = table[table[elements, power], inverses]
    normal, used = span(table, np.unique(conjugates))
    if (table[np.ix_(used, used)] == table[np.ix_(used, used)].T).all():
        return False
    return prime > 5 or (len(normal) == 60 and int(table[power, power]) in conjugates)


def _largest(algebra: Algebra) -> int:
    """Largest period of a word; among periods with an odd factor above 1 if there are any."""
    orders = {int(k) for inner in algebra.groups for k in inner.element_orders}
    return max(orders, key=lambda p: (odd_part(p) > 1, p))


OBSTRUCTIONS = (
    non_negative_diagonal,
    real_diagonal,
    one_plane_per_letter,
    diagonal_depth,
    non_negative,
    no_reflection,
    real_spectrum_in_one_layer,
    small_blocks,
    small_state,
    time_invariant,
)

"""Theorems that say *possible*: constructions by which a class of recurrences does a task.

Each function takes a task's algebra and a class of recurrences, and returns None where its theorem
does not apply. The initial state may be chosen, and the readout may be any function of the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.automaton import Algebra
from seqtheory.expressivity._irreducibles import (
    Irreducible,
    faithful_dimension,
    real_irreducibles,
    separates,
)
from seqtheory.expressivity._obstructions import CKDA, DIAGONAL, GRAZZI, MERRILL, SARROF
from seqtheory.expressivity._space import kernels_in_reach
from seqtheory.expressivity._transition import ONE_HOT, Transition, Verdict
from seqtheory.group import Group, from_table
from seqtheory.group._axioms import span

if TYPE_CHECKING:
    from jaxtyping import Integer


def nothing_to_follow(algebra: Algebra, _: Transition) -> Verdict | None:
    """Follow a state that no letter changes."""
    if algebra.order > 1:
        return None
    return Verdict("possible", "trivial", "no letter does anything.")


def reset(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Keep the state, or put another in its place: eigenvalues 1 and 0."""
    unlimited = transition.structure in ("dense", *ONE_HOT) or transition.has_decays
    if not algebra.is_reset or not unlimited:
        return None
    return Verdict(
        "possible",
        "by construction",
        "each letter keeps the state or replaces it: A(x) is 1 or 0, b(x) the new state.",
    )


def star_free(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Do a star-free task by enough layers with non-negative diagonal matrices."""
    if not algebra.is_aperiodic or not transition.has_decays or transition.layers is not None:
        return None
    return Verdict(
        "possible",
        f"{SARROF}, on star-free languages",
        "aperiodic, that is star-free: a cascade of flip-flops does it, of a depth that depends on "
        "the task.",
    )


def characters_in_layers(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Follow a solvable group by a diagonal layer for each abelian factor of its derived series."""
    length, layers = algebra.derived_length, transition.layers
    if not algebra.is_group or not transition.has_rotations or length is None:
        return None
    if layers is not None and length > layers:
        return None
    return Verdict(
        "possible",
        f"{DIAGONAL}, the theorem on k layers",
        f"a group of derived length {length}: each layer adds in one abelian factor, by rotations.",
    )


def signs_in_layers(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Follow a 2-group by one layer of signs for each elementary abelian factor."""
    if not algebra.is_group or not transition.has_diagonals or not transition.reflects:
        return None
    length = _length_of_squares(algebra.groups[0])
    if length is None or (transition.layers is not None and length > transition.layers):
        return None
    return Verdict(
        "possible",
        f"{DIAGONAL}, the theorem on k layers with signs for characters",
        f"a 2-group whose subgroups of squares end after {length}: each layer multiplies signs.",
    )


def reflections(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Write letters as products of few reflections, in representations that tell elements apart."""
    signed = transition.is_householder and transition.reflects
    if not signed or not algebra.is_group:
        return None
    inner, letters = algebra.groups[0], np.array(algebra.letters)
    moved = {rho: int(rho.codimension[letters].max()) for rho in real_irreducibles(inner)}
    few = [rho for rho, dimensions in moved.items() if dimensions <= transition.factors]
    if not separates(inner, few):
        return None
    return Verdict(
        "possible",
        f"{GRAZZI}, Proposition 1 and Theorem 3",
        "in real representations that together tell all elements apart, one per head, a letter "
        f"moves at most {max(moved[rho] for rho in few)} dimensions, and is a product of as many "
        "reflections (Cartan and Dieudonné).",
    )


def rotations_of_space(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Write letters as one reflection times signs, in two and three dimensions."""
    reflecting = transition.structure == "householder_diagonal" and transition.reflects
    wider = transition.structure == "diagonal_plus_low_rank" and transition.eigenvalues == "complex"
    if not (reflecting or wider) or not algebra.is_group:
        return None
    inner, letters = algebra.groups[0], np.array(algebra.letters)
    spatial = kernels_in_reach(inner, letters)
    chosen = [
        rho
        for rho in real_irreducibles(inner)
        if rho.dimension <= 2
        or rho.codimension[letters].max() <= 1
        or (rho.dimension == 3 and tuple(rho.kernel.tolist()) in spatial)
    ]
    if not separates(inner, chosen):
        return None
    return Verdict(
        "possible",
        f"{CKDA}, on the finite groups of rotations",
        "in real representations that together tell all elements apart, one per head, every letter "
        "is a reflection times signs: any rotation of the plane, and in space those whose axes lie "
        "in the coordinate planes of one basis, and half turns.",
    )


def low_rank(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Write letters as the identity plus a matrix of low rank, in one representation."""
    if transition.structure != "diagonal_plus_low_rank" or not algebra.is_group:
        return None
    real = max(algebra.letter_periods) <= 2
    if not transition.reflects or (transition.eigenvalues == "signed" and not real):
        return None
    inner, letters = algebra.groups[0], np.array(algebra.letters)
    if not _fits(inner, letters, transition.factors):
        return None
    return Verdict(
        "possible",
        "Serre, Linear Representations of Finite Groups, 1.3",
        "a real representation tells all elements apart in which every letter is the identity plus "
        f"a matrix of rank {transition.factors} or less.",
    )


def turns_of_planes(algebra: Algebra, transition: Transition) -> Verdict | None:
    r"""Turn planes and change signs by resolvents.

    With :math:`W = -2 \cos\theta` and M a turn by :math:`\theta`, that is two reflections,
    :math:`(I + W M)^{-1}` turns the plane by :math:`\pi - 2 \theta`; on one channel W = 2 and
    M = -1 change its sign.
    """
    signed = transition.structure == "resolvent" and transition.reflects
    if not signed or not algebra.is_group or not algebra.is_abelian:
        return None
    if transition.eigenvalues == "signed" and max(algebra.letter_periods) > 2:
        return None
    needed = faithful_dimension(algebra.groups[0])
    if needed > transition.factors:
        return None
    return Verdict(
        "possible",
        "by construction",
        f"an abelian group acts on {needed} real dimensions, no two elements alike, by signs of "
        "channels and turns of planes of two: as many directions make each letter a resolvent.",
    )


def two_layers_of_reflections(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Add modulo m: the first layer tells odd from even steps, the second reflects."""
    deep = transition.layers is None or transition.layers >= 2
    signed = transition.is_householder and transition.reflects
    if not (deep and signed and algebra.is_group and algebra.is_abelian):
        return None
    return Verdict(
        "possible",
        f"{GRAZZI}, Theorem 6",
        "an abelian group, so sums modulo some numbers: two reflections in a row are a rotation.",
    )


def regular_by_reflections(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Do any regular task by Householder products in enough layers."""
    signed = transition.is_householder and transition.reflects
    if not signed or transition.layers is not None or transition.factors < algebra.num_states:
        return None
    return Verdict(
        "possible",
        f"{GRAZZI}, Theorem 4",
        f"any automaton of {algebra.num_states} states, in at most 2^{algebra.num_states} layers.",
    )


def transition_matrices(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Take the automaton's matrices on one-hot states; their eigenvalues are 0 or roots of 1."""
    if transition.structure not in ("dense", "block_diagonal", "one_hot_diagonal"):
        return None
    if transition.size is not None and transition.size < algebra.num_states:
        return None
    if max(algebra.letter_periods) > _longest_period(transition):
        return None
    return Verdict(
        "possible",
        f"Terzić et al., arXiv:2509.22284; {MERRILL}, for dense matrices",
        f"one layer of width {algebra.num_states}: one-hot states and the automaton's 0-1 "
        "matrices, whose eigenvalues other than 0 are roots of unity of the letters' periods.",
    )


def sets_of_states(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Copy numbers that say whether the state lies in a set: a letter's preimage of that set.

    The sets are single states where letters permute these, at worst all sets of them.
    """
    if transition.structure != "diagonal_one_hot":
        return None
    needed = algebra.num_states if algebra.is_group else 2**algebra.num_states
    if transition.size is not None and transition.size < needed:
        return None
    if max(algebra.letter_periods) > _longest_period(transition):
        return None
    return Verdict(
        "possible",
        "by construction",
        f"one layer of width {needed}: a number for each set of states, 1 if the automaton is in "
        "it, which a letter copies from the number of its preimage of that set"
        + ("." if algebra.is_group else "; fewer may do, as the automaton read from its end has."),
    )


def orthogonal_matrices(algebra: Algebra, transition: Transition) -> Verdict | None:
    """Take a real representation that tells elements apart, whole or in blocks."""
    if transition.structure not in ("dense", "block_diagonal") or not algebra.is_group:
        return None
    real = max(algebra.letter_periods) <= 2
    if not transition.reflects or (transition.eigenvalues == "signed" and not real):
        return None
    inner = algebra.groups[0]
    size = inner.order if transition.size is None else transition.size
    if transition.structure == "dense":
        needed = faithful_dimension(inner)
        if needed > size:
            return None
        how = f"the group acts on {needed} real dimensions, no two elements alike"
    else:
        if not separates(inner, [r for r in real_irreducibles(inner) if r.dimension <= size]):
            return None
        how = (
            f"irreducible representations of dimension up to {size}, one per block, tell all apart"
        )
    return Verdict("possible", "Serre, Linear Representations of Finite Groups, 1.3", f"{how}.")


def _longest_period(transition: Transition) -> float:
    """Longest period of one letter that the eigenvalues allow."""
    return np.inf if transition.eigenvalues == "complex" else 1 + transition.reflects


def _length_of_squares(group: Group) -> int | None:
    """Count the steps of the series G, <squares of G>, ... down to 1; None if it does not end."""
    length = 0
    while group.order > 1:
        members, _ = span(group.table, np.unique(group.table.diagonal()))
        if len(members) == group.order:
            return None
        number = np.full(group.order, -1)
        number[members] = np.arange(len(members))
        group = from_table(number[group.table[np.ix_(members, members)]])
        length += 1
    return length


def _fits(group: Group, letters: Integer[np.ndarray, " letter"], rank: int) -> bool:
    """Whether some sum of irreducibles has a trivial kernel and moves at most `rank` dimensions."""
    choices: dict[tuple[bytes, bytes], Irreducible] = {}
    for rho in real_irreducibles(group):
        if 0 < rho.codimension[letters].max() <= rank:
            choices[rho.kernel.tobytes(), rho.codimension[letters].tobytes()] = rho
    start = np.ones(group.order, dtype=bool).tobytes(), np.zeros(len(letters), dtype=int).tobytes()
    seen, queue = {start}, [start]
    for kernel, moved in queue:  # grows while it is walked
        if kernel.count(1) == 1:
            return True
        for rho in choices.values():
            total = np.frombuffer(moved, dtype=int) + rho.codimension[letters]
            common = np.frombuffer(kernel, dtype=bool) & rho.kernel
            state = common.tobytes(), total.tobytes()
            if common.tobytes() != kernel and total.max() <= rank and state not in seen:
                seen.add(state)
                queue.append(state)
    return False


CONSTRUCTIONS = (
    nothing_to_follow,
    reset,
    characters_in_layers,
    signs_in_layers,
    reflections,
    rotations_of_space,
    low_rank,
    turns_of_planes,
    two_layers_of_reflections,
    orthogonal_matrices,
    transition_matrices,
    sets_of_states,
    star_free,
    regular_by_reflections,
)

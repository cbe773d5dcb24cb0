"""The class of a recurrence, from the Jacobians of its step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqtheory._array import as_array
from seqtheory.diagnostics._block_kind import SPECTRA, Block, Spectrum, block_kind
from seqtheory.diagnostics._memory_graph import components
from seqtheory.expressivity import Transition

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Integer


@dataclass(frozen=True)
class Recurrence:
    """The class of a layer's transitions; `classify_recurrence` and the probe of a package make it.

    Attributes
    ----------
    kind
        ``"linear"`` in the state; ``"nonlinear"``; ``"none"``, where there is no recurrence of
        fixed size; or ``"not probed"``.
    reason
        Why there is no recurrence, why it was not probed, or what is nonlinear.
    transition
        The class for `seqtheory.expressivity.predict`; None unless the recurrence is linear.
    numbers
        How many numbers of the state remember.
    shifts
        How many numbers only hold recent inputs, such as the windows of short convolutions.
    phases
        How many numbers are angles: complex numbers of modulus 1 that inputs rotate.
    scales
        Numbers that are the logarithm of a scale by which others are kept finite.
    blocks
        Pairs of a size of a set of coupled numbers, and the number of sets of that size.
    commuting
        Whether all transitions commute.
    norm, radius
        Largest 2-norm, and largest modulus of an eigenvalue, of the sampled transitions. The norm
        is NaN where they are known only up to a change of basis.
    """

    kind: Literal["linear", "nonlinear", "none", "not probed"]
    reason: str = ""
    transition: Transition | None = None
    numbers: int = 0
    shifts: int = 0
    phases: int = 0
    scales: int = 0
    blocks: tuple[tuple[int, int], ...] = ()
    commuting: bool = False
    norm: float = 0.0
    radius: float = 0.0

    def __str__(self) -> str:
        """Give the verdict, followed by the numbers behind it."""
        sizes = ", ".join(f"{count} of {size}" for size, count in self.blocks)
        norm = "within 1" if self.norm <= 1 + 1e-6 else f"up to {self.norm:.3g}"
        seen = [
            "" if np.isnan(self.norm) else f"norm {norm}",
            f"radius up to {self.radius:.3g}",
            f"{self.numbers} numbers that remember" + (f" in blocks: {sizes}" if sizes else ""),
            f"{self.shifts} shifts set apart" if self.shifts else "",
            f"{self.phases} phases" if self.phases else "",
            f"{self.scales} logarithms of scales" if self.scales else "",
        ]
        shown = self.kind in ("linear", "nonlinear")
        told = f" ({'; '.join(part for part in seen if part)})" if shown else ""
        return f"{self.verdict}{told}"

    def __repr__(self) -> str:
        """Give the verdict alone."""
        text = f"Recurrence({self.verdict})"
        return text if len(text) <= 100 else f"{text[:95]} ...)"

    @property
    def verdict(self) -> str:
        """The class in a line."""
        if self.transition is None:
            return f"{self.kind}: {self.reason}"
        names = {
            "block_diagonal": f"blocks of {self.transition.size}",
            "householder": f"identity plus {self.transition.factors} rank-one terms",
            "householder_diagonal": "identity plus a rank-one term, times a diagonal",
            "diagonal_plus_low_rank": f"diagonal plus rank {self.transition.factors}",
        }
        spectra = {"unit": "real positive", "signed": "real signed", "complex": "complex"}
        if self.transition.is_householder:
            spectra |= {"unit": "no reflection", "signed": "reflections"}
        structure = self.transition.structure
        layers = f", {self.transition.layers} in a row" if (self.transition.layers or 1) > 1 else ""
        driven = "input-dependent" if self.transition.input_dependent else "fixed"
        return (
            f"linear: {names.get(structure, structure.replace('_', ' '))}, "
            f"{spectra[self.transition.eigenvalues]}, {driven}{layers}"
        )


def classify_recurrence(
    jacobians: Float[np.ndarray, "weights input state n n"],
    levels: Integer[np.ndarray, " n"],
    *,
    pairs: Bool[np.ndarray, " n"] | None = None,
    turns: Float[np.ndarray, "weights input phase"] | None = None,
    tolerance: float = 1e-7,
) -> Recurrence:
    r"""Name the class of :math:`h' = f(x, h)` from :math:`\partial f / \partial h`.

    The recurrence is linear where the Jacobian does not depend on the state. Its matrices, one per
    input, fall into sets of coupled numbers, and each set is classified by its family of matrices.
    If one number that remembers drives another, they form a cascade of recurrences, each linear
    given the previous one.

    Parameters
    ----------
    jacobians
        At several draws of the weights, inputs, and states. The first state of each input is the
        base; in state 1 + l all numbers of level l and above are drawn anew.
    levels
        Level of each number, from `memory_levels`; numbers at -1 are left out.
    pairs
        True for the real part of a complex number whose imaginary part is the next number.
    turns
        Angles by which phases are rotated; None without phases.
    tolerance
        Share of a Jacobian's largest entry that counts as rounding.

    Returns
    -------
    The narrowest class that holds all sampled matrices. The true class may be larger, so give
    inputs of several sizes.

    Examples
    --------
    One number, which the input multiplies by 1 or -1:

    >>> signs = np.array([1.0, -1.0]).reshape(1, 2, 1, 1, 1) * np.ones((1, 2, 2, 1, 1))
    >>> classify_recurrence(signs, np.array([0])).transition.eigenvalues
    'signed'
    """
    given: NDArray[Any] = as_array(jacobians, dtype=np.float64)
    remembering = np.flatnonzero(levels >= 0)
    angles = 0 if turns is None else turns.shape[2]
    seen = Recurrence(
        "linear",
        numbers=len(remembering) + angles,
        shifts=len(levels) - len(remembering) - angles,
        phases=angles,
    )
    if not seen.numbers:
        return replace(
            seen, kind="none", reason="its state holds recent inputs alone, so nothing is kept"
        )
    given = given[..., remembering[:, None], remembering]
    ranks = levels[remembering]
    paired = None if pairs is None else pairs[remembering]
    seen = replace(seen, **_sizes(given))
    rows = _moved_by_the_state(given, tolerance)
    depth = 1
    if rows.any():
        depth = int(ranks.max()) + 1
        rows = _moved_within(given, ranks, tolerance)
        if rows.any():
            moved = f"the Jacobian of {int(rows.sum())} of {len(rows)} numbers moves with the state"
            return replace(seen, kind="nonlinear", reason=moved)
        given = np.where(ranks[:, None] == ranks, given, 0.0)
    found: list[Block] = []
    for matrices in given[:, :, 0]:
        found += _blocks(matrices, paired, tolerance)
    return _together(seen, given, found, turns, depth, tolerance)


def _sizes(given: NDArray[Any]) -> dict[str, float]:
    """Largest norm and eigenvalue, set by set of the numbers that have to do with each other."""
    if not given.shape[-1]:  # angles alone
        return {"norm": 1.0, "radius": 1.0}
    flat = given.reshape(-1, *given.shape[-2:])
    norm = radius = 0.0
    for own in components((flat != 0).any(axis=0)):
        inner = flat[:, own[:, None], own]
        norm = max(norm, float(np.linalg.norm(inner, 2, axis=(1, 2)).max()))
        radius = max(radius, float(np.abs(np.linalg.eigvals(inner)).max()))
    return {"norm": norm, "radius": radius}


def _moved_by_the_state(given: NDArray[Any], tolerance: float) -> Bool[np.ndarray, " n"]:
    """Rows of the Jacobian that another state changes."""
    scale = np.abs(given).max(axis=(2, 3, 4), keepdims=True, initial=0.0)
    gaps = np.abs(given - given[:, :, :1]) > tolerance * np.maximum(scale, 1e-300)
    return gaps.any(axis=(0, 1, 2, 4))


def _moved_within(
    given: NDArray[Any], ranks: Integer[np.ndarray, " n"], tolerance: float
) -> Bool[np.ndarray, " n"]:
    """Rows that numbers of the same level change, those of lower levels being held."""
    moved = np.zeros(len(ranks), dtype=bool)
    for level in range(int(ranks.max()) + 1):
        own = np.flatnonzero(ranks == level)
        state = min(1 + level, given.shape[2] - 1)
        inner = given[:, :, [0, state]][..., own[:, None], own]
        moved[own] = _moved_by_the_state(inner, tolerance)
    return moved


def _blocks(
    matrices: Float[np.ndarray, "input n n"],
    pairs: Bool[np.ndarray, " n"] | None,
    tolerance: float,
) -> list[Block]:
    """Name each set of numbers that move together."""
    sizes = np.abs(matrices)
    feeds = (sizes > tolerance * sizes.max(axis=(1, 2), keepdims=True, initial=0.0)).any(axis=0)
    if pairs is not None:  # a complex number is one
        first = np.flatnonzero(pairs)
        feeds[first, first + 1] = True
    found: list[Block] = []
    for own in components(feeds):
        inner = _complex(matrices, own, pairs, tolerance)
        block = block_kind(inner, tolerance)
        found += [block] * (inner.shape[1] // block.size)  # a diagonal one is many of one number
    return found


def _complex(
    matrices: Float[np.ndarray, "input n n"],
    own: Integer[np.ndarray, " member"],
    pairs: Bool[np.ndarray, " n"] | None,
    tolerance: float,
) -> NDArray[Any]:
    """Matrices of a set, as complex ones where all of it are complex numbers."""
    inner = matrices[:, own[:, None], own]
    if pairs is None or 2 * pairs[own].sum() != len(own):
        return inner
    real, imaginary = inner[:, ::2, ::2], inner[:, 1::2, ::2]
    gap = np.abs(inner[:, 1::2, 1::2] - real).max() + np.abs(inner[:, ::2, 1::2] + imaginary).max()
    return real + 1j * imaginary if gap < tolerance * np.abs(inner).max(initial=1e-300) else inner


def _together(
    seen: Recurrence,
    given: NDArray[Any],
    found: list[Block],
    turns: Float[np.ndarray, "weights input phase"] | None,
    depth: int,
    tolerance: float,
) -> Recurrence:
    """Give the narrowest class that holds all blocks."""
    spectra: set[Spectrum] = {block.spectrum for block in found}
    base = given[:, :, 0]
    scale = np.abs(base).max(axis=(1, 2, 3), keepdims=True, initial=0.0)
    driven = bool((np.abs(base - base[:, :1]) > tolerance * scale).any())
    if turns is not None:
        turned: Any = np.exp(1j * turns)
        spectra.add(_of_phases(turned))
        driven = driven or bool(np.abs(turned - turned[:, :1]).max() > tolerance**0.5)
    kinds = {block.kind for block in found} - {"diagonal"}
    dense = [block for block in found if block.kind != "diagonal"]
    size = max((block.size for block in dense), default=1)
    factors = max((block.factors for block in dense), default=1)
    structure: Any = "diagonal"
    if len(kinds) == 1 or kinds == {"sparse", "dense"}:
        (structure,) = kinds - ({"dense"} if "sparse" in kinds else set())
    elif kinds == {"householder_diagonal", "diagonal_plus_low_rank"} and factors == 1:
        structure = "householder_diagonal"  # of some sets samples with real eigenvalues alone
    elif kinds:
        structure = "dense"
    if structure == "dense" and len(found) > len(given):
        structure = "block_diagonal"
    whole = structure in ("dense", "block_diagonal", "one_hot_diagonal", "diagonal_one_hot")
    counted = Counter(block.size for block in found)
    return replace(
        seen,
        transition=Transition(
            structure,
            max(spectra, key=SPECTRA.index),
            input_dependent=driven,
            size=size if whole else None,
            factors=factors if structure in ("householder", "diagonal_plus_low_rank") else 1,
            layers=depth,
        ),
        blocks=tuple(sorted((k, -(-n // len(given))) for k, n in counted.items())),
        commuting=all(block.commuting for block in found),
    )


def _of_phases(turned: Any) -> Spectrum:
    if np.abs(turned.imag).max() > 1e-6:
        return "complex"
    return "signed" if turned.real.min() < 0 else "unit"

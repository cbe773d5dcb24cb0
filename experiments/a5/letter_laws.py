r"""Two laws of the words until letter k is known, fitted in logarithms, compared on other groups.

.. math:: T_k = C_m\, |G|^{\beta k}\, d^{-r} \text{ (look-up)}, \qquad
          T_k = C_m\, k^p\, |G|^q\, d^{-r} \text{ (power)},

with a constant for each model m, and d blocks. The error of a law is the root mean square of
:math:`\log_{10}` of measured over predicted words, of a group on which it was not fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.a5.known_letters import known_letters
from experiments.record import Record
from experiments.report.interval import CONFIDENCE
from experiments.report.rows import grouped
from seqtheory.group import order_of

DRAWS = 400
_ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Letter:
    """A letter that a run came to know; `words` were seen before."""

    run: int
    model: str
    depth: int
    group: str
    letter: int
    words: int


def letters(records: Iterable[Record]) -> list[Letter]:
    """Letters of finished records, from the second on, with the number of their run.

    Letters known at the first evaluation are left out: their words are known no better than that.
    """
    found = []
    for number, record in enumerate(records):
        run, known = record.run, known_letters(record)
        for k in range(2, run.length + 1):
            words = known.words_until(k)
            if words is not None and words > known.words[1]:
                found.append(Letter(number, run.model, run.depth, run.group, k, words))
    return found


def _lookup(row: Letter) -> list[float]:
    return [row.letter * math.log10(order_of(row.group)), -math.log10(row.depth)]


def _power(row: Letter) -> list[float]:
    return [math.log10(row.letter), math.log10(order_of(row.group)), -math.log10(row.depth)]


LAWS: dict[str, tuple[Callable[[Letter], list[float]], tuple[str, ...]]] = {
    "look-up": (_lookup, ("β", "r")),
    "power": (_power, ("p", "q", "r")),
}
"""For each law the function that gives the factors of its exponents, and these by name."""


@dataclass(frozen=True)
class Comparison:
    """Both laws on the same letters; intervals are of runs drawn anew, within the same groups."""

    rows: tuple[Letter, ...]

    @cached_property
    def runs(self) -> np.ndarray:
        """Numbers of the runs that know a letter."""
        return np.array(sorted({row.run for row in self.rows}))

    @property
    def groups(self) -> list[str]:
        """Groups of which a letter is known."""
        return list(dict.fromkeys(row.group for row in self.rows))

    def exponents(self, law: str) -> dict[str, float]:
        """Exponents of a law, fitted to all letters."""
        return dict(zip(LAWS[law][1], self._exponents(law, self.runs), strict=True))

    def exponent_interval(self, law: str, name: str) -> tuple[float, float]:
        """Interval of one of them."""
        return _interval(self._drawn_exponents[law][:, LAWS[law][1].index(name)])

    def error(self, law: str) -> float:
        """Error on groups left out, in decades."""
        return self._error(law, self.runs)

    def error_interval(self, law: str) -> tuple[float, float]:
        """Interval of that error."""
        return _interval(self._drawn_errors[law])

    @property
    def lead(self) -> float:
        """By how many decades the error of look-up is the smaller one."""
        return self.error("power") - self.error("look-up")

    def lead_interval(self) -> tuple[float, float]:
        """Interval of that difference, of both laws on the same runs."""
        return _interval(self._drawn_errors["power"] - self._drawn_errors["look-up"])

    @cached_property
    def _drawn_exponents(self) -> dict[str, np.ndarray]:
        return {law: np.array([self._exponents(law, r) for r in self._draws]) for law in LAWS}

    @cached_property
    def _drawn_errors(self) -> dict[str, np.ndarray]:
        return {law: np.array([self._error(law, r) for r in self._draws]) for law in LAWS}

    @cached_property
    def _draws(self) -> list[np.ndarray]:
        """Runs drawn anew, with replacement, as many of each group as there are."""
        random = np.random.default_rng(0)
        of_groups = grouped(self.rows, lambda row: row.group).values()
        runs = [np.array(sorted({row.run for row in rows})) for rows in of_groups]
        return [np.concatenate([random.choice(r, len(r)) for r in runs]) for _ in range(DRAWS)]

    def _exponents(self, law: str, runs: np.ndarray) -> np.ndarray:
        inputs, words, _ = self._letters_of(law, runs)
        return _fitted(inputs, words)[: len(LAWS[law][1])]

    def _error(self, law: str, runs: np.ndarray) -> float:
        inputs, words, groups = self._letters_of(law, runs)
        missed = []
        for group in np.unique(groups):
            out = groups == group
            weights = _fitted(inputs[~out], words[~out])
            known = (inputs[out][:, self._constants :] @ inputs[~out][:, self._constants :].T).any(
                1
            )
            missed.append((inputs[out] @ weights - words[out])[known])
        return float(np.sqrt(np.mean(np.concatenate(missed) ** 2)))

    @property
    def _constants(self) -> int:
        """Column, from the end, of the first model's constant."""
        return -len({row.model for row in self.rows})

    def _letters_of(self, law: str, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give inputs of the fit, logarithms of words, and groups, of the letters of some runs."""
        inputs, words, groups = self._tables[law]
        rows = np.concatenate([self._rows_of[int(run)] for run in runs])
        return inputs[rows], words[rows], groups[rows]

    @cached_property
    def _rows_of(self) -> dict[int, np.ndarray]:
        places = grouped(range(len(self.rows)), lambda place: self.rows[place].run)
        return {run: np.array(found) for run, found in places.items()}

    @cached_property
    def _tables(self) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        models = sorted({row.model for row in self.rows})
        of_model = np.array([[float(row.model == name) for name in models] for row in self.rows])
        words = np.log10([row.words for row in self.rows])
        groups = np.array([row.group for row in self.rows])
        factors = {law: np.array([f(row) for row in self.rows]) for law, (f, _) in LAWS.items()}
        return {law: (np.hstack([x, of_model]), words, groups) for law, x in factors.items()}


def compared(records: Iterable[Record]) -> Comparison | None:
    """Compare the laws on the letters of these records; None below two groups."""
    rows: Sequence[Letter] = letters(records)
    comparison = Comparison(tuple(rows))
    return comparison if len(comparison.groups) > 1 else None


def _fitted(inputs: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Exponents and constants by least squares."""
    return np.linalg.lstsq(inputs, words, rcond=None)[0]


def _interval(draws: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(draws, _ENDS)
    return float(low), float(high)

"""A finite group: its table, what algebra says about it, and running products of words."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.group._axioms import check_axioms, check_order, span

if TYPE_CHECKING:
    from jaxtyping import Integer

_BLOCK_WORDS = 16_384  # a block of positions stays in the cache while it is multiplied


def index_dtype(order: int) -> np.dtype[np.uint8] | np.dtype[np.int16] | np.dtype[np.int32]:
    """Smallest integer type that holds the elements 0..order-1: uint8, int16 or int32."""
    if order <= 256:
        return np.dtype(np.uint8)
    return np.dtype(np.int16) if order <= 2**15 else np.dtype(np.int32)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False, repr=False)
class Group:
    """A finite group on the elements 0..order-1.

    Parameters
    ----------
    name
        What error messages and records call it.
    table
        ``table[a, b]`` is the product a b, that is a after b for permutations. Copied to a
        read-only int32 array.
    elements
        One printable name per element; the numbers themselves where left empty.

    Raises
    ------
    TypeError, ValueError
        If the table is not a square array of integers, or breaks a group axiom; the message
        names the elements.

    Notes
    -----
    The axioms are proven at construction in O(order^2 log(order)). Derived properties are computed
    on first use and cached.

    Examples
    --------
    >>> klein = Group("V4", np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]))
    >>> klein.order, klein.is_abelian, klein.element_orders.tolist()
    (4, True, [1, 2, 2, 2])
    """

    name: str
    table: Integer[np.ndarray, "order order"]
    elements: tuple[str, ...] = ()
    _identity: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        table = as_array(self.table)
        if table.dtype.kind not in "iu":
            raise TypeError(
                f"the table of {self.name} has dtype {table.dtype}, expected integers: entry "
                "[a, b] is the number of the element a b."
            )
        if table.ndim != 2 or table.shape[0] != table.shape[1] or table.size == 0:
            raise ValueError(
                f"the table of {self.name} has shape {table.shape}, expected (order, order) with "
                "order at least 1."
            )
        check_order(len(table), self.name)
        object.__setattr__(self, "_identity", check_axioms(table, self.name))
        object.__setattr__(self, "table", _frozen(table.astype(np.int32, order="C")))
        names = self.elements or tuple(str(i) for i in range(len(table)))
        if len(names) != len(table):
            raise ValueError(
                f"{self.name} got {len(names)} element names for {len(table)} elements."
            )
        object.__setattr__(self, "elements", names)

    def __repr__(self) -> str:
        return f"Group({self.name!r}, order={self.order})"

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.table)

    @property
    def identity(self) -> int:
        """The neutral element; 0 in every named group."""
        return self._identity

    @cached_property
    def inverses(self) -> Integer[np.ndarray, " order"]:
        """Inverse of each element."""
        return _frozen(np.argmax(self.table == self.identity, axis=1))

    @cached_property
    def is_abelian(self) -> bool:
        """Whether a b = b a for all a, b."""
        return bool(np.array_equal(self.table, self.table.T))

    @cached_property
    def centre(self) -> tuple[int, ...]:
        """Elements that commute with all others, in increasing order."""
        return tuple(np.flatnonzero((self.table == self.table.T).all(axis=1)).tolist())

    @cached_property
    def element_orders(self) -> Integer[np.ndarray, " order"]:
        """Order of each element: the least k >= 1 with its k-th power the identity."""
        elements = np.arange(self.order)
        orders = np.zeros(self.order, dtype=np.int64)
        power, exponent = elements, 1
        while not orders.all():
            orders[(power == self.identity) & (orders == 0)] = exponent
            power, exponent = self.table[power, elements], exponent + 1
        return _frozen(orders)

    @cached_property
    def conjugacy_classes(self) -> tuple[tuple[int, ...], ...]:
        """The classes {g x g^-1 : g}, each sorted, in the order of their least elements."""
        unseen = np.ones(self.order, dtype=bool)
        classes: list[tuple[int, ...]] = []
        for x in range(self.order):
            if unseen[x]:
                conjugates = np.unique(self.table[self.table[:, x], self.inverses])
                unseen[conjugates] = False
                classes.append(tuple(conjugates.tolist()))
        return tuple(classes)

    @cached_property
    def derived_series(self) -> tuple[int, ...]:
        """Orders of G, G' = [G, G], G'', ... down to 1, or until an order repeats.

        A4 gives (12, 4, 1). A perfect group such as A5 equals its own commutator subgroup and
        gives (60, 60); the trivial group gives (1,).
        """
        subgroup = np.arange(self.order)
        orders = [self.order]
        while orders[-1] > 1 and orders[-2:-1] != orders[-1:]:
            products = self.table[np.ix_(subgroup, subgroup)]
            # a b (b a)^-1 is the commutator of a and b
            commutators = np.unique(self.table[products, self.inverses[products.T]])
            subgroup, _ = span(self.table, commutators)
            orders.append(len(subgroup))
        return tuple(orders)

    @property
    def is_solvable(self) -> bool:
        """Whether the derived series reaches the trivial group."""
        return self.derived_series[-1] == 1

    def running_products(
        self, words: Integer[np.ndarray, "... length"]
    ) -> Integer[np.ndarray, "... length"]:
        r"""Product of every prefix of every word.

        .. math:: y_k = x_1 x_2 \cdots x_k, \qquad y_k = \mathrm{table}[y_{k-1}, x_k]

        Parameters
        ----------
        words
            Elements of the group, of any integer dtype.

        Returns
        -------
        Array of the same shape, of dtype `index_dtype(order)`. The first position repeats the
        first element.

        Raises
        ------
        TypeError, ValueError
            If the words are not integers, or one is not an element; the message names where.

        Notes
        -----
        One table lookup per position, over all words of a block at once. The products are small
        unsigned integers: convert before arithmetic on them.

        Examples
        --------
        >>> from seqtheory.group import group
        >>> group("Z5").running_products(np.array([3, 4, 1])).tolist()
        [3, 2, 3]
        """
        words = as_array(words)
        self._check_words(words)
        length = words.shape[-1]
        rows = words.reshape(-1, length) if length else words.reshape(0, 0)
        products = np.empty(rows.shape, dtype=index_dtype(self.order))
        flat = self.table.ravel().astype(np.intp)
        for start in range(0, len(rows), _BLOCK_WORDS):
            block = slice(start, start + _BLOCK_WORDS)
            products[block] = self._block_products(flat, rows[block].T).T
        return products.reshape(words.shape)

    def _block_products(
        self, flat: Integer[np.ndarray, " entry"], columns: Integer[np.ndarray, "length word"]
    ) -> Integer[np.ndarray, "length word"]:
        # mode="clip" only spares take a copy of its output: every index is known to be in range
        steps = columns.astype(np.intp, order="C")
        for k in range(1, len(steps)):
            np.take(flat, steps[k - 1] * self.order + steps[k], out=steps[k], mode="clip")
        return steps.astype(index_dtype(self.order))

    def _check_words(self, words: np.ndarray) -> None:
        if words.dtype.kind not in "iu":
            raise TypeError(
                f"words have dtype {words.dtype}, expected integers in 0..{self.order - 1} "
                f"(elements of {self.name})."
            )
        if words.ndim == 0:
            raise ValueError("words is a single number, expected shape (..., length).")
        if words.size and (words.min() < 0 or words.max() >= self.order):
            where = tuple(np.argwhere((words < 0) | (words >= self.order))[0].tolist())
            raise ValueError(
                f"words[{', '.join(map(str, where))}] = {words[where]} is not an element of "
                f"{self.name}: expected 0..{self.order - 1}."
            )

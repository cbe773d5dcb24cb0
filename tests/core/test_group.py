"""Laws of groups, and the conventions that fix the numbering of their elements."""

import hashlib
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory.group import MAX_ORDER, Group, from_permutations, from_table, group, order_of

NAMES = ("S1", "S2", "S3", "S4", "S5", "A1", "A2", "A3", "A4", "A5", "Z1", "Z2", "Z7", "Z60")
NAMES += ("D1", "D2", "D3", "D4", "D15", "A4_x_Z5", "Z2_x_Z2", "S3_x_D2_x_Z3", "Z1_x_A4")
SOLVABLE = {"S3": (6, 3, 1), "S4": (24, 12, 4, 1), "A4": (12, 4, 1), "D4": (8, 2, 1)}
SOLVABLE |= {"A4_x_Z5": (60, 4, 1), "Z60": (60, 1), "Z1": (1,), "Z2_x_Z2": (4, 1)}
A5_TABLE = "ca01c8929b55e403b9cf856429ee6805edee945d99bc17f7646974ccc0c29289"

few = settings(max_examples=30, deadline=None, derandomize=True)
groups = st.sampled_from(NAMES).map(group)


def one_lines(name: str) -> list[tuple[int, ...]]:
    return [tuple(int(c) - 1 for c in element) for element in group(name).elements]


def sign(permutation: tuple[int, ...]) -> int:
    pairs = [(i, j) for j in range(len(permutation)) for i in range(j)]
    return (-1) ** sum(permutation[i] > permutation[j] for i, j in pairs)


def counts(values: np.ndarray) -> dict[int, int]:
    return dict(zip(*(u.tolist() for u in np.unique(values, return_counts=True)), strict=True))


@given(groups, st.data())
@few
def test_group_axioms_hold(g: Group, data: st.DataObject) -> None:
    element = st.integers(0, g.order - 1)
    a, b, c = data.draw(element), data.draw(element), data.draw(element)
    assert g.table[g.table[a, b], c] == g.table[a, g.table[b, c]]
    assert g.table[g.identity, a] == a == g.table[a, g.identity]
    assert g.table[a, g.inverses[a]] == g.identity == g.table[g.inverses[a], a]


@pytest.mark.parametrize("name", NAMES)
def test_orders_divide_and_classes_partition(name: str) -> None:
    g = group(name)
    assert g.order == order_of(name) == len(g.elements) == len(set(g.elements))
    assert g.identity == 0
    assert (g.order % g.element_orders == 0).all()
    assert sorted(x for c in g.conjugacy_classes for x in c) == list(range(g.order))
    assert all(g.order % len(c) == 0 for c in g.conjugacy_classes)
    assert {c[0] for c in g.conjugacy_classes if len(c) == 1} == set(g.centre)
    # Burnside: the number of commuting pairs is the order times the number of classes.
    assert (g.table == g.table.T).sum() == g.order * len(g.conjugacy_classes)
    assert g.is_abelian == (len(g.centre) == g.order)


@pytest.mark.parametrize("name", NAMES)
def test_elements_commute_with_the_centre_and_classes_are_closed(name: str) -> None:
    g = group(name)
    label = np.empty(g.order, dtype=int)
    for i, members in enumerate(g.conjugacy_classes):
        label[list(members)] = i
    for x in range(g.order):
        assert (label[g.table[g.table[:, x], g.inverses]] == label[x]).all()
        assert (g.table[x, list(g.centre)] == g.table[list(g.centre), x]).all()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_symmetric_group_is_lexicographic_and_composes_right_first(size: int) -> None:
    elements = one_lines(f"S{size}")
    assert elements == list(permutations(range(size)))
    table = group(f"S{size}").table
    rng = np.random.default_rng(size)
    for a, b in rng.integers(0, len(elements), (50, 2)):
        product = tuple(elements[a][elements[b][i]] for i in range(size))
        assert elements[table[a, b]] == product


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_alternating_group_is_the_even_half_in_the_same_order(size: int) -> None:
    even = [p for p in permutations(range(size)) if sign(p) == 1]
    assert one_lines(f"A{size}") == even
    parent, table = one_lines(f"S{size}"), group(f"S{size}").table
    where = np.array([parent.index(p) for p in even])
    assert np.array_equal(where[group(f"A{size}").table], table[np.ix_(where, where)])


def test_numbering_of_the_word_problem_generator() -> None:
    assert group("S3").elements == ("123", "132", "213", "231", "312", "321")
    assert " ".join(group("A4").elements) == (
        "1234 1342 1423 2143 2314 2431 3124 3241 3412 4132 4213 4321"
    )
    a5 = group("A5")
    spots = {1: "12453", 14: "21543", 29: "32541", 44: "43521", 59: "54321"}
    assert all(a5.elements[i] == name for i, name in spots.items())
    assert (a5.table[3, 5], a5.table[5, 3]) == (1, 10)
    s5 = group("S5").elements
    assert (s5[6], s5[118], s5[119]) == ("13245", "54312", "54321")


def test_a5_table_has_the_known_digest() -> None:
    data = np.ascontiguousarray(group("A5").table.astype("<i2")).tobytes()
    assert hashlib.sha256(data).hexdigest() == A5_TABLE


def test_cyclic_dihedral_and_product_tables() -> None:
    i = np.arange(60)
    assert np.array_equal(group("Z60").table, (i[:, None] + i) % 60)
    d = group("D5")  # r^a s r^b = r^(a - b) s
    assert d.order == 10
    assert d.table[5 + 2, 4] == 5 + (2 - 4) % 5
    assert d.table[5 + 2, 5 + 4] == (2 - 4) % 5
    assert d.table[3, 5 + 4] == 5 + (3 + 4) % 5
    product, first, second = group("A4_x_Z5"), group("A4"), group("Z5")
    a, b = np.divmod(np.arange(60), 5)
    expected = 5 * first.table[np.ix_(a, a)] + second.table[np.ix_(b, b)]
    assert np.array_equal(product.table, expected)


def test_order_conventions_in_small_isomorphic_groups() -> None:
    for left, right in (("D3", "S3"), ("D1", "Z2"), ("D2", "Z2_x_Z2"), ("Z6", "Z2_x_Z3")):
        assert counts(group(left).element_orders) == counts(group(right).element_orders)


def test_facts_about_a5() -> None:
    g = group("A5")
    assert counts(g.element_orders) == {1: 1, 2: 15, 3: 20, 5: 24}
    assert sorted(map(len, g.conjugacy_classes)) == [1, 12, 12, 15, 20]
    assert (g.table == g.table.T).sum() == 300
    assert g.derived_series == (60, 60)
    assert not g.is_solvable
    assert not g.is_abelian
    assert g.centre == (0,)


def test_facts_about_s5() -> None:
    g = group("S5")
    assert counts(g.element_orders) == {1: 1, 2: 25, 3: 20, 4: 30, 5: 24, 6: 20}
    assert g.derived_series == (120, 60, 60)
    assert not g.is_solvable


@pytest.mark.parametrize(("name", "series"), SOLVABLE.items())
def test_derived_series_of_solvable_groups(name: str, series: tuple[int, ...]) -> None:
    assert group(name).derived_series == series
    assert group(name).is_solvable


def test_nineteen_in_thirty_pairs_generate_a5() -> None:
    table = group("A5").table
    generating = 0
    for a in range(60):
        for b in range(60):
            reached = {0}
            frontier = reached
            while frontier:
                frontier = {int(table[x, g]) for x in frontier for g in (a, b)} - reached
                reached = reached | frontier
            generating += len(reached) == 60
    assert generating == 2280


def test_centres() -> None:
    assert group("D4").centre == (0, 2)
    assert group("A4_x_Z5").centre == (0, 1, 2, 3, 4)
    assert group("Z60").centre == tuple(range(60))


@given(groups, st.integers(0, 2**32 - 1), st.integers(1, 9))
@few
def test_running_products_equal_a_loop(g: Group, seed: int, length: int) -> None:
    words = np.random.default_rng(seed).integers(0, g.order, (3, 2, length))
    products = g.running_products(words)
    assert products.shape == words.shape
    assert products.dtype == np.uint8
    for index in np.ndindex(3, 2):
        total = g.identity
        for k, token in enumerate(words[index]):
            total = g.table[total, token]
            assert products[(*index, k)] == total


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
@pytest.mark.parametrize("count", [1, 16_384, 16_385])
def test_running_products_do_not_depend_on_dtype_or_block(dtype: type, count: int) -> None:
    g = group("S5")
    words = np.random.default_rng(count).integers(0, 120, (count, 3))
    first = g.table[words[:, 0], words[:, 1]]
    products = g.running_products(words.astype(dtype))
    assert np.array_equal(products, np.stack([words[:, 0], first, g.table[first, words[:, 2]]], 1))


def test_running_products_of_matrices_follow_the_group() -> None:
    # M(p) e_i = e_{p(i)}: matrices multiply in the order of the word.
    g = group("A5")
    matrices = np.array([np.eye(5)[:, list(p)] for p in one_lines("A5")])
    word = np.random.default_rng(0).integers(0, 60, 50)
    state = np.eye(5)
    for token, product in zip(word, g.running_products(word), strict=True):
        state = state @ matrices[token]
        assert np.array_equal(state, matrices[product])


def test_running_products_of_large_groups_need_more_than_a_byte() -> None:
    g = group("Z300")
    assert g.running_products(np.array([299, 298])).tolist() == [299, 297]
    assert g.running_products(np.array([299, 298])).dtype == np.int16
    assert group("Z256").running_products(np.array([255, 254])).tolist() == [255, 253]


def test_running_products_of_words_without_tokens_are_empty() -> None:
    assert group("A5").running_products(np.empty((4, 0), dtype=int)).shape == (4, 0)
    assert group("A5").running_products(np.empty((0, 4), dtype=int)).shape == (0, 4)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (np.array([[0, 1], [2, 60]]), ValueError, r"words\[1, 1\] = 60 .*expected 0\.\.59"),
        (np.array([0, -1]), ValueError, r"words\[1\] = -1"),
        (np.array([0.0, 1.0]), TypeError, "float64"),
        (np.array([True]), TypeError, "bool"),
        (np.array(3), ValueError, "single number"),
    ],
)
def test_running_products_refuse_what_is_no_word(
    words: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        group("A5").running_products(words)


def test_groups_cannot_be_written_to() -> None:
    g = group("A4")
    with pytest.raises(ValueError, match="read-only"):
        g.table[0, 0] = 1
    with pytest.raises(AttributeError):
        g.name = "other"  # pyright: ignore[reportAttributeAccessIssue]
    table = np.array([[0, 1], [1, 0]])
    made = from_table(table)
    table[0, 0] = 1
    assert made.table[0, 0] == 0


@pytest.mark.parametrize(
    ("name", "guess"),
    [("a5", "A5"), ("C60", "Z60"), ("S_5", "S5"), ("A4xZ5", "A4_x_Z5"), ("A4 x Z_5", "A4_x_Z5")],
)
def test_unknown_names_get_a_suggestion(name: str, guess: str) -> None:
    with pytest.raises(ValueError, match=rf"unknown group '{name}' \(did you mean '{guess}'\?\)"):
        group(name)


@pytest.mark.parametrize("name", ["", "foo", "A0", "M11", "S-3", "A5_x_", "S5.0", "S" + "9" * 5000])
def test_names_that_mean_nothing_explain_the_format(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown group .* S, A, Z or D and a number"):
        group(name)


@pytest.mark.parametrize("name", ["S8", "A8", "Z5041", "D2521", "S999999999", "Z100_x_Z100"])
def test_groups_too_large_for_a_table_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"at most order {MAX_ORDER}"):
        group(name)


def test_permutations_generate_the_named_groups() -> None:
    a5 = from_permutations([(1, 2, 0, 3, 4), (1, 2, 3, 4, 0)], name="icosahedral")
    assert np.array_equal(a5.table, group("A5").table)
    quaternion = from_permutations([(1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3)], "Q8")
    assert counts(quaternion.element_orders) == {1: 1, 2: 1, 4: 6}
    assert quaternion.derived_series == (8, 2, 1)
    assert from_permutations([(0,)]).order == 1
    assert from_permutations([tuple(np.roll(range(12), 1))]).elements[0].startswith("1 2 3")


@pytest.mark.parametrize(
    ("generators", "message"),
    [
        ([], "no generators"),
        ([(1, 2, 3)], "counted from 0"),
        ([(0, 0, 1)], "not a permutation"),
        ([()], "not a permutation"),
        ([(1, 0), (1, 0, 2)], r"\[2, 3\] points"),
        ([(1, 0, *range(2, 9)), (*range(1, 9), 0)], "more than 5040"),
    ],
)
def test_bad_generators_are_refused(generators: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_permutations(generators)


@given(st.sampled_from(["S3", "A4", "Z6", "D4"]), st.integers(0, 2**32 - 1))
@few
def test_relabelled_tables_are_groups_with_the_same_facts(name: str, seed: int) -> None:
    g = group(name)
    new = np.random.default_rng(seed).permutation(g.order)
    table = np.empty_like(g.table)
    table[np.ix_(new, new)] = new[g.table]
    relabelled = from_table(table)
    assert relabelled.identity == new[0]
    assert relabelled.derived_series == g.derived_series
    assert np.array_equal(relabelled.element_orders[new], g.element_orders)
    assert relabelled.running_products(np.array([new[1]]))[0] == new[1]


@given(st.sampled_from(["S3", "Z5", "A4", "D4"]), st.data())
@few
def test_any_single_wrong_entry_is_found(name: str, data: st.DataObject) -> None:
    g = group(name)
    element = st.integers(0, g.order - 1)
    a, b, c = data.draw(element), data.draw(element), data.draw(element)
    table = g.table.copy()
    table[a, b] = c
    if c == g.table[a, b]:
        assert from_table(table).order == g.order
    else:
        with pytest.raises(ValueError, match=r"not associative|no identity|no inverse"):
            from_table(table, name="spoilt")


def test_the_failing_triple_is_named_and_fails() -> None:
    loop = np.array(  # a Latin square with identity 0: every axiom but associativity
        [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]
    )
    with pytest.raises(ValueError, match="not associative") as caught:
        from_table(loop)
    message = str(caught.value)
    a, b, c = map(int, message.split("= (")[1].split(")")[0].split(","))
    left, right = loop[loop[a, b], c], loop[a, loop[b, c]]
    assert left != right
    assert f"(a b) c = {left} but a (b c) = {right}" in message


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([[0, 1], [1, 2]], ValueError, r"not closed: table\[1, 1\] = 2"),
        ([[1, 2], [2, 1]], ValueError, r"table\[0, 1\] = 2.*from 0"),
        ([[0, 0], [0, 0]], ValueError, "no identity"),
        ([[0, 1], [1, 1]], ValueError, "element 1 has no inverse"),
        ([[0, 1]], ValueError, r"shape \(1, 2\)"),
        (np.empty((0, 0), dtype=int), ValueError, r"shape \(0, 0\)"),
        ([[0.0]], TypeError, "float64"),
        (np.zeros((5041, 5041), dtype=np.int8), ValueError, "at most order 5040"),
    ],
)
def test_tables_of_no_group_are_refused(
    table: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        from_table(np.asarray(table))


def test_element_names_must_be_one_each() -> None:
    with pytest.raises(ValueError, match="1 element names for 2"):
        Group("Z2", np.array([[0, 1], [1, 0]]), ("e",))

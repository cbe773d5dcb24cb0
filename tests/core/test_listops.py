"""ListOps: the grammar, the recipe's law, and the files of the Long Range Arena."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from seqtheory.dataset import Dataset
from seqtheory.listops import (
    VOCABULARY,
    ListOpsFileError,
    _reading,
    curried,
    evaluate,
    length_distribution,
    parse,
    read,
    write,
)
from seqtheory.listops._drawing import draw
from seqtheory.listops._lengths import num_expressions
from seqtheory.tasks import ListOps

few = settings(max_examples=50, deadline=None, derandomize=True)

# Trees as nested tuples (operator, argument, ...), with a meaning and a text of their own.
TREES = st.recursive(
    st.integers(0, 9),
    lambda inner: st.tuples(
        st.sampled_from(["MIN", "MAX", "MED", "SM"]), st.lists(inner, min_size=1, max_size=5)
    ),
    max_leaves=30,
)
MEANING = {
    "MIN": min,
    "MAX": max,
    "MED": lambda values: int(np.median(values)),
    "SM": lambda values: int(np.sum(values) % 10),
}


def meaning(tree: object) -> int:
    return tree if isinstance(tree, int) else MEANING[tree[0]]([meaning(each) for each in tree[1]])


def text(tree: object) -> str:
    if isinstance(tree, int):
        return str(tree)
    return f"[{tree[0]} {' '.join(map(text, tree[1]))} ]"


def pairs(tree: object) -> str:
    """The published text, by the published definition: apply to one argument, then to ``]``."""
    if isinstance(tree, int):
        return str(tree)
    applied = f"[{tree[0]}"
    for argument in [*map(pairs, tree[1]), "]"]:
        applied = f"( {applied} {argument} )"
    return applied


def rows(data: Dataset) -> list[bytes]:
    return [tokens[mask].tobytes() for tokens, mask in zip(data.inputs, data.mask, strict=True)]


# The grammar


@given(TREES)
@few
def test_the_value_of_the_text_is_the_meaning_of_the_tree(tree: object) -> None:
    tokens = parse(text(tree))
    assert evaluate(tokens) == meaning(tree)
    assert evaluate(np.frombuffer(tokens, dtype=np.uint8)) == meaning(tree)
    assert evaluate(list(tokens)) == meaning(tree)


@given(TREES)
@few
def test_currying_is_the_published_form_and_is_undone_by_parsing(tree: object) -> None:
    tokens = parse(text(tree))
    assert curried(tokens) == pairs(tree)
    assert parse(curried(tokens)) == tokens
    assert curried(tokens).count("(") == curried(tokens).count(")") == len(tokens) - 1


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7", 7),
        ("[MED 1 2 ]", 1),  # 1.5 is rounded down
        ("[MED 9 0 5 ]", 5),
        ("[MED 3 4 8 9 ]", 6),
        ("[SM 9 9 9 ]", 7),
        ("[MAX [SM 5 5 ] [MIN 3 8 ] ]", 3),
    ],
)
def test_values_by_hand(expression: str, value: int) -> None:
    assert evaluate(parse(expression)) == value


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "got no token, expected an expression"),
        ([3, 4], "2 expressions side by side, expected one"),
        ([10, 1, 14, 5], "2 expressions"),
        ([10, 1, 2], "unbalanced: 1 of them are open at the end"),
        ([10, 11, 1, 14], "1 of them are open"),
        ([1, 14], "token 1 is 14, a ] that closes nothing"),
        ([14], "token 0 is 14, a ] that closes nothing"),
        ([10, 1, 14, 14], "token 3 is 14, a ] that closes nothing"),
        ([11, 14], r"token 1 is 14, a ] that leaves \[MAX without arguments"),
        ([10, 3, 15, 14], "token 2 is 15, expected 0..14"),
        ([10, 3, -1, 14], r"got tokens '\[10, 3, -1, 14\]', expected one row"),
        ([10, 3, 300, 14], "expected one row of integers"),
        (np.zeros((2, 2), dtype=int), "expected one row of integers"),
        (np.array([1.5]), "expected one row of integers"),
    ],
)
def test_what_is_no_expression_is_refused_at_its_place(tokens: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(tokens)
    with pytest.raises(ValueError, match=message):
        curried(tokens)


def test_depth_costs_no_more_than_length() -> None:
    deep = 100_000  # a pass for each level would take minutes
    assert evaluate(parse("[MAX 1 " * deep + "7 " + "] " * deep)) == 7
    with pytest.raises(ValueError, match="100000 of them are open at the end"):
        evaluate(parse("[MAX 1 " * deep))


@given(st.binary(max_size=12).map(lambda raw: bytes(token % 15 for token in raw)))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_tokens_have_a_value_or_are_refused(tokens: bytes) -> None:
    try:
        value = evaluate(tokens)
    except ValueError:
        return
    assert value in range(10)
    assert parse(curried(tokens)) == tokens


def test_a_word_that_is_no_token_is_named() -> None:
    with pytest.raises(ValueError, match=r"token 1 is '\[FIRST', expected a digit, one of \[MIN"):
        parse("[MAX [FIRST 4 ] ]")


# The recipe


def all_trees(depth: int, max_depth: int, arguments: int) -> list[bytes]:
    digits = [bytes([digit]) for digit in range(10)]
    if depth == max_depth:
        return digits
    below = all_trees(depth + 1, max_depth, arguments)
    return digits + [
        bytes([operator]) + b"".join(parts) + b"\x0e"
        for operator in range(10, 14)
        for count in range(2, arguments + 1)
        for parts in product(below, repeat=count)
    ]


def test_expressions_are_counted_as_they_are_listed() -> None:
    lengths = Counter(map(len, all_trees(1, 2, 4)))
    for length in range(1, 8):
        assert num_expressions(length - 1, length + 1, 2, 4) == lengths[length]
    lengths = Counter(map(len, all_trees(1, 3, 2)))
    assert num_expressions(0, 100, 3, 2) == sum(lengths.values())
    assert num_expressions(9, 11, 3, 2) == lengths[10]


def test_lengths_have_the_probabilities_of_the_recipe() -> None:
    np.testing.assert_allclose(length_distribution(50, max_depth=1), np.eye(50)[1])
    two = length_distribution(13, max_depth=2, max_arguments=10)
    np.testing.assert_allclose(two[1:4], [0.75, 0, 0])
    np.testing.assert_allclose(two[4:], 0.25 / 9)
    # depth 3 by hand, operators of two arguments: 1 + 1, 1 + 4 twice, 4 + 4
    three = length_distribution(20, max_depth=3, max_arguments=2)
    inner, outer = 0.25, 0.25
    expected = {1: 0.75, 4: outer * 0.75**2, 7: outer * 2 * 0.75 * inner, 10: outer * inner**2}
    np.testing.assert_allclose(three[list(expected)], list(expected.values()))
    assert three.sum() == pytest.approx(1)


def sample(count: int, **shape: int) -> list[bytes]:
    found: list[bytes] = []
    arguments = {"min_length": 0, "max_length": 120, "max_depth": 10, "max_arguments": 10, **shape}
    for block in draw(**arguments, seed=1):
        found += block
        if len(found) >= count:
            return found
    raise AssertionError("draw never ends")


@pytest.mark.parametrize(
    "shape", [{}, {"min_length": 20}, {"max_depth": 3}, {"max_arguments": 3, "min_length": 4}]
)
def test_drawn_lengths_follow_the_distribution(shape: dict[str, int]) -> None:
    lengths = np.bincount([len(row) for row in sample(20_000, **shape)], minlength=120)
    low = shape.get("min_length", 0)
    settings = {key: value for key, value in shape.items() if key != "min_length"}
    chance = length_distribution(120, **settings)[low + 1 :]
    seen, expected = lengths[low + 1 :], chance / chance.sum() * lengths.sum()
    assert not seen[chance == 0].any()
    assert not lengths[: low + 1].any()
    common = expected >= 5
    seen = np.append(seen[common], seen[~common].sum())
    expected = np.append(expected[common], expected[~common].sum())
    if expected[-1] == 0:
        seen, expected = seen[:-1], expected[:-1]
    assert stats.chisquare(seen, expected).pvalue > 1e-3


def test_nodes_follow_the_recipe_at_every_depth() -> None:
    # neither end of the range cuts anything off, so that all nodes are free draws
    drawn = sample(30_000, max_depth=3, max_length=123)
    digits, operators, arguments = np.zeros(10), np.zeros(4), np.zeros(11)
    inner = np.zeros((4, 2))  # by depth: digits, operators
    for row in drawn:
        counts: list[int] = []
        for token in row:
            if token == 14:
                arguments[counts.pop()] += 1
                continue
            if counts:
                counts[-1] += 1
            inner[len(counts) + 1, int(token >= 10)] += 1
            if token < 10:
                digits[token] += 1
            else:
                operators[token - 10] += 1
                counts.append(0)
    assert stats.chisquare(digits).pvalue > 1e-3
    assert stats.chisquare(operators).pvalue > 1e-3
    assert not arguments[:2].any()
    assert stats.chisquare(arguments[2:]).pvalue > 1e-3
    for depth in (1, 2):
        total = inner[depth].sum()
        assert stats.chisquare(inner[depth], [0.75 * total, 0.25 * total]).pvalue > 1e-3
    assert inner[3, 1] == 0
    assert inner[3, 0] > 0


# The task


def test_every_label_is_the_value_and_every_row_is_in_range() -> None:
    data = ListOps(min_length=10, max_length=60, num_examples=500).build(seed=3)
    assert data.inputs.shape == (500, 59)
    assert data.inputs.dtype == np.uint8
    for row, target in zip(rows(data), data.targets, strict=True):
        assert 10 < len(row) < 60
        assert evaluate(row) == target
    assert not data.inputs[~data.mask].any()
    assert (np.diff(data.mask.astype(int), axis=1) <= 0).all()


def test_the_published_settings_give_the_published_lengths() -> None:
    data = ListOps(num_examples=300).build(seed=0)
    lengths = data.mask.sum(axis=1)
    assert data.inputs.shape == (300, 1999)
    assert lengths.min() > 500
    assert lengths.max() < 2000
    assert 900 < lengths.mean() < 1150
    assert ListOps().length == 1999
    assert data.inputs.max() < ListOps().vocabulary == len(VOCABULARY)


@pytest.mark.parametrize("balanced", [False, True])
def test_expressions_are_distinct_and_the_split_shares_none(balanced: bool) -> None:
    data = ListOps(3, 12, num_examples=3000, balanced=balanced).build(seed=0)
    parts = data.split((0.6, 0.2, 0.2), seed=None)
    sets = [set(rows(part)) for part in parts]
    assert [len(each) for each in sets] == [1800, 600, 600]
    assert len(set().union(*sets)) == 3000


def test_all_expressions_of_a_length_can_be_drawn_and_no_more() -> None:
    data = ListOps(3, 5, num_examples=400).build(seed=0)
    assert set(rows(data)) == {row for row in all_trees(1, 2, 2) if len(row) == 4}
    with pytest.raises(ValueError, match="num_examples=401, but there are 400 distinct"):
        ListOps(3, 5, num_examples=401)


@pytest.mark.parametrize("count", [1, 10, 237, 1000])
def test_balanced_parts_hold_as_many_of_each_value(count: int) -> None:
    data = ListOps(10, 50, num_examples=count, balanced=True).build(seed=2)
    counts = np.bincount(data.targets, minlength=10)
    assert counts.sum() == count
    assert counts.max() - counts.min() <= 1
    for part in (slice(0, count // 3), slice(count // 3, None)):
        counts = np.bincount(data.targets[part], minlength=10)
        assert counts.max() - counts.min() <= 2


@pytest.mark.parametrize("balanced", [False, True])
def test_fewer_examples_are_the_first_of_more(balanced: bool) -> None:
    small, large = (
        rows(ListOps(5, 40, num_examples=count, balanced=balanced).build(seed=7))
        for count in (300, 2000)
    )
    assert large[:300] == small


def test_the_seed_decides_and_the_bytes_are_fixed() -> None:
    def digest(seed: int, **fields: object) -> str:
        data = ListOps(20, 100, num_examples=1000, **fields).build(seed)
        parts = (data.inputs, data.mask, data.targets.astype("<i8"))
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]

    assert digest(0) == digest(0)
    assert digest(0) != digest(1)
    # the same on every machine and in every version of NumPy
    assert (digest(0), digest(0, balanced=True)) == PINNED


PINNED = ("7e5f1f9800a897ce", "a2c102f057d8711f")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_length": 1, "max_length": 4}, "there are 0 distinct expressions"),
        ({"min_length": 100, "max_length": 101}, "there are 0 distinct"),
        ({"min_length": 100, "max_length": 50}, "there are 0 distinct"),
        ({"max_depth": 1}, "there are 0 distinct"),
        ({"min_length": 4, "max_length": 7, "max_arguments": 2}, "there are 0 distinct"),
        ({"min_length": 998, "max_length": 1001}, r"only 1.4e-04 of the recipe's expressions"),
        ({"max_length": 10**6}, "max_length=1,000,000 with .* beyond what can be counted"),
        ({"max_depth": 10**9}, "beyond what can be counted"),
        ({"max_arguments": 1}, "max_arguments=1: expected an integer of at least"),
        ({"max_depth": 0}, "max_depth=0: expected an integer of at least"),
        ({"num_examples": 0}, "num_examples=0: expected an integer of at least"),
        ({"max_length": 1}, "max_length=1: expected an integer of at least"),
        ({"min_length": -1}, "min_length=-1: expected an integer of at least"),
    ],
)
def test_impossible_settings_are_refused_at_construction(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ListOps(**fields)


@pytest.mark.parametrize(
    "fields", [{"balanced": 1}, {"num_examples": 2.0}, {"min_length": True}, {"max_depth": "3"}]
)
def test_settings_of_the_wrong_type_are_refused(fields: dict) -> None:
    with pytest.raises(TypeError):
        ListOps(**fields)


def test_a_value_with_too_few_expressions_ends_the_search() -> None:
    with pytest.raises(ValueError, match=r"nothing new: 375 are found, .*, 31\. Ask for fewer"):
        ListOps(3, 5, num_examples=400, balanced=True).build(seed=0)


# Files


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "basic_train.tsv"


def test_what_is_written_is_read_again(file: Path) -> None:
    data = ListOps(3, 40, num_examples=200).build(seed=0)
    write(file, data)
    found = read(file, length=39)
    np.testing.assert_array_equal(found.inputs, data.inputs)
    np.testing.assert_array_equal(found.mask, data.mask)
    np.testing.assert_array_equal(found.targets, data.targets)
    assert read(file).inputs.shape[1] == data.mask.sum(axis=1).max()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_bytes_are_those_of_the_published_form(file: Path) -> None:
    tokens = parse("[MAX 4 [MIN 2 9 ] 7 ]")
    write(file, Dataset(np.frombuffer(tokens, np.uint8)[None], np.array([7])))
    assert file.read_bytes() == (
        b"Source\tTarget\r\n( ( ( ( [MAX 4 ) ( ( ( [MIN 2 ) 9 ) ] ) ) 7 ) ] )\t7\r\n"
    )


@pytest.mark.parametrize(
    ("tokens", "target", "message"),
    [
        (parse("[SM 1 2 ]"), 4, "row 0 has the target 4, but its expression the value 3"),
        (b"\x0a\x01", 1, "row 0 is no expression: brackets are unbalanced"),
    ],
)
def test_a_wrong_row_is_not_written(file: Path, tokens: bytes, target: int, message: str) -> None:
    file.write_bytes(b"old")
    with pytest.raises(ValueError, match=message):
        write(file, Dataset.padded([tokens], np.array([target])))
    assert file.read_bytes() == b"old"
    assert len(list(file.parent.iterdir())) == 1


def test_plain_brackets_newlines_and_further_columns_are_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfid\tTarget\tSource\na\t3\t[SM 1 2 ]\nb\t9\t9\n")
    data = read(file)
    assert rows(data) == [parse("[SM 1 2 ]"), b"\x09"]
    assert data.targets.tolist() == [3, 9]


HEAD = b"Source\tTarget\r\n"
GOOD = b"( ( ( [SM 1 ) 2 ) ] )\t3\r\n"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 1, "no column 'Source': the header is ''"),
        (HEAD, 1, "a header and no expressions"),
        (b"source\ttarget\r\n" + GOOD, 1, r"no column 'Source'.*expected Source\\tTarget"),
        (b"Source\tLabel\r\n" + GOOD, 1, "no column 'Target'"),
        (b"Source,Target\n[SM 1 2 ],3\n", 1, "no column 'Source'"),
        (HEAD + GOOD + b"( ( ( [SM 1 ) 2 ) ] )\r\n", 3, "1 columns, expected 2"),
        (HEAD + GOOD + b"\r\n" + GOOD, 3, "1 columns, expected 2"),
        (HEAD + GOOD + b"3\t3\t3\r\n", 3, "3 columns, expected 2"),
        (HEAD + GOOD + b"[SUM 1 2 ]\t3\r\n", 3, r"column 'Source': token 0 is '\[SUM', expected"),
        (HEAD + b"[SM 1 12 ]\t3\r\n", 2, "token 2 is '12'"),
        (HEAD + b"\t3\r\n", 2, "column 'Source': got no token, expected"),
        (HEAD + GOOD + b"( ( ( [SM 1 ) 2 ) )\t3\r\n", 3, "'Source': brackets are unbalanced: 1"),
        (HEAD + b"[SM 1 2 ] ]\t3\r\n", 2, "'Source': token 4 is 14, a ] that closes nothing"),
        (HEAD + b"( ( [SM 1 ) 2 ) ] )\t3\r\n", 2, "round brackets are unbalanced: 2 open and 3"),
        (HEAD + b"( ( ( [SM 1 ) 2 ) ]\t3\r\n", 2, "round brackets are unbalanced: 3 open and 2"),
        (HEAD + b") ( ( [SM 1 ) 2 ) ] (\t3\r\n", 2, "round brackets are unbalanced: 3 open and 3"),
        (HEAD + b"( [SM 1 2 ] )\t3\r\n", 2, "1 open and 1 close, expected 3 pairs or none"),
        (HEAD + GOOD + b"[SM 1 2 ]\t4\r\n", 3, "column 'Target': the label 4, but the expression"),
        (HEAD + b"[SM 1 2 ]\t10\r\n", 2, "column 'Target': the label '10', expected one of 0..9"),
        (HEAD + b"[SM 1 2 ]\t\r\n", 2, "the label '', expected"),
        (HEAD + b"[SM 1 2 ]\tthree\r\n", 2, "the label 'three'"),
        (HEAD + GOOD + b"[SM 1 2 ]\t\xff3\r\n", 3, "column 2: the byte 0xff is not UTF-8"),
        (HEAD + b"[SM \xe9 2 ]\t3\r\n", 2, "column 1: the byte 0xe9 is not UTF-8"),
        (HEAD + b"3" * 1_000_001 + b"\t3\r\n", 2, "a line of more than 1,000,000 bytes"),
        (HEAD + GOOD[:-4], 2, "does not end in a newline"),
        (gzip.compress(HEAD + GOOD, mtime=0), 1, "gzip-compressed"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", 1, "a Git-LFS pointer"),
        (HEAD + b"[MAX 1 2 3 4 5 6 7 8 9 ]\t9\r\n", 2, "an expression of 11 tokens, expected at"),
    ],
)
def test_a_bad_file_is_named_with_its_line_and_column(
    file: Path, content: bytes, line: int, message: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(ListOpsFileError, match=message) as caught:
        read(file, length=10)
    assert str(caught.value).startswith(f"{file}:{line}: ")


def test_padding_and_size_are_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(HEAD + b"3\t3\n" * 9 + GOOD)
    monkeypatch.setattr(_reading, "_MAX_VALUES", 39)
    with pytest.raises(
        ListOpsFileError, match="more than 39 tokens, each row padded to 4"
    ) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}:11: ")
    monkeypatch.setattr(_reading, "_MAX_FILE", 30)
    with pytest.raises(ListOpsFileError, match="bytes, expected at most 30"):
        read(file)


@given(st.integers(0, len(HEAD + GOOD) - 1), st.integers(0, 255))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(place: int, byte: int) -> None:
    import tempfile

    content = bytearray(HEAD + GOOD)
    content[place] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "basic_val.tsv")
        path.write_bytes(bytes(content))
        try:
            data = read(path)
        except ListOpsFileError:
            return
    assert [evaluate(row) for row in rows(data)] == data.targets.tolist()

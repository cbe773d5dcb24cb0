"""Word files: equal to the published ones byte for byte, and bad ones refused by line."""

import errno
import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqtheory import word_csv
from seqtheory.group import group, order_of
from seqtheory.tasks import GroupWords
from seqtheory.word_csv import WordFileError, _reading, _source, _writing

A5_WORDS_OF_LENGTH_TWO = "5fa1b247ecf078d027a71fff7c486d6e4f12df4d0f8ff4526bc91cf759bbf307"
POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:5fa1b247ecf078d027a71fff7c486d6e4f12df4d0f8ff4526bc91cf759bbf307\nsize 66018\n"
)
GOOD = "seed,input,target\n7,0 1 2,0 1 0\n7,2 2 2,2 1 0\n"  # over Z3
few = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "words.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def plain(words: np.ndarray, targets: np.ndarray, seed: int) -> str:
    rows = (
        f"{seed},{' '.join(map(str, word))},{' '.join(map(str, target))}\n"
        for word, target in zip(words.tolist(), targets.tolist(), strict=True)
    )
    return "seed,input,target\n" + "".join(rows)


def test_a5_words_of_length_two_equal_the_published_file(tmp_path: Path) -> None:
    data = GroupWords("A5", 2).build(seed=0)
    path = tmp_path / "A5=2.csv"
    word_csv.write(path, data.inputs, data.targets, seed=946607)
    content = path.read_bytes()
    assert len(content) == 66018
    assert hashlib.sha256(content).hexdigest() == A5_WORDS_OF_LENGTH_TWO
    words, targets = word_csv.read(path, group=group("A5"))
    assert np.array_equal(words, data.inputs)
    assert np.array_equal(targets, data.targets)


@given(
    st.sampled_from(["A5", "Z60", "A4_x_Z5", "S5", "Z1", "Z11", "Z1200", "S6"]),
    st.integers(1, 21),
    st.integers(1, 60),
    st.integers(0, 10**7),
)
@few
def test_files_round_trip_and_equal_the_plain_writer(
    tmp_path: Path, name: str, length: int, count: int, seed: int
) -> None:
    data = GroupWords(name, length, count).build(seed)
    path = tmp_path / f"{name}={length}.csv"
    word_csv.write(path, data.inputs, data.targets, seed)
    assert path.read_text() == plain(data.inputs, data.targets, seed)
    words, targets = word_csv.read(path, order_of(name), group(name))
    assert words.dtype == targets.dtype == data.inputs.dtype
    assert np.array_equal(words, data.inputs)
    assert np.array_equal(targets, data.targets)


def test_files_of_many_blocks_round_trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_writing, "_BLOCK_TOKENS", 100)
    monkeypatch.setattr(_reading, "_BLOCK_BYTES", 777)
    data = GroupWords("Z300", 7, 500).build(seed=0)
    path = tmp_path / "words.csv"
    word_csv.write(path, data.inputs, data.targets, -5)
    assert path.read_text() == plain(data.inputs, data.targets, -5)
    words, targets = word_csv.read(path)
    assert np.array_equal(words, data.inputs)
    assert np.array_equal(targets, data.targets)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6))
@few
def test_fast_rows_equal_slow_rows(seed: int, length: int, digits: int) -> None:
    tokens = np.random.default_rng(seed).integers(0, 10**digits, (5, 2, length))
    rows = plain(tokens[:, 0], tokens[:, 1], seed).partition("\n")[2]
    fast = _reading._fast_block(rows.encode(), length)
    assert fast is not None
    assert np.array_equal(fast, tokens.reshape(5, -1))


@pytest.mark.parametrize(
    "row", ["1,2,3", "1,2 3,4", "1,2 3,4 5,6", "1, 2 3,4 5", "1,-2 3,4 5", "1,2 x,4 5", ",2 3,4 5"]
)
def test_irregular_rows_are_left_to_the_slow_reader(row: str) -> None:
    regular = "1,2 3,4 5\n"
    assert _reading._fast_block((regular * 2).encode(), 2) is not None
    assert _reading._fast_block((regular + row + "\n" + regular).encode(), 2) is None


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n",
        GOOD + "\r\n\r\n",
        "target,note,input\n0 1 0,x,0 1 2\n2 1 0,,2 2 2\n",
        "input,target\n0 1 2,0 1 0\n2 2 2,2 1 0\n",
        "seed, input, target\n7, 0 1 2, 0 1 0\n7, 2 2 2, 2 1 0\n",
        "seed,input,target,extra\n,0 1 2,0 1 0,?\n,2 2 2,2 1 0,\n",
        "seed,input,target\n7,0  1 2 ,0 1 0\n7,02 2 2,2 1 0\n",
    ],
)
def test_harmless_variants_are_read(tmp_path: Path, content: str) -> None:
    words, targets = word_csv.read(written(tmp_path, content), group=group("Z3"))
    assert words.tolist() == [[0, 1, 2], [2, 2, 2]]
    assert targets.tolist() == [[0, 1, 0], [2, 1, 0]]


BAD = {
    "missing column": ("seed,input\n7,0 1\n", 1, "no column 'target'"),
    "no header": ("7,0 1,0 1\n", 1, "no column 'input'"),
    "non-integer": (GOOD + "7,0 x 2,0 1 0\n", 4, "'x' in column 'input' is not an integer"),
    "float": (GOOD + "7,0 1 2,0 1.0 0\n", 4, "'1.0' in column 'target' is not an integer"),
    "huge number": (GOOD + f"7,0 {'9' * 30} 2,0 1 0\n", 4, "is not an integer token"),
    "out of range": (GOOD + "7,0 3 2,0 1 0\n", 4, "token 3 in column 'input'.*0..2"),
    "negative": (GOOD + "7,0 1 2,0 -1 0\n", 4, "token -1 in column 'target'"),
    "ragged": (GOOD + "7,0 1 2,0 1\n", 4, "3 input tokens but 2 target tokens"),
    "other length": (GOOD + "7,0 1,0 1\n", 4, "length 2, but line 2 has one of length 3"),
    "empty field": (GOOD + "7,,0 1 0\n", 4, "column 'input' is empty"),
    "blank line": (GOOD + "\n" + "7,0 1 2,0 1 0\n", 4, "blank line"),
    "missing field": (GOOD + "7,0 1 2\n", 4, "2 fields, expected 3"),
    "empty": ("", 1, "the file is empty"),
    "blank": ("\n\n", 1, "the file is empty"),
    "header only": ("seed,input,target\n", 1, "a header and no rows"),
    "header without newline": ("seed,input,target", 1, "a header and no rows"),
    "NUL byte": (GOOD + "7,0 \0 2,0 1 0\n", 4, "a NUL byte"),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 1, "the byte 0x89.*binary"),
    "binary row": (GOOD.encode() + b"7,0 \xe9 2,0 1 0\n", 4, "the byte 0xe9"),
    "long line": (GOOD + "7," + "0 " * 600_000 + "\n", 4, "more than 1000000 characters"),
    "long row": ("seed,input,target\n" + "9" * 900_000 + "\n", 2, "1 fields, expected 3"),
    "long header": ("x" * 2_000_000, 1, "more than 1000000 characters"),
    "cut in a number": (GOOD[:-1], 3, "does not end in a newline"),
    "cut in a row": (GOOD + "7,0 1 2,0", 4, "does not end in a newline"),
    "gzip": (gzip.compress(GOOD.encode(), mtime=0), 1, "gzip-compressed"),
    "zip": (b"PK\x03\x04rest", 1, "a zip archive"),
    "UTF-16": (GOOD.encode("utf-16"), 1, "UTF-16"),
    "LFS pointer": (POINTER, 1, "git lfs pull.*GroupWords"),
    "wrong product": (GOOD + "7,0 1 2,0 1 1\n", 4, "target 1 at position 2 .* product 0 in Z3"),
}


@pytest.mark.parametrize(("content", "line", "reason"), BAD.values(), ids=BAD)
def test_bad_files_are_refused_by_file_and_line(
    tmp_path: Path, content: str | bytes, line: int, reason: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(WordFileError, match=f"(?s){reason}") as caught:
        word_csv.read(path, group=group("Z3"))
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert len(str(caught.value)) < len(str(path)) + 250


def test_bad_rows_are_counted_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_reading, "_BLOCK_BYTES", 50)
    path = written(tmp_path, GOOD + "7,0 1 2,0 1 0\n" * 40 + "7,0 1 2,0 1\n")
    with pytest.raises(WordFileError, match=r"words\.csv:44: "):
        word_csv.read(path)


def test_messages_carry_no_control_characters(tmp_path: Path) -> None:
    # a tab is the one control character that a text file may hold
    path = written(tmp_path, "seed,in\tput,target\n7,0,0\n")
    with pytest.raises(WordFileError) as caught:
        word_csv.read(path)
    assert "\\t" in str(caught.value)
    assert str(caught.value).isprintable()


def test_tokens_beyond_the_order_pass_only_where_no_order_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, "seed,input,target\n7,59 1,59 60\n")
    assert word_csv.read(path)[1].tolist() == [[59, 60]]
    with pytest.raises(WordFileError, match=r":2: token 60 .*0\.\.59"):
        word_csv.read(path, order=60)
    with pytest.raises(ValueError, match="order 61 but A5 has order 60"):
        word_csv.read(path, order=61, group=group("A5"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        word_csv.read(tmp_path / "absent.csv")


@pytest.mark.parametrize("kind", ["folder", "folder on Windows", "pipe", "large", "name"])
def test_what_is_no_file_or_too_large_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "words.csv"
    if kind.startswith("folder"):
        path.mkdir()
        if kind.endswith("Windows"):
            monkeypatch.setattr(os, "open", _forbidden)
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("there are no pipes with a name here")
        os.mkfifo(path)
    elif kind == "large":
        monkeypatch.setattr(_source, "MAX_FILE", len(GOOD) - 1)
        path.write_text(GOOD)
    else:
        path = tmp_path / "words\0.csv"
    reasons = {"large": "bytes, expected at most", "name": "cannot be a file's name"}
    with pytest.raises(WordFileError, match=reasons.get(kind, "not a regular file")) as caught:
        word_csv.read(path)
    assert tmp_path.name in str(caught.value)  # above it Windows has backslashes, which double


def _forbidden(path: Path, flags: int) -> int:
    """As Windows answers who opens a folder."""
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


ONE = np.array([[0, 1]])


@pytest.mark.parametrize(
    ("words", "targets", "error", "message"),
    [
        (ONE, ONE[:, :1], ValueError, r"\(1, 2\) but targets \(1, 1\)"),
        (ONE.astype(float), ONE, TypeError, "words have dtype float64"),
        (ONE, ONE - 1, ValueError, r"targets\[0, 0\] = -1"),
        (ONE + 10**6, ONE, ValueError, r"words\[0, 0\] = 1000000"),
        (ONE[0], ONE[0], ValueError, r"shape \(2,\)"),
        (ONE[:0], ONE[:0], ValueError, r"shape \(0, 2\)"),
    ],
)
def test_what_is_no_word_is_not_written(
    tmp_path: Path, words: np.ndarray, targets: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        word_csv.write(tmp_path / "words.csv", words, targets, 0)
    with pytest.raises(TypeError):
        word_csv.write(tmp_path / "words.csv", ONE, ONE, 0.5)  # pyright: ignore[reportArgumentType]
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GOOD)

    def full_disk(*_: object) -> object:
        yield b"7,0 1,"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_writing, "_rows", full_disk)
    with pytest.raises(OSError, match="No space left"):
        word_csv.write(path, ONE, ONE, 7)
    assert path.read_text() == GOOD
    assert list(tmp_path.iterdir()) == [path]


def test_writing_into_a_missing_folder_fails_clearly(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        word_csv.write(tmp_path / "absent" / "words.csv", ONE, ONE, 7)

"""Readers of data files, and of text that somebody typed, each with a small valid sample."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import pickle
import socket
import struct
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import samples
from archives import tarred
from fuzz import Cases, Reader
from mutations import damaged, zipped
from samples import images, put

from experiments import study
from experiments.data import (
    CIFAR10,
    IMDB,
    MNIST,
    DataError,
    DownloadError,
    ListOpsFiles,
    download,
    official,
)
from experiments.data.list_ops import FILES
from experiments.data.splits import Splits
from experiments.exit_code import ConfigError
from experiments.overrides import override
from experiments.run import Run
from experiments.store import inputs
from seqtheory import listops, word_csv
from seqtheory.dataset import Dataset
from seqtheory.group import Group, group
from seqtheory.tasks import GroupWords

ORDER = 60
COUNT = 180


def written(name: str, content: bytes) -> Callable[[Path], Path]:
    """Make a sample of one file."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def plain(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT)


def typed(folder: Path) -> str:
    return (folder / "text").read_bytes().decode("utf-8", "surrogateescape")


# Words and expressions


def words(folder: Path) -> Path:
    data = GroupWords("A5", 3, 12).build(0)
    word_csv.write(folder / "words.csv", data.inputs, data.targets, seed=7)
    return folder / "words.csv"


def are_words(value: object, order: int = ORDER) -> bool:
    return isinstance(value, tuple) and all(
        part.dtype == np.uint8 and part.ndim == 2 and part.size and part.max() < order
        for part in value
    )


def are_any_words(value: object) -> bool:
    return isinstance(value, tuple) and all(
        part.dtype.kind in "iu" and part.ndim == 2 and part.size for part in value
    )


def expressions(name: str) -> bytes:
    rows = ("[MAX 1 [MIN 4 7 ] 3 ]", "[SM 7 8 ]", "3", f"[MED {name.count('a')} 9 [SM 1 2 ] ]")
    values = [listops.evaluate(listops.parse(row)) for row in rows]
    lines = [f"{row}\t{value}\r\n" for row, value in zip(rows, values, strict=True)]
    return ("Source\tTarget\r\n" + "".join(lines)).encode()


def expression_files(folder: Path) -> Path:
    for name in FILES:
        (folder / name).write_bytes(expressions(name))
    return folder / FILES[0]


def expression_cases(content: bytes, rng: np.random.Generator) -> Cases:
    yield from plain(content, rng)
    deep = 100_000
    yield "nested", b"Source\tTarget\n" + b"[MAX 1 " * deep + b"1 " + b"] " * deep + b"\t1\n"
    long = b"[SM " + b"1 " * 200_000 + b"]\t0\n"
    yield "one of many is long", b"Source\tTarget\n" + long + b"3\t3\n" * 20_000
    yield "a line without end", b"Source\tTarget\n" + b"1" * 2_000_000


def is_dataset(value: object) -> bool:
    return (
        isinstance(value, Dataset)
        and value.inputs.dtype == np.uint8
        and value.targets.dtype == np.int64
        and len(value) == len(value.targets) > 0
    )


def are_splits(value: object) -> bool:
    return isinstance(value, Splits) and all(
        is_dataset(part) for part in (value.train, value.validation, value.test)
    )


# Images


def idx_files(folder: Path) -> Path:
    return put(folder, samples.idx_files(3, 2)) / official.IDX_FILES[0]


def packed_cases(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT // 2)
    packed = gzip.compress(content)
    yield from damaged(packed, rng, COUNT // 3)
    for case, data in damaged(content, rng, COUNT // 3):
        yield f"{case} inside", gzip.compress(data, 1)
    yield "two in one", packed + packed


def npz(folder: Path) -> Path:
    (folder / "images.npz").write_bytes(zipped(arrays()))
    return folder / "images.npz"


def arrays() -> dict[str, bytes]:
    (train, labels), (test, answers) = images(3, (28, 28)), images(2, (28, 28))
    parts = {"x_train": train, "y_train": labels, "x_test": test, "y_test": answers}
    return {f"{name}.npy": npy(part.dtype.str, part.shape, part) for name, part in parts.items()}


def npy(kind: str, shape: tuple[int, ...], part: np.ndarray) -> bytes:
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + part.tobytes()


def npz_cases(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT // 2)
    files, name = arrays(), "x_train.npy"
    for case, data in damaged(files[name], rng, COUNT // 2):
        yield f"{case} inside", zipped(files | {name: data})
    pixels = images(3, (28, 28))[0]
    for shape in ((10**12, 28, 28), (2**40, 2**40), (-1, 28, 28), (3, 28, 28, 0), (2352,)):
        yield f"shape {shape}", zipped(files | {name: npy("|u1", shape, pixels)})
    for kind in ("<f8", "|O", "|S0", "|V0", "<M8[s]", "|b1", "<U400", ">i2"):
        yield f"kind {kind}", zipped(files | {name: npy(kind, (3, 28, 28), pixels)})
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        other = zipped(files, method)
        yield f"method {method}", other
        yield from damaged(other, rng, COUNT // 6)
    for method in (1, 9, 20, 93, 99):  # none of them is known to Python
        yield (
            f"method {method}",
            content.replace(b"\x14\0\0\0\x08\0", struct.pack("<HHH", 20, 0, method)),
        )
    yield "locked", content.replace(b"\x14\0\0\0\x08\0", b"\x14\0\x01\0\x08\0")


def binary_batches(folder: Path) -> Path:
    return put(folder, samples.binary_batches(1)) / official.BINARY_BATCHES[0]


def python_batches(folder: Path) -> Path:
    pixels, labels = images(1, (3072,))
    batch = pickle.dumps({b"labels": labels.tolist(), b"data": pixels})
    return put(folder, dict.fromkeys(official.PYTHON_BATCHES, batch)) / official.PYTHON_BATCHES[0]


BATCHES = {f"cifar/{name}": batch for name, batch in samples.binary_batches(1).items()}
REVIEWS = {f"aclImdb/{name}": text for name, text in samples.reviews(2).items()}


def archive(name: str, files: dict[str, bytes]) -> Callable[[Path], Path]:
    return written(name, gzip.compress(tarred(files), 1))


# What the headers of a tar archive of format PAX may say
PAX = (
    *({"size": size} for size in ("99999999999", "-5", "9" * 5000, "1e9", "x")),
    *({"GNU.sparse.map": text} for text in ("0,9,x", "9" * 5000, "1", "")),
    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" * 30},
    {"GNU.sparse.size": "1000000000000", "GNU.sparse.map": "0,1"},
    {"path": "\udcff" * 9, "hdrcharset": "BINARY"},
    {"hdrcharset": "none"},
    {"mtime": "inf", "uid": "nan"},
    {"path": "a" * 2**20},
)


def archive_cases(files: dict[str, bytes]) -> Callable[[bytes, np.random.Generator], Cases]:
    def cases(content: bytes, rng: np.random.Generator) -> Cases:
        yield from damaged(content, rng, COUNT // 2)
        inside = tarred(files)
        for case, data in damaged(inside, rng, COUNT // 3):
            yield f"{case} inside", gzip.compress(data, 1)
        for headers in PAX:
            yield f"{str(headers)[:40]}", gzip.compress(tarred(files, headers), 1)
        header = tarred({"a": b""}, {"comment": "x" * 600})[:512]
        for size in (b"77777777777", b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff", b"-0000000001"):
            yield f"a header of {size}", gzip.compress(resized(header, size) + bytes(2**20), 1)
        yield "a bomb", gzip.compress(resized(header, b"00377777777") + bytes(2**26), 1)

    return cases


def resized(header: bytes, size: bytes) -> bytes:
    """A tar header with another size and a checksum that fits."""
    header = header[:124] + size.ljust(12, b"\0") + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


# Reviews


def review_folder(folder: Path) -> Path:
    return put(folder, REVIEWS) / "aclImdb/train/neg/0_2.txt"


CSV = b'id,sentiment,review\n0_9,1,"good, ""very"" good"\n1_2,0,bad\n2_8,1,fine\n3_1,0,"a\nb"\n'


def csv_cases(content: bytes, rng: np.random.Generator) -> Cases:
    yield from packed_cases(content, rng)
    yield "a long field", content + b"4_9,1," + b"x" * 200_000 + b"\n"
    yield "a long rating", content + b"4_" + b"9" * 5000 + b",1,good enough\n"
    yield "NUL", content + b"4_9,1,a\0b\n"


# Answers of a server

CONTENT = bytes(range(200))
ANSWER = b"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 200\r\n\r\n" + CONTENT


def answered(folder: Path) -> bytes:
    """Download from a server that sends what lies in the file, whatever it is, and hangs up."""
    answer = (folder / "answer").read_bytes()

    def serve(server: socket.socket) -> None:
        caller, _ = server.accept()
        with caller, contextlib.suppress(OSError):
            caller.recv(2**16)
            caller.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/file"
        path = folder / f"got{len(list(folder.iterdir()))}"
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        download(url, path, size=200, sha256=sha256, attempts=1, timeout=60.0)
    return path.read_bytes()


def answer_cases(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT)
    places = ("http://[::1", "http://127.0.0.1:99999/", f"http://{'a' * 64}/", "file:///etc/passwd")
    for place in (*places, "http://127.0.0.1:x/", "//", "\x7f", "http://a b/"):
        yield f"elsewhere: {place}", f"HTTP/1.1 302 Found\r\nLocation: {place}\r\n\r\n".encode()
    for header in ("Content-Length: -1", f"Content-Length: {'9' * 5000}", "Content-Range: bytes x"):
        yield header[:30], f"HTTP/1.1 206 OK\r\n{header}\r\n\r\n".encode() + CONTENT
    for size in (b"x", b"-5", b"f" * 500, b"ffffffffffffffff"):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        yield f"a chunk of {size[:9]}", chunked + size + b"\r\n" + CONTENT
    yield "many headers", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000 + b"\r\n"


# What somebody typed


@dataclass(frozen=True)
class Inner:
    size: int = 4
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class Anything(Run):
    width: int = 8
    rate: float = 0.5
    widths: tuple[int, ...] = (1, 2)
    tag: str = "a"
    inner: Inner = Inner()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.width < float(2**60) or self.rate / self.width < 0:
            raise ValueError("width: expected a positive number")


SETTINGS = b'width=4,5\nrate=1e-3,2\nwidths=(1,2),(3,)\ntag="a,b"\ninner.size=3\ninner.limit=none'


def overridden(folder: Path) -> list[Run]:
    return override([Anything()], typed(folder).splitlines(), seeds=2)


def typed_cases(content: bytes, rng: np.random.Generator) -> Cases:
    yield from plain(content, rng)
    yield "many runs", b"\n".join([b"width=" + b",".join(b"%d" % n for n in range(1, 99))] * 9)
    yield "beyond floats", b"width=1" + b"0" * 400
    yield "brackets", b"widths=" + b"(" * 100_000
    yield "a path", b"~nobody/of/that/name.py"
    yield "itself", b"./__main__.py"
    yield "NUL", b"/tmp/\0.py"
    yield "a long name", b"./" + b"a" * 300 + b".py"


study.names = functools.cache(study.names)  # it parses every module of the package


def study_named(folder: Path) -> study.Study:
    return study.load(typed(folder))


def images_in(folder: Path) -> Splits:
    return MNIST(scaling="bytes", split="validate_on_test").load(folder, seed=0)


def npz_in(folder: Path) -> Splits:
    images = MNIST(scaling="bytes", split="validate_on_test")
    return images.load(folder / "images.npz", seed=0)


def cifar_in(folder: Path) -> Splits:
    return CIFAR10(scaling="bytes", split="validate_on_test").load(folder, seed=0)


def reviews_in(folder: Path) -> Splits:
    return IMDB(split="validate_on_test").load(folder, seed=0)


def csv_in(folder: Path) -> Splits:
    found = IMDB(split="validate_on_test", test=0.5).load(folder / "reviews.csv", seed=0)
    assert found.provenance.split.startswith("drawn")
    return found


READERS = {
    "words of a group": Reader(
        words,
        lambda folder: word_csv.read(folder / "words.csv", group=group("A5")),
        are_words,
        (word_csv.WordFileError,),
        plain,
    ),
    "words": Reader(
        words,
        lambda folder: word_csv.read(folder / "words.csv"),
        are_any_words,
        (word_csv.WordFileError,),
        plain,
    ),
    "expressions": Reader(
        written("list.tsv", expressions("list")),
        lambda folder: listops.read(folder / "list.tsv"),
        is_dataset,
        (listops.ListOpsFileError,),
        expression_cases,
    ),
    "three files of expressions": Reader(
        expression_files,
        lambda folder: ListOpsFiles(max_length=50).load(folder),
        are_splits,
        (DataError,),
        expression_cases,
    ),
    "idx": Reader(idx_files, images_in, are_splits, (DataError,), packed_cases),
    "npz": Reader(npz, npz_in, are_splits, (DataError,), npz_cases),
    "batches of CIFAR": Reader(
        binary_batches,
        cifar_in,
        are_splits,
        (DataError,),
        packed_cases,
    ),
    "pickled batches of CIFAR": Reader(python_batches, cifar_in, are_splits, (DataError,), plain),
    "archive of CIFAR": Reader(
        archive("cifar-10-binary.tar.gz", BATCHES),
        cifar_in,
        are_splits,
        (DataError,),
        archive_cases(BATCHES),
    ),
    "folder of reviews": Reader(review_folder, reviews_in, are_splits, (DataError,), plain),
    "archive of reviews": Reader(
        archive("aclImdb_v1.tar.gz", REVIEWS),
        reviews_in,
        are_splits,
        (DataError,),
        archive_cases(REVIEWS),
    ),
    "table of reviews": Reader(
        written("reviews.csv", CSV), csv_in, are_splits, (DataError,), csv_cases
    ),
    "answer of a server": Reader(
        written("answer", ANSWER),
        answered,
        lambda value: value == CONTENT,
        (DownloadError, DataError),
        answer_cases,
        text=True,
    ),
    "digest of a data file": Reader(
        written("data", b"anything"),
        lambda folder: inputs.digest(folder / "data"),
        lambda value: value is None or (isinstance(value, str) and len(value) == 64),
        (DataError,),
        plain,
    ),
    "a typed expression": Reader(
        written("text", b"[MAX 1 [MIN 4 7 ] ( 3 ) ]"),
        lambda folder: listops.evaluate(listops.parse(typed(folder))),
        lambda value: value in range(10),
        (ValueError,),
        typed_cases,
        text=True,
    ),
    "a typed group": Reader(
        written("text", b"A4_x_Z2"),
        lambda folder: group(typed(folder)),
        lambda value: isinstance(value, Group),
        (ValueError,),
        typed_cases,
        text=True,
    ),
    "typed settings": Reader(
        written("text", SETTINGS),
        overridden,
        lambda value: isinstance(value, list) and all(isinstance(run, Anything) for run in value),
        (ConfigError,),
        typed_cases,
        text=True,
    ),
    "a typed study": Reader(
        written("text", b"toy.kernel_limit"),
        study_named,
        lambda value: isinstance(value, study.Study),
        (ConfigError,),
        typed_cases,
        text=True,
    ),
}

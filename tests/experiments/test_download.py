"""Downloads from a server on loopback that does as it should, or fails in every way it can."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import samples

from experiments.data import IMDB, DataError, DownloadError, download, official
from experiments.data.folder import located
from experiments.data.published import Remote


class Handler(BaseHTTPRequestHandler):
    """Serves `files` and misbehaves as `faults` says for each of the first requests."""

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append((self.path, asked))
        fault = server.faults.pop(0) if server.faults else ""
        content = server.files.get(self.path.lstrip("/"))
        if content is None or fault.isdigit():
            self.send_error(int(fault or 404))
            return
        if fault == "hang":
            server.over.wait(10)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            begin = 0 if fault == "wrong range" else start
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        if fault == "drip":
            while not server.over.wait(0.05):
                self.wfile.write(b"x")
        else:
            self.wfile.write(body[: len(body) // 2] if fault == "half" else body)
        if fault == "half, then hang":
            server.over.wait(10)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setenv("no_proxy", "*")
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.daemon_threads = True
    served.files, served.faults, served.requests = {}, [], []
    served.ranges, served.over = True, threading.Event()
    served.url = f"http://127.0.0.1:{served.server_port}"
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    served.over.set()
    served.shutdown()
    served.server_close()
    thread.join()


CONTENT = np.random.default_rng(0).bytes(300_000)


def fetch(server, path: Path, content: bytes = CONTENT, **options: float) -> None:
    server.files.setdefault("file", CONTENT)
    digest = hashlib.sha256(content).hexdigest()
    facts = {"size": len(content), "sha256": digest, "timeout": 5.0, "pause": 0.0, **options}
    download(f"{server.url}/file", path, **facts)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_download_brings_the_file_once(server, tmp_path: Path):
    path = tmp_path / "new" / "file"
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    fetch(server, path)
    assert len(server.requests) == 1
    assert visible(path.parent) == ["file"]


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path: Path):
    server.faults = ["half", "half", ""]
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, "bytes=150000-", "bytes=225000-"]


def test_a_server_without_ranges_is_asked_from_the_start(server, tmp_path: Path):
    server.ranges, server.faults = False, ["half", ""]
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_that_sends_another_range_is_asked_again(server, tmp_path: Path):
    server.faults = ["half", "wrong range", ""]
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.requests[-1][1] is None


@pytest.mark.parametrize(
    ("faults", "options", "message"),
    [
        (["404"], {}, "answers 404 Not Found; 0 of 300,000 bytes after 1 attempt,"),
        (["403"], {}, "answers 403 Forbidden"),
        (["503"] * 5, {}, "answers 503 Service Unavailable; 0 of 300,000 bytes after 5 attempts"),
        (["half"] * 3, {"attempts": 3}, "broke off; 262,500 of 300,000 bytes after 3 attempts"),
        (["hang"] * 2, {"attempts": 2, "timeout": 0.2}, "timed out; 0 of 300,000 bytes after 2"),
        (["drip"], {"limit": 0.5}, "out of time"),
    ],
)
def test_a_failing_server_leaves_nothing_behind(server, tmp_path: Path, faults, options, message):
    server.faults = faults
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(server, tmp_path / "file", **options)
    assert server.url in str(caught.value)
    assert "nothing written" in str(caught.value)
    assert caught.value.exit_code == 5
    assert visible(tmp_path) == []


def test_a_passing_fault_is_outlasted(server, tmp_path: Path):
    server.faults = ["503", "hang", "half", ""]
    fetch(server, tmp_path / "file", timeout=0.3)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path, server):
    server.url = "http://127.0.0.1:1"
    with pytest.raises(DownloadError, match=r"refused; 0 of .* after 2 attempts"):
        fetch(server, tmp_path / "file", attempts=2)


@pytest.mark.parametrize("served", [CONTENT[:-1] + b"x", CONTENT + b"x"])
def test_another_file_is_refused_and_not_kept(server, tmp_path: Path, served: bytes):
    server.files["file"] = served
    with pytest.raises(DataError, match=r"SHA-256 .* expected|is longer than the 300,000 bytes"):
        fetch(server, tmp_path / "file")
    assert visible(tmp_path) == []


def test_a_damaged_file_is_moved_aside_and_fetched_again(server, tmp_path: Path):
    (tmp_path / "file").write_bytes(CONTENT[:1000])
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert (tmp_path / "file.corrupt").read_bytes() == CONTENT[:1000]


def test_a_failed_download_keeps_what_stood_there(server, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"old")
    server.faults = ["404"]
    with pytest.raises(DownloadError):
        fetch(server, tmp_path / "file")
    assert [path.read_bytes() for path in tmp_path.glob("file*")] == [b"old"]


def test_several_at_once_fetch_one_file(server, tmp_path: Path):
    threads = [threading.Thread(target=fetch, args=(server, tmp_path / "file")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/file", "file"])
def test_only_http_is_fetched(tmp_path: Path, url: str):
    with pytest.raises(ValueError, match="expected one that starts with https"):
        download(url, tmp_path / "file", size=1, sha256="")


@pytest.mark.parametrize("mirror", [False, True])
def test_a_data_set_is_fetched_file_by_file_and_kept(server, tmp_path, monkeypatch, mirror: bool):
    monkeypatch.setenv("SEQTHEORY_DATA", str(tmp_path / "data"))
    server.files = {f"there/{name}": name.encode() * 100 for name in ("one", "two")}
    facts = dataclasses.replace(
        official.MNIST,
        url="https://nowhere.invalid" if mirror else f"{server.url}/there",
        remote=tuple(
            Remote(name[6:], len(content), hashlib.sha256(content).hexdigest())
            for name, content in server.files.items()
        ),
    )
    source = f"{server.url}/there/" if mirror else "download"
    folder = located(facts, source)
    assert folder == tmp_path / "data" / "mnist"
    assert visible(folder) == ["one", "two"]
    located(facts, source)
    assert [path for path, _ in server.requests] == ["/there/one", "/there/two"]
    assert located(facts, None) == folder


def reviews() -> bytes:
    return gzip.compress(samples.review_archive(samples.reviews(10)), mtime=0)


def test_reviews_are_fetched_once_and_loaded(server, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SEQTHEORY_DATA", str(tmp_path / "data"))
    archive = reviews()
    remote = Remote("aclImdb_v1.tar.gz", len(archive), hashlib.sha256(archive).hexdigest())
    facts = dataclasses.replace(IMDB.published, url=server.url, remote=(remote,))
    kind = type("IMDB", (IMDB,), {"published": facts})
    server.files = {remote.name: archive}
    server.faults = ["half", ""]
    provenance = kind().load("download", seed=0).provenance
    assert (provenance.source, provenance.whole) == ("download", True)
    assert provenance.sizes == (18, 2, 20)
    assert kind().load("download", seed=0).provenance == provenance
    assert kind().load(server.url, seed=0).provenance == provenance
    assert kind().load(seed=0).provenance.source == "local"
    assert len(server.requests) == 2
    assert visible(tmp_path / "data" / "imdb") == [remote.name]


def test_a_damaged_download_of_reviews_leaves_nothing_behind(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SEQTHEORY_DATA", str(tmp_path / "data"))
    archive = reviews()
    server.files = {"aclImdb_v1.tar.gz": archive}
    remote = Remote("aclImdb_v1.tar.gz", len(archive), "0" * 64)
    facts = dataclasses.replace(IMDB.published, url=server.url, remote=(remote,))
    data = type("IMDB", (IMDB,), {"published": facts})()
    with pytest.raises(DataError, match=r"SHA-256 .*, expected 0000.*Nothing was written"):
        data.load("download", seed=0)
    assert visible(tmp_path / "data" / "imdb") == []

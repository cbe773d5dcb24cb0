"""One file from the network: whole and with the right digest, or not there at all."""

from __future__ import annotations

import time
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from experiments.exit_code import ENVIRONMENT, DataError
from experiments.store import durable, inputs, stored

_CHUNK = 2**16
_AGAIN = (408, 425, 429, 500, 502, 503, 504)  # answers that another try may change


class DownloadError(OSError):
    """A file could not be fetched; nothing was written."""

    exit_code = ENVIRONMENT


def download(
    url: str,
    path: Path,
    *,
    size: int,
    sha256: str,
    timeout: float = 30.0,
    attempts: int = 5,
    pause: float = 1.0,
    limit: float = 3600.0,
) -> None:
    """Bring a file of known size and digest to `path`, unless it is there already.

    Parameters
    ----------
    url
        Where it lies; http or https.
    path
        Where it goes. A file with another digest that stands there is moved aside to
        ``<name>.corrupt``. Processes that want the same file wait for the first of them.
    size, sha256
        Bytes and digest of the file.
    timeout
        Seconds without a byte after which a connection is given up.
    attempts
        Connections to make at most. Each goes on where the last broke off if the server can.
    pause
        Seconds before the second attempt; doubled before each further one.
    limit
        Seconds after which the whole is given up, however it goes.

    Raises
    ------
    DownloadError
        If the server cannot be reached, has no such file, hangs or breaks off.
    DataError
        If what came has another size or digest.
    OSError
        If the file cannot be written.

    Notes
    -----
    The body is held in memory until its digest is right and is then written in one step, so no
    unfinished file ever stands on the disk; a process killed half-way starts again.
    """
    from filelock import FileLock, Timeout

    if not url.startswith(("https://", "http://")):
        raise ValueError(f"got the URL {url!r}, expected one that starts with https:// or http://")
    durable.make_folder(path.parent)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        with lock.acquire(timeout=limit):
            if _moved_aside_or_right(path, sha256):
                return
            body = _Body(url, size, time.monotonic() + limit)
            content = body.fetch(timeout, attempts, pause)
            _check_digest(url, content, sha256)
            durable.write_bytes(path, content)
    except Timeout as error:
        raise DownloadError(
            f"{path}: another process has been fetching it for more than {limit:g} s; end it, or "
            "wait for it"
        ) from error


class _Body:
    """What has come so far."""

    def __init__(self, url: str, size: int, deadline: float) -> None:
        self.url, self.size, self.deadline = url, size, deadline
        self.data = bytearray()

    def fetch(self, timeout: float, attempts: int, pause: float) -> bytes:
        reason = ""
        for attempt in range(attempts):
            if attempt:
                time.sleep(pause * 2 ** (attempt - 1))
            reason = "the server broke off"
            try:
                self._connect(timeout)
            except HTTPError as error:
                reason = f"the server answers {error.code} {error.reason}"
                error.close()
                if error.code not in _AGAIN:
                    raise self._failure(reason, attempt + 1) from error
            except DataError:
                raise
            except (OSError, HTTPException, ValueError, OverflowError) as error:
                reason = str(getattr(error, "reason", "") or error) or type(error).__name__
            if len(self.data) == self.size:
                return bytes(self.data)
            if time.monotonic() > self.deadline:
                raise self._failure("out of time", attempt + 1)
        raise self._failure(reason, attempts)

    def _connect(self, timeout: float) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self.data:
            headers["Range"] = f"bytes={len(self.data)}-"
        request = Request(self.url, headers=headers)  # noqa: S310 - the scheme was checked
        with urlopen(request, timeout=timeout) as response:  # noqa: S310
            self._keep_what_fits(response.status, response.headers.get("Content-Range", ""))
            while time.monotonic() < self.deadline and (chunk := response.read1(_CHUNK)):
                self.data += chunk
                if len(self.data) > self.size:
                    raise DataError(
                        f"{self.url} is longer than the {self.size:,} bytes expected: it is "
                        "another file, or a page in its place. Nothing was written."
                    )

    def _keep_what_fits(self, status: int, begins: str) -> None:
        """Start from nothing, unless the server goes on just where the last one broke off."""
        held = len(self.data)
        if status != 206:
            self.data.clear()
        elif not begins.startswith(f"bytes {held}-"):
            self.data.clear()
            raise HTTPException(f"the server sends {begins!r}, asked for bytes from {held}")

    def _failure(self, reason: str, attempts: int) -> DownloadError:
        return DownloadError(
            f"{self.url}: {reason}; {len(self.data):,} of {self.size:,} bytes after {attempts} "
            f"attempt{'s' if attempts > 1 else ''}, nothing written. Try again, fetch the file by "
            "other means and pass its folder as source, or pass the URL of a mirror"
        )


def _moved_aside_or_right(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    if inputs.digest(path) == sha256:
        return True
    durable.move_aside(path, "corrupt")
    return False


def _check_digest(url: str, data: bytes, sha256: str) -> None:
    if (found := stored.sha256(data)) != sha256:
        raise DataError(
            f"{url}: the file has SHA-256 {found}, expected {sha256}: it is damaged or not the "
            "published one. Nothing was written; try again or use another source."
        )

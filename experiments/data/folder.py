"""Where data sets lie: the data folder, what a source names, and files read whole and bounded."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from experiments.data.download import download
from experiments.data.published import Published
from experiments.exit_code import DataError
from experiments.store import stored
from experiments.store.inputs import VARIABLE, expanded, reading
from seqtheory import _plain_file

_LIMIT = 2**30  # bytes; the largest file of any data set here is a sixth of it
_GZIP = b"\x1f\x8b"


def data_folder() -> Path:
    """Folder of all data sets: ``$SEQTHEORY_DATA``, else ``seqtheory`` in the user's cache."""
    if named := os.environ.get(VARIABLE):
        return expanded(named)
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "seqtheory"
    try:
        return Path.home() / ".cache" / "seqtheory"
    except RuntimeError as error:
        raise DataError(f"there is no home folder; set {VARIABLE} to a folder for data") from error


def located(published: Published, source: str | os.PathLike[str] | None) -> Path:
    """Path of a data set, downloaded first where the source says so.

    Parameters
    ----------
    published
        The data set.
    source
        ``"download"``, or the URL of a mirror's folder: its files are fetched into the data
        folder, where they are not there already. A path: the data set is there. None: it is in
        the data folder, in the folder of its own name or, if that is not there, under one of the
        names of `Published.copies`.

    Raises
    ------
    DataError
        If there is nothing there, or several copies between which nothing decides.
    DownloadError
        If the download fails.
    """
    own = data_folder() / published.folder
    if source is not None and is_remote(source):
        return _downloaded(published, str(source), own)
    if source is not None:
        paths = (expanded(source),)
        found = [path for path in paths if path.exists()]
    else:
        paths = (own, *(own.parent / name for name in published.copies))
        copies = {file for name in published.copies for file in own.parent.glob(name)}
        found = [own] if own.exists() else sorted(copies)
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{published.name} lies under several names, {', '.join(map(str, found))}; pass one of "
            "them as source"
        )
    fetch = "pass source='download', " if published.remote else ""
    raise DataError(
        f"{published.name} is not at {' or '.join(map(str, paths))}; {fetch}pass the path of its "
        f"files, or set {VARIABLE} to the folder that holds {published.folder}"
    )


def is_remote(source: str | os.PathLike[str] | None) -> bool:
    """Whether a source is fetched from the network."""
    return isinstance(source, str) and (
        source == "download" or source.startswith(("https://", "http://"))
    )


def _downloaded(published: Published, source: str, folder: Path) -> Path:
    if not published.remote:
        raise DataError(
            f"{published.name} has no published checksum to download it by: fetch it from "
            f"{published.url} by other means, and pass the path of its files as source"
        )
    base = published.url if source == "download" else source.rstrip("/")
    for file in published.remote:
        path = folder / file.name
        download(f"{base}/{file.name}", path, size=file.size, sha256=file.sha256)
    return folder


def read(path: Path) -> bytes:
    """Read a file whole, unpacked if it is gzip, whatever its name.

    Raises
    ------
    DataError
        If it is no regular file, larger than any file here, or a damaged or cut gzip.
    ReadError
        If the system refuses to read it.
    """
    data = whole(reading(path), _LIMIT)
    return _unpacked(data, path) if data.startswith(_GZIP) else data


def whole(path: Path, limit: int) -> bytes:
    """Read a file without unpacking it; raise a `DataError` if it is missing or too large."""
    try:
        with stored.naming(path):
            return _plain_file.content(path, limit, DataError)
    except FileNotFoundError as error:
        raise DataError(f"{path} is not a file: there is nothing") from error


def complete(
    places: Iterable[Path], names: Sequence[str], of: str, *, packed: bool = False
) -> dict[str, Path]:
    """Find the files of a data set in the first of some folders that holds one of them.

    Parameters
    ----------
    places
        Folders to look in.
    names
        All files that belong together.
    of
        Name of the data set, for messages.
    packed
        Whether a file may bear its name with ``.gz`` behind it.

    Returns
    -------
    Their paths by name; nothing where no folder holds any of them.

    Raises
    ------
    DataError
        If that folder lacks some of them; they are named.
    """
    endings = (".gz", "") if packed else ("",)
    for place in places:
        paths = ((name, place / f"{name}{ending}") for name in names for ending in endings)
        found = {name: path for name, path in paths if path.is_file()}
        if missing := [name for name in names if name not in found]:
            if found:
                raise DataError(f"{place} lacks {', '.join(missing)} of {of}")
            continue
        return found
    return {}


def contents(folder: Path) -> str:
    """Name the first few things in a folder, for a message."""
    if not folder.is_dir():
        return "nothing: it is no folder, and no regular file"
    return some(sorted(path.name for path in folder.iterdir()))


def some(names: Sequence[str]) -> str:
    """Name the first five, and count the others."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more if names else "nothing"


def _unpacked(data: bytes, path: Path) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(data, _LIMIT)
    except zlib.error as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); get it again") from error
    if unpacker.unconsumed_tail:
        raise DataError(f"{path} unpacks to more than the {_LIMIT:,} bytes expected at most")
    if not unpacker.eof:
        raise DataError(
            f"{path} is a gzip file that was cut short, as half a download is: {len(data):,} bytes "
            f"that unpack to {len(content):,}; get it again"
        )
    if unpacker.unused_data:
        raise DataError(f"{path} has {len(unpacker.unused_data):,} bytes after its gzip data")
    return content

"""Whether the source of a record can be recovered from the commit that the record names.

A record holds the commit and a digest of every imported file. Its source is **recovered** if that
commit, in this repository's history, holds each of these files with its digest. This can also hold
for a record made with uncommitted changes, if none of them touched these files. Sooner or later
every record differs from today's source and is valid nevertheless; recovery says whether anyone can
run it again from its own source.
"""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.store import source, stored

if TYPE_CHECKING:
    from experiments.record import Record

_HERE = Path(__file__).resolve().parent
_GIT = ("git", "-c", "safe.directory=*", "-C", str(_HERE))
_MODULE = re.compile(rf"(?:packages/\w+/src/)?((?:{'|'.join(source.PACKAGES)})/.+\.py)")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_contents: dict[str, bytes] = {}  # of blobs by name; commits share most of them


def recovered(record: Record) -> bool | None:
    """Whether the recorded commit holds the recorded source.

    Returns
    -------
    None if it cannot be decided: outside a repository, without git, in a shallow clone that lacks
    the commit, or for a record without digests. False if the record names no commit.
    """
    digests, digest = _on_record(record)
    if not digests or not is_repository():
        return None
    if (commit := _commit(record)) is None:
        return False
    files = _files(commit)
    if files is None:
        return None if is_shallow() else False
    named = {_renamed(name, record.study): held for name, held in digests.items()}
    blobs = {name: files.get(name) for name in named}
    _fetch(blob for blob in blobs.values() if blob is not None)
    there = {name: _contents[blob] for name, blob in blobs.items() if blob in _contents}
    return all(name in there and digest(there[name]) == held for name, held in named.items())


def summary(records: Sequence[Record]) -> str:
    """Describe where records were made, and whether their source is in the history."""
    known = sorted({commit[:8] for held in records if (commit := _commit(held)) is not None})
    made = f"made at commit{'s' * (len(known) != 1)} {', '.join(known)}" if known else "made"
    if None in (answers := [recovered(held) for held in records]):
        return made
    count = sum(map(bool, answers))
    if count == len(answers):
        return f"{made} from source in this repository's history"
    less = f"; {count} of {len(answers)} from source in it" if count else ""
    return f"{made} from source not in this repository's history{less}"


def is_repository() -> bool:
    """Whether this package lies in a git repository, and git is installed."""
    return _answer("rev-parse", "--is-inside-work-tree") == b"true\n"


def is_shallow() -> bool:
    """Whether the repository is a shallow clone, without its whole history."""
    return _answer("rev-parse", "--is-shallow-repository") == b"true\n"


def _commit(record: Record) -> str | None:
    """Give the recorded commit, or None."""
    git = record.provenance.get("git")
    commit = git.get("commit") if isinstance(git, dict) else None
    return commit if isinstance(commit, str) and _COMMIT.fullmatch(commit) else None


def _on_record(record: Record) -> tuple[Mapping[str, str], Callable[[bytes], str]]:
    """Digests of the source by file, and the function that made them (once, of whole files)."""
    if (origin := record.origin) is not None:
        return origin["code"], source.code_digest
    older = record.provenance.get("source")
    return older if isinstance(older, dict) else {}, stored.sha256


def _renamed(name: str, study: str) -> str:
    """Name of a file below its package; older records call a study's own folder ``study``."""
    head, _, rest = name.partition("/")
    return f"experiments/{study.partition('.')[0]}/{rest}" if head == source.STUDY else name


@functools.cache
def _files(commit: str) -> dict[str, str] | None:
    """Blobs of the modules at a commit of the history, by file name; None for any other commit."""
    if _answer("merge-base", "--is-ancestor", commit, "HEAD") is None:
        return None  # also a commit of another branch, which nobody else may ever see
    listed = _git("ls-tree", "-r", "-z", "--full-tree", f"{commit}^{{commit}}")
    if listed is None:
        return None
    entries = (
        line.split("\t", 1) for line in listed.decode("utf-8", "replace").split("\0") if line
    )
    found = ((facts.split()[2], _MODULE.fullmatch(path)) for facts, path in entries)
    return {match[1]: blob for blob, match in found if match}


def _fetch(blobs: Iterable[str]) -> None:
    """Read the contents of blobs that are not cached yet, all in one call of git."""
    wanted = sorted(set(blobs) - _contents.keys())
    if not wanted:
        return
    rest = _git("cat-file", "--batch", stdin="\n".join(wanted).encode("ascii")) or b""
    for blob in wanted:  # each answers "<blob> blob <size>", then its content and a line feed
        head, _, rest = rest.partition(b"\n")
        if head.split()[1:2] == [b"blob"]:  # not "missing"
            size = int(head.split()[2])
            _contents[blob], rest = rest[:size], rest[size + 1 :]


@functools.cache
def _answer(*question: str) -> bytes | None:
    return _git(*question)


def _git(*arguments: str, stdin: bytes | None = None) -> bytes | None:
    """Return what git prints; None if it is missing, refuses or takes over a minute."""
    try:
        done = subprocess.run(
            (*_GIT, *arguments), input=stdin or b"", capture_output=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout

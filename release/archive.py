"""What a wheel or a source archive holds, against what git tracks of the package.

``python -m release.archive FOLDER`` looks into the archives of all four packages and stops at
the first fault: a tracked file that is missing, a file too many (tests, caches, records), a licence
or a type marker that is not there, another version, a dependency of ours that is not pinned to it.
"""

from __future__ import annotations

import email
import functools
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from release.version import ROOT, shared

_OURS = re.compile(r"(seqtheory|lcde-jax|seq-torch|experiments)(?![\w.-])(?:\[[\w,-]+\])?(.*)")


@dataclass(frozen=True)
class Package:
    """A package of the workspace.

    Parameters
    ----------
    name
        Its name in an index.
    folder
        Its folder, from the repository's root.
    source
        The folder of its code below that, ``""`` for the folder itself.
    left_out
        What lies among its code and is carried by no archive.
    typed
        Whether it promises its types to others.
    """

    name: str
    folder: str
    source: str
    left_out: tuple[str, ...] = ()
    typed: bool = True

    @property
    def module(self) -> str:
        """Name under which it is imported."""
        return Path(self.source or self.folder).name

    def code(self) -> set[str]:
        """List tracked files of its code, as they are installed."""
        below = "/".join(filter(None, (self.folder, self.source)))
        return {
            f"{self.module}/{file}"
            for file in tracked(below)
            if not any(file == out or file.startswith(f"{out}/") for out in self.left_out)
        }


EXPERIMENTS = ("published", "attestations", "pyproject.toml", "README.md", "LICENSE")
PACKAGES = (
    Package("seqtheory", "packages/core", "src/seqtheory"),
    Package("lcde-jax", "packages/lcde_jax", "src/lcde_jax"),
    Package("seq-torch", "packages/seq_torch", "src/seq_torch"),
    Package("experiments", "experiments", "", EXPERIMENTS, typed=False),
)


@functools.cache
def tracked(below: str) -> tuple[str, ...]:
    """List what git tracks below a folder, by paths from there."""
    command = ("git", "-C", str(ROOT / below), "ls-files", "-z")
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(file for file in said.split("\0") if file)


def wheel_faults(package: Package, files: dict[str, bytes], version: str) -> list[str]:
    """Say what is wrong with a wheel, given its files and the version it should have."""
    about = f"{package.name.replace('-', '_')}-{version}.dist-info"
    licence = f"{about}/licenses/LICENSE"
    typed = {f"{package.module}/py.typed"} if package.typed else set[str]()
    described = {f"{about}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}
    found = _difference(package.code() | typed | {licence}, files, described)
    return found + _described(files.get(f"{about}/METADATA", b""), package, version)


def source_faults(package: Package, files: dict[str, bytes], version: str) -> list[str]:
    """Say what is wrong with a source archive, given its files and the version it should have."""
    top = f"{package.name.replace('-', '_')}-{version}"
    place = f"{top}/{package.source}/" if package.source else f"{top}/"
    code = {place + file.partition("/")[2] for file in package.code()}
    beside = {f"{top}/{name}" for name in ("LICENSE", "README.md", "pyproject.toml", "PKG-INFO")}
    found = _difference(code | beside, files, {f"{top}/.gitignore"})
    return found + _described(files.get(f"{top}/PKG-INFO", b""), package, version)


def _difference(wanted: set[str], files: Collection[str], allowed: set[str]) -> list[str]:
    missing = [f"lacks {name}" for name in sorted(wanted - set(files))]
    return missing + [f"holds {name}" for name in sorted(set(files) - wanted - allowed)]


def _described(text: bytes, package: Package, version: str) -> list[str]:
    """Say where the description differs from what it should say."""
    said: Message = email.message_from_bytes(text)
    expected = {"Name": package.name, "Version": version, "License-Expression": "Apache-2.0"}
    faults = [
        f"says {key}: {said[key]}, expected {value}"
        for key, value in expected.items()
        if said[key] != value
    ]
    needs = [found for line in said.get_all("Requires-Dist", []) if (found := _OURS.match(line))]
    return faults + [
        f"needs {need[0]}, expected {need[1]}=={version}"
        for need in needs
        if need[2].partition(";")[0].strip() != f"=={version}"
    ]


def contents(archive: Path) -> dict[str, bytes]:
    """Read an archive of either kind: its files by their names."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as held:
            return {name: held.read(name) for name in held.namelist() if name[-1] != "/"}
    with tarfile.open(archive) as held:
        files = {member.name: held.extractfile(member) for member in held if member.isfile()}
        return {name: file.read() for name, file in files.items() if file}


def faults(folder: Path) -> list[str]:
    """Say what is wrong with the archives in a folder: a wheel and a source archive each."""
    version, found = shared(), []
    for package in PACKAGES:
        stem = f"{package.name.replace('-', '_')}-{version}"
        for name, look in (
            (f"{stem}-py3-none-any.whl", wheel_faults),
            (f"{stem}.tar.gz", source_faults),
        ):
            if (folder / name).is_file():
                said = look(package, contents(folder / name), version)
                found += [f"{name} {fault}" for fault in said]
            else:
                found.append(f"{name} is not in the folder")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(faults(Path(sys.argv[1]))) or None)

"""The version that all four packages share: print it, or set it everywhere at once.

``python -m release.version`` prints it, and stops if two places differ; ``python -m release.version
0.2.0`` writes it in all of them. The source is the core's pyproject.toml. The others are written
since a package index, the linters and the lock read static text; then the lock is made again.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = "packages/core/pyproject.toml"
FORM = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?"
_DECLARED = r'^version = "([^"]+)"$'
_PINNED = r'"(?:seqtheory|lcde-jax|seq-torch)(?:\[[\w,-]+\])?==([^"]+)"'
_CODE = r'^__version__ = "([^"]+)"$'
PLACES: dict[str, tuple[str, ...]] = {
    SOURCE: (_DECLARED,),
    "packages/core/src/seqtheory/__init__.py": (_CODE,),
    "packages/lcde_jax/pyproject.toml": (_DECLARED, _PINNED),
    "packages/lcde_jax/src/lcde_jax/__init__.py": (_CODE,),
    "packages/seq_torch/pyproject.toml": (_DECLARED, _PINNED),
    "packages/seq_torch/src/seq_torch/__init__.py": (_CODE,),
    "experiments/pyproject.toml": (_DECLARED, _PINNED),
    "CITATION.cff": (r"^version: (\S+)$",),
}


def stated(root: Path = ROOT) -> dict[str, list[str]]:
    """Read what each place states.

    Returns
    -------
    Every version in a file, by the file's path below `root`.

    Raises
    ------
    ValueError
        If a file no longer states its version in the form that is written here.
    """
    found: dict[str, list[str]] = {}
    for place, patterns in PLACES.items():
        text = (root / place).read_text(encoding="utf-8")
        for pattern in patterns:
            versions = re.findall(pattern, text, re.MULTILINE)
            if not versions:
                raise ValueError(f"{place}: found nothing like {pattern}; say it in this form")
            found.setdefault(place, []).extend(versions)
    return found


def shared(root: Path = ROOT) -> str:
    """Give the one version.

    Raises
    ------
    ValueError
        If a place states another than the source.
    """
    found = stated(root)
    (version,) = found[SOURCE]
    others = [f"{place}: {said}" for place, said in found.items() if {*said} != {version}]
    if others:
        raise ValueError(
            f"{SOURCE} says {version}, but {'; '.join(others)}: run `nox -s version -- {version}`"
        )
    return version


def write(version: str, root: Path = ROOT) -> None:
    """Write a version in every place.

    Raises
    ------
    ValueError
        If it is not of the form 1.2.3, with a1, b1 or rc1 behind it before a release.
    """
    if not re.fullmatch(FORM, version):
        raise ValueError(f"version={version!r}: expected one like 1.2.3 or 1.2.3rc1")
    for place, patterns in PLACES.items():
        path = root / place
        text = path.read_bytes().decode("utf-8")  # line ends stay as they are
        for pattern in patterns:
            text = re.sub(pattern, lambda found: _replaced(found, version), text, flags=re.M)
        path.write_bytes(text.encode("utf-8"))


def _replaced(found: re.Match[str], version: str) -> str:
    start, end = (place - found.start() for place in found.span(1))
    return found[0][:start] + version + found[0][end:]


def main(arguments: Sequence[str]) -> str:
    """Set the version if one is given, and return what holds."""
    for version in arguments[:1]:
        write(version)
    return shared()


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{main(sys.argv[1:])}\n")
    except ValueError as error:
        sys.exit(str(error))

"""One version in every place, and archives that hold the package's tracked files and no others."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from release import archive, version

ROOT = Path(__file__).parents[1]
NOW = version.shared()
CORE = archive.PACKAGES[0]
PACKAGES = pytest.mark.parametrize("package", archive.PACKAGES, ids=lambda package: package.name)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Copies of the files that state the version."""
    for place in version.PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    return tmp_path


def test_nothing_else_states_the_version():
    command = ["git", "grep", "-lF", f'"{NOW}"', "--", "*.toml", "*.cff", "*.py", "*.yml"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {*said.split()} <= {*version.PLACES}


def test_the_version_is_written_everywhere_and_nothing_else_is(workspace):
    version.write("7.8.9rc1", workspace)
    assert version.shared(workspace) == "7.8.9rc1"
    for place in version.PLACES:
        old, new = ((root / place).read_bytes() for root in (ROOT, workspace))
        assert new.replace(b"7.8.9rc1", NOW.encode()) == old, place


def test_a_place_that_differs_is_named_with_what_mends_it(workspace):
    place = workspace / "packages/seq_torch/pyproject.toml"
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace(f"seqtheory=={NOW}", "seqtheory==0.0.1"), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"seq_torch/pyproject.*0\.0\.1.*version -- {NOW}"):
        version.shared(workspace)


def test_a_place_that_says_it_in_another_form_is_named(workspace):
    (workspace / "CITATION.cff").write_text("version : 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"CITATION\.cff: found nothing like"):
        version.stated(workspace)


@pytest.mark.parametrize("given", ["1.2", "v1.2.3", "1.2.3-rc1", "1.2.3\n", ""])
def test_what_is_no_version_is_refused(workspace, given):
    with pytest.raises(ValueError, match="expected one like"):
        version.write(given, workspace)
    assert version.shared(workspace) == NOW


def described(package: archive.Package, *needs: str) -> bytes:
    said = (f"Name: {package.name}", f"Version: {NOW}", "License-Expression: Apache-2.0")
    return "\n".join([*said, *(f"Requires-Dist: {need}" for need in needs), "", "Text."]).encode()


def whole_wheel(package: archive.Package) -> dict[str, bytes]:
    about = f"{package.name.replace('-', '_')}-{NOW}.dist-info"
    files = dict.fromkeys([*package.code(), f"{about}/licenses/LICENSE", f"{about}/RECORD"], b"")
    return files | {f"{about}/METADATA": described(package)}


@PACKAGES
def test_a_whole_wheel_has_no_fault(package):
    assert archive.wheel_faults(package, whole_wheel(package), NOW) == []
    assert len(package.code()) > 20


@PACKAGES
@pytest.mark.parametrize(
    "extra", ["{}/tests/test_it.py", "{}/__pycache__/a.pyc", "tests/a.py", "{}/published/a.xz"]
)
def test_a_file_too_many_is_named(package, extra):
    name = extra.format(package.module)
    files = whole_wheel(package) | {name: b""}
    assert archive.wheel_faults(package, files, NOW) == [f"holds {name}"]


@PACKAGES
def test_every_tracked_file_and_the_licence_are_missed(package):
    for name in [name for name in whole_wheel(package) if not name.endswith("RECORD")]:
        files = whole_wheel(package)
        del files[name]
        assert f"lacks {name}" in archive.wheel_faults(package, files, NOW) or "METADATA" in name


@pytest.mark.parametrize(
    ("need", "refused"),
    [
        ("seqtheory=={now}", False),
        ("seq-torch=={now} ; extra == 'torch'", False),
        ("seq-torch[cuda]=={now} ; extra == 'cuda'", False),
        ("numpy>=2.0", False),
        ("seqtheory-friends>=1", False),
        ("seq-torch[cuda]>=0.0.1", True),
        ("seqtheory>={now}", True),
        ("seqtheory==0.0.1", True),
        ("lcde-jax ; extra == 'jax'", True),
    ],
)
def test_our_own_packages_are_pinned_to_the_version(need, refused):
    package = archive.PACKAGES[-1]
    about = f"experiments-{NOW}.dist-info/METADATA"
    files = whole_wheel(package) | {about: described(package, need.format(now=NOW))}
    assert bool(archive.wheel_faults(package, files, NOW)) == refused


def test_a_description_of_another_package_or_version_is_a_fault():
    files = whole_wheel(CORE)
    files[f"seqtheory-{NOW}.dist-info/METADATA"] = described(archive.PACKAGES[1])
    (fault,) = archive.wheel_faults(CORE, files, NOW)
    assert fault == "says Name: lcde-jax, expected seqtheory"


@PACKAGES
def test_both_kinds_of_archive_are_read_and_compared(package, tmp_path):
    top = f"{package.name.replace('-', '_')}-{NOW}"
    inner = f"{top}/{package.source}/" if package.source else f"{top}/"
    sources = {inner + name.partition("/")[2]: b"" for name in package.code()}
    sources |= {f"{top}/{name}": b"" for name in ("LICENSE", "README.md", "pyproject.toml")}
    sources |= {f"{top}/PKG-INFO": described(package)}
    with tarfile.open(tmp_path / f"{top}.tar.gz", "w:gz") as held:
        for name, text in sources.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            held.addfile(member, io.BytesIO(text))
    with zipfile.ZipFile(tmp_path / f"{top}-py3-none-any.whl", "w") as held:
        for name, text in whole_wheel(package).items():
            held.writestr(name, text)
    others = [fault for fault in archive.faults(tmp_path) if not fault.endswith("in the folder")]
    assert others == []
    assert archive.contents(tmp_path / f"{top}.tar.gz") == sources

"""The ``doctor`` command: what this machine can run, and how to install what is missing."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass

from experiments import exit_code
from experiments.commands.output import say
from experiments.store import provenance
from experiments.study import ROOT
from seqtheory import __version__

_EXTRAS = {"lcde-jax": "jax", "seq-torch": "torch", "ray": "ray"}


@dataclass(frozen=True)
class Finding:
    """One thing looked for, with the fields of a finding of `seq_torch.doctor`."""

    name: str
    ok: bool
    detail: str
    command: str = ""


def show() -> int:
    """Print every finding and return 0: a missing part is no error until something needs it."""
    for look in (
        _seqtheory,
        _machine,
        _bytecode,
        _packages,
        _torch,
        _jax,
    ):  # the last two import a framework
        for finding in look():
            say(f"{'ok' if finding.ok else 'no':3} {finding.name}: {finding.detail}")
            if finding.command:
                say(f"    {finding.command}")
    return exit_code.OK


def _seqtheory() -> list[Finding]:
    git = provenance.git_state(ROOT)
    changed = " with changes" if git and git["dirty"] else ""
    where = f"commit {git['commit'][:12]}{changed}" if git else "installed, of no repository"
    return [Finding("seqtheory", True, f"{__version__}, {where}")]


def _machine() -> list[Finding]:
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    detail = (
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors, OMP_NUM_THREADS {threads}"
    )
    return [Finding("machine", True, detail)]


def _bytecode() -> list[Finding]:
    """Say where each process, and a study starts one per worker, compiles torch or JAX anew."""
    if not sys.dont_write_bytecode:
        return []
    detail = "none is kept: every process reads torch or JAX from source, 2 to 11 s more"
    return [Finding("bytecode", False, detail, "unset PYTHONDONTWRITEBYTECODE")]


def _packages() -> list[Finding]:
    found = []
    for name, extra in _EXTRAS.items():
        try:
            found.append(Finding(name, True, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            command = f"uv sync --package experiments --extra {extra}"
            found.append(Finding(name, False, "not in this environment", command))
    return found


def _torch() -> list[Finding]:
    try:
        doctor = importlib.import_module("seq_torch.doctor").doctor
    except ImportError:
        return []  # told above
    return [Finding(f.name, f.ok, f.detail, f.command) for f in doctor()]


def _jax() -> list[Finding]:
    try:
        jax = importlib.import_module("jax")
    except ImportError:
        return []
    devices = ", ".join(sorted({device.platform for device in jax.devices()}))
    return [Finding("jax", True, f"jax {jax.__version__}, devices: {devices}")]

"""Provenance of a record: commit, lock, versions, hardware; no names of people or machines."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

_OWN = ("seqtheory", "lcde-jax", "seq-torch")
_PACKAGES = (
    *_OWN,
    "numpy",
    "scipy",
    "jax",
    "jaxlib",
    "equinox",
    "diffrax",
    "optax",
    "torch",
    "numba",
    "mamba-ssm",
    "causal-conv1d",
)
_FOLDER = Path(__file__).resolve().parents[1]


def collect() -> dict[str, Any]:
    """Collect the facts that hold for a whole command; imports no framework."""
    return {
        "git": git_state(_FOLDER),
        "lock_sha256": lock_digest(_FOLDER),
        "python": platform.python_version(),
        "packages": package_versions(),
        "hardware": hardware(),
    }


def now() -> str:
    """Give the current time in UTC, for display; durations are measured on the monotonic clock."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and whether tracked files differ from it; None where no repository tracks the folder.

    A repository in whose environment this is installed says nothing of this code.
    """
    # In a container or on a shared disk the folder may belong to another user. Git then refuses to
    # answer, since the folder's settings may name programs to start; its code is run here anyway.
    git = ("git", "-c", "safe.directory=*", "-C", str(folder))
    tracked = _output(*git, "ls-files", "--error-unmatch", "--", ".")
    commit = _output(*git, "rev-parse", "HEAD")
    if not tracked or not commit:
        return None
    made = ":(top,exclude)experiments/attestations"  # written by reruns, and not their source
    changes = _output(*git, "status", "--porcelain", "--untracked-files=no", "--", ":/", made)
    return {"commit": commit, "dirty": changes != ""}


def lock_digest(folder: Path) -> str | None:
    """SHA-256 of the nearest ``uv.lock`` at or above `folder`."""
    for parent in (folder, *folder.parents):
        if (parent / "uv.lock").is_file():
            return hashlib.sha256((parent / "uv.lock").read_bytes()).hexdigest()
    return None


def package_versions() -> dict[str, str]:
    """Installed versions, from the packages' metadata alone."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


@functools.cache
def library_versions() -> dict[str, str]:
    """Versions of the numerical libraries, without this project's own packages."""
    return {name: v for name, v in package_versions().items() if name not in _OWN}


def hardware() -> dict[str, Any]:
    """Processor, cores that this process may use, memory in GiB, GPUs unless hidden from it."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": available_cores(),
        "memory_gib": _memory_gib(),
        "gpus": _gpus(),
    }


def available_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


@functools.cache
def processor_family() -> str:
    """Maker, family and model of the processor; processors of one family give equal numbers.

    The name is not enough: a virtual machine may give one name to processors of several families.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{platform.machine()} {_cpu_model()}"
    lines = [line.partition(":") for line in text.partition("\n\n")[0].splitlines()]
    facts = {name.strip(): value.strip() for name, _, value in lines}
    told = [facts.get(name, "") for name in ("vendor_id", "cpu family", "model")]
    return " ".join(told) if all(told) else f"{platform.machine()} {_cpu_model()}"


def _memory_gib() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return round(size / 2**30, 1)


def _gpus() -> list[str]:
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if hidden or shutil.which("nvidia-smi") is None:
        return []
    names = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return names.splitlines() if names else []


def _output(*command: str) -> str | None:
    """Return what a command prints; None if it is missing, fails or takes over five seconds."""
    try:
        result = subprocess.run(
            command, capture_output=True, timeout=5, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode("utf-8", errors="replace").strip()

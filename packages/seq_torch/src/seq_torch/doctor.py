"""What this machine can run, and the command that mends what it cannot."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path

import torch

CUDA_EXTRA = "uv sync --package seq-torch --extra cuda"
TORCH = "uv pip install 'torch>=2.8'"
TORCH_OF_CUDA = "uv pip install 'torch==2.13.*'"
NUMBA = "uv pip install 'numba>=0.61'"
FLA = "uv pip install 'fla-core>=0.6'"


@dataclass(frozen=True)
class Finding:
    """One requirement of the backends, and whether this machine meets it.

    Attributes
    ----------
    name
        What was looked for.
    ok
        Whether it is there and fits.
    detail
        What was found, with versions, or the exact error.
    command
        What to run to mend it; empty where nothing needs mending or no command can.
    """

    name: str
    ok: bool
    detail: str
    command: str = ""


def doctor() -> list[Finding]:
    """Look for everything that the backends of `seq_torch.ops` need.

    Changes nothing. Extensions are imported, which may take seconds.
    """
    return [
        _torch(),
        _numba(),
        _cache(),
        _device(),
        _nvcc(),
        _compiler(),
        _extension("mamba_ssm", "mamba_ssm.ops.selective_scan_interface"),
        _extension("causal_conv1d", "causal_conv1d"),
        _extension("fla-core", "fla.ops.delta_rule", FLA),
    ]


def build_obstacles() -> list[Finding]:
    """Look for what keeps the CUDA kernels from being compiled here; empty if nothing does.

    No device is needed to compile them.
    """
    return [found for found in (_torch_of_cuda(), _nvcc(), _compiler()) if not found.ok]


def _torch() -> Finding:
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU only"
    detail = f"torch {torch.__version__} ({build}), {torch.get_num_threads()} threads"
    fits = _torch_version() >= (2, 8)
    return Finding("torch", fits, detail, "" if fits else TORCH)


def _torch_of_cuda() -> Finding:
    """Whether torch is the one that the extra cuda is compiled against."""
    fits = _torch_version() == (2, 13)
    detail = f"torch {torch.__version__}; the extra cuda is compiled against 2.13"
    return Finding("torch", fits, detail, "" if fits else TORCH_OF_CUDA)


def _torch_version() -> tuple[int, ...]:
    return tuple(int(part) for part in torch.__version__.split(".")[:2])


def _numba() -> Finding:
    try:
        numba = import_module("numba")
    except Exception as error:  # a mismatch with NumPy may raise anything
        return Finding("numba", False, f"{type(error).__name__}: {error}", NUMBA)
    layers = [name for name in ("tbb", "omp", "workqueue") if _layer(name)]
    detail = (
        f"numba {numba.__version__}; kernels run on plain threads, one per thread of torch "
        f"(numba's own threading layers, unused: {', '.join(layers) or 'none'})"
    )
    return Finding("numba", True, detail)


def _layer(name: str) -> bool:
    module = name if name == "workqueue" else f"{name}pool"
    return util.find_spec(f"numba.np.ufunc.{module}") is not None


def _cache() -> Finding:
    folder = os.environ.get("NUMBA_CACHE_DIR") or str(Path(__file__).parent / "ops" / "kernels")
    if os.access(folder, os.W_OK):
        return Finding("kernel cache", True, f"{folder} can be written")
    detail = f"{folder} cannot be written: kernels may be compiled anew in every process"
    return Finding("kernel cache", False, detail, "export NUMBA_CACHE_DIR=$HOME/.cache/numba")


def _device() -> Finding:
    if torch.cuda.is_available():
        major, minor = torch.cuda.get_device_capability()
        return Finding(
            "CUDA device", True, f"{torch.cuda.get_device_name()}, capability {major}.{minor}"
        )
    if torch.version.cuda is None:
        return Finding("CUDA device", False, "this torch is built for the CPU only", TORCH)
    return Finding("CUDA device", False, "torch sees no CUDA device", "nvidia-smi")


def _nvcc() -> Finding:
    home = os.environ.get("CUDA_HOME")
    path = shutil.which("nvcc") or (shutil.which("nvcc", path=f"{home}/bin") if home else None)
    wanted = torch.version.cuda
    mend = f"install the CUDA toolkit {wanted or '13.0'} and set CUDA_HOME"
    if path is None:
        return Finding("nvcc", False, "not found on PATH nor in CUDA_HOME", mend)
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"release (\d+)\.(\d+)", said)
    found = ".".join(match.groups()) if match else "of unknown version"
    fits = match is not None and wanted is not None and match[1] == wanted.partition(".")[0]
    detail = f"{path}, release {found}, torch is built with CUDA {wanted}"
    return Finding("nvcc", fits, detail, "" if fits else mend)


def _compiler() -> Finding:
    name = os.environ.get("CXX") or "c++"
    path = shutil.which(name) or shutil.which("g++") or shutil.which("clang++")
    if path is None:
        return Finding("C++ compiler", False, f"{name} not found", "apt-get install g++")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return Finding("C++ compiler", True, f"{path}, {said.splitlines()[0] if said else 'unknown'}")


def _extension(package: str, module: str, command: str = CUDA_EXTRA) -> Finding:
    try:
        import_module(module)
        return Finding(package, True, f"{package} {importlib.metadata.version(package)}")
    except Exception as error:  # a broken extension may raise anything
        return Finding(package, False, f"{type(error).__name__}: {error}", command)

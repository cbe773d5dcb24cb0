"""Inputs that do not fit are refused at the call, with what came and what was expected."""

import os
import subprocess
import sys

import pytest
import torch

from seq_torch import ops
from seq_torch.doctor import build_obstacles, doctor
from seq_torch.ops.glue import backend, obstacles
from seq_torch.ops.selective import cuda


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("u", torch.zeros(2, 4, 5, dtype=torch.int64), TypeError, "u with dtype torch.int64"),
        (
            "u",
            torch.zeros(4, 5).double(),
            ValueError,
            r"u of shape \(4, 5\), expected \(batch, dim",
        ),
        ("u", torch.zeros(2, 4, 5, dtype=torch.float32), TypeError, "mixture of double"),
        ("u", [1.0], TypeError, "u of type list"),
        ("delta", torch.zeros(2, 4, 6).double(), ValueError, r"delta of shape \(2, 4, 6\)"),
        ("A", torch.zeros(3, 5).double(), ValueError, r"A of shape \(3, 5\), expected"),
        ("A", torch.zeros(4, 0).double(), ValueError, "state of at least 1"),
        ("B", torch.zeros(2, 5, 4).double(), ValueError, r"B of shape \(2, 5, 4\), expected"),
        ("B", torch.zeros(2, 3, 5, 5).double(), ValueError, "multiple of group"),
        ("C", torch.zeros(4, 5, dtype=torch.complex128), TypeError, "complex C"),
        ("D", torch.zeros(5).double(), ValueError, r"D of shape \(5,\), expected \(dim,\)"),
        ("initial_state", torch.zeros(2, 4, 4).double(), ValueError, "initial_state of shape"),
    ],
)
def test_selective_scan_names_what_does_not_fit(scans, name, value, error, message):
    inputs = scans.make(5) | {name: value}
    with pytest.raises(error, match=message):
        ops.selective_scan(**inputs)


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (torch.rand(3), torch.rand(5, 3), ValueError, r"b of shape \(5, 3\), expected"),
        (torch.rand(4), torch.rand(2, 5, 3), ValueError, r"a of shape \(4,\), expected"),
        (torch.rand(0), torch.rand(2, 5, 0), ValueError, "state of at least 1"),
        (torch.ones(3).long(), torch.rand(2, 5, 3), TypeError, "a with dtype torch.int64"),
    ],
)
def test_linear_scan_names_what_does_not_fit(a, b, error, message):
    with pytest.raises(error, match=message):
        ops.linear_scan(a, b)


def test_an_unknown_backend_is_named():
    with pytest.raises(ValueError, match="got backend='fast', expected one of auto"):
        ops.linear_scan(torch.rand(3), torch.rand(2, 5, 3), backend="fast")


def test_cuda_on_the_cpu_is_refused_with_the_command(scans):
    with pytest.raises(ops.BackendError, match=r"tensors on cpu.*seq-torch\[cuda\]"):
        ops.selective_scan(**scans.make(5), backend="cuda")
    with pytest.raises(ops.BackendError, match="which it does not have"):
        ops.linear_scan(torch.rand(3), torch.rand(2, 5, 3), backend="cuda")


class Broken:
    """An import hook under which an extension is there but does not load."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mamba_ssm":
            raise ImportError("selective_scan_cuda.so: undefined symbol: _ZN3c104cuda")


def test_a_broken_extension_is_reported_with_its_error_and_the_command(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    obstacles.of_import.cache_clear()
    (said,) = obstacles.of_import(cuda.MODULE, obstacles.rebuilt("mamba-ssm"))
    obstacles.of_import.cache_clear()
    assert "undefined symbol" in said
    assert "seq-torch[cuda]" in said
    finding = next(f for f in doctor() if f.name == "mamba_ssm")
    assert not finding.ok
    assert "undefined symbol" in finding.detail
    assert finding.command


WITHOUT_NUMBA = """
import sys, torch
{fault}
import seq_torch as st
from seq_torch import ops
x = torch.rand(2, 5, 8, generator=torch.Generator().manual_seed(0))
for mixer in (st.LRUConfig(), st.MambaConfig(), st.ResidualRNNConfig(), st.LinearCDEConfig()):
    assert mixer.build(8)(x).isfinite().all()
try:
    ops.linear_scan(torch.rand(8), x, backend="fused")
except ops.BackendError as error:
    print(error)
"""
MISSING = "sys.modules['numba'] = None"
INTERPRETED = "import os; os.environ['NUMBA_DISABLE_JIT'] = '1'"
BROKEN = """
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == 'numba':
            raise ImportError('Numba needs NumPy 2.3 or less')
sys.meta_path.insert(0, Broken())
"""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (MISSING, "is not installed"),
        (INTERPRETED, "NUMBA_DISABLE_JIT is set"),
        (BROKEN, "its import failed with ImportError: Numba needs NumPy 2.3 or less"),
    ],
    ids=["missing", "interpreted", "broken"],
)
def test_where_numba_cannot_compile_slow_scans_run_and_say_so_once(fault, said):
    code = [sys.executable, "-c", WITHOUT_NUMBA.format(fault=fault)]
    run = subprocess.run(code, capture_output=True, text=True, check=True)
    assert said in run.stdout  # what the named backend raises
    assert run.stderr.count(said) == 1


def cached_scan(folder):
    """Run a compiled scan in a process of its own whose kernels are kept in `folder`."""
    code = (
        "import torch; from seq_torch import ops;"
        "a, b = torch.tensor([0.5]), torch.ones(1, 3, 1);"
        "print(ops.linear_scan(a, b).flatten().tolist())"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_first_compilation_is_said_once_and_damaged_kernels_are_compiled_again(tmp_path):
    first, second = cached_scan(tmp_path), cached_scan(tmp_path)
    assert first.stderr.count("compiling the kernels") == 1
    assert not second.stderr
    for kind in ("*.nbi", "*.nbc"):
        for path in tmp_path.rglob(kind):
            path.write_bytes(path.read_bytes()[:20])
        again = cached_scan(tmp_path)
        assert again.stdout == first.stdout
        assert "its cache is damaged" in again.stderr
        assert not cached_scan(tmp_path).stderr


def test_the_choice_is_logged_once(caplog):
    backend._log_once.cache_clear()
    with caplog.at_level("INFO", logger="seq_torch.ops.backend"):
        for _ in range(3):
            ops.linear_scan(torch.rand(3), torch.rand(2, 5, 3))
    assert [r.message for r in caplog.records if "linear_scan: backend fused" in r.message] == [
        "linear_scan: backend fused for torch.float32 on cpu"
    ]


def test_doctor_tells_what_mends_each_thing_that_is_missing():
    findings = doctor()
    assert {"torch", "numba", "nvcc", "CUDA device"} <= {finding.name for finding in findings}
    assert all(finding.detail for finding in findings)
    assert all(finding.command for finding in findings if not finding.ok)


@pytest.mark.parametrize(
    ("version", "runs", "compiles"),
    [("2.7.1", False, False), ("2.8.0+cpu", True, False), ("2.13.0", True, True)],
)
def test_only_the_kernels_of_cuda_need_one_version_of_torch(monkeypatch, version, runs, compiles):
    monkeypatch.setattr("torch.__version__", version)
    assert next(found for found in doctor() if found.name == "torch").ok == runs
    assert ("torch" not in [found.name for found in build_obstacles()]) == compiles


def test_kernels_run_where_their_cache_cannot_be_written(tmp_path):
    """A process of its own: numba looks for its folder when a kernel is defined."""
    blocked = tmp_path / "file"
    blocked.write_text("")  # a folder below a file can be made by nobody, not even by root
    code = (
        "import torch; from numba import config; config.CACHE_DIR = {folder!r};"
        "from seq_torch import ops; a, b = torch.tensor([0.5]), torch.ones(1, 3, 1);"
        "print(ops.linear_scan(a, b).flatten().tolist())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code.format(folder=str(blocked / "cache"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.split("\n")[0] == "[1.0, 1.5, 1.75]", run.stderr

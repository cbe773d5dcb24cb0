"""The torch package imports without its optional kernels and carries the workspace's version."""

import subprocess
import sys

import seq_torch
import seqtheory


def test_version_is_the_workspace_version() -> None:
    assert seq_torch.__version__ == seqtheory.__version__


def test_import_brings_in_no_optional_kernel() -> None:
    code = "import sys, seq_torch; print([m for m in ('mamba_ssm', 'jax') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

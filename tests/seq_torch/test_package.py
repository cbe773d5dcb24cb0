"""The torch package imports without its optional kernels and carries the workspace's version."""

import subprocess
import sys

import seq_torch
import seqtheory


def test_version_is_the_workspace_version() -> None:
    assert seq_torch.__version__ == seqtheory.__version__


def test_every_public_name_is_there() -> None:
    assert sorted(set(seq_torch.__all__)) == sorted(seq_torch.__all__)
    assert not [name for name in seq_torch.__all__ if not hasattr(seq_torch, name)]


def test_every_public_class_says_what_it_is() -> None:
    assert not [name for name in seq_torch.__all__ if not getattr(seq_torch, name).__doc__]


def test_import_and_build_bring_in_no_optional_kernel_and_change_no_global_state() -> None:
    code = """
import sys, torch
def state():
    threads = torch.get_num_threads(), torch.get_num_interop_threads()
    return torch.get_rng_state().tolist(), torch.get_default_dtype(), threads
before = state()
import seq_torch as st
st.SequenceModelConfig(
    mixer=st.MambaConfig(), input=st.TokenInput(vocabulary=3), output=st.LastOutput(size=1), width=4
).build(0)
print([m for m in ("mamba_ssm", "causal_conv1d", "jax") if m in sys.modules], before == state())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


def test_import_loads_no_compiler() -> None:
    """Each of these takes longer to import than the whole package; workers would pay it too."""
    code = """
import sys, torch
before = set(sys.modules)
import seq_torch
heavy = ("torch._dynamo", "sympy", "numba", "scipy.special", "scipy.linalg", "scipy.optimize")
print([m for m in heavy if m in set(sys.modules) - before])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

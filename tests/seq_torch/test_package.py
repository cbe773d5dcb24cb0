"""The torch package imports without its optional kernels and carries the workspace's version."""

import dataclasses
import importlib
import subprocess
import sys

import pytest

import seq_torch
import seqtheory


def test_version_is_the_workspace_version() -> None:
    assert seq_torch.__version__ == seqtheory.__version__


def test_every_public_name_is_there() -> None:
    assert sorted(set(seq_torch.__all__)) == sorted(seq_torch.__all__)
    assert not [name for name in seq_torch.__all__ if not hasattr(seq_torch, name)]


def test_every_public_class_says_what_it_is() -> None:
    assert not [name for name in seq_torch.__all__ if not getattr(seq_torch, name).__doc__]


def test_help_on_settings_explains_every_field() -> None:
    kinds = [getattr(seq_torch, name) for name in seq_torch.__all__ if name.endswith("Config")]
    missing = [
        f"{kind.__name__}.{field.name}"
        for kind in filter(dataclasses.is_dataclass, kinds)
        for field in dataclasses.fields(kind)
        if field.name not in (kind.__doc__ or "")
    ]
    assert not missing


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("layer", "model.layer"),
        ("optim", "train.optim"),
        ("mixers.vandermonde", "mixers.parts.vandermonde"),
        ("mixers.gru", "mixers.rnn"),
        ("mixers.delta_net", "mixers.delta_rule"),
    ],
)
def test_a_path_that_moved_warns_and_works(monkeypatch, old: str, new: str) -> None:
    monkeypatch.delitem(sys.modules, f"seq_torch.{old}", raising=False)
    with pytest.warns(DeprecationWarning, match=f"seq_torch.{old} is now seq_torch.{new};"):
        loaded = importlib.import_module(f"seq_torch.{old}")
    assert loaded is importlib.import_module(f"seq_torch.{new}")


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

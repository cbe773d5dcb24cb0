"""The doctor's words about this machine."""

from __future__ import annotations

import sys

import pytest

from experiments.commands import doctor


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_machine_that_keeps_no_bytecode_is_told_so(monkeypatch, capsys, is_kept):
    for look in ("_torch", "_jax"):
        monkeypatch.setattr(doctor, look, list)
    monkeypatch.setattr(sys, "dont_write_bytecode", not is_kept)
    assert doctor.show() == 0
    assert ("unset PYTHONDONTWRITEBYTECODE" in capsys.readouterr().out) is not is_kept

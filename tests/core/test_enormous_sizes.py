"""Sizes that no machine holds are refused by name, before anything of that size is made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on a process's memory is Linux's")
def test_every_enormous_size_is_refused_by_name_or_is_cheap(judged):
    answers = judged(Path(__file__).parents[1] / "sizes" / "of_core.py")
    assert len(answers) > 300
    assert {case: wrong for case, wrong in answers.items() if wrong} == {}

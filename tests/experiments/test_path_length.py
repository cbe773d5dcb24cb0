"""How many files of the house lie between the command line and the first equation.

Two counts of ``run toy.linear_cde --preset smoke``: the files on the call stack, from
``python -m experiments`` to the worker's start and from the worker to the first function of
`lcde_jax` that computes features or solves; and all files whose functions were entered on the way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_ON_THE_STACK = 12
MOST_ENTERED = 50


@pytest.mark.needs_jax
def test_the_way_to_the_first_equation_is_short(tmp_path):
    watched = {
        "SEQTHEORY_HOUSE": str(ROOT),
        "SEQTHEORY_NOTES": str(tmp_path / "notes"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "path"), *sys.path]),
    }
    command = ["-m", "experiments", "run", "toy.linear_cde", "--preset", "smoke", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, *command, "--results", str(tmp_path / "results")],
        env=os.environ | watched,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    command_line, worker = map(json.loads, (tmp_path / "notes").read_text().splitlines())
    stack = list(dict.fromkeys(command_line["stack"] + worker["stack"]))
    entered = list(dict.fromkeys(command_line["entered"] + worker["entered"]))
    print("on the stack:", *stack, "entered:", *entered, sep="\n")
    assert stack[0] == "experiments/__main__.py"
    assert "lcde_jax" in stack[-1]
    assert len(stack) <= MOST_ON_THE_STACK
    assert len(entered) <= MOST_ENTERED

"""No file-system call of a run may fail, or be its last, and leave a record that says otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("system_calls.py")
SITUATIONS = ("fresh", "interrupted", "finished", "kept")
# The other errors befall some of the calls that EIO befalls, and differ in their sentence.
CASES = [
    *((situation, fault) for situation in SITUATIONS for fault in ("kill", "EIO")),
    *(("fresh", fault) for fault in ("ENOSPC", "EMFILE")),
]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each case is a forked process")
@pytest.mark.parametrize(("situation", "fault"), CASES)
def test_the_next_run_leaves_the_record_of_an_undisturbed_one(
    situation: str, fault: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, str(HARNESS), situation, fault, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(cases) > (8 if situation == "kept" else 30)  # the harness saw the calls
    assert [case for case in cases if case["wrong"] != ""] == []
    if fault == "kill":
        assert {case["code"] for case in cases} == {137}

"""Two gloo processes train what one process trains."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("two_processes.py")


WORLD = 2


def start(rank: int, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", SCRIPT, str(rank), str(WORLD), folder],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcome(rank: int, folder: Path) -> dict:
    facts = json.loads((folder / f"{rank}.json").read_text())
    return dict(np.load(folder / f"{rank}.npz")) | facts


@pytest.fixture(scope="module")
def one_and_two(tmp_path_factory):
    """What one process found (this one), and what each of two did."""
    alone, together = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    processes = [start(rank, together) for rank in range(WORLD)]
    try:
        runpy.run_path(str(SCRIPT))["main"](0, 1, alone)
        outputs = [process.communicate(timeout=150)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(outputs)
    return outcome(0, alone), [outcome(rank, together) for rank in range(WORLD)]


@pytest.mark.parametrize(
    ("case", "tolerance"),
    [("double", 1e-12), ("separate", 1e-12), ("single", 1e-6), ("course", 1e-12)],
)
def test_two_processes_train_what_one_trains(one_and_two, case, tolerance):
    one, two = one_and_two
    for process in two:
        np.testing.assert_allclose(process[case], one[case], rtol=tolerance, atol=tolerance)
    assert np.array_equal(two[0][case], two[1][case], equal_nan=True)


def test_only_the_first_process_receives_events(one_and_two):
    one, two = one_and_two
    assert [process["events"] for process in two] == [one["events"], 0]


def test_processes_stop_together(one_and_two):
    one, two = one_and_two
    assert [process["stopped"] for process in two] == [one["stopped"]] * 2
    assert one["stopped"] == ["target", 8]
    expected = {"status": "diverged", "step": 0}
    assert [process["divergence"] for process in two] == [expected] * 2


def test_processes_resume_together(one_and_two):
    for process in one_and_two[1]:
        size = len(process["again"])
        np.testing.assert_array_equal(process["again"], process["double"][:size])


def test_batch_normalisation_over_processes_is_refused(one_and_two):
    one, two = one_and_two
    assert one["refusal"] == "done"
    for process in two:
        assert "2 processes would each normalise by their own share" in process["refusal"]

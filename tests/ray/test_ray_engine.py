"""The Ray engine: the records, exit codes and lines of the local one, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from experiments.engine.ray_cluster import RayEngine
from experiments.exit_code import ConfigError
from experiments.record import Record

SWEEP = (
    "--preset=slow",
    "--set=num_steps=50",
    "--set=pause=0.02",
    f"--set=seed={','.join(map(str, range(20)))}",
    "--checkpoint-seconds=0.1",
)
SLOW = ("--preset=slow", "--set=num_steps=400", "--checkpoint-seconds=0.1")


def records(results: Path) -> list[Record]:
    return [Record.open(path.parent) for path in sorted(results.glob("my_study/*/run.json"))]


def lines(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but those that hold times."""
    files = [path for path in folder.iterdir() if path.is_file()]
    return {p.name: p.read_bytes() for p in files if p.name not in ("provenance.json", "DONE")}


def begun(results: Path, steps: int) -> Path | None:
    """Find a run that has done so many steps and has a checkpoint, and is not finished."""
    for path in results.glob("my_study/*"):
        unfinished = path.is_dir() and not (path / "DONE").exists()
        if unfinished and lines(path) >= steps and any(path.glob("checkpoints/step_*")):
            return path
    return None


def worker_of(folder: Path) -> int | None:
    """Find the process that does a run, by the title that Ray gives it."""
    text = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout
    found = re.search(rf"^ *(\d+) ray::\S+ {folder.name}", text, re.MULTILINE)
    return int(found[1]) if found else None


def ended(process: subprocess.Popen[str], code: int) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, out + err
    assert "Traceback" not in err
    return out


@pytest.mark.slow
def test_twenty_runs_with_a_worker_killed_end_as_twenty_records(
    cluster, start, results, tmp_path, wait_for
):
    on_ray = ("--engine=ray", f"--address={cluster.address}")
    process = start(*SWEEP, *on_ray)
    killed = wait_for(lambda: begun(results, 8))
    pid = wait_for(lambda: worker_of(killed))
    os.kill(pid, signal.SIGKILL)
    out = ended(process, 0)
    assert "20 done" in out
    assert f"warning: {killed.name[:8]}: its worker was lost" in out
    made = records(results)
    assert [record.status for record in made] == ["done"] * 20
    for record in made:
        assert [line["step"] for line in record.metrics] == list(range(1, 51))
        resumed = [session["resumed_from"] for session in record.provenance["sessions"][1:]]
        if record.path == killed:
            assert len(resumed) == 1
            assert 1 <= resumed[0] < 50
        else:
            assert not resumed

    stamps = {path: path.stat().st_mtime_ns for path in results.rglob("DONE")}
    out = ended(start(*SWEEP, *on_ray), 0)
    assert "20 runs, 20 already finished" in out
    assert stamps == {path: path.stat().st_mtime_ns for path in results.rglob("DONE")}

    seeds = f"{Record.open(killed).description['run']['seed']},{made[0].description['run']['seed']}"
    elsewhere = tmp_path / "local"
    ended(start(*SWEEP, f"--set=seed={seeds}", "--results", str(elsewhere), "--workers=2"), 0)
    for record in records(elsewhere):
        assert contents(record.path) == contents(results / "my_study" / record.hash)


@pytest.mark.slow
def test_one_failure_one_divergence_one_death_are_told_as_locally(cluster, start, results):
    on_ray = ("--preset=mixed", "--engine=ray", f"--address={cluster.address}")
    out = ended(start(*on_ray, "--checkpoint-seconds=0"), 1)
    for expected in (
        "mood=diverges: diverged (diverged at step 10: norm is not finite)",
        "mood=fails_once: failed (RuntimeError: the walker fell)",
        "mood=dies_once: done",
        "mood=calm: done",
        "2 done, 1 diverged, 1 failed",
    ):
        assert expected in out
    assert {r.status for r in records(results)} == {"done", "diverged", "failed"}
    assert "4 runs, 3 already finished" in ended(start(*on_ray), 0)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_signal_ends_in_checkpoints_and_its_exit_code(
    cluster, start, results, wait_for, number, code
):
    on_ray = ("--engine=ray", f"--address={cluster.address}")
    process = start(*SLOW, *on_ray, "--set=seed=0,1,2,3")
    wait_for(lambda: sum(lines(path) >= 5 for path in results.glob("my_study/*")) == 2)
    process.send_signal(number)
    out = ended(process, code)
    assert "4 unfinished" in out
    assert len(re.findall("stopped after step", out)) == 2 * 2  # as it happens, and at the end
    for record in records(results):
        newest = max((record.path / "checkpoints").glob("*/state.json"), key=os.path.getmtime)
        assert json.loads(newest.read_text())["step"] == len(record.metrics)


@pytest.mark.slow
def test_a_cluster_of_its_own_is_on_loopback_and_held_to_its_threads(start, results, tmp_path):
    study = tmp_path / "ray_study.py"
    seen = (
        "    import ray\n"
        "    print('printed by the study')\n"
        "    names = ('OMP_NUM_THREADS', 'CUDA_VISIBLE_DEVICES')\n"
        "    recorder.note(**{k: os.environ[k] for k in names})\n"
        "    recorder.note(address=ray.util.get_node_ip_address())\n"
    )
    from_ = "    recorder.note(width=run.width)\n"
    text = (Path(__file__).parents[1] / "experiments/studies/my_study.py").read_text()
    study.write_text(text.replace(from_, seen))
    out = ended(start("--preset=smoke", "--engine=ray", "--threads=3", study=study), 0)
    assert "Ray on this machine (workers 1, threads 3, GPUs 0 per run)" in out
    assert "printed by the study" in out
    (path,) = results.glob("ray_study/*/")
    held = Record.open(path)
    assert held.notes == {
        "OMP_NUM_THREADS": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "address": "127.0.0.1",
    }
    assert held.provenance["threads"] == 3


@pytest.mark.slow
def test_a_lost_machine_leaves_its_run_to_another(cluster, start, results, wait_for):
    """The last test of the cluster: one machine remains."""
    on_ray = ("--engine=ray", f"--address={cluster.address}")
    process = start(*SLOW, *on_ray, "--set=num_steps=300", "--set=seed=0,1")
    wait_for(lambda: sum(lines(path) >= 20 for path in results.glob("my_study/*")) == 2)
    cluster.lose()
    out = ended(process, 0)
    assert "2 done" in out
    sessions = sorted(len(record.provenance["sessions"]) for record in records(results))
    assert sessions == [1, 2]


@pytest.mark.parametrize("gpus", [-1.0, 1.5, float("nan"), float("inf")])
def test_what_is_no_number_of_gpus_is_refused(gpus):
    with pytest.raises(ConfigError, match=r"--gpus .* expected a fraction below 1"):
        RayEngine(1, 1, None, gpus)


@pytest.mark.parametrize("address", ["ray://somewhere:10001", "somewhere", ":1", "a:b"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="expected host:port or auto"):
        RayEngine(1, 1, address, 0.0)


def test_an_address_where_no_cluster_listens_is_one_line_and_exit_2(start):
    process = start("--engine=ray", "--address=127.0.0.1:1")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith("error: --address 127.0.0.1:1: no Ray cluster (")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_a_python_below_a_folder_with_a_space_starts_workers(start, results, tmp_path):
    place = tmp_path / "my envs" / "env"
    venv.create(place, symlinks=True)
    packages = os.pathsep.join(path for path in sys.path if path)
    python = (str(place / "bin" / "python"), "-m", "experiments")
    ended(start("--preset=smoke", "--engine=ray", python=python, PYTHONPATH=packages), 0)
    assert [record.status for record in records(results)] == ["done"]


NO_WORKER = """
import sys
from types import SimpleNamespace
from experiments import ray_engine
from experiments.__main__ import main
ray_engine.sys = SimpleNamespace(executable="/nonexistent/python")
ray_engine._START_SECONDS = {seconds}
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "code"), [(600, 75), (3, 2)])
def test_a_ray_that_starts_no_worker_is_left_at_a_signal_or_told(start, results, seconds, code):
    python = (sys.executable, "-c", NO_WORKER.format(seconds=seconds))
    process = start("--preset=smoke", "--engine=ray", python=python)
    assert "0 already finished" in process.stdout.readline()
    if seconds == 600:
        time.sleep(8)  # Ray is there, and waits for a worker that never comes
        process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, out + err
    assert "Traceback" not in err
    if code == 2:
        assert "Ray started no worker on this machine within 3 s" in err
    assert not records(results)

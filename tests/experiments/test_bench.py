"""The bench: a model's runs, what they say, and a card that kills and resumes do not change."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import exit_code
from experiments import study as studies
from experiments.__main__ import main
from experiments.bench import baselines, command, measurements
from experiments.bench.cards import Card, Measurement, best, from_json, lines, to_json
from experiments.bench.parts import PARTS
from experiments.bench.parts import part as parts
from experiments.commands.run import Done
from experiments.exit_code import ConfigError
from seqtheory.plain import described, restored

MINE = """
import torch
from torch import nn
from seq_torch import MambaConfig

mamba = MambaConfig(state_dim=16)


class Leak(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.map = nn.Linear(width, width)

    def forward(self, x):
        return self.map(x.flip(1).cumsum(1).flip(1))
"""


def measurement(model: str, value: float | str | None, **more: object) -> Measurement:
    fields = {"part": "tracking", "item": "parity", "metric": "accuracy", "n": 3, "better": "more"}
    return Measurement(**{**fields, **more}, model=model, value=value)


def test_a_card_is_read_back_as_it_was_written():
    found = measurement("Mine", 0.5, low=0.4, high=0.6, curve=((1.0, 0.5), (2.0, 0.25)))
    card = Card(
        model="Mine",
        preset="quick",
        width=64,
        depth=1,
        baselines=("LSTM",),
        measurements=(found, measurement("LSTM", None, note="diverged")),
        facts=(("command", "bench"),),
    )
    assert from_json(to_json(card)) == card
    (line,) = lines(card, "tracking")
    assert line.cells == {m.model: m for m in card.measurements}


def test_the_best_is_named_only_where_intervals_lie_apart():
    high = measurement("a", 0.9, low=0.8, high=1.0)
    low = measurement("b", 0.5, low=0.4, high=0.6)
    near = measurement("c", 0.75, low=0.7, high=0.85)
    assert best([high, low]) == "a"
    assert best([high, low, near]) is None
    assert best([replace(m, better="less") for m in (high, low)]) == "b"
    assert best([high, replace(low, value="words")]) is None
    assert best([replace(m, better="neither") for m in (high, low)]) is None


def test_shares_have_wilsons_interval():
    found = parts.share(8, 10)
    assert found["value"] == 0.8
    assert found["low"] == pytest.approx(0.4902, abs=1e-4)  # statsmodels' proportion_confint
    assert found["high"] == pytest.approx(0.9433, abs=1e-4)
    assert parts.share(0, 4)["low"] == 0.0


@pytest.mark.parametrize("preset", measurements.PRESETS)
def test_every_run_is_said_and_heard(preset):
    runs = measurements.runs(preset)
    study = studies.load("bench.measurements")
    assert len({study.hash(run) for run in runs}) == len(runs)
    assert all(restored(described(run), type(run)) == run for run in runs[:: len(runs) // 9])
    assert {run.part_name for run in runs} == set(PARTS)
    per_model = {sum(run.model == name for run in runs) for name in baselines.BASELINES}
    assert len(per_model) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mamba", "--parts", "recll"], "did you mean 'recall'"),
        (["mamba", "--against", "lsmt"], "did you mean 'lstm'"),
        (["mmba"], "did you mean 'mamba'"),
        (["mamba", "--minutes", "0"], "--minutes 0.0: expected more than 0"),
        (["mamba", "--width", "6"], "expected a multiple of 4"),
        (["no_such_file.py:Mine"], "there is no file"),
    ],
)
def test_a_wrong_request_is_one_line(tmp_path, capsys, arguments, message):
    assert main(["bench", *arguments, "--results", str(tmp_path / "results")]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's file beside one folder of results: what a test has run, the next one finds."""
    path = tmp_path_factory.mktemp("bench") / "mine.py"
    path.write_text(MINE)
    return path


def bench(mine: Path, name: str, *more: str) -> int:
    results = str(mine.parent / "results")
    model = f"{mine}:{name}" if name in ("mamba", "Leak") and "=" not in name else name
    return main(
        ["bench", model, "--preset", "smoke", "--results", results, "--workers", "1", *more]
    )


def card_of(mine: Path, name: str) -> Card:
    folder = mine.parent / "results" / "bench" / name
    return from_json((folder / "card.json").read_text(encoding="utf-8"))


@pytest.mark.needs_torch
def test_a_built_in_mixer_from_a_strangers_file_has_its_baselines_numbers(mine, capsys):
    more = ("--parts", "tracking,memory", "--against", "mamba")
    assert bench(mine, "mamba", *more) == 0
    found = card_of(mine, "mamba")
    assert found.models == ("mamba", "Mamba")
    for part in ("tracking", "memory"):
        for line in lines(found, part):
            own, other = (line.cells[name] for name in found.models)
            assert replace(own, model="", runs=()) == replace(other, model="", runs=()), line
    first = capsys.readouterr()
    before = (mine.parent / "results" / "bench" / "mamba" / "card.json").read_bytes()
    assert bench(mine, "mamba", *more) == 0  # nothing is left to run
    assert (mine.parent / "results" / "bench" / "mamba" / "card.json").read_bytes() == before
    assert "keeps the contract" in first.out


@pytest.mark.needs_torch
def test_a_model_that_looks_ahead_is_tested_no_further_than_is_meaningful(mine, capsys):
    assert bench(mine, "Leak", "--parts", "contract,tracking", "--against", "mamba") == 0
    out = capsys.readouterr().out
    assert "causality" in out
    found = card_of(mine, "Leak")
    (absent,) = [m for m in found.of("tracking") if m.model == "Leak"]
    assert absent.value is None
    assert "causality" in absent.note
    assert {m.model for m in found.of("tracking")} == {"Leak", "Mamba"}


@pytest.mark.needs_torch
def test_a_budget_leaves_out_what_does_not_fit_and_says_so(mine, capsys):
    arguments = ("--parts", "theory,memory", "--against", "mamba")
    assert bench(mine, "mamba", *arguments) == 0
    (mine.parent / "edited.py").write_text(MINE.replace("state_dim=16", "state_dim=8"))
    edited = mine.parent / "edited.py"
    assert bench(edited, "mamba", *arguments, "--minutes", "1e-3") == 0
    assert "memory is left out: about" in capsys.readouterr().err
    (absent,) = [m for m in card_of(edited, "mamba").of("memory") if m.model == "mamba"]
    assert "do not fit into the budget" in absent.note


@pytest.mark.parametrize("code", [exit_code.OK, exit_code.DIVERGED, exit_code.FAILED])
def test_time_is_taken_alone_and_other_parts_run_at_once(monkeypatch, tmp_path, code):
    """Of a baseline that was named as of the model; what fails there is counted on the card."""
    calls = []

    def carry_out(study, preset, runs, how, *, title):
        calls.append((runs[0].model, [*dict.fromkeys(r.part_name for r in runs)], how.workers))
        return Done(code if len(calls) > 1 else exit_code.OK, stopped=False)

    monkeypatch.setattr(command, "carry_out", carry_out)
    monkeypatch.setattr(command, "_blocked", lambda *_: {})
    monkeypatch.setattr(command, "assembled", lambda *_: "the card")
    request = {"against": ("lstm",), "parts": ("memory", "cost", "recall"), "workers": 3}
    made = command.card("mamba", "smoke", results=tmp_path, **request)
    assert made == "the card"
    assert calls == [
        ("mamba", ["contract"], 3),
        *(
            (name, parts, n)
            for name in ("mamba", "lstm")
            for parts, n in (
                (["cost"], 1),
                (["memory", "recall"], 3),
            )
        ),
    ]


def test_a_stopped_bench_gives_no_card(monkeypatch, tmp_path):
    stopped = Done(exit_code.SIGINT, stopped=True)
    codes = iter([Done(exit_code.OK, stopped=False), stopped])
    monkeypatch.setattr(command, "carry_out", lambda *_, **__: next(codes))
    monkeypatch.setattr(command, "_blocked", lambda *_: {})
    with pytest.raises(ConfigError, match=f"exit code {exit_code.SIGINT}"):
        command.card("mamba", "smoke", results=tmp_path, parts=("cost", "memory"))


def test_python_asks_for_a_model_that_stands_in_a_file():
    from experiments.bench.command import card

    with pytest.raises(ConfigError, match="write it to a file and give FILE:NAME"):
        card(lambda width: None, "smoke", parts=("tracing",))
    with pytest.raises(ConfigError, match="did you mean 'tracking'"):
        card("mamba", "smoke", parts=("tracing",))


def test_a_folder_of_ones_own_called_experiments_leads_nobody_astray(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    study = Path(__file__).parent / "studies" / "my_study.py"
    code = "import sys; from experiments.__main__ import console; sys.exit(console())"
    command = [sys.executable, "-P", "-c", code, "run", str(study), "--preset", "smoke"]
    found = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        command, cwd=tmp_path, env=found, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 done" in done.stdout


KILLS = int(os.environ.get("SEQTHEORY_KILLS", "2"))


@pytest.mark.needs_torch
@pytest.mark.skipif(os.name == "nt", reason="kills a group of processes")
def test_a_bench_that_is_killed_at_random_gives_the_same_card(mine):
    results = mine.parent / "killed"
    command = [sys.executable, "-m", "experiments", "bench", f"{mine}:mamba", "--preset", "smoke"]
    command += ["--parts", "tracking,memory", "--results", str(results)]
    rng = random.Random(0)
    for _ in range(KILLS):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            running.wait(rng.uniform(4.0, 14.0))
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole = ["--parts", "tracking,memory"]
    assert bench(mine, "mamba", *whole) == 0
    killed = from_json((results / "bench" / "mamba" / "card.json").read_text(encoding="utf-8"))
    undisturbed = card_of(mine, "mamba")  # beside which a baseline may stand
    assert killed.facts == undisturbed.facts
    assert killed.measurements == tuple(m for m in undisturbed.measurements if m.model == "mamba")


def of_runs(run, *ends, **notes):
    """Records of a run with these statuses and errors."""
    return [
        SimpleNamespace(
            run=run,
            status=status,
            hash=f"{k}" * 16,
            metrics=[{"rmse": error}],
            notes={"predict_zero": 2.0, **notes},
        )
        for k, (status, error) in enumerate(ends)
    ]


def test_runs_that_diverged_are_counted_beside_those_that_did_not():
    for part in ("signature", "memory"):
        (run, *_) = measurements.model_runs("smoke", [part], model="mamba")
        kept = {"ages": [1, 20], "memory": [1.0, 0.5]}
        some = of_runs(run, ("done", 1.0), ("diverged", 9.0), untrained=kept, trained=kept)
        found = PARTS[part].measured(some)[0]
        assert (found.value, found.n, found.note) == (0.5, 1, "1 of 2 runs diverged")
        none = PARTS[part].measured(of_runs(run, ("diverged", 9.0)))
        assert [(m.value, m.n, m.note) for m in none] == [(None, 0, "1 of 1 runs diverged")]


def test_a_model_whose_outputs_overflow_has_no_memory_function_and_the_card_says_why():
    (run, *_) = measurements.model_runs("smoke", ["memory"], model="mamba")
    over = {"ages": [1, 20], "memory": None, "reason": "it overflows"}
    records = of_runs(run, ("done", 1.0), untrained=over, trained=over)
    error, *curves = PARTS["memory"].measured(records)
    assert error.value == 0.5
    assert [(m.value, m.note) for m in curves] == 2 * [(None, "it overflows")]


@pytest.mark.needs_torch
def test_the_memory_of_an_unstable_model_is_told_and_not_raised():
    import torch

    (run, *_) = measurements.model_runs("smoke", ["memory"], model="mamba")
    doubled = torch.nn.Linear(1, 1).double()

    class Growing(torch.nn.Module):
        def forward(self, x):
            return doubled(x) * torch.exp(torch.arange(x.shape[1]).double() ** 2)[:, None]

    found = replace(run.part, horizon=60)._function(Growing())
    assert found["memory"] is None
    assert "overflows" in found["reason"]


@pytest.mark.needs_torch
def test_every_baseline_has_a_name_and_settings():
    for name in baselines.BASELINES:
        assert baselines.settings(name, 8).build(8)
    assert set(baselines.NAMES) == {*baselines.BASELINES, *baselines.FEATURES}


@pytest.mark.needs_torch
def test_a_linear_cde_has_a_matrix_for_each_token_and_solves_its_equation_otherwise():
    of_tokens = baselines.settings("linear_cde", 8, tokens=True)
    assert (of_tokens.transition, of_tokens.initial) == ("direct", "orthogonal")
    assert baselines.settings("linear_cde", 8).transition == "exponential"

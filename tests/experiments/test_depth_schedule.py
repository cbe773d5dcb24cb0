"""A search over depths goes on from what it found, round by round."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from experiments.a5 import sequence_models
from experiments.a5.depth_schedule import due
from experiments.a5.sequence_models import SequenceModelRun

LENGTHS, DEPTHS = (3, 4, 5, 6), (1, 2, 3)


def searched(least: dict[int, int], seed: int = 0) -> list[tuple[int, int]]:
    """Order of what is tried if words of each length need this depth."""
    runs = [
        SequenceModelRun(length=length, depth=depth, seed=seed)
        for depth in DEPTHS
        for length in LENGTHS
    ]
    passed: dict[SequenceModelRun, bool] = {}
    tried = []
    while todo := due(runs, passed):
        (run,) = todo
        passed[run] = run.depth >= least[run.length]
        tried.append((run.length, run.depth))
    return tried


def test_a_depth_that_failed_is_not_tried_on_longer_words():
    assert searched({3: 1, 4: 2, 5: 2, 6: 3}) == [(3, 1), (4, 1), (4, 2), (5, 2), (6, 2), (6, 3)]


def test_a_depth_that_failed_stays_out_where_shorter_words_would_have_passed_by_luck():
    assert searched({3: 2, 4: 1, 5: 2, 6: 2}) == [(3, 1), (3, 2), (4, 2), (5, 2), (6, 2)]


def test_the_search_ends_where_every_depth_has_failed():
    assert searched({3: 1, 4: 4, 5: 1, 6: 1}) == [(3, 1), (4, 1), (4, 2), (4, 3)]


def test_models_and_seeds_search_by_themselves():
    runs = sequence_models.runs("paper")
    first = sequence_models.due("paper", runs, {})
    assert {(run.length, run.depth) for run in first} == {(3, 1)}
    assert len(first) == len({(run.model, run.seed) for run in runs}) == len(set(first))
    quick = sequence_models.runs("quick")
    assert sequence_models.due("quick", quick, {}) == quick


STUDY = textwrap.dedent(
    '''
    """Halve an interval until it is short: what to try next depends on what was found."""

    from dataclasses import dataclass

    from experiments.run import Run

    VERSION, PRESETS, DEFAULT_PRESET = 1, ("all",), "all"


    @dataclass(frozen=True, kw_only=True)
    class Guess(Run):
        number: int = 0


    def runs(preset):
        return [Guess(number=n) for n in range(16)]


    def due(preset, runs, held):
        low, high = 0, 15
        while low < high:
            middle = (low + high) // 2
            if Guess(number=middle) not in held:
                return [Guess(number=middle)]
            if held[Guess(number=middle)].notes["too_small"]:
                low = middle + 1
            else:
                high = middle
        return []


    def execute(run, recorder):
        if run.number == WRONG:
            raise RuntimeError("no answer")
        recorder.note(too_small=run.number < 11)
    '''
)


def guessed(results: Path) -> set[int]:
    notes = (results / "bisect_study").glob("*/notes.json")
    return {json.loads((n.parent / "run.json").read_text())["run"]["number"] for n in notes}


def test_a_study_says_round_by_round_what_is_due(tmp_path, start):
    study = tmp_path / "bisect_study.py"
    study.write_text(STUDY.replace("WRONG", "-1"))
    command = ("-m", "experiments", "run", str(study), "--results", str(tmp_path / "results"))
    first = start(*command)
    out, _ = first.communicate(timeout=120)
    assert first.returncode == 0, out
    assert guessed(tmp_path / "results") == {7, 11, 9, 10}
    again = start(*command)
    out, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "4 already finished" in out
    assert out.count("4 done") == 1


def test_a_run_that_fails_ends_the_rounds_instead_of_being_tried_for_ever(tmp_path, start):
    study = tmp_path / "bisect_study.py"
    study.write_text(STUDY.replace("WRONG", "11"))
    command = start("-m", "experiments", "run", str(study), "--results", str(tmp_path / "results"))
    out, _ = command.communicate(timeout=120)
    assert command.returncode == 1
    assert "no answer" in out
    assert guessed(tmp_path / "results") == {7}

"""A mixer from a file outside the repository, on the benches of the studies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import guest as guests
from experiments import study as studies
from experiments.__main__ import main
from experiments.exit_code import ConfigError
from experiments.guest import Guest
from experiments.record import find
from seqtheory.plain import described

FILE = Path(__file__).parent / "guests" / "gated_recurrence.py"
MIXER = f"{FILE}:GatedRecurrence"
BENCHES = {
    "tracking.sequence_models": "tracking",
    "a5.sequence_models": "a5",
    "toy.sequence_models": "toy",
    "lra.sequence_models": "lra",
    "memory.memory_functions": "memory",
}


def test_a_file_of_at_most_40_lines_is_enough() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(text[: text.index("class Narrow")].strip().splitlines()) <= 40


def test_the_benches_are_those_that_are_tested() -> None:
    assert {n for n in studies.names() if studies.load(n).takes_guests} == set(BENCHES)


@pytest.mark.slow
@pytest.mark.needs_torch
@pytest.mark.parametrize("name", BENCHES)
def test_a_guest_goes_through_a_study(name: str, tmp_path: Path, capsys) -> None:
    common = ("--preset", "smoke", "--mixer", MIXER, "--results", str(tmp_path))
    assert main(["run", name, "--workers", "1", *common]) == 0
    study = studies.load(name)
    runs = study.bench(MIXER, "smoke")
    assert [r.status for r in find(study.name, study.version, runs, [tmp_path])] == [
        "done" for _ in runs
    ]
    for command in ("table", "plot"):
        assert main([command, BENCHES[name], *common]) == 0
    assert "GatedRecurrence" in (tmp_path / BENCHES[name] / "table.md").read_text("utf-8")
    capsys.readouterr()


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_is_a_preset_with_the_guest_in_place_of_one_model(name: str) -> None:
    study = studies.load(name)
    for preset in study.module.PRESETS:
        runs = study.bench(MIXER, preset)
        assert runs
        assert len({study.hash(run) for run in runs}) == len(runs)
        for run in runs:
            assert guests.model_name(run) == "GatedRecurrence"
            assert study.heard(json.loads(json.dumps(described(run)))) == run


def test_a_guest_is_known_by_what_its_file_says(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    places = [tmp_path / "one.py", tmp_path / "two.py", tmp_path / "three.py"]
    for place, said in zip(places, (text, text + "# more\n", text + "more = 1\n"), strict=True):
        place.write_text(said, encoding="utf-8")
    one, two, three = (guests.found(f"{place}:GatedRecurrence") for place in places)
    assert one == two == guests.found(MIXER)
    assert one != three


def test_a_file_that_was_edited_since_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "edited.py"
    place.write_text("def mixer(width): ...\n", encoding="utf-8")
    found = guests.found(f"{place}:mixer")
    place.write_text("def mixer(width): return width\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="not the one that the run was made from"):
        guests.imported(found)
    with pytest.raises(ConfigError, match="not the one that the run was made from"):
        guests.imported(Guest(name="mixer", source="0" * 16))


@pytest.mark.parametrize(
    ("mixer", "said"),
    [
        ("mine.py", "expected FILE:NAME"),
        ("nothing.py:Mixer", "there is no file"),
        (f"{FILE}:GatedRecurence", "did you mean 'GatedRecurrence'"),
        (f"{Path(__file__).parent / 'preset_hashes.json'}:x", "unknown mixer"),
    ],
)
def test_what_is_no_guest_is_a_sentence_and_exit_2(mixer: str, said: str, capsys) -> None:
    assert main(["run", "a5.sequence_models", "--preset", "smoke", "--mixer", mixer]) == 2
    assert said in capsys.readouterr().err


def test_a_study_without_a_bench_says_so(capsys) -> None:
    assert main(["run", "toy.linear_cde", "--preset", "smoke", "--mixer", MIXER]) == 2
    assert "takes no guests" in capsys.readouterr().err


@pytest.mark.needs_torch
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Narrow", r"maps \(2, 3, 8\) to \(2, 3, 7\)"),
        ("Greedy", "made from its width alone"),
        ("number", r"is a int, expected a torch\.nn\.Module"),
        ("constant", "failed"),
    ],
)
def test_what_is_no_mixer_is_told_when_it_is_built(name: str, said: str) -> None:
    import seq_torch

    config = guests.guest_mixer(seq_torch, guests.found(f"{FILE}:{name}"))
    with pytest.raises(ValueError, match=said):
        config.build(8)


@pytest.mark.needs_torch
def test_a_guest_may_be_a_config_of_the_house(tmp_path: Path) -> None:
    import seq_torch

    place = tmp_path / "house_config.py"
    place.write_text("from seq_torch import LRUConfig\n", encoding="utf-8")
    assert (
        guests.guest_mixer(seq_torch, guests.found(f"{place}:LRUConfig")) == seq_torch.LRUConfig()
    )


def test_a_model_and_a_guest_agree() -> None:
    from experiments.a5.sequence_models import SequenceModelRun

    with pytest.raises(ValueError, match="beside a guest"):
        SequenceModelRun(model="mamba", guest=Guest(name="x", source="0"))
    with pytest.raises(ValueError, match="expected one of"):
        SequenceModelRun(model="guest")

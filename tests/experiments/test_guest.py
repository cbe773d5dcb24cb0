"""A mixer from a file outside the repository, on the benches of the studies."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from experiments import guest as guests
from experiments import study as studies
from experiments.__main__ import main
from experiments.engine.job import install_hint
from experiments.exit_code import ENVIRONMENT, ConfigError
from experiments.guest import Guest
from experiments.record import find
from experiments.store import source
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
    taking = {n for n in studies.names() if studies.load(n).takes_guests}
    assert taking == {*BENCHES, "bench.measurements"}  # the last has a test of its own: test_bench


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


@pytest.fixture
def guest_folder(tmp_path: Path, monkeypatch):
    """A folder in which files are written, and forgotten with all that they were imported as."""
    monkeypatch.setattr(guests.guest_file, "_modules", {})
    monkeypatch.setattr(guests.guest_file, "_theirs", set())
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)

    def write(name: str, text: str) -> Path:
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def test_the_digest_of_a_file_without_neighbours_is_that_of_its_own_tree() -> None:
    own = source.code_digest(FILE.read_bytes())
    assert guests.found(MIXER).source == own[:16]


@pytest.mark.parametrize(
    ("line", "neighbour"),
    [
        ("import gates", "gates.py"),
        ("from gates import soft", "gates.py"),
        ("from parts import gates", "parts/gates.py"),
        ("import parts.gates as g", "parts/gates.py"),
        ("def mixer(width):\n    import gates", "gates.py"),
        ("from parts import soft", "parts/__init__.py"),
        ("from one import two", "gates.py"),
        ("from one import three", "deep/gates.py"),
    ],
)
def test_a_guest_is_known_by_what_it_imports_beside_it(line, neighbour, guest_folder) -> None:
    place = guest_folder("guest_with_neighbours.py", f"import math\n{line}\nmixer = 1\n")
    guest_folder("one.py", "import gates\nfrom deep import four\n")
    guest_folder("deep/four.py", "from .gates import soft\n")
    guest_folder("unrelated.py", "soft = 1\n")
    guest_folder(neighbour, '"""Prose."""\nsoft = 1\n')
    before = guests.found(f"{place}:mixer")
    guest_folder("unrelated.py", "soft = 2\n")
    guest_folder(neighbour, '"""Other prose."""\nsoft = 1  # and a comment\n')
    assert guests.found(f"{place}:mixer") == before
    guest_folder(neighbour, "soft = 2\n")
    assert guests.found(f"{place}:mixer") != before


def test_a_guest_that_was_edited_is_imported_anew_with_its_neighbours(guest_folder) -> None:
    place = guest_folder("edited_guest.py", "from gate_a import soft\nmixer = soft\n")
    guest_folder("gate_a.py", "soft = 1\n")
    first = guests.found(f"{place}:mixer")
    assert guests.imported(first) == guests.imported(first) == 1
    guest_folder("gate_a.py", "soft = 22\n")
    assert guests.imported(guests.found(f"{place}:mixer")) == 22
    with pytest.raises(ConfigError, match="not the one"):
        guests.imported(first)


def test_two_guests_of_one_name_have_neighbours_of_one_name(guest_folder) -> None:
    for folder in ("a", "b"):
        guest_folder(f"{folder}/gate_b.py", f"soft = {folder!r}\n")
        place = guest_folder(f"{folder}/same_guest.py", "from gate_b import soft\nmixer = soft\n")
        assert guests.imported(guests.found(f"{place}:mixer")) == folder


def test_a_neighbour_may_be_imported_late(guest_folder) -> None:
    place = guest_folder(
        "late_guest.py", "def mixer():\n    from gate_c import soft\n    return soft\n"
    )
    guest_folder("gate_c.py", "soft = 3\n")
    assert guests.imported(guests.found(f"{place}:mixer"))() == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "import math\nx = 1 / 0\nmixer = 1\n",
            r"ZeroDivisionError: .*\(bad_guest.py:2 in <module>",
        ),
        (
            "import not_there_at_all as mixer\nfrom math import mixer\n",
            "uv run --with not-there-at",
        ),
        ("import fla.layers\nfrom fla import mixer\n", "uv run --with flash-linear-attention"),
        ("from math import mixer\n", r"cannot import name 'mixer'.*bad_guest.py:1"),
        ("from gate_d import mixer\n", r"bad_guest.py:1 in <module>, gate_d.py:2 in <module>: y ="),
        ("import sys\nmixer = sys.exit(3)\n", r"called sys.exit\(3\)"),
        ("from gate_e import mixer\n", "gate_e.py:1"),
        ("from math import *\nmixes = 1\n", "did you mean 'mixes'"),
    ],
)
def test_what_does_not_import_is_told_in_a_line(text, said, guest_folder) -> None:
    place = guest_folder("bad_guest.py", text)
    guest_folder("gate_d.py", "x = {}\ny = x['mixer']\n")
    guest_folder("gate_e.py", "mixer = = 1\n")
    with pytest.raises(ConfigError, match=said) as refused:
        guests.imported(guests.found(f"{place}:mixer"))
    assert "\n" not in str(refused.value)


def test_a_missing_package_is_a_fault_of_the_environment(guest_folder) -> None:
    place = guest_folder("poor_guest.py", "import not_there_at_all\nmixer = 1\n")
    with pytest.raises(ImportError) as refused:
        guests.imported(guests.found(f"{place}:mixer"))
    assert refused.value.exit_code == ENVIRONMENT
    assert install_hint(refused.value) == str(refused.value)


def test_a_file_that_would_hide_a_module_is_refused(guest_folder) -> None:
    place = guest_folder("json.py", "mixer = 1\n")
    with pytest.raises(ConfigError, match="rename the file"):
        guests.imported(guests.found(f"{place}:mixer"))
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    "line",
    [
        "mixer: int = 1",
        "try:\n    from nowhere import mixer\nexcept ImportError:\n    mixer = 1",
        "if True:\n    mixer = 1",
    ],
)
def test_a_name_may_be_given_in_any_statement(line, guest_folder) -> None:
    place = guest_folder("spelled_guest.py", f"{line}\n")
    assert guests.imported(guests.found(f"{place}:mixer")) == 1


@pytest.mark.needs_torch
def test_settings_of_the_house_may_be_given_with_their_values(guest_folder) -> None:
    import seq_torch

    place = guest_folder(
        "settings_guest.py",
        "import seq_torch as st\n"
        "small = st.LRUConfig(state_dim=3)\n"
        "bare = st.ModuleConfig\n"
        "from torch.nn import Linear\n"
        "made = Linear(8, 8)\n",
    )
    small = guests.guest_mixer(seq_torch, guests.found(f"{place}:small"))
    assert small == seq_torch.LRUConfig(state_dim=3)
    with pytest.raises(ConfigError, match="name some that have all their values"):
        guests.guest_mixer(seq_torch, guests.found(f"{place}:bare"))
    with pytest.raises(ValueError, match="got a Linear that is made already"):
        guests.guest_mixer(seq_torch, guests.found(f"{place}:made")).build(8)


def test_a_model_and_a_guest_agree() -> None:
    from experiments.a5.sequence_models import SequenceModelRun

    with pytest.raises(ValueError, match="beside a guest"):
        SequenceModelRun(model="mamba", guest=Guest(name="x", source="0"))
    with pytest.raises(ValueError, match="expected one of"):
        SequenceModelRun(model="guest")

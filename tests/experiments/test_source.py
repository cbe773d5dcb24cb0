"""What a record was made from: the code that ran, the versions and threads, the files it read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.a5.words import WordsRun, fit_data
from experiments.commands.loader import Loader
from experiments.selection import Selection
from experiments.store import inputs, source
from experiments.store.source import Source
from experiments.study import ROOT
from seqtheory import word_csv
from seqtheory.tasks import GroupWords

CODE = '"""Prose."""\n\ndef value():\n    """More prose."""\n    return {}  # a comment\n'


def code_of(folder: Path, name: str = "study.py") -> str:
    return Source(folder / "study.py").differences(
        {"code": {f"study/{name}": "0" * 64}, "environment": {}, "data": {}}
    )[0]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (CODE.replace("prose", "words").replace("comment", "remark").format(1), True),
        (CODE.replace("\n\n", "\n\n\n").format("(1)"), True),
        (CODE.replace('    """More prose."""\n', "").format(1), True),
        (CODE.format(2), False),
        (CODE.format("'More prose.'"), False),
        (CODE.format(1) + "def", False),
    ],
)
def test_prose_and_layout_are_not_digested_but_code_is(tmp_path, text, same):
    (tmp_path / "study.py").write_text(CODE.format(1))
    before = code_of(tmp_path)
    (tmp_path / "study.py").write_text(text)
    assert (code_of(tmp_path) == before) == same


def test_the_code_that_trains_counts_and_what_carries_runs_does_not():
    code = (
        "import json, sys; from pathlib import Path\n"
        "import experiments.engine.worker, experiments.engine.ray_task\n"
        "import experiments.store.source as source, experiments.report.curve\n"
        "import experiments.fitting, experiments.data, experiments.toy.trained\n"
        "print(json.dumps(source.Source(Path(sys.argv[1])).used()))\n"
    )
    study = ROOT / "toy" / "linear_cde.py"
    out = subprocess.run([sys.executable, "-c", code, str(study)], capture_output=True, check=True)
    used = json.loads(out.stdout)
    own = {name for name in used["code"] if name.startswith("experiments/")}
    assert {
        "experiments/fitting.py",
        "experiments/report/curve.py",
        "experiments/data/idx.py",
    } < own
    assert "experiments/toy/trained.py" in own
    carriers = ("engine/worker", "recorder", "store/sinks", "engine/job", "engine/__init__")
    assert not own & {f"experiments/{name}.py" for name in carriers}
    assert used["environment"]["numpy"] == np.__version__
    assert "torch" not in used["environment"]  # not imported: it made no number


def test_a_module_below_the_study_counts_and_an_environment_there_does_not(tmp_path, monkeypatch):
    files = {"study.py": tmp_path, "study_parts/layer.py": tmp_path}
    files["site-packages/library.py"] = tmp_path
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("VALUE = 1\n")
    names = ("study_parts.layer", "study_parts", "library")
    __import__("study_parts.layer")
    __import__("library")
    try:
        used = Source(tmp_path / "study.py").used()["code"]
    finally:
        for name in names:
            sys.modules.pop(name)
    assert [name for name in used if name.startswith("study/")] == ["study/study_parts/layer.py"]


def test_one_process_records_the_code_that_it_runs_and_not_a_later_edit(tmp_path, monkeypatch):
    """Its modules stay imported from run to run; what was not imported yet is read anew."""
    monkeypatch.syspath_prepend(str(tmp_path))
    parts = [tmp_path / f"part_{name}.py" for name in "ab"]

    def code() -> dict[str, str]:
        used = Source(tmp_path / "study.py").used()["code"]
        return {name: digest for name, digest in used.items() if name.startswith("study/part")}

    def write(value: int) -> None:
        for path in parts:
            path.write_text(f"VALUE = {value}\n")

    try:
        write(1)
        __import__("part_a")
        first = code()
        write(2)
        assert code() == first
        __import__("part_b")
        assert code()["study/part_a.py"] != code()["study/part_b.py"]
        assert code()["study/part_a.py"] == first["study/part_a.py"]
        sys.modules.pop("part_a")
        __import__("part_a")
        assert code()["study/part_a.py"] == code()["study/part_b.py"]
    finally:
        for path in parts:
            sys.modules.pop(path.stem, None)


def test_folders_that_hold_no_module_are_not_searched(tmp_path):
    for name in ("package/part", "package/a.record", "package/0123"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "module.py").touch()
    assert [name for name, _ in source._files("package", tmp_path / "package")] == [
        "package/part/module.py"
    ]


def test_records_of_an_older_form_are_neither_stale_nor_fresh(capsys, tmp_path):
    load = Loader(ROOT / "a5", Selection(study="a5.linear_cde", results=tmp_path))
    held = load("quick")[0]
    assert "source" in held.provenance
    assert held.origin is None
    assert source.stale(held, ROOT / "a5" / "linear_cde.py") is None
    said = capsys.readouterr().err
    assert "18 records from" in said
    assert "made at commit 166620e9" in said
    assert "stale" not in said
    assert "older form" not in said


def test_word_files_are_on_record_by_their_contents(tmp_path):
    for length in (2, 3):
        words = GroupWords(group="A5", length=length, num_words=200).build(seed=0)
        word_csv.write(tmp_path / f"A5={length}.csv", words.inputs, words.targets, seed=0)
    run = WordsRun(length=3, num_words=200, words=str(tmp_path))
    with inputs.collected() as found:
        fit_data(run)
    assert {Path(name).name for name in found} == {"A5=2.csv", "A5=3.csv"}


def test_paths_on_record_name_no_person(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "alice"))
    monkeypatch.setenv("SEQTHEORY_DATA", str(tmp_path / "data"))
    for path, name in (
        (tmp_path / "alice" / "w.csv", "~/w.csv"),
        (tmp_path / "data" / "m" / "x.gz", "$SEQTHEORY_DATA/m/x.gz"),
        (tmp_path / "other.csv", str(tmp_path / "other.csv")),
    ):
        assert inputs.spelt(path) == name
        assert inputs.meant(name) == path

"""Models that come with the package: they load, and a damaged file or a wrong name is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from seq_torch import CheckpointError, pretrained
from seqtheory.plain import described
from seqtheory.representation import representation

NAMES = pretrained.names()


def test_there_are_at_least_twenty():
    assert len(NAMES) >= 20
    assert {"a5/blocks-4", "parity/mamba", "memory/s4d"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_built_by_the_settings_of_its_card(name):
    model, card = pretrained.load(name)
    assert card == pretrained.card(name)
    assert card["name"] == name
    assert described(model.config) == card["settings"]
    assert not model.training
    assert sum(p.numel() for p in model.parameters()) == card["parameters"]
    assert card["shows"]
    assert card["licence"] == "Apache-2.0"
    assert card["record"]["commit"]


def test_four_blocks_multiply_words_of_sixteen_letters():
    group = representation("A5").group
    words = np.random.default_rng(3).integers(60, size=(20, 16))
    with torch.no_grad():
        found = pretrained.load("a5/blocks-4").model(torch.from_numpy(words)).argmax(-1).numpy()
    assert (found == group.running_products(words)).all()


def test_a_name_that_there_is_not_is_told_the_nearest():
    with pytest.raises(ValueError, match=r"no pretrained model 'a5/block-4'; did you mean 'a5/blo"):
        pretrained.load("a5/block-4")
    with pytest.raises(ValueError, match=r"no pretrained model '\?'; seq_torch.pretrained.names"):
        pretrained.card("?")
    with pytest.raises(ValueError, match="no pretrained model"):
        pretrained.load("../files/parity/rnn")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the models, to be damaged."""
    shutil.copytree(pretrained._FILES, tmp_path / "files")
    monkeypatch.setattr(pretrained, "_FILES", tmp_path / "files")
    return tmp_path / "files"


@pytest.mark.parametrize("name", ["parity/rnn", "a5/blocks-2"])
@pytest.mark.parametrize("damage", ["a byte", "cut", "gone", "card"])
def test_a_damaged_file_is_named(copied, name, damage):
    file = (copied / name).with_name(pretrained.card(name)["file"])
    content = bytearray(file.read_bytes())
    if damage == "a byte":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        file.unlink()
    else:
        file = copied / f"{name}.json"
        file.write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match=rf"{file.name} .*Install the package again"):
        pretrained.load(name)


@pytest.mark.parametrize("said", ["[]", "{}", '{"file": 1, "sha256": ""}', "\\udcff"])
def test_a_card_without_its_file_is_named(copied, said):
    path = copied / "parity" / "rnn.json"
    path.write_text(said, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"rnn.json is no card"):
        pretrained.card("parity/rnn")


def test_a_card_of_another_file_is_refused(copied):
    path = copied / "parity" / "rnn.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(card | {"sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="its SHA-256 differs"):
        pretrained.load("parity/rnn")

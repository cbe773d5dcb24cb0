"""Models on disk: what a damaged, foreign or unexpected file says."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import seq_torch as st


@pytest.fixture
def model(configured):
    return configured(st.S5Config(state_dim=4)).build(0)


@pytest.fixture
def path(model, tmp_path):
    st.save(model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def rewritten(path, change_tensors=lambda t: t, change_config=lambda c: c, **metadata):
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found = file.metadata()
    config = change_config(json.loads(found["config"]))
    found |= {"config": json.dumps(config)} | metadata
    save_file(change_tensors(tensors), path, metadata=found)
    return path


def changed(config, key, value):
    config["mixer"][key] = value
    return config


def test_a_truncated_file_says_so(path):
    whole = path.read_bytes()
    for size in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(st.CheckpointError, match="not a complete safetensors file"):
            st.load(path)


def test_a_foreign_file_says_so(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(st.CheckpointError, match="but not a model: its metadata"):
        st.load(path)
    path.write_bytes(b"\x80\x05K\x01." * 100)
    with pytest.raises(st.CheckpointError, match="not a complete safetensors file"):
        st.load(path)


def test_a_missing_file_is_an_os_error(tmp_path, model):
    with pytest.raises(FileNotFoundError):
        st.load(tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError):
        st.save(model, tmp_path / "none" / "model.safetensors")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (st.S5Config(state_dim=6), r"config\.mixer\.state_dim is 4, expected 6"),
        (
            st.S5Config(state_dim=4, dt_min=1e-4),
            r"config\.mixer\.dt_min is 0\.001, expected 0\.0001",
        ),
        (st.LRUConfig(state_dim=4), r"config\.mixer is S5Config\(.*expected LRUConfig\("),
    ],
)
def test_another_config_than_expected_is_named(path, configured, other, said):
    with pytest.raises(st.CheckpointError, match=said):
        st.load(path, expected=configured(other))


def test_another_width_than_expected_is_named(path, configured):
    with pytest.raises(st.CheckpointError, match=r"config\.width is 8, expected 9"):
        st.load(path, expected=configured(st.S5Config(state_dim=4), width=9))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: {n: v for n, v in t.items() if n != "readout.bias"}, "lacks tensor 'readout.b"),
        (lambda t: t | {"extra": torch.zeros(2)}, "has an unknown tensor 'extra'"),
        (lambda t: t | {"readout.bias": torch.zeros(4)}, r"'readout\.bias' is .*\(4,\).*\(3,\)"),
        (lambda t: t | {"readout.bias": torch.zeros(3, dtype=torch.int64)}, r"torch\.int64"),
    ],
)
def test_wrong_tensors_are_named(path, change, said):
    with pytest.raises(st.CheckpointError, match=said):
        st.load(rewritten(path, change))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("type", "S6Config", "type 'S6Config', of which 0 are imported"),
        ("type", "TokenInput", "type 'TokenInput', of which 0 are imported"),
        ("blocks", 3, "state_dim=4 cannot be cut into 3 equal blocks"),
        ("sate_dim", 5, "has no field 'sate_dim'"),
        ("state_dim", "4", "config.mixer.state_dim: got '4', expected int"),
    ],
)
def test_a_config_that_cannot_be_built_says_why(path, key, value, said):
    with pytest.raises(st.CheckpointError, match=said):
        st.load(rewritten(path, change_config=lambda config: changed(config, key, value)))


@pytest.mark.parametrize("config", ["{", "[]", "3", "null", '{"type": "S5Config"}', "{}"])
def test_a_config_of_another_kind_says_so(path, config):
    with pytest.raises(st.CheckpointError, match="holds no valid config"):
        st.load(rewritten(path, config=config))


def test_a_failed_save_leaves_the_old_file(path, model, monkeypatch):
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        st.save(model, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_equal_models_have_equal_files(path, model):
    first = path.read_bytes()
    for _ in range(9):  # unsorted, metadata of two names stand in either order
        st.save(model, path)
        assert path.read_bytes() == first


def test_a_saved_file_has_ordinary_permissions(path):
    ordinary = path.with_name("ordinary")
    ordinary.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


def test_only_a_model_with_its_config_is_saved(tmp_path):
    with pytest.raises(TypeError, match="got a Linear, expected a SequenceModel"):
        st.save(torch.nn.Linear(2, 2), tmp_path / "x.safetensors")


def test_loaded_tensors_are_aligned_and_independent_of_the_file(configured, tmp_path, tokens):
    # The state of five numbers puts the tensors behind it at odd places of the file.
    model = configured(st.SelectiveDiagonalConfig(state_dim=5)).build(0)
    st.save(model, tmp_path / "model.safetensors")
    again = st.load(tmp_path / "model.safetensors")
    assert {value.data_ptr() % 16 for value in again.state_dict().values()} == {0}
    with (tmp_path / "model.safetensors").open("r+b") as file:
        file.write(bytes((tmp_path / "model.safetensors").stat().st_size))
    assert torch.equal(again(tokens), model(tokens))


def without(config, *names):
    return config | {"mixer": {k: v for k, v in config["mixer"].items() if k not in names}}


@pytest.mark.parametrize("kind", [st.DeltaNetConfig, st.GatedDeltaNetConfig, st.DeltaProductConfig])
def test_a_delta_rule_of_an_older_file_normalises_and_reads_as_it_did(
    kind, configured, tmp_path, tokens
):
    old = kind(heads=2, key_dim=4, value_dim=3, normalisation="exact", read_scale=1.0)
    model = configured(old).build(0)
    st.save(model, tmp_path / "model.safetensors")
    added = ("normalisation", "read_scale")
    again = st.load(
        rewritten(tmp_path / "model.safetensors", change_config=lambda c: without(c, *added))
    )
    assert again.config.mixer == old
    assert torch.equal(again(tokens), model(tokens))


def test_mamba_of_an_older_file_has_the_step_rank_it_had(configured, tmp_path, tokens):
    model = configured(st.MambaConfig(state_dim=2, step_rank="inner"), width=20).build(0)
    st.save(model, tmp_path / "model.safetensors")
    path = rewritten(
        tmp_path / "model.safetensors", change_config=lambda c: changed(c, "step_rank", None)
    )
    again = st.load(path)
    assert again.config == model.config
    assert torch.equal(again(tokens), model(tokens))


@dataclass(frozen=True, kw_only=True)
class HalvingConfig(st.MixerConfig):
    """A mixer from outside the package."""

    structure: st.Dense | st.BlockDiagonal

    def build(self, width):
        return torch.nn.Linear(width, width)


def test_a_mixer_of_ones_own_comes_back(configured, tmp_path, tokens):
    own = HalvingConfig(structure=st.BlockDiagonal(block_size=2))
    model = configured(own).build(0)
    st.save(model, tmp_path / "own.safetensors")
    again = st.load(tmp_path / "own.safetensors", expected=model.config)
    assert torch.equal(again(tokens), model(tokens))


@pytest.mark.parametrize(("key", "size"), [("width", 10**9), ("depth", 10**9), ("depth", 900)])
def test_a_small_file_asks_for_no_large_model(path, key, size):
    with pytest.raises(st.CheckpointError, match=r"too large for a file|too few for its config"):
        st.load(rewritten(path, change_config=lambda config: config | {key: size}))


def test_shapes_are_compared_before_memory_is_taken(path, monkeypatch):
    monkeypatch.setattr(st.SequenceModelConfig, "build", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(st.CheckpointError, match="its config asks for"):
        st.load(rewritten(path, change_config=lambda config: config | {"width": 1000}))


def test_a_state_beyond_the_file_is_refused(path):
    with pytest.raises(st.CheckpointError, match=r"config\.mixer\.state_dim is 1000000000"):
        st.load(rewritten(path, change_config=lambda c: changed(c, "state_dim", 10**9)))


def test_nesting_without_end_and_pipes_are_refused(path, tmp_path):
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    save_file(tensors, path, metadata={"format": "seq_torch.model.1", "config": deep})
    with pytest.raises(st.CheckpointError, match="no valid config"):
        st.load(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(st.CheckpointError, match="not a regular file"):
        st.load(tmp_path / "pipe")


def test_tied_and_renamed_tensors_are_not_written(configured, tmp_path):
    model = configured(st.S5Config(state_dim=4), output=st.StepOutput(size=7)).build(0)
    model.readout.weight = model.embedding.table
    with pytest.raises(ValueError, match=r"embedding\.table and readout\.weight are one tensor"):
        st.save(model, tmp_path / "tied")
    model = configured(st.S5Config(state_dim=4)).build(0)
    model.layers[0] = torch.compile(model.layers[0], backend="eager")
    with pytest.raises(ValueError, match=r"layers\.0 is compiled"):
        st.save(model, tmp_path / "compiled")
    assert not list(tmp_path.iterdir())

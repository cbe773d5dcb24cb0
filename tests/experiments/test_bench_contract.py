"""What `check` sees of a model: ten planted faults, others, and that sound models have none."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

from experiments.bench import check
from experiments.bench.contract import POINTS, Contract
from experiments.exit_code import ConfigError

pytestmark = pytest.mark.needs_torch

GUESTS = Path(__file__).parent / "guests"
ZOO = Path(__file__).parents[1] / "seq_torch" / "mixers" / "conftest.py"
AHEAD = {"theory", "tracking", "recall", "memory"}
TRAINED = {"tracking", "recall", "memory", "signature", "rates"}
EVERY = TRAINED | {"cost", "theory"}
PLANTED = {  # the point, what is seen there, what cannot be judged then, what it blocks
    "LeakFromTheFuture": (
        "causality",
        "depends on inputs from",
        {"training", "prefix", "step", "state"},
        AHEAD,
    ),
    "LeakBetweenRows": ("rows", "row 0 of 3 differs by", set(), TRAINED),
    "StateKept": ("calls", "a call after another input differs", set(), TRAINED),
    "WrongStep": ("step", "step 1 differs from the sequence|step 0 differs", set(), {"theory"}),
    "WrongGradient": ("gradients", "where differences say", set(), TRAINED),
    "DoubleInside": ("dtype", "float64 inside: `.*` of float32 and float64", set(), set()),
    "DropoutInEvaluation": (
        "determinism",
        "two calls on one input differ",
        {"rows", "prefix", "step", "saving"},
        TRAINED | {"theory"},
    ),
    "LengthLimit": (
        "length",
        "runs at 96 positions, and not at 192: .*planted.py:",
        {"finite"},
        {"tracking", "memory"},
    ),
    "GrowingState": ("state", "bytes after one position, .* the state grows", set(), {"theory"}),
    "NotANumberAtLength": ("finite", "not finite", set(), {"tracking", "memory"}),
}


def recurrences():
    """One mixer of each recurrence of the house: the others' options have a contract of their own.

    `tests/seq_torch/mixers/test_contract.py` asks every member for causality, rows, steps, masks,
    files, seeds and gradients.
    """
    if importlib.util.find_spec("seq_torch") is None:
        return {}
    spec = importlib.util.spec_from_file_location("zoo_of_seq_torch", ZOO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: module.MEMBERS[name] for name in module.RECURRENCES.values()}


def checked(name: str, file: str = "misfits") -> Contract:
    return check(f"{GUESTS / file}.py:{name}", width=8, length=12)


def points(contract: Contract, status: str) -> set[str]:
    return {found.point for found in contract.findings if found.status == status}


def test_a_sound_model_keeps_every_point():
    contract = checked("Sound", "planted")
    assert contract.passed
    assert points(contract, "ok") == {point.name for point in POINTS}
    assert contract.blocks == {}
    assert contract.numbers["parameters"] == 8 * 16 + 16
    assert contract.numbers["state_bytes"] == 32


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named_where_it_is_and_nowhere_else(name):
    point, seen, skipped, blocked = PLANTED[name]
    contract = checked(name, "planted")
    assert points(contract, "failed") == {point}, contract
    assert points(contract, "skipped") == skipped
    assert set(contract.blocks) == blocked
    found = contract.finding(point)
    assert re.search(seen, found.seen), found.seen
    assert found.advice
    assert not contract.passed


@pytest.mark.parametrize("name", recurrences())
def test_every_recurrence_of_the_house_keeps_the_contract(name):
    mixer = recurrences()[name]
    contract = check(mixer, width=8, length=8, times=4)
    assert contract.passed, contract
    assert set(contract.blocks) == (set() if mixer.causal else AHEAD)
    steps = mixer.causal and mixer.transition_class != "none"
    assert {"step", "state"} & points(contract, "ok") == ({"step", "state"} if steps else set())


def test_a_start_that_gives_zeros_is_compared_with_other_numbers():
    sizes = {"heads": 2, "key_dim": 4, "value_dim": 4}
    mixer = importlib.import_module("seq_torch").RWKV7Config(**sizes)
    contract = check(mixer, width=8, length=8, times=4)
    assert contract.passed, contract
    assert "gives zeros as drawn" in contract.finding("shape").seen


@pytest.mark.parametrize("name", ["lstm", "Convolution", "TupleOfTwo"])
def test_a_sound_layer_of_torch_keeps_the_contract(name):
    contract = checked(name)
    assert contract.passed, contract
    assert points(contract, "skipped") <= {"step", "state"}


@pytest.mark.parametrize(
    ("name", "point", "seen"),
    [
        ("Printing", "prints", "lines on standard output, the first: 'shape "),
        ("Starting", "threads", "leaves thread left, thread left"),
        ("Seeding", "globals", "seeds the global generator of torch"),
        ("SettingTypes", "globals", "default dtype: torch.float32 became torch.float64"),
        ("DrawnByNumPy", "determinism", "built from one seed of torch differ in map.weight"),
        ("Hidden", "saving", "differs from it by"),
        ("InPlace", "calls", "writes into its input"),
        ("WithoutGradient", "gradients", "have no gradient"),
        ("SeesAheadFromZero", "causality", "depends on inputs from"),
        ("SeesAheadInGradients", "causality", "gradient of position 0 reaches later ones"),
        ("SeesAheadAtAChunk", "causality", "output 63 of 192 depends on inputs from 64 on"),
        ("SeesAheadInTraining", "training", "depends on inputs from 1 on"),
        ("DividedByLength", "prefix", "the first 1 of 12 positions alone differ"),
        ("WrongPrefill", "step", "the step after prefill of 6 positions differs"),
        ("WritingStep", "step", "writes into the state that it is given"),
        ("Leaving", "shape", r"SystemExit: no \(misfits.py:\d+ in forward: sys.exit"),
        ("NeedsCUDA", "shape", "Expected a CUDA tensor"),
        ("Broken", "shape", r"RuntimeError: .*\(misfits.py:\d+ in forward: .*view\(3, 3\)\)"),
        ("Bounded", "finite", "not finite from position 0"),
        ("Normed", "training", "depends on inputs from"),
        ("Coarse", "dtype", "gives bfloat16 for float32; gives bfloat16 for float64, after"),
        ("Upcast", "dtype", r"float64 becomes less in `float`, after .double\(\)"),
        ("Complex", "dtype", "rotation is complex64 still, after"),
        ("Importing", "shape", "No module named 'not_there_at_all'"),
        ("two", "shape", "two wants width and depth"),
        ("lstm_of_other_axes", "rows", "differs by"),
    ],
)
def test_a_misfit_is_told_at_its_point(name, point, seen):
    contract = checked(name)
    found = contract.finding(point)
    assert found.status == "failed", contract
    assert re.search(seen, found.seen), found.seen
    assert found.advice


def test_what_fails_in_double_and_on_another_device_is_told_in_both():
    contract = checked("Unconverted")
    assert "after .double(): RuntimeError" in contract.finding("dtype").seen
    assert "misfits.py" in contract.finding("dtype").seen
    assert points(contract, "failed") <= {"dtype", "device"}
    assert points(checked("OnCPU"), "failed") == {"device"}


def test_a_model_that_needs_cuda_is_told_so():
    assert "device='cuda'" in checked("NeedsCUDA").finding("shape").advice
    assert set(checked("NeedsCUDA").blocks) == EVERY


def test_a_leak_in_training_mode_alone_blocks_nothing():
    assert checked("SeesAheadInTraining").blocks == {}


@pytest.mark.parametrize(
    "name", ["Coarse", "Upcast", "Complex", "DividedByLength", "Normed", "Hidden", "WritingStep"]
)
def test_a_fault_outside_the_ten_is_the_only_one_too(name):
    assert len(points(checked(name), "failed")) == 1


def test_a_missing_package_is_to_be_brought():
    assert "uv run --with not-there-at-all" in checked("Importing").finding("shape").advice


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # what its compiler imports
def test_a_compiled_model_is_checked_as_it_is_written():
    assert checked("Compiled", "compiled").passed


def test_what_is_meant_is_declared():
    ahead, rounded = checked("Declared"), checked("Rounded")
    assert ahead.passed
    assert set(ahead.blocks) == AHEAD
    assert "looks ahead" in ahead.blocks["tracking"]
    assert rounded.passed
    assert rounded.finding("gradients").status == "skipped"


def test_a_slow_model_is_not_waited_for():
    contract = check(f"{GUESTS / 'misfits.py'}:Slow", width=8, length=4, patience=0.5)
    assert "too slow" in contract.finding("length").seen
    assert contract.finding("speed").status == "failed"
    assert "a million tokens would take 1" in contract.finding("speed").seen
    assert contract.seconds(1000) > 1000 * 0.03 / 8


def test_the_process_is_left_as_it_was():
    import torch

    before = torch.get_default_dtype(), torch.get_rng_state()
    checked("SettingTypes")
    checked("Seeding")
    assert torch.get_default_dtype() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_threads_that_the_kernels_keep_are_not_the_models(monkeypatch):
    import torch

    threads = importlib.import_module("seq_torch.ops.glue.threads")
    threads._pool.cache_clear()
    monkeypatch.setattr(threads, "SMALL", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    contract = check(importlib.import_module("seq_torch").LRUConfig(), width=8, length=8, times=4)
    torch.set_num_threads(before)
    assert threads._pool.cache_info().currsize == 1, "no worker was started"
    assert contract.passed, contract


def test_a_contract_goes_through_json():
    contract = checked("GrowingState", "planted")
    plain = json.loads(json.dumps(contract.plain()))
    assert Contract.heard(plain) == contract
    assert plain["blocks"].keys() == {"theory"}
    assert not plain["passed"]


def test_a_contract_is_a_table_with_the_verdict_first():
    first, *lines = str(checked("WrongStep", "planted")).splitlines()
    assert first == "WrongStep breaks the contract at step (20 points)"
    assert len(lines) == 20 + 1 + 1
    assert lines[-1].startswith("  no theory: step: ")
    assert str(checked("lstm")).startswith("lstm keeps the contract: 18 of 20 points, 2 not judged")


def test_classes_functions_and_settings_are_models_too():
    from torch import nn

    import seq_torch

    def narrow(width):
        return nn.Linear(width, width - 1)

    assert "maps (2, 3, 8) to (2, 3, 7)" in check(narrow, width=8).finding("shape").seen
    contract = check(seq_torch.LRUConfig, width=8, length=8, times=2)
    assert (contract.model, contract.passed) == ("LRUConfig", True)
    local = check(lambda width: nn.Linear(width, width), width=8, length=8, times=2)
    assert points(local, "failed") == {"pickling"}
    made = check(nn.Linear(8, 8), width=8).finding("shape")
    assert "got a Linear that is made already" in made.seen
    with pytest.raises(ConfigError, match="did you mean 'WrongStep'"):
        checked("WrongStp", "planted")

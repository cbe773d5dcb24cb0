"""Packed sequences are each what it is alone: values, gradients, states; bad offsets are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from seq_torch import ops
from seq_torch.ops.delta import operator as delta_operator
from seq_torch.ops.generalised_delta import operator as generalised_operator
from seq_torch.ops.glue import packed, threads
from seq_torch.ops.outer import operator as outer_operator
from seq_torch.ops.selective import cuda as selective_cuda
from seq_torch.ops.selective import split

LENGTHS = (5, 0, 40, 1, 33, 70)  # shorter and longer than chunks, and none at all
HEADS, KEY, VALUE = 4, 5, 3


def offsets(lengths=LENGTHS, dtype=torch.int64) -> Tensor:
    return torch.tensor([0, *lengths]).cumsum(0).to(dtype)


def normal_of(seed: int, dtype: torch.dtype) -> Callable[..., Tensor]:
    double = torch.complex128 if dtype.is_complex else torch.float64
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=generator, dtype=double).to(dtype)


def delta_inputs(steps, sequences, *, factors=2, groups=HEADS, dtype=torch.float32):
    normal = normal_of(steps, dtype)
    return {
        "q": normal(1, groups, steps, KEY),
        "k": normalize(normal(1, groups, steps, factors, KEY), dim=-1),
        "v": normal(1, HEADS, steps, factors, VALUE),
        "beta": 2 * torch.sigmoid(normal(1, HEADS, steps, factors)),
        "log_decay": -normal(1, HEADS, steps).exp(),
        "initial": normal(sequences, HEADS, KEY, VALUE),
    }


def generalised_inputs(steps, sequences, *, groups=HEADS, dtype=torch.float32):
    normal = normal_of(steps, dtype)
    towards = normalize(normal(1, HEADS, steps, KEY), dim=-1)
    return {
        "q": normal(1, groups, steps, KEY),
        "k": normalize(normal(1, groups, steps, KEY), dim=-1),
        "v": normal(1, HEADS, steps, VALUE),
        "a": -towards,
        "b": towards * torch.sigmoid(normal(1, HEADS, steps, KEY)),
        "log_decay": -normal(1, HEADS, steps, KEY).exp(),
        "initial": normal(sequences, HEADS, KEY, VALUE),
    }


def outer_inputs(steps, sequences, *, factors=2, groups=HEADS, dtype=torch.float32, each=()):
    normal = normal_of(steps, dtype)
    return {
        "q": normal(1, groups, steps, KEY),
        "k": normal(1, groups, steps, factors, KEY),
        "v": normal(1, HEADS, steps, factors, VALUE),
        "decay": torch.tanh(2 * normal(1, HEADS, steps, *each)),
        "initial": normal(sequences, HEADS, KEY, VALUE),
    }


def channel_inputs(steps, sequences, **options):
    return outer_inputs(steps, sequences, each=(KEY,), **options)


def selective_inputs(
    steps, sequences, *, groups=2, dtype=torch.float32, kind=None, constant=None, gated=False
):
    kind, dim, state = dtype if kind is None else kind, 4, 3
    normal, numbers = normal_of(steps, dtype), normal_of(steps + 1, kind)
    inputs = {
        "u": normal(1, dim, steps),
        "delta": 0.3 * normal(1, dim, steps).abs(),
        "A": -normal(dim, state).abs() * (1 if dtype == kind else 1 + 2j),
        "B": numbers(1, groups, state, steps),
        "C": numbers(1, groups, state, steps),
        "D": normal(dim),
        "delta_bias": 0.1 * normal(dim).abs(),
        "initial_state": numbers(sequences, dim, state),
    }
    inputs |= {"z": normal(1, dim, steps)} if gated else {}
    return inputs if constant is None else inputs | {constant: numbers(dim, state)}


def selective(**given):
    return ops.selective_scan(**given, delta_softplus="z" in given)


@dataclass(frozen=True)
class Operation:
    """A scan, and where its inputs and outputs have time or sequences."""

    scan: Callable[..., Any]
    inputs: Callable[..., dict[str, Tensor]]
    backends: tuple[str, ...]
    state: str = "initial"
    time: int = 2
    shared: tuple[str, ...] = ()
    exact: bool = True

    def call(self, inputs, backend, cu_seqlens=None):
        return self.scan(**inputs, cu_seqlens=cu_seqlens, return_last_state=True, backend=backend)

    def apart(self, inputs, backend, ends):
        """Every sequence by itself; results as those of the packed row."""
        found = []
        for place, (begin, end) in enumerate(pairwise(ends)):
            own = {
                name: self.part(name, t, begin, end)
                for name, t in inputs.items()
                if name != self.state
            }
            if self.state in inputs:
                own[self.state] = inputs[self.state][place : place + 1]
            found.append(self.call(own, backend))
        outputs, states = zip(*found, strict=True)
        return torch.cat(outputs, self.time), torch.cat(states)

    def part(self, name, value, begin, end):
        return value if name in self.shared else value.narrow(self.time, begin, end - begin)

    def assert_same(self, got, expected):
        """Bit for bit, but for the sums over sequences of what they share.

        torch's softplus and silu round the last entries of a tensor in another way.
        """
        assert got.keys() == expected.keys()
        for name, value in got.items():
            if not self.exact or name.removeprefix("gradient of ") in self.shared:
                torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-5)
            else:
                assert torch.equal(value, expected[name]), name


MATRICES = ("fused", "chunked", "reference")
OPERATIONS = {
    "delta": Operation(ops.delta_scan, delta_inputs, MATRICES),
    "generalised": Operation(ops.generalised_delta_scan, generalised_inputs, MATRICES),
    "outer": Operation(ops.outer_scan, outer_inputs, MATRICES),
    "outer, channels": Operation(ops.outer_scan, channel_inputs, MATRICES),
    **{
        f"selective{name}": Operation(
            selective,
            partial(selective_inputs, **options),
            ("fused", "parallel", "reference"),
            "initial_state",
            time=-1,
            shared=("A", "D", "delta_bias", options.get("constant", "A")),
            exact="gated" not in options,
        )
        for name, options in {
            "": {},
            " complex": {"kind": torch.complex64},
            " constant B": {"constant": "B"},
            " constant C": {"constant": "C"},
            " gated": {"gated": True},
        }.items()
    },
}
SCANS = ("delta", "generalised", "outer", "selective")
DOUBLE = {"selective complex": {"kind": torch.complex128}}
CASES = [(name, backend) for name, op in OPERATIONS.items() for backend in op.backends]


@pytest.mark.parametrize(("name", "backend"), CASES)
@pytest.mark.parametrize("groups", [1, 2, HEADS])
@pytest.mark.parametrize("start", [True, False], ids=["initial", "from zero"])
def test_a_packed_sequence_is_bit_for_bit_what_it_is_alone(scans, name, backend, groups, start):
    op, ends = OPERATIONS[name], offsets().tolist()
    inputs = op.inputs(ends[-1], len(LENGTHS), groups=groups)
    if not start:
        inputs.pop(op.state)
    got = scans.everything(lambda **given: op.call(given, backend, offsets()), inputs)
    op.assert_same(got, scans.everything(lambda **given: op.apart(given, backend, ends), inputs))


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_one_sequence_is_a_row_and_either_integer_will_do(scans, name, backend):
    op = OPERATIONS[name]
    inputs = op.inputs(37, 1)
    expected = scans.everything(lambda **given: op.call(given, backend), inputs)
    for whole in (offsets((37,), dtype) for dtype in packed.INTEGERS):
        call = lambda ends=whole, **given: op.call(given, backend, ends)  # noqa: E731
        op.assert_same(scans.everything(call, inputs), expected)


@pytest.mark.parametrize("name", OPERATIONS)
def test_backends_agree_on_many_short_sequences(scans, name):
    op, lengths = OPERATIONS[name], tuple(range(12)) * 3
    inputs = op.inputs(sum(lengths), len(lengths), dtype=torch.float64, **DOUBLE.get(name, {}))

    def found(backend):
        call = lambda **given: op.call(given, backend, offsets(lengths))  # noqa: E731
        return scans.everything(call, inputs)

    for backend in op.backends:
        scans.assert_close(found(backend), found("reference"), 1e-11)


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_nothing_but_empty_sequences_leaves_their_states(scans, name, backend):
    op = OPERATIONS[name]
    inputs = op.inputs(0, 3)
    found = scans.everything(lambda **x: op.call(x, backend, offsets((0, 0, 0))), inputs)
    assert found["output 0"].numel() == 0
    assert torch.equal(found["output 1"], inputs[op.state])


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_spoils_a_sequence_stays_in_it(name):
    op = OPERATIONS[name]
    for backend in op.backends:
        inputs = op.inputs(sum(LENGTHS), len(LENGTHS))
        inputs[op.state][3] = torch.nan
        output, states = op.call(inputs, backend, offsets())
        spoilt = output.isnan().movedim(op.time, 0).flatten(1).any(1)
        assert spoilt.nonzero().flatten().tolist() == [45]
        assert states.isnan().flatten(1).any(1).nonzero().flatten().tolist() == [3]


@pytest.mark.parametrize("name", OPERATIONS)
def test_same_bits_on_any_number_of_threads(scans, name, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    op, runs = OPERATIONS[name], []
    inputs = op.inputs(sum(LENGTHS), len(LENGTHS))
    for count in (1, 2, 5):
        torch_threads(count)
        runs.append(scans.everything(lambda **x: op.call(x, "fused", offsets()), inputs))
    for run in runs[1:]:
        assert all(torch.equal(value, run[name]) for name, value in runs[0].items())


@pytest.mark.parametrize("name", ["selective", "selective complex"])
def test_blocks_of_channels_and_short_segments_keep_the_bits(scans, name, monkeypatch):
    monkeypatch.setattr(split, "CHANNELS", 1)  # a block each
    monkeypatch.setattr(split, "SEGMENT", 60)  # five steps
    test_a_packed_sequence_is_bit_for_bit_what_it_is_alone(scans, name, "fused", 1, True)


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradcheck(name):
    op = OPERATIONS[name]
    inputs = op.inputs(5, 3, dtype=torch.float64, **DOUBLE.get(name, {}))
    names = list(inputs)
    assert torch.autograd.gradcheck(
        lambda *given: op.call(dict(zip(names, given, strict=True)), "fused", offsets((2, 0, 3))),
        [value.requires_grad_() for value in inputs.values()],
    )


OPERATORS = {
    delta_operator: delta_inputs,
    generalised_operator: generalised_inputs,
    outer_operator: channel_inputs,
}


@pytest.mark.parametrize(("operator", "inputs"), OPERATORS.items())
def test_registration_of_matrices(operator, inputs):
    given = {name: value.requires_grad_() for name, value in inputs(9, 2).items()}
    given["cu_seqlens"] = offsets((4, 5))
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    arguments = [given.get(name) for name in operator.NAMES]
    torch.library.opcheck(operator.operator, (*arguments, True), test_utils=checks)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCANS)
def test_compiles_without_a_break(scans, name):
    op = OPERATIONS[name]
    inputs = op.inputs(sum(LENGTHS), len(LENGTHS))
    call = lambda **given: op.call(given, "auto", offsets())  # noqa: E731
    compiled = torch.compile(
        lambda cu_seqlens, **x: op.call(x, "auto", cu_seqlens), fullgraph=True, backend="aot_eager"
    )
    found = scans.everything(lambda **given: compiled(offsets(), **given), inputs)
    op.assert_same(found, scans.everything(call, inputs))


BAD = [
    ([0, 4, 9], TypeError, "cu_seqlens of type list, expected a torch.Tensor"),
    (torch.tensor([0.0, 4, 9]), TypeError, "cu_seqlens with dtype torch.float32, expected torch.i"),
    (torch.tensor([False, True]), TypeError, "cu_seqlens with dtype torch.bool"),
    (torch.tensor([0, 4, 9], dtype=torch.int16), TypeError, "cu_seqlens with dtype torch.int16"),
    (torch.tensor([0]), ValueError, r"cu_seqlens of shape \(1,\), expected \(sequence \+ 1,\)"),
    (torch.tensor([[0, 4, 9]]), ValueError, r"cu_seqlens of shape \(1, 3\)"),
    (torch.tensor([1, 4, 9]), ValueError, "cu_seqlens that begin at 1, expected 0"),
    (torch.tensor([-1, 4, 9]), ValueError, "cu_seqlens that begin at -1, expected 0"),
    (torch.tensor([0, -4, 9]), ValueError, "cu_seqlens that fall from 0 to -4 at place 1"),
    (torch.tensor([0, 6, 4, 9]), ValueError, "cu_seqlens that fall from 6 to 4 at place 2"),
    (torch.tensor([0, 4, 8]), ValueError, "cu_seqlens that end at 8, expected 9, the steps"),
    (torch.tensor([0, 4, 10]), ValueError, "cu_seqlens that end at 10, expected 9"),
    (torch.tensor([0, 4, 9], device="meta"), ValueError, "cu_seqlens on meta and inputs on cpu"),
]


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_offsets_are_named(name, bad, error, message):
    op = OPERATIONS[name]
    inputs = op.inputs(9, 2)
    inputs.pop(op.state)
    with pytest.raises(error, match=f"got {message}"):
        op.call(inputs, "auto", bad)


@pytest.mark.parametrize("name", SCANS)
def test_a_batch_and_states_of_another_number_are_named(name):
    op = OPERATIONS[name]
    inputs = op.inputs(9, 2)
    with pytest.raises(ValueError, match=rf"got {op.state} of shape .*\(sequence, .*= \(3, "):
        op.call(inputs, "auto", offsets((4, 3, 2)))
    inputs.pop(op.state)
    twice = {
        key: value if key in op.shared else value.repeat(2, *(1,) * (value.ndim - 1))
        for key, value in inputs.items()
    }
    with pytest.raises(ValueError, match="got cu_seqlens beside a batch of 2, expected a batch"):
        op.call(twice, "auto", offsets((4, 5)))


def test_kernels_check_offsets_too():
    """A compiled caller does not read them, and beyond the row lies other memory."""
    given = delta_inputs(9, 2) | {"cu_seqlens": offsets((4, 6))}
    with pytest.raises(ValueError, match="end at 10, expected 9"):
        delta_operator.operator(*(given[name] for name in delta_operator.NAMES), False)


def test_what_the_kernel_of_mamba_ssm_does_not_take_is_named(monkeypatch):
    monkeypatch.setattr(selective_cuda, "of_device", lambda like: [])
    inputs = selective_inputs(9, 2)
    inputs.pop("initial_state")
    with pytest.raises(ops.BackendError, match="backend='cuda' with packed sequences"):
        selective(**inputs, cu_seqlens=offsets((4, 5)), backend="cuda")


@pytest.mark.parametrize("name", SCANS)
def test_vmap_maps_the_inputs_and_not_the_offsets(name):
    op = OPERATIONS[name]
    many = [op.inputs(steps, 2, dtype=torch.float64) for steps in (9, 9)]
    many[1] = {key: -0.5 * value for key, value in many[1].items()}
    stacked = {key: torch.stack([inputs[key] for inputs in many]) for key in many[0]}
    call = lambda given: op.call(given, "fused", offsets((4, 5)))  # noqa: E731
    got = torch.func.vmap(call)(stacked)
    for place, inputs in enumerate(many):
        for value, expected in zip(got, call(inputs), strict=True):
            torch.testing.assert_close(value[place], expected)

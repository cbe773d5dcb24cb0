"""Sequences of no, one and two steps: every backend of every operation gives the same, and zeros.

A derivative by an input that the output happens not to depend on is zero, not missing.
"""

from __future__ import annotations

import pytest
import torch

from seq_torch import MambaConfig, ops
from seq_torch.mixers import LRUConfig
from seq_torch.ops.structured import Blocks, DiagonalLowRank, Elementwise, Hadamard, SparseRows

IN_PLAIN_TORCH = ("reference", "parallel")
SEVERAL = (*IN_PLAIN_TORCH, "fused")
SIZES = [(2, 0), (2, 1), (2, 2), (0, 0), (0, 1), (0, 2)]
PLACES = torch.tensor([[0, 2], [1, 3], [2, 3], [0, 1]])


def linear(a, **inputs):
    """Factors that never change, or one for each step."""
    return lambda b, t: {"a": a(b, t), "b": (b, t, 4), **{n: s(b, t) for n, s in inputs.items()}}


def residual(weight):
    return lambda b, t: {"x": (b, t, 4), "weight": weight, "initial": (b, 4)}


def selective(b, t):
    return {"u": (b, 4, t), "delta": (b, 4, t), "A": (4, 3), "B": (b, 3, t), "C": (4, 3)}


def selective_with_all(b, t):
    more = {"D": (4,), "z": (b, 4, t), "delta_bias": (4,), "initial_state": (b, 4, 3)}
    return selective(b, t) | more


def matrices(b, t):
    return {"q": (b, 2, t, 3), "k": (b, 2, t, 2, 3), "v": (b, 2, t, 2, 4), "initial": (b, 2, 3, 4)}


def delta(b, t):
    return matrices(b, t) | {"beta": (b, 2, t, 2), "log_decay": (b, 2, t)}


def structured(kind, **cores):
    def call(backend, initial, **tensors):
        return ops.structured_scan(kind(**tensors), initial, backend)

    def shapes(b, t):
        return {name: (b, t, *core) for name, core in cores.items()} | {"initial": (b, 4)}

    return call, shapes, ("reference", "chunked", "fused")


def scan(function, **options):
    return lambda backend, **inputs: function(**inputs, **options, backend=backend)


def convolution(backend, **inputs):
    with ops.use_backend(backend):
        return ops.causal_convolution(**inputs)


last = {"return_last_state": True}
low_rank = {"diagonal": (4,), "left": (4, 2), "right": (4, 2)}
CASES = {
    "linear": (scan(ops.linear_scan), linear(lambda b, t: (4,)), SEVERAL),
    "linear, varying": (scan(ops.linear_scan), linear(lambda b, t: (b, t, 4)), SEVERAL),
    "linear, started": (
        scan(ops.linear_scan),
        linear(lambda b, t: (t, 4), initial=lambda b, t: (b, 4)),
        SEVERAL,
    ),
    "selective": (scan(ops.selective_scan), selective, SEVERAL),
    "selective, all": (scan(ops.selective_scan, **last), selective_with_all, SEVERAL),
    "residual": (scan(ops.residual_scan), residual((4, 4)), ("reference", "fused")),
    "residual, diagonal": (scan(ops.residual_scan), residual((4,)), ("reference", "fused")),
    "residual, linear": (scan(ops.residual_scan, activation="linear"), residual((4,)), SEVERAL),
    "delta": (scan(ops.delta_scan), delta, ("reference", "chunked", "fused")),
    "delta, last": (scan(ops.delta_scan, **last), delta, ("reference", "chunked", "fused")),
    "outer": (
        scan(ops.outer_scan, **last),
        lambda b, t: matrices(b, t) | {"decay": (b, 2, t)},
        ("reference", "chunked", "fused"),
    ),
    "outer, channels": (
        scan(ops.outer_scan, **last),
        lambda b, t: matrices(b, t) | {"decay": (b, 2, t, 3)},
        ("reference", "chunked", "fused"),
    ),
    "generalised delta": (
        scan(ops.generalised_delta_scan, **last),
        lambda b, t: (
            {"v": (b, 2, t, 4), **dict.fromkeys(("q", "k", "a", "b"), (b, 2, t, 3))}
            | {"log_decay": (b, 2, t, 3), "initial": (b, 2, 3, 4)}
        ),
        ("reference", "chunked", "fused"),
    ),
    "m2rnn": (
        scan(ops.m2rnn_scan, **last),
        lambda b, t: (
            {"q": (b, 1, t, 3), "k": (b, 1, t, 3), "v": (b, 2, t, 4), "decay": (b, 2, t)}
            | {"weight": (2, 4, 4), "initial": (b, 2, 3, 4)}
        ),
        ("reference", "fused"),
    ),
    "slstm": (
        scan(ops.slstm_scan, **last),
        lambda b, t: {"x": (b, 2, t, 4, 3), "weight": (2, 4, 3, 3), "initial": (b, 2, 4, 3)},
        ("reference", "fused"),
    ),
    "convolution": (
        convolution,
        lambda b, t: {"u": (b, t, 4), "kernel": (4, 3)},
        ("reference", "auto"),
    ),
    "structured, diagonal": structured(Elementwise, factors=(4,)),
    "structured, blocks": structured(Blocks, blocks=(2, 2, 2)),
    "structured, low rank": structured(DiagonalLowRank, **low_rank),
    "structured, sparse": structured(
        lambda entries: SparseRows(entries, PLACES, plus_identity=False), entries=(4, 2)
    ),
    "structured, Hadamard": structured(
        lambda diagonal: Hadamard(diagonal, plus_identity=True), diagonal=(4,)
    ),
}
RUNS = [
    (name, backend, *size)
    for name, (_, _, backends) in CASES.items()
    for backend in backends
    for size in SIZES
    if 0 not in size or not name.startswith("structured")  # which refuses to have no position
]


def values_and_gradients(name, backend, batch, time):
    call, shapes, _ = CASES[name]
    generator = torch.Generator().manual_seed(0)
    inputs = {
        n: torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()
        for n, shape in shapes(batch, time).items()
    }
    outputs = call(backend, **inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    weighted = sum((value * (1 + torch.arange(value.shape[-1]))).sum() for value in outputs)
    found = torch.autograd.grad(weighted, list(inputs.values()), allow_unused=True)
    assert None not in [g if g is None else 0 for g in found], dict(zip(inputs, found, strict=True))
    return [*outputs, *found]


@pytest.mark.parametrize(("name", "backend", "batch", "time"), RUNS)
def test_every_backend_has_the_values_and_every_derivative(name, backend, batch, time):
    found = values_and_gradients(name, backend, batch, time)
    expected = values_and_gradients(name, "reference", batch, time)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("config", [LRUConfig(), MambaConfig(eigenvalues="signed")])
@pytest.mark.parametrize("backend", SEVERAL)
def test_every_parameter_of_a_mixer_has_a_gradient_at_one_step(config, backend):
    torch.manual_seed(0)
    mixer = config.build(8)
    with ops.use_backend(backend):
        mixer(torch.randn(2, 1, 8)).sum().backward()
    assert [name for name, value in mixer.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("backend", ["reference", "auto"])
def test_what_lies_beyond_the_sequence_has_no_effect(backend):
    kernel = torch.tensor([[1.0, 2.0, torch.nan]], requires_grad=True)
    output = convolution(backend, u=torch.ones(1, 2, 1), kernel=kernel)
    assert output.flatten().tolist() == [1, 3]
    (found,) = torch.autograd.grad(output.sum(), kernel)
    assert found.tolist() == [[2, 1, 0]]

"""Scans and training steps on a CUDA device: our backends beside the kernels they stand in for.

Times are the medians of repeated calls between CUDA events, forward and backward, after warming
up. Training steps are those of the published settings of Figure 2 (one block, width 1024, batch
32, length 20, words of length 2 beside them), from which the time of its preset `paper` follows.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

import seq_torch as st
from benchmarks import report
from benchmarks.measure import Spread
from seq_torch import ops
from seq_torch.ops.glue import fla

SELECTIVE = ((8, 100, 256, 256), (8, 1024, 64, 16), (8, 2048, 1536, 16))  # batch, time, dim, state
DIAGONAL = ((8, 1024, 64), (8, 16384, 64))  # batch, time, state
CONVOLUTION = (8, 2048, 1536, 4)  # batch, time, channels, kernel
MATRICES = (8, 8, 2048, 64, 64)  # batch, heads, time, key, value
ROUNDS, CALLS = 5, 10
# The parallel twin holds every state of every channel; beyond this it is left out.
MOST_STATES = 2**29
Call = Callable[[], Any]


def main() -> list[dict[str, Any]]:
    """Measure, print a table for each size, and return the rows."""
    if not torch.cuda.is_available():
        print("torch sees no CUDA device: nothing to measure")
        return []
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    rows = []
    for sizes in SELECTIVE:
        rows += _compare(f"selective scan (batch, time, dim, state) = {sizes}", _selective(*sizes))
    for sizes in DIAGONAL:
        title = f"complex diagonal scan (batch, time, state) = {sizes}"
        rows += _compare(title, _diagonal(*sizes))
    title = f"causal convolution (batch, time, channels, kernel) = {CONVOLUTION}"
    rows += _compare(title, _convolution(*CONVOLUTION))
    axes = f"(batch, heads, time, key, value) = {MATRICES}, bfloat16"
    for decays in (False, True):
        title = f"delta scan {'with' if decays else 'without'} decay {axes}"
        rows += _compare(title, _delta(*MATRICES, decays=decays))
    rows += _compare(f"outer scan {axes}", _outer(*MATRICES))
    for precision in ("float32", "bfloat16"):
        rows += _compare(f"optimiser step of Figure 2, {precision}", _training(precision))
    return rows


def _compare(title: str, calls: dict[str, Call]) -> list[dict[str, Any]]:
    """Time all calls in rounds, so that they share whatever else the machine does."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times[name].append(_milliseconds(call))
    first = next(iter(times))
    cells = [
        [
            name,
            Spread.of(values).text(),
            Spread.of([a / b for a, b in zip(values, times[first], strict=True)]).text(),
        ]
        for name, values in times.items()
    ]
    report.show(title, ("contender", "milliseconds", "time / first"), cells)
    return [{"title": title, "contender": name, "ms": values} for name, values in times.items()]


def _milliseconds(call: Call) -> float:
    """Mean over a few calls that follow each other, as training does them."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    call()
    start.record()
    for _ in range(CALLS):
        call()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / CALLS


def _selective(batch: int, time: int, dim: int, state: int) -> dict[str, Call]:
    normal = _normal()
    inputs = {
        "u": normal(batch, dim, time),
        "delta": 0.1 * normal(batch, dim, time).abs(),
        "A": -normal(dim, state).abs(),
        "B": normal(batch, state, time),
        "C": normal(batch, state, time),
    }
    calls: dict[str, Call] = {}
    if _built("mamba_ssm"):
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

        calls["seq_torch, backend cuda"] = _backend("cuda", inputs)
        calls["mamba-ssm, called directly"] = _step(selective_scan_fn, inputs)
    if batch * time * dim * state <= MOST_STATES:
        calls["seq_torch, backend parallel"] = _backend("parallel", inputs)
    return calls


def _backend(backend: Any, inputs: dict[str, Tensor]) -> Call:
    return _step(lambda **given: ops.selective_scan(**given, backend=backend), inputs)


def _diagonal(batch: int, time: int, state: int) -> dict[str, Call]:
    normal = _normal()
    a = torch.polar(torch.full((state,), 0.99, device="cuda"), normal(state))
    b = torch.complex(normal(batch, time, state), normal(batch, time, state))
    return {"seq_torch linear_scan": _step(ops.linear_scan, {"a": a, "b": b})}


def _convolution(batch: int, time: int, channels: int, size: int) -> dict[str, Call]:
    normal = _normal()
    u, kernel = normal(batch, time, channels), normal(channels, size)
    calls = {
        "seq_torch causal_convolution": _step(ops.causal_convolution, {"u": u, "kernel": kernel})
    }
    if _built("causal_conv1d"):
        from causal_conv1d import causal_conv1d_fn

        given = {"x": u.mT.contiguous(), "weight": kernel.flip(-1)}
        calls["causal-conv1d"] = _step(causal_conv1d_fn, given)
    return calls


def _delta(
    batch: int, heads: int, time: int, key: int, value: int, *, decays: bool
) -> dict[str, Call]:
    normal = _normal()
    inputs = {
        "q": normal(batch, heads, time, key).bfloat16(),
        "k": normalize(normal(batch, heads, time, 1, key), dim=-1).bfloat16(),
        "v": normal(batch, heads, time, 1, value).bfloat16(),
        "beta": torch.sigmoid(normal(batch, heads, time, 1)),
    }
    if decays:
        inputs["log_decay"] = -0.1 * normal(batch, heads, time).abs()
    calls = _matrices(ops.delta_scan, inputs)
    if _built("fla") and not (decays and fla.wrong_on(torch.device("cuda"))):
        from fla.ops.delta_rule import chunk_delta_rule
        from fla.ops.gated_delta_rule import chunk_gated_delta_rule

        kernel = chunk_gated_delta_rule if decays else chunk_delta_rule
        calls |= _direct(kernel, inputs, {"log_decay": "g"})
    return calls


def _outer(batch: int, heads: int, time: int, key: int, value: int) -> dict[str, Call]:
    normal = _normal()
    inputs = {
        "q": normal(batch, heads, time, key).bfloat16(),
        "k": normal(batch, heads, time, 1, key).bfloat16(),
        "v": normal(batch, heads, time, 1, value).bfloat16(),
        "decay": torch.sigmoid(2 + normal(batch, heads, time)),
    }
    calls = _matrices(ops.outer_scan, inputs)
    if _built("fla") and not fla.wrong_on(torch.device("cuda")):
        from fla.ops.simple_gla import chunk_simple_gla

        logs = {name: value.log() if name == "decay" else value for name, value in inputs.items()}
        calls |= _direct(chunk_simple_gla, logs, {"decay": "g"})
    return calls


def _matrices(scan: Callable[..., Any], inputs: dict[str, Tensor]) -> dict[str, Call]:
    """Our backends; that of fla-core where it can be run."""
    calls = {"seq_torch, backend chunked": _step(partial(scan, backend="chunked"), inputs)}
    kernels = _step(partial(scan, backend="cuda"), inputs)
    try:
        kernels()
    except ops.BackendError as error:
        print(f"left out: {error}\n")
        return calls
    return {"seq_torch, backend cuda": kernels} | calls


def _direct(
    kernel: Callable[..., Any], inputs: dict[str, Tensor], names: dict[str, str]
) -> dict[str, Call]:
    """One of fla's functions on inputs that have its layout already."""
    given = {names.get(name, name): _rows(value) for name, value in inputs.items()}
    return {"fla-core, called directly": _step(lambda **g: kernel(**g, scale=1.0)[0], given)}


def _rows(value: Tensor) -> Tensor:
    """Time before heads, without the axis of one factor: ``(batch, time, head, ...)``."""
    without = value.squeeze(3) if value.ndim > 3 and value.shape[3] == 1 else value
    return without.transpose(1, 2).contiguous()


def _training(precision: str) -> dict[str, Call]:
    mixers = {
        "rnn": st.RNNConfig(),
        "transformer": st.TransformerConfig(heads=64, feed_forward=2048, dropout=0.1),
        "s4": st.S4Config(state_dim=64),
        "s4d": st.S4DConfig(state_dim=64),
        "s5": st.S5Config(state_dim=64),
        "mamba": st.MambaConfig(block=False, state_dim=64),
        "lru": st.LRUConfig(state_dim=64),
    }
    return {name: _optimiser_step(mixer, precision) for name, mixer in mixers.items()}


def _optimiser_step(mixer: st.MixerConfig, precision: str) -> Call:
    config = st.SequenceModelConfig(
        mixer=mixer,
        input=st.TokenInput(vocabulary=60),
        output=st.StepOutput(size=60),
        width=1024,
        dropout=0.1,
    )
    model = config.build(0).cuda()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    words = [torch.randint(60, (32, length), device="cuda") for length in (20, 2)]

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16"):
            scores = [model(word) for word in words]
        losses = [
            torch.nn.functional.cross_entropy(s.float().flatten(0, 1), w.flatten())
            for s, w in zip(scores, words, strict=True)
        ]
        torch.stack(losses).sum().backward()
        optimiser.step()

    return step


def _normal() -> Callable[..., Tensor]:
    generator = torch.Generator("cuda").manual_seed(0)
    return lambda *shape: torch.randn(shape, device="cuda", generator=generator)


def _step(function: Callable[..., Tensor], inputs: dict[str, Tensor]) -> Call:
    leaves = {name: value.detach().requires_grad_() for name, value in inputs.items()}

    def step() -> None:
        output = function(**leaves)
        torch.autograd.grad(output, list(leaves.values()), torch.ones_like(output))

    return step


def _built(module: str) -> bool:
    return importlib.util.find_spec(module) is not None

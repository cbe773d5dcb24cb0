"""Contenders of `inference` in torch: one layer, token by token and on whole sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measure import version
from benchmarks.s4_kernel import allocated_peak
from benchmarks.worker import Work
from seq_torch import S4DConfig, S4DPLRConfig, S5Config, TransformerConfig


def layer(name: str, width: int, state: int, lengths: list[int]) -> Work:
    """One layer with all that its calls need: inputs, and its state before the last position."""
    torch.manual_seed(0)
    module = _module(name, width, state)
    x = torch.randn(1, max(lengths), width)
    recurrent = hasattr(module, "step")
    with torch.inference_mode():
        states, outputs = _reached(module, x, lengths) if recurrent else ({}, {})

    @torch.inference_mode()
    def call(mode: str, length: int, times: int) -> Tensor:
        y = x
        if mode == "step":
            x_k, held = x[:, length - 1], states[length]
            for _ in range(times):
                y, held = module.step(x_k, held)  # pyright: ignore[reportCallIssue]
            return y
        for _ in range(times):
            y = module(x[:, :length])
        return y[:, -1]

    modes = ("forward", "step") if recurrent else ("forward",)
    kept = {"forward": lambda length: _bytes(x[:, :length]), "step": lambda n: _bytes(states[n])}
    memory = {
        mode: {n: kept[mode](n) + allocated_peak(lambda: [call(mode, n, 1)]) for n in lengths}  # noqa: B023
        for mode in modes
    }
    facts: dict[str, Any] = {"memory": memory}
    if recurrent:
        pairs = [(outputs[length], call("forward", length, 1)) for length in lengths]
        facts["difference"] = max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
    threads = torch.get_num_threads()
    return Work(call, version("torch"), threads, dtype="float32", facts=facts)


def _module(name: str, width: int, state: int) -> nn.Module:
    config = {
        "S4": S4DPLRConfig(state_dim=state),
        "S4D": S4DConfig(state_dim=state),
        "S5": S5Config(state_dim=state),
        "Transformer": TransformerConfig(feed_forward=4 * width),
    }[name]
    return config.build(width).eval()


def _reached(
    module: Any, x: Tensor, lengths: list[int]
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """State before the last position of each length, and output there, token by token."""
    states, outputs, state = {}, {}, module.initial_state(1)
    for k in range(x.shape[1]):
        before = state
        y, state = module.step(x[:, k], before)
        if k + 1 in lengths:
            states[k + 1], outputs[k + 1] = before.clone(), y
    return states, outputs


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()

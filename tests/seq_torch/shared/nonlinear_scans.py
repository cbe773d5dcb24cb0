"""The scans of nonlinear recurrences, each with inputs of a size, and what they all promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from seq_torch import ops

Inputs = dict[str, torch.Tensor]


def slstm_inputs(
    time, *, size=2.0, batch=3, heads=2, channels=5, dtype=torch.float64, started=True, turn=1.0
) -> Inputs:
    """Inputs of `ops.slstm_scan`; `size` is that of the drives, `turn` that of the weights."""
    normal = _normal(dtype)
    shape = (batch, heads, channels)
    inputs = {
        "x": size * normal(batch, heads, time, 4, channels),
        "weight": turn * normal(heads, 4, channels, channels) / channels**0.5,
    }
    h, c, m = (normal(*shape) for _ in range(3))
    n = 0.5 + normal(*shape).abs()
    return inputs | ({"initial": torch.stack((h, c, n, m), 2)} if started else {})


def m2rnn_inputs(
    time, *, batch=2, heads=3, groups=1, key=5, value=4, dtype=torch.float64
) -> Inputs:
    """Inputs of `ops.m2rnn_scan`."""
    normal = _normal(dtype)
    return {
        "q": normal(batch, groups, time, key),
        "k": normal(batch, groups, time, key),
        "v": normal(batch, heads, time, value),
        "decay": torch.sigmoid(normal(batch, heads, time)),
        "weight": torch.eye(value, dtype=dtype) + 0.3 * normal(heads, value, value),
        "initial": normal(batch, heads, key, value),
    }


def _normal(dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype)


class NonlinearScan(NamedTuple):
    """A scan, its inputs by length, and sizes for what is long or dear."""

    scan: Callable[..., Any]
    inputs: Callable[..., Inputs]
    steps: tuple[str, ...]  # inputs whose third axis is time
    long: dict[str, Any]
    small: dict[str, Any]

    def on(self, backend: str) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
        """Output and last state by one backend."""
        return lambda **given: self.scan(**given, return_last_state=True, backend=backend)


SCANS = {
    "slstm": NonlinearScan(
        scan=ops.slstm_scan,
        inputs=slstm_inputs,
        steps=("x",),
        long={"time": 300, "channels": 8, "turn": 0.5},
        small={"batch": 2, "heads": 1, "channels": 2},
    ),
    "m2rnn": NonlinearScan(
        scan=ops.m2rnn_scan,
        inputs=m2rnn_inputs,
        steps=("q", "k", "v", "decay"),
        long={"time": 100, "value": 8},
        small={"batch": 1, "heads": 1, "key": 3, "value": 2},
    ),
}

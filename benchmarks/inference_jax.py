"""Contenders of `inference` in JAX: one layer, token by token and on whole sequences."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import numpy as np

from benchmarks.measure import version
from benchmarks.worker import Work, threads
from lcde_jax import S4DConfig, S4DPLRConfig, S5Config


def layer(name: str, width: int, state: int, lengths: list[int]) -> Work:
    """One layer, compiled for every length, with its state before the last position."""
    kind = {"S4": S4DPLRConfig, "S4D": S4DConfig, "S5": S5Config}[name]
    module = kind(state_dim=state).build(width, dtype=np.float32, key=jax.random.key(0))
    # The parameters are arguments: constants would be folded, and the work done when compiling.
    arrays, rest = eqx.partition(module, eqx.is_array)
    x = np.random.default_rng(0).normal(size=(1, max(lengths), width)).astype(np.float32)
    begin = module.initial_state(1)
    step = jax.jit(lambda arrays, x_k, held: eqx.combine(arrays, rest).step(x_k, held))
    step = step.lower(arrays, x[:, 0], begin).compile()
    whole = jax.jit(lambda arrays, x: eqx.combine(arrays, rest)(x))
    forward = {length: whole.lower(arrays, x[:, :length]).compile() for length in lengths}
    states, outputs = _reached(lambda x_k, held: step(arrays, x_k, held), begin, x, lengths)
    prefixes = {length: jax.device_put(x[:, :length]) for length in lengths}
    last = {length: jax.device_put(x[:, length - 1]) for length in lengths}

    def call(mode: str, length: int, times: int) -> Any:
        y = None
        if mode == "step":
            held = states[length]
            for _ in range(times):
                y, held = step(arrays, last[length], held)
        else:
            for _ in range(times):
                y = forward[length](arrays, prefixes[length])
        return jax.block_until_ready(y)

    memory = {
        "step": {length: states[length].nbytes + _allocated(step) for length in lengths},
        "forward": {n: prefixes[n].nbytes + _allocated(forward[n]) for n in lengths},
    }
    pairs = [(outputs[n], np.asarray(call("forward", n, 1))[:, -1]) for n in lengths]
    difference = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
    facts = {"memory": memory, "difference": difference}
    return Work(call, version("jax"), threads(), dtype="float32", facts=facts)


def _reached(step: Any, state: Any, x: np.ndarray, lengths: list[int]) -> tuple[dict, dict]:
    """State before the last position of each length, and output there, token by token."""
    states, outputs = {}, {}
    for k in range(x.shape[1]):
        before = state
        y, state = step(x[:, k], before)
        if k + 1 in lengths:
            states[k + 1], outputs[k + 1] = before, np.asarray(y)
    return states, outputs


def _allocated(compiled: Any) -> int:
    """Bytes that a compiled function takes for its results and on the way to them."""
    found = compiled.memory_analysis()
    return found.temp_size_in_bytes + found.output_size_in_bytes

"""Cost: parameters, numbers of state, and time and memory a token against length."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.bench.cards import Measurement
from experiments.bench.parts import part as parts
from seqtheory.checks import require_integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.bench.measurements import BenchRun
    from experiments.record import Record
    from experiments.recorder import Recorder


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Time one layer on sequences of several lengths, in training and in decoding.

    Parameters
    ----------
    lengths
        Positions of a sequence.
    rows
        Sequences at once.
    rounds
        Times that each is measured; the median counts.
    decoded
        Positions that are decoded, one at a time.
    """

    lengths: tuple[int, ...] = (64, 256, 1024)
    rows: int = 4
    rounds: int = 5
    decoded: int = 64

    def __post_init__(self) -> None:
        """Refuse lengths from which no power of length follows."""
        for name in ("rows", "rounds", "decoded"):
            require_integer(name, getattr(self, name), minimum=1)
        rising = all(a < b for a, b in zip(self.lengths, self.lengths[1:], strict=False))
        if len(self.lengths) < 2 or self.lengths[0] < 1 or not rising:
            raise ValueError(f"lengths={self.lengths}: expected at least two, rising")

    def measure(self, run: BenchRun, recorder: Recorder) -> None:
        """Log time and memory at each length; note parameters, state and the cost of decoding."""
        import torch

        torch.manual_seed(run.seed)
        layer = parts.mixer(run).build(run.width)
        for place, length in enumerate(self.lengths):
            x = torch.randn(self.rows, length, run.width, requires_grad=True)
            training = _timed(lambda x=x: _train(layer, x), self.rounds)
            with torch.no_grad():
                forward = _timed(lambda x=x: layer(x), self.rounds)
            tokens = self.rows * length
            recorder.log(
                place,
                length=length,
                training_microseconds=[1e6 * s / tokens for s in training],
                forward_microseconds=[1e6 * s / tokens for s in forward],
                kept_bytes=_kept(layer, x) / tokens,
            )
            recorder.progress(place + 1, len(self.lengths))
        recorder.note(
            parameters=sum(p.numel() for p in layer.parameters()),
            **_decoding(layer, run.width, self.decoded, self.rounds),
        )


def _train(layer: Any, x: Any) -> None:
    layer.zero_grad(set_to_none=True)
    layer(x).sum().backward()


def _timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Seconds that some work takes each time, after a first time that does not count."""
    work()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def _kept(layer: Any, x: Any) -> int:
    """Bytes that are kept from the forward pass for the backward pass, each storage once."""
    import torch

    of_jax = getattr(getattr(layer, "layer", layer), "kept_bytes", None)
    if of_jax is not None:
        return of_jax(x)
    held: dict[int, int] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = {p.untyped_storage().data_ptr() for p in (*layer.parameters(), x)}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        layer(x)
    return sum(size for place, size in held.items() if place not in own)


def _decoding(layer: Any, width: int, decoded: int, rounds: int) -> dict[str, Any]:
    """Numbers of state, and microseconds a token where the layer has a step."""
    import torch

    if state_numbers(layer) is None:
        return {"state": None, "decoding_microseconds": None}
    x = torch.randn(1, width)

    def decode() -> None:
        state = layer.initial_state(1)
        for _ in range(decoded):
            _, state = layer.step(x, state)

    with torch.no_grad():
        seconds = _timed(decode, rounds)
    return {
        "state": state_numbers(layer),
        "decoding_microseconds": [1e6 * s / decoded for s in seconds],
    }


def state_numbers(layer: Any) -> int | None:
    """Count the real numbers that a layer with a step hands on from a position to the next."""
    if not (hasattr(layer, "step") and hasattr(layer, "initial_state")):
        return None
    state = _tensors(layer.initial_state(1))
    return sum(t.numel() * (2 if t.is_complex() else 1) for t in state)


def _tensors(state: Any) -> list[Any]:
    if hasattr(state, "numel"):
        return [state]
    if isinstance(state, dict):
        state = list(state.values())
    return [t for part in state for t in _tensors(part)] if isinstance(state, (tuple, list)) else []


def settings(preset: str) -> list[Cost]:
    """One measurement, of lengths that the preset allows."""
    return {
        "smoke": [Cost(lengths=(16, 32), rows=2, rounds=1, decoded=4)],
        "quick": [Cost()],
        "full": [Cost(lengths=(64, 256, 1024, 4096), rounds=9, decoded=256)],
    }[preset]


def measured(records: Sequence[Record]) -> list[Measurement]:
    """Turn the record of one model into measurements."""
    return [m for held in parts.done(records) for m in _of(held)]


def _of(held: Record) -> list[Measurement]:
    same: dict[str, Any] = {
        "part": "cost",
        "item": "one layer",
        "model": parts.name(held.run),
        "runs": (held.hash,),
        "better": "less",
    }
    last = held.metrics[-1]
    notes = held.notes
    lacks = "" if notes["state"] is not None else "it has no step"
    found = [
        Measurement(**same, metric="parameters", value=float(notes["parameters"]), n=1),
        Measurement(**same, metric="numbers of state", value=notes["state"], n=1, note=lacks),
    ]
    names = {
        "training_microseconds": "training, µs/token",
        "forward_microseconds": "forward, µs/token",
        "kept_bytes": "kept, bytes/token",
    }
    for key, metric in names.items():
        seen = [np.atleast_1d(line[key]) for line in held.metrics]
        points = [
            (float(line["length"]), float(np.median(values)))
            for line, values in zip(held.metrics, seen, strict=True)
        ]
        lengths, values = np.log(np.maximum(points, 1e-12)).T
        power = np.polyfit(lengths, values, 1)[0]
        found.append(
            Measurement(
                **same,
                metric=metric,
                **_interval(seen[-1]),
                curve=tuple(points),
                note=f"at {last['length']:,} positions; grows as length to the power {power:.2f}",
            )
        )
    metric = "decoding, µs/token"
    if notes["decoding_microseconds"] is None:
        return [*found, Measurement(**same, metric=metric, value=None, n=0, note=lacks)]
    decoding = np.array(notes["decoding_microseconds"])
    return [*found, Measurement(**same, metric=metric, **_interval(decoding))]


def _interval(values: np.ndarray) -> dict[str, Any]:
    """Median, least and most of the rounds of a measurement, as fields of it."""
    low, high = (float(values.min()), float(values.max())) if len(values) > 1 else (None, None)
    return {"value": float(np.median(values)), "low": low, "high": high, "n": len(values)}

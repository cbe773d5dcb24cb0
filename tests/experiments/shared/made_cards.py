"""Cards made up for tests: every part, missing values, findings in words, curves, odd names."""

from __future__ import annotations

import hashlib
from typing import Any

from experiments.bench.cards import Card, Measurement

TASKS = ("parity", "counting mod 3", "flip-flop", "S3", "Z60", "A5")
LENGTHS = (20.0, 40.0, 80.0, 160.0, 320.0)
ODD = (
    "<script>alert(1)</script>",
    r"50% of_a & $x^2$ #1 {~} \\input{x}",
    "[-1, 1] | *bold* `code` [link](x)",
    "a" * 70,
    "multi-head_gated.linear/recurrence" * 3,
    "模型 \u202egnp.exe\x1b[31m é ß \U0001f600",
)
TWELVE = (
    "Transformer", "LSTM", "S4D", "Mamba", "Mamba-2", "DeltaNet [-1, 1]", "gated DeltaNet",
    "DeltaProduct 2, [-1, 1]", "linear CDE, blocks of 4", "dense", "S5",
)  # fmt: skip


def card(model: str = "GatedRecurrence", baselines: tuple[str, ...] = ("Mamba", "LSTM")) -> Card:
    """A whole card of these models."""
    models = (model, *baselines)
    found = [*_contract(model)]
    for part in (_cost, _theory, _tracking, _recall, _memory, _signature, _rates):
        found += [m for k, name in enumerate(models) for m in part(name, k)]
    command = ["python", "-m", "experiments", "bench", "my_model.py:GatedRecurrence"]
    return Card(
        model=model,
        preset="quick",
        width=64,
        depth=1,
        baselines=baselines,
        measurements=tuple(found),
        facts=(
            ("command", " ".join([*command, "--preset", "quick"])),
            ("commit", "0123456789abcdef"),
            ("versions", "torch 2.8, seqtheory 0.1.0"),
            ("hardware", "2 cores"),
            ("date", "2026-11-29"),
        ),
    )


def runs(model: str, item: str, count: int) -> tuple[str, ...]:
    return tuple(
        hashlib.sha256(f"{model}{item}{k}".encode()).hexdigest()[:16] for k in range(count)
    )


def _contract(model: str) -> list[Measurement]:
    said = {"causality": "ok", "rows": "ok", "gradients": "failed: 3.1 where differences say 3.0"}
    said |= {"step": "skipped"}
    notes = {"step": "the model has no step", "gradients": "write the backward pass anew"}
    return [
        Measurement(
            part="contract", item=point, metric="finding", model=model, value=value,
            note=notes.get(point, ""),
        )
        for point, value in said.items()
    ]  # fmt: skip


def _cost(name: str, k: int) -> list[Measurement]:
    one: dict[str, Any] = {
        "part": "cost", "item": "one layer", "model": name, "better": "less", "n": 1,
        "runs": runs(name, "cost", 1),
    }  # fmt: skip
    found = [
        Measurement(**one, metric="parameters", value=12_345.0 + 1_000_003 * k),
        Measurement(**one, metric="numbers of state", value=64.0 * (k + 1)),
    ]
    for what in ("training", "forward"):
        scale = (0.8 + 0.3 * k) / (1 + (what == "forward"))
        curve = tuple((x, scale * (1 + x / 2000 * (k % 3))) for x in (64.0, 256.0, 1024.0, 4096.0))
        value = curve[-1][1]
        metric = f"microseconds a token, {what}, at 4,096 positions"
        found.append(
            Measurement(
                **one, metric=metric, value=value, low=0.95 * value, high=1.08 * value,
                curve=curve, note=f"grows with length to the power {0.1 * k:.2f}",
            )
        )  # fmt: skip
    return found


def _theory(name: str, k: int) -> list[Measurement]:
    words = ("possible", "impossible", "open")
    found = [
        Measurement(
            part="theory", item=task, metric="one layer at every length", model=name,
            value=words[(k + j) % 3], note=f"theorem {j % 2 + 1}",
        )
        for j, task in enumerate(TASKS)
    ]  # fmt: skip
    same: dict[str, Any] = {"part": "theory", "item": "transitions", "model": name}
    return [Measurement(**same, metric="class", value="diagonal, signed"), *found]


def _tracking(name: str, k: int) -> list[Measurement]:
    found = []
    for j, task in enumerate(TASKS):
        solved = max(0, min(5, 5 - j - k + 2 * (k % 2)))
        end = max(0.5, 1 - 0.1 * j - 0.03 * k)
        same: dict[str, Any] = {
            "part": "tracking", "item": task, "model": name, "better": "more", "n": 5,
            "runs": runs(name, task, 5),
        }  # fmt: skip
        curve = tuple((x, 1 - (1 - end) * n / 4) for n, x in enumerate(LENGTHS))
        low, high = max(0.0, solved / 5 - 0.35), min(1.0, solved / 5 + 0.3)
        found += [
            Measurement(
                **same, metric="runs that learn it", value=solved / 5, low=low, high=high
            ),
            Measurement(
                **same, metric="accuracy at 16 times the length", value=end, low=end - 0.004,
                high=min(end + 0.004, 1.0), curve=curve,
            ),
        ]  # fmt: skip
        missing = k == 1 and j == 5
        horizon = None if missing else 20.0 * 2 ** max(0, 4 - j)
        found.append(
            Measurement(
                **same, metric="horizon, tokens (of 320)", value=horizon,
                note="no run learnt it" if missing else "",
            )
        )  # fmt: skip
    return found


def _recall(name: str, k: int) -> list[Measurement]:
    value = 0.97 - 0.2 * k if k < 4 else 0.25
    return [
        Measurement(
            part="recall", item="multi-query recall", metric="accuracy at the trained lengths",
            model=name, value=value, low=value - 0.01, high=value + 0.01, n=3, better="more",
            runs=runs(name, "recall", 3),
        )
    ]  # fmt: skip


def _memory(name: str, k: int) -> list[Measurement]:
    ages = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 200.0]
    curve = tuple((age, age ** -(0.6 + 0.15 * k)) for age in ages)
    return [
        Measurement(
            part="memory", item="memory of age to the power -1.1", model=name,
            metric="memory at age 200 over age 1, trained", value=curve[-1][1],
            low=0.5 * curve[-1][1], high=2 * curve[-1][1], n=3, curve=curve,
            runs=runs(name, "memory", 3),
        )
    ]  # fmt: skip


def _signature(name: str, k: int) -> list[Measurement]:
    return [
        Measurement(
            part="signature", item=f"coefficient of {d}-D paths", model=name, n=1, better="less",
            metric="error over that of predicting zero", value=0.1 * (k + 1) * d,
            runs=runs(name, f"{d}", 1),
        )
        for d in (2, 3)
    ]  # fmt: skip


def _rates(name: str, k: int) -> list[Measurement]:
    curve = tuple(
        (x, max(0.2, 0.98 - 0.1 * abs(j - 2) - 0.05 * k))
        for j, x in enumerate((1e-3, 3e-3, 1e-2, 3e-2, 1e-1))
    )
    value = None if k == 2 else 33.3
    return [
        Measurement(
            part="rates", item="S3", model=name,
            metric="largest over least rate at which it learns",
            value=value, n=10, better="more", curve=curve, runs=runs(name, "rates", 10),
            note="at none of 5 rates" if value is None else "0.003 to 0.1 of 0.001 to 0.1",
        )
    ]  # fmt: skip

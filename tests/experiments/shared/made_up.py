"""Records that no run made, and a recorder in memory: for tests of what studies read and write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import make_dataclass, replace
from types import SimpleNamespace
from typing import Any

from experiments.claim import Claim
from experiments.recorder import Interrupted


def record(run: Any, metrics: Iterable[dict[str, Any]], **facts: Any) -> Any:
    """A finished record of a run, with these lines; `facts` replace or add to its attributes."""
    run = _frozen(run)
    provenance = {
        "preset": facts.pop("preset", "quick"),
        "hardware": {"cpu": "a | b", "gpus": ["c"]},  # a name may hold the column sign
        "wall_seconds": 60.0,
    }
    usual = {"path": object(), "hash": "0" * 16, "status": "done", "finished": True}
    usual |= {"study": "a.study", "notes": {}, "divergence": {}, "provenance": provenance}
    usual["processor_minutes"] = 2.0
    return SimpleNamespace(**{**usual, "run": run, "metrics": list(metrics), **facts})


def _frozen(value: Any) -> Any:
    """Turn a namespace into a frozen dataclass, which can be described as a run can."""
    if not isinstance(value, SimpleNamespace):
        return value
    facts = {name: _frozen(item) for name, item in vars(value).items()}
    return make_dataclass("MadeUp", [(name, object) for name in facts], frozen=True)(**facts)


def changed(held: Any, **settings: Any) -> Any:
    """A copy of a record whose run has other settings, by names with `__` for each dot."""
    run = held.run
    for name, value in settings.items():
        first, _, inner = name.partition("__")
        run = replace(
            run, **{first: replace(getattr(run, first), **{inner: value}) if inner else value}
        )
    names = ("study", "status", "finished", "metrics", "notes", "divergence")
    names += ("provenance", "processor_minutes")
    facts = {name: getattr(held, name) for name in names}
    return SimpleNamespace(**facts, run=run, path=object(), hash="f" + held.hash[1:])


def verdict(claims: Iterable[Claim], name: str, records: Sequence[Any]) -> str:
    """Status of the claim of that name."""
    (claim,) = (claim for claim in claims if claim.name == name)
    return claim.judge(records).status


class InMemory:
    """A recorder that keeps everything in memory and stops at a chosen checkpoint."""

    def __init__(self, stop_at: int | None = None, held: Any = None) -> None:
        self.stop_at, self.held = stop_at, held
        self.lines: list[dict[str, Any]] = []
        self.notes: dict[str, Any] = {}
        self.saved: dict[str, Any] = {}

    def restore(self) -> Any:
        return self.held

    def note(self, **facts: Any) -> None:
        self.notes.update(facts)

    def log(self, step: int, **metrics: Any) -> None:
        self.lines.append({"step": step, **metrics})

    def due(self) -> bool:
        return True

    def checkpoint(self, step: int, tensors: Any, state: Any = None) -> None:
        self.held = SimpleNamespace(step=step, tensors=dict(tensors), state=state)
        if step == self.stop_at:
            raise Interrupted("asked to stop")

    def progress(self, done: float, total: float) -> None:
        assert 0 < done <= total

    def save(self, name: str, tensors: Any) -> None:
        self.saved[name] = tensors

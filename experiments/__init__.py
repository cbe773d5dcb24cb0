"""Studies on the seqtheory bench."""

import sys
from typing import TYPE_CHECKING, Any

from seqtheory._moved import Moved

_ROOMS = {
    "engine": ("worker", "job", "session", "signals", "ray_task"),
    "store": (
        *("durable", "stored", "checkpoint", "provenance", "source", "inputs", "belonging"),
        *("sinks", "system_error"),
    ),
    "commands": (
        *("drawing", "listing", "progress", "verification", "broom", "results", "labels"),
        "output",
    ),
    "report": ("style", "markdown", "latex", "rows", "curve"),
}
_RENAMED = {
    "experiments.command": "experiments.commands.run",
    "experiments.diagnosis": "experiments.commands.doctor",
    "experiments.a5.published_values": "experiments.report.published_depths",
    "experiments.ray_engine": "experiments.engine.ray_cluster",
    "experiments.sources": "experiments.report.origins",
    "experiments.lra.selection": "experiments.best_model",
    "experiments.stability.attention": "experiments.data.attention",
}
_PATHS = {f"experiments.{n}": f"experiments.{room}.{n}" for room, ns in _ROOMS.items() for n in ns}
sys.meta_path.append(Moved({**_PATHS, **_RENAMED}))


def __getattr__(name: str) -> Any:
    """Import `load` once it is asked for: it brings the commands with it, which few need."""
    if name != "load":
        raise AttributeError(f"module 'experiments' has no attribute {name!r}")
    from experiments.loading import load

    return load


if TYPE_CHECKING:
    from experiments.loading import load

__all__ = ["load"]

"""Where runs are computed: jobs in processes of this machine, or on a Ray cluster."""

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    """Give what was in the module of this name before it became a folder."""
    from experiments.engine import local

    if name.startswith("_") or not hasattr(local, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"experiments.engine.{name} is now experiments.engine.local.{name}; the old path goes with "
        "the next minor version",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(local, name)

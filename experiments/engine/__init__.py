"""Where runs are computed: jobs in processes of this machine, or on a Ray cluster."""

import importlib
import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    """Give names that this module had before it became a package, with a warning."""
    local = importlib.import_module(f"{__name__}.local")
    if name.startswith("_") or name == "local" or not hasattr(local, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"{__name__}.{name} is now {__name__}.local.{name}; the old path goes with the next minor "
        "version",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(local, name)

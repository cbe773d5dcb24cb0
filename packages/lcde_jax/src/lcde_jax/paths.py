"""Checks on the paths that drive an equation, with errors that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jax.core import Tracer

if TYPE_CHECKING:
    from jaxtyping import Float

_ROWS_PER_CHECK = 4096


def check_path(path: Any, channels: int) -> None:
    """Raise ValueError or TypeError unless `solve` accepts `path`, one path `(time, channel)`.

    Under a JAX transformation the values are not known, so only shape and type are checked.
    """
    if np.ndim(path) == 3:
        raise ValueError(
            f"got a batch of shape {np.shape(path)}, expected one path (time, channel). "
            "Use jax.vmap(lambda path: solve(cde, path)), or random_features for many paths."
        )
    if np.ndim(path) != 2:
        raise ValueError(f"got a path of shape {np.shape(path)}, expected (time, channel).")
    _check_type(path)
    _check_time_and_channels(np.shape(path), channels)
    if not isinstance(path, Tracer):
        _check_finite(np.asarray(path)[None], "path")


def checked_paths(paths: Any, channels: int) -> Float[np.ndarray, "path time channel"]:
    """Return the paths as a NumPy array; ValueError or TypeError if features would be wrong."""
    paths = np.asarray(paths)
    if paths.ndim != 3:
        hint = " For one path write path[None]." if paths.ndim == 2 else ""
        raise ValueError(f"got paths of shape {paths.shape}, expected (path, time, channel).{hint}")
    _check_type(paths)
    if len(paths) == 0:
        raise ValueError(f"got no paths (shape {paths.shape}), expected at least one.")
    _check_time_and_channels(paths.shape, channels)
    _check_finite(paths, "paths")
    return paths


def _check_type(path: Any) -> None:
    dtype = np.dtype(path.dtype) if hasattr(path, "dtype") else np.asarray(path).dtype
    if dtype not in (np.float32, np.float64):
        raise TypeError(
            f"got a path of type {dtype}, expected float32 or float64. Results have the type of "
            "the path, so convert it first: path.astype(np.float64)."
        )


def _check_time_and_channels(shape: tuple[int, ...], channels: int) -> None:
    if shape[-2] < 2:
        raise ValueError(
            f"got paths of {shape[-2]} point(s) (shape {shape}), expected at least two: "
            "a single point has no increment. Prepend a basepoint if the first value should count."
        )
    if shape[-1] != channels:
        time = (
            " Do not add the time channel: it is added here." if shape[-1] == channels + 1 else ""
        )
        raise ValueError(
            f"got paths with {shape[-1]} channels (shape {shape}), but the equation has "
            f"channels={channels}.{time}"
        )


def _check_finite(paths: np.ndarray, name: str) -> None:
    for start in range(0, len(paths), _ROWS_PER_CHECK):
        finite = np.isfinite(paths[start : start + _ROWS_PER_CHECK])
        if not finite.all():
            row, time, channel = np.argwhere(~finite)[0]
            where = (
                f"[{start + row}, {time}, {channel}]" if name == "paths" else f"[{time}, {channel}]"
            )
            raise ValueError(
                f"got {name}{where} = {paths[start + row, time, channel]}, expected finite values."
            )

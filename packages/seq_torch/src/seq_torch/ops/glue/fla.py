"""What flash-linear-attention's kernels take, and their layout: `(batch, row, head, channel)`.

The rows are the steps times the factors of each. A step's decay stands at its first row, what it
reads at its last, and its output is that of its last row.

References
----------
Yang and Zhang, https://github.com/fla-org/flash-linear-attention, package fla-core 0.6.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module, metadata, util
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from .backend import BackendError
from .checks import common_type
from .obstacles import INSTALL_FLA

if TYPE_CHECKING:
    from jaxtyping import Float

SHORT = (torch.bfloat16, torch.float16)
MOST_KEYS = 256
# On an H100 with Triton 3.6 the kernels gave wrong numbers, or left their memory, for keys of 16 or
# 32 channels beside values of 64 and the reverse. Equal sizes, and 64 beside 128, were right.
UNEQUAL_FROM = 64
MOST_SEQUENCES = 2**16 - 1  # blocks along the second axis of a grid
HOPPER = 9  # major compute capability


def obstacles(
    given: Mapping[str, Tensor], gated: bool, cu_seqlens: Tensor | None = None
) -> list[str]:
    """Name what the kernels do not cover; empty if nothing.

    Parameters
    ----------
    given
        Inputs by name, with `q`, `k` and `v` among them.
    gated
        Whether the kernel that is meant takes a decay.
    cu_seqlens
        Offsets of packed sequences, if there are any.
    """
    q, k, v = given["q"], given["k"], given["v"]
    types = " and ".join(dict.fromkeys(str(value.dtype) for value in (q, k, v)))
    sequences = v.shape[0] if cu_seqlens is None else len(cu_seqlens) - 1
    learns = torch.is_grad_enabled() and any(value.requires_grad for value in given.values())
    checks = {
        f"q, k and v of {types} (expected one of bfloat16 or float16 for all three)": (
            not q.dtype == k.dtype == v.dtype or v.dtype not in SHORT
        ),
        "an input of float64": common_type(given.values()) == torch.float64,
        f"{k.shape[-1]} key channels (expected an even number up to {MOST_KEYS})": (
            k.shape[-1] % 2 != 0 or k.shape[-1] > MOST_KEYS
        ),
        f"{v.shape[-1]} value channels (expected an even number)": v.shape[-1] % 2 != 0,
        f"{k.shape[-1]} key beside {v.shape[-1]} value channels (expected as many, or at least "
        f"{UNEQUAL_FROM} of both)": (
            k.shape[-1] != v.shape[-1] and min(k.shape[-1], v.shape[-1]) < UNEQUAL_FROM
        ),
        f"a batch times heads over {MOST_SEQUENCES}": sequences * v.shape[1] > MOST_SEQUENCES,
        "an empty batch or sequence": v.numel() == 0
        or (cu_seqlens is not None and bool((cu_seqlens.diff() == 0).any())),
        "gradients through a decay (expected triton>=3.7.1, which torch 2.13 brings: on Hopper an "
        "older one gives wrong ones)": gated and learns and wrong_on(v.device),
    }
    return [name for name, present in checks.items() if present]


def kernel(operation: str, module: str, name: str) -> Any:
    """Import a function, or say why not and what to do.

    Raises
    ------
    BackendError
        If fla-core is missing or its import fails.
    """
    try:
        return getattr(import_module(module), name)
    except Exception as error:  # a mismatch with triton may raise anything
        raise BackendError(
            f"{operation}: backend='cuda' needs fla-core, expected {name} in {module}, whose "
            f"import failed with {type(error).__name__}: {error}. Install it: {INSTALL_FLA}"
        ) from error


def rows(
    value: Float[Tensor, "batch head time factor channel"],
) -> Float[Tensor, "batch row head channel"]:
    """Lay steps and factors out as rows."""
    return value.permute(0, 2, 3, 1, 4).flatten(1, 2)


def offsets(cu_seqlens: Tensor | None, factors: int) -> dict[str, Tensor]:
    """Give the kernels' argument for packed sequences, in rows; none where there are none."""
    return {} if cu_seqlens is None else {"cu_seqlens": factors * cu_seqlens.long()}


def at_first(
    value: Float[Tensor, "batch head time *channel"], factors: int
) -> Float[Tensor, "batch row head *channel"]:
    """Lay values of the steps at their first rows, zeros at the others."""
    turned = value.transpose(1, 2)[:, :, None]
    return pad(turned, (0, 0) * (turned.ndim - 3) + (0, factors - 1)).flatten(1, 2)


def at_last(
    value: Float[Tensor, "batch head time channel"], factors: int
) -> Float[Tensor, "batch row head channel"]:
    """Lay values of the steps at their last rows, zeros at the others."""
    return pad(value.transpose(1, 2)[:, :, None], (0, 0, 0, 0, factors - 1, 0)).flatten(1, 2)


def of_last(
    value: Float[Tensor, "batch row head channel"], factors: int
) -> Float[Tensor, "batch head time channel"]:
    """Read the last rows of the steps."""
    return value[:, factors - 1 :: factors].transpose(1, 2)


def wrong_on(device: torch.device) -> bool:
    """Whether the compiler here gives wrong gradients with respect to a decay on this device.

    That is Triton from 3.4.0 up to 3.7.1 on Hopper, where the kernels refuse, unless tilelang is
    there to compile them instead (upstream's issue 640).
    """
    if device.type != "cuda" or torch.cuda.get_device_capability(device)[0] != HOPPER:
        return False
    return _triton_is_wrong()


@cache
def _triton_is_wrong() -> bool:
    if util.find_spec("tilelang") or not util.find_spec("triton"):
        return False
    version = tuple(int(n) for n in re.findall(r"\d+", metadata.version("triton"))[:3])
    return (3, 4) <= version < (3, 7, 1)

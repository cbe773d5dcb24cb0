"""The outer scan on a CUDA device, by flash-linear-attention's kernels."""

from __future__ import annotations

from torch import Tensor

from ..glue import fla
from ..glue.obstacles import INSTALL_FLA, of_device, of_import
from .problem import Problem

MODULE = "fla.ops.simple_gla"
BY_CHANNELS = "fla.ops.gla"


def obstacles(p: Problem) -> list[str]:
    """Name what the kernel does not cover, or what it needs and is not here."""
    found = of_device(p.v) or fla.obstacles(p.given, gated=True, cu_seqlens=p.cu_seqlens)
    if not found and not bool((p.decay > 0).all()):
        found.append("a decay that is zero, negative or no number (expected positive ones)")
    return found or of_import(BY_CHANNELS if p.by_channels else MODULE, INSTALL_FLA)


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output and last state; `torch.compile` breaks its graph here.

    The kernels take logarithms of the decays, which stay in single precision as the state does.
    """
    p, factors = p.with_all_heads(), p.v.shape[3]
    if p.by_channels:
        kernel = fla.kernel("outer_scan", BY_CHANNELS, "chunk_gla")
    else:
        kernel = fla.kernel("outer_scan", MODULE, "chunk_simple_gla")
    output, state = kernel(
        q=fla.at_last(p.q, factors),
        k=fla.rows(p.k),
        v=fla.rows(p.v),
        g=fla.at_first(p.decay.float().log(), factors),
        **fla.offsets(p.cu_seqlens, factors),
        scale=1.0,
        initial_state=p.initial.float(),
        output_final_state=True,
    )
    return fla.of_last(output, factors), state

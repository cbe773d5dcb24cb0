"""The generalised delta rule on a CUDA device, by flash-linear-attention's kernels."""

from __future__ import annotations

from torch import Tensor

from ..glue import fla
from ..glue.obstacles import INSTALL_FLA, of_device, of_import
from .problem import Problem

MODULE = "fla.ops.generalized_delta_rule"


def obstacles(p: Problem) -> list[str]:
    """Name what the kernel does not cover, or what it needs and is not here."""
    found = of_device(p.v) or fla.obstacles(p.given, gated=True, cu_seqlens=p.cu_seqlens)
    if not found and not bool((p.decays > 0).all()):
        found.append("a decay that is zero, negative or no number (expected positive ones)")
    return found or of_import(MODULE, INSTALL_FLA)


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output and last state; `torch.compile` breaks its graph here.

    Logarithms of the decays and the state stay in single precision; a and b are brought to the type
    of the keys, in which the kernel multiplies them.
    """
    kernel = fla.kernel("generalised_delta_scan", MODULE, "chunk_dplr_delta_rule")
    decays = p.log_decay if p.log_decay is not None else p.decays.log()
    output, state = kernel(
        q=_row(p.q),
        k=_row(p.k),
        v=_row(p.v),
        a=_row(p.a.to(p.k.dtype)),
        b=_row(p.b.to(p.k.dtype)),
        gk=_row(decays.float()),
        **fla.offsets(p.cu_seqlens, 1),
        scale=1.0,
        initial_state=p.initial.float(),
        output_final_state=True,
    )
    return output.transpose(1, 2), state


def _row(value: Tensor) -> Tensor:
    """`(batch, head, time, channel)` as the kernel takes it, time first."""
    return value.transpose(1, 2).contiguous()

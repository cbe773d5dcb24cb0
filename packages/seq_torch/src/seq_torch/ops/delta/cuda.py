"""The delta rule on a CUDA device, by flash-linear-attention's kernels."""

from __future__ import annotations

from torch import Tensor

from ..glue import fla
from ..glue.obstacles import INSTALL_FLA, of_device, of_import
from .problem import Problem

MODULE = "fla.ops.delta_rule"
GATED = "fla.ops.gated_delta_rule"


def obstacles(p: Problem) -> list[str]:
    """Name what the kernels do not cover, or what they need and is not here."""
    module = MODULE if p.log_decay is None else GATED
    return (
        of_device(p.v)
        or fla.obstacles(p.given, gated=p.log_decay is not None, cu_seqlens=p.cu_seqlens)
        or of_import(module, INSTALL_FLA)
    )


def covers(p: Problem) -> bool:
    """Whether there are no `obstacles`."""
    return not obstacles(p)


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output and last state; `torch.compile` breaks its graph here.

    Strengths, decays and the state stay in single precision, as the kernels keep them.
    """
    factors = p.k.shape[3]
    given = {
        "q": fla.at_last(p.q, factors),
        "k": fla.rows(p.k),
        "v": fla.rows(p.v),
        "beta": fla.rows(p.beta.float()[..., None])[..., 0],
    }
    if p.log_decay is None:
        kernel = fla.kernel("delta_scan", MODULE, "chunk_delta_rule")
    else:
        kernel = fla.kernel("delta_scan", GATED, "chunk_gated_delta_rule")
        given["g"] = fla.at_first(p.log_decay.float(), factors)
    output, state = kernel(
        **given,
        **fla.offsets(p.cu_seqlens, factors),
        scale=1.0,
        initial_state=p.initial.float(),
        output_final_state=True,
    )
    return fla.of_last(output, factors), state

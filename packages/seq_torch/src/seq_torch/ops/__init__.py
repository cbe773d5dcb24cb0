"""Scans, convolution and discretisation: what every recurrent model here is made of.

Each scan has a slow, obvious ``reference`` and fast twins with the same meaning; ``backend="auto"``
picks one by device and type, unless `use_backend` says which, and logs its choice once, at level
INFO of the logger ``seq_torch.ops.backend``.
"""

import sys

from seqtheory._moved import Moved

from .convolution import causal_convolution, causal_convolution_direct
from .delta import delta_scan
from .discretisation import bilinear, euler, zero_order_hold
from .generalised_delta import generalised_delta_scan
from .glue.backend import BackendError, use_backend
from .linear import linear_scan
from .m2rnn import m2rnn_scan
from .one_hot import one_hot_scan
from .outer import outer_scan
from .pair import pair_scan
from .residual import residual_scan
from .selective import selective_scan
from .slstm import slstm_scan
from .structured import Transitions, structured_scan

__all__ = [
    "BackendError",
    "Transitions",
    "bilinear",
    "causal_convolution",
    "causal_convolution_direct",
    "delta_scan",
    "euler",
    "generalised_delta_scan",
    "linear_scan",
    "m2rnn_scan",
    "one_hot_scan",
    "outer_scan",
    "pair_scan",
    "residual_scan",
    "selective_scan",
    "slstm_scan",
    "structured_scan",
    "use_backend",
    "zero_order_hold",
]

_MOVED = {
    "axes": "checks",
    "inputs": "checks",
    "mapped": "opaque",
    **{name: name for name in ("chunks", "constant", "fla", "matrices", "matrix_operator")},
    **{name: name for name in ("opaque", "pages", "tangents", "threads")},
}
sys.meta_path.append(
    Moved({f"{__name__}.{old}": f"{__name__}.glue.{new}" for old, new in _MOVED.items()})
)

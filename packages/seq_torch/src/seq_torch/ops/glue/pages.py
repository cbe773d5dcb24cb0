"""Large results in large pages: a fresh array of many megabytes costs as much to map as to fill."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

LARGE = 1 << 25  # bytes above which an allocator keeps no freed memory, but maps it afresh
_PAGE = 1 << 21


def empty_like(like: Tensor, shape: Sequence[int] | None = None) -> Tensor:
    """Return a tensor whose values are yet to be written, in large pages where the system has them.

    Its shape is that of `like`, or the one given.

    Notes
    -----
    Only Linux grants large pages, where its transparent huge pages are set to ``madvise`` or
    ``always``. They change the time of the first write and nothing else.
    """
    result = torch.empty_like(like) if shape is None else like.new_empty(tuple(shape))
    size = result.numel() * result.element_size()
    if result.device.type == "cpu" and size >= LARGE and (advise := _advise()):
        first = -(-result.data_ptr() // _PAGE) * _PAGE
        length = (result.data_ptr() + size - first) // _PAGE * _PAGE
        advise(first, length, mmap.MADV_HUGEPAGE)
    return result


@cache
def _advise() -> ctypes._NamedFuncPointer | None:
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    function = ctypes.CDLL(None).madvise
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function

"""The scan of one-hot matrices by routes: a position costs as many products as it has numbers.

The choice has no part in the value beside the routes, and a gradient alone beside them. That is
the gradient of what P adds to the state, for the state before as it is; so the states are computed
first, and once more with a term that is zero and has this gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..structured.scan import structured_scan
from ..structured.transitions import Fetched, Routed
from .choice import choice_of, places
from .problem import Problem


def scan(p: Problem, backend: str) -> Tensor:
    """States after every position, by this backend of `structured_scan`."""
    chosen = places(p.weights.detach(), p.dictionary.detach(), p.axis)
    kind = Routed if p.one_per == "column" else Fetched
    drive = p.drive
    if torch.is_grad_enabled() and (p.weights.requires_grad or p.dictionary.requires_grad):
        with torch.no_grad():
            h = structured_scan(kind(chosen, p.factors), p.initial, backend, drive=drive)
        drive = drive + _choice(p, torch.cat((p.initial[:, None], h[:, :-1]), 1).detach())
    return structured_scan(kind(chosen, p.factors), p.initial, backend, drive=drive)


def _choice(p: Problem, before: Tensor) -> Tensor:
    """Zeros with the gradient of P diag(d) h, or of diag(d) P h, by the choice of P."""
    d, column = p.factors.detach(), p.one_per == "column"
    vectors = d * before if column else before
    parts = torch.view_as_real(vectors) if vectors.is_complex() else vectors[..., None]
    found = choice_of(p.weights, p.dictionary, parts.to(p.weights.dtype), p.axis)
    found = torch.view_as_complex(found) if vectors.is_complex() else found[..., 0]
    return found.to(d.dtype) if column else d * found

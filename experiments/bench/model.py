"""What counts as a model: a mixer of `seq_torch`, however somebody gives it.

=================================================  ============================================
given                                              becomes
=================================================  ============================================
``"my_model.py:Recurrence"``, or a `Guest`         what that file calls by that name, as below
class or function ``width -> torch.nn.Module``     `seq_torch.ModuleConfig` around it
layer that asks for hidden_size, d_model or dim    the same, by the adapter of `ModuleConfig`
settings, `seq_torch.MixerConfig`, or their class  these settings
=================================================  ============================================

The module maps ``(batch, time, width)`` to the same shape. Where it has
``initial_state(batch_size)`` and ``step(x_k, state)``, these are kept. A class says by
``causal = False`` that it looks ahead, and by ``straight_through = True`` that its gradients are
those of another map.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import guest as guests
from experiments.guest import Guest
from experiments.store import neighbours


@dataclass(frozen=True)
class Candidate:
    """A model on the bench.

    Parameters
    ----------
    name
        What tables call it.
    settings
        A `seq_torch.MixerConfig`; ``settings.build(width)`` draws a module.
    files
        Files of its own code, whose lines a fault is told by.
    """

    name: str
    settings: Any
    files: tuple[Path, ...]


def candidate(model: object) -> Candidate:
    """Take a model in any of the forms above.

    Raises
    ------
    ConfigError
        If a file or a name in it does not exist, does not import, or gives no model.
    """
    import seq_torch

    found = guests.found(model) if isinstance(model, str) else model
    if isinstance(found, Guest):
        kind, files = guests.imported(found), guests.files(found)
        return Candidate(found.name, guests.as_mixer(seq_torch, kind), tuple(files))
    return Candidate(_name(found), guests.as_mixer(seq_torch, found), tuple(_files(found)))


def _name(kind: object) -> str:
    """Name of a class or a function, or of the class of settings."""
    return getattr(kind, "__name__", None) or type(kind).__name__


def _files(kind: Any) -> list[Path]:
    """Files of the code of a class, a function or settings; none where Python does not know."""
    kind = kind if inspect.isclass(kind) or inspect.isroutine(kind) else type(kind)
    try:
        file = inspect.getsourcefile(inspect.unwrap(kind))
    except (TypeError, ValueError):  # written in C, or wrapped in a circle
        return []
    path = Path(file) if file else None
    return list(neighbours.files(path).values()) if path and path.is_file() else []

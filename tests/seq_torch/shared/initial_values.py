"""Initial values of upstream's layers, read from their figures, beside those of our mixers.

Nothing here needs torch or JAX: `initial_torch` and `lcde_jax`'s tests draw what is compared.

``tests/seq_torch/upstream/initial/NAME.json`` holds

- ``source``: package, version, files, the model that was built, and what it leaves to weight decay;
- ``made``: how: version of the framework, number of draws, seeds, options of upstream's model;
- ``cases``, each a layer of upstream's with the mixer of ours that must start as it does:

  - ``settings`` of our mixer as plain values (`seqtheory.plain.described`) and its ``width``;
  - ``parameters``: every parameter of upstream's layer, as said in `Entry`;
  - ``upstream_alone``, ``ours_alone``: parameters that the other side lacks, each with the reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from initial_figures import unlike

from seqtheory.plain import restored
from seqtheory.settings import Mixer

FOLDER = Path(__file__).parents[1] / "upstream" / "initial"
DRAWS = 400

WITHOUT = {
    "DeltaRuleConfig": "is what the delta rules share",
    "ModuleConfig": "is a module of the user's own",
    "SelectiveDiagonalConfig": "is a class of models in a theorem, which has no published layer",
}
"""Mixers that no published layer stands for, and why."""

OWN = {
    "strength.bias": "is an option of ours in the delta rules",
    "convolution.bias": "is an option of ours in the delta rules",
    "start": "is a trained first state, ours",
    "C": "is Mamba's of the linear-CDE paper's preprint",
    "convolution.weight": "is in RetNet an option that its published model stores and never reads",
    "into.weight": "is the sLSTM's without its block",
    "A.choice": "is of the bare one-hot class; PDSSMConfig is the published block",
    "A.magnitude": "is of the bare one-hot class",
    "A.phase": "is of the bare one-hot class",
    "A.entries": "is of sparse matrices by our own rule",
    "similarity.parametrizations.weight.original": "is a skew matrix, ours",
    "recurrence.similarity.parametrizations.weight.original": "is a skew matrix, ours",
}
"""Parameters that some settings have and no published layer does, and what each is."""

Draws = dict[str, np.ndarray]
"""Draws of each parameter of ours, which are its first axis."""

TRANSFORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "negative": np.negative,
    "minus one": lambda x: x - 1,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sizes": np.abs,
    "sorted": np.sort,
    "transposed": lambda x: x.swapaxes(-1, -2),
    "gram": lambda x: x @ x.swapaxes(-1, -2),
    "modulus": lambda x: np.hypot(x[..., 0], x[..., 1]),
    "one group": lambda x: x[..., None, :],
    "one channel": lambda x: x[None],
    "one column": lambda x: x[..., None],
    "flat": np.ravel,
    "joined": lambda x: x.reshape(len(x), -1),
    "inputs last": lambda x: x.reshape(len(x), -1).T,
    "32 kept": lambda x: x[x != 0][:32],
}
"""What may be done to ours before it is compared, one after the other."""


@dataclass(frozen=True)
class Entry:
    """One parameter of upstream's layer, and where ours holds it.

    Parameters
    ----------
    upstream, shape
        Its name and shape. A name followed by a transform in brackets, "r_proj.weight (gram)",
        says that the figures are of what the transform gives, and `shape` is that of the result.
    ours
        Parameters of ours, each maybe with a slice: "into.weight[0:64]"; several are put one after
        the other along their first axis.
    transform
        Names out of `TRANSFORMS` that take ours to upstream's, the shape included.
    decayed
        Whether upstream leaves the parameter to weight decay.
    figures
        How upstream draws it, see `initial_figures.figures`.
    differs, decay_differs
        Why ours starts otherwise, or decays otherwise, on purpose; it must then do so.
    """

    upstream: str
    shape: list[int]
    ours: list[str]
    decayed: bool
    figures: dict[str, Any]
    transform: list[str]
    differs: str | None = None
    decay_differs: str | None = None


@dataclass(frozen=True)
class Case:
    """A layer of upstream's, and our mixer that starts as it does."""

    file: str
    title: str
    mixer: Any
    width: int
    entries: list[Entry]
    upstream_alone: dict[str, str]
    ours_alone: dict[str, str]
    source: dict[str, Any]

    @property
    def names(self) -> set[str]:
        """Names of our parameters that this case accounts for."""
        held = {name.partition("[")[0] for entry in self.entries for name in entry.ours}
        return held | set(self.ours_alone)

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def cases(kind: type[Mixer], folder: Path = FOLDER) -> Iterator[Case]:
    """Read the cases of mixers that a framework has, in the order of the files' names.

    `kind` is the framework's base class of mixers, such as `seq_torch.MixerConfig`.
    """
    known = {heir.__name__ for heir in kinds(kind)}
    for path in sorted(folder.glob("*.json")):
        held = json.loads(path.read_text(encoding="utf-8"))
        for title, case in held["cases"].items():
            if case["settings"]["type"] not in known:
                continue
            yield Case(
                file=path.stem,
                title=title,
                mixer=restored(case["settings"], kind),
                width=case["width"],
                entries=[Entry(**{"transform": []} | entry) for entry in case["parameters"]],
                upstream_alone=case.get("upstream_alone", {}),
                ours_alone=case.get("ours_alone", {}),
                source=held["source"],
            )


def difference(entry: Entry, held: Draws) -> str | None:
    """Say how ours starts otherwise than upstream's parameter; None if it does not."""
    absent = [name for name, _ in map(_place, entry.ours) if name not in held]
    if absent:
        return f"there is no {absent[0]}"
    parts = [held[name][(slice(None), *index)] for name, index in map(_place, entry.ours)]
    ours = np.concatenate(parts, 1).astype(np.float64)
    for name in entry.transform:
        ours = np.stack([TRANSFORMS[name](one) for one in ours])
    if list(ours.shape[1:]) != entry.shape:
        return f"its shape is {list(ours.shape[1:])}, and upstream's {entry.shape}"
    return unlike(ours, entry.figures)


def unaccounted(case: Case, held: Draws) -> list[str]:
    """List parameters of ours, or parts of them, that no entry holds, or that several hold."""
    seen = {name: np.zeros(values.shape[1:]) for name, values in held.items()}
    places = Counter(place for entry in case.entries for place in set(entry.ours))
    for name, index in map(_place, places):
        if name in seen:
            seen[name][index] += 1
    found = [name for name in case.ours_alone if name not in seen]
    for name, count in seen.items():
        if (count != (0 if name in case.ours_alone else 1)).any():
            found.append(name)
    return found


def kinds(kind: type) -> Iterator[type]:
    """Give all classes below a class."""
    for heir in kind.__subclasses__():
        yield heir
        yield from kinds(heir)


def _place(text: str) -> tuple[str, tuple[Any, ...]]:
    """Read "name[0:4, 2]": a parameter's name and an index."""
    found = re.fullmatch(r"([\w.]+)(?:\[([-\d:., ]+)\])?", text)
    if found is None:
        raise ValueError(f"got {text!r}, expected a parameter and maybe a slice, as weight[0:4]")
    parts = found[2].split(",") if found[2] else []
    return found[1], tuple(_index(part.strip()) for part in parts)


def _index(text: str) -> Any:
    if text == "...":
        return ...
    if ":" in text:
        return slice(*(int(end) if end else None for end in text.split(":")))
    return int(text)

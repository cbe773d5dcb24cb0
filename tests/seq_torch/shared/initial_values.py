"""Initial values of upstream's layers, read from their figures, beside those of our mixers.

``tests/seq_torch/upstream/initial/NAME.json`` holds

- ``source``: package, version, files, the model that was built, and what it leaves to weight decay;
- ``made``: how: version of the framework, number of draws, seeds, options of upstream's model;
- ``cases``, each a layer of upstream's with the mixer of ours that must start as it does:

  - ``settings`` of our mixer as plain values (`seqtheory.plain.described`) and its ``width``;
  - ``parameters``: every parameter of upstream's layer, as said in `Entry`;
  - ``upstream_alone``, ``ours_alone``: parameters that the other side lacks, each with the reason.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from initial_figures import unlike

import seq_torch as st
from seq_torch.train.optim import parameter_groups
from seqtheory.plain import restored
from seqtheory.training import Training

FOLDER = Path(__file__).parents[1] / "upstream" / "initial"
DRAWS = 400

TRANSFORMS = {
    "exp": torch.exp,
    "log": torch.log,
    "negative": torch.neg,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "half": lambda x: x / 2,
    "over pi": lambda x: x / pi,
    "transposed": lambda x: x.mT,
    "square": torch.square,
    "gram": lambda x: x @ x.mT,
    "modulus": lambda x: st.parameter.as_complex(x.contiguous()).abs(),
    "one group": lambda x: x.unsqueeze(-2),
    "one channel": lambda x: x.unsqueeze(0),
    "one column": lambda x: x.unsqueeze(-1),
    "sizes": torch.abs,
    "sorted": lambda x: x.sort(-1).values,
    "joined": lambda x: x.flatten(1),
    "inputs last": lambda x: x.flatten(1).mT,
    "32 kept": lambda x: x[x != 0][:32],
    "flat": lambda x: x.flatten(),
    "minus one": lambda x: x - 1,
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
    mixer: st.MixerConfig
    width: int
    entries: list[Entry]
    upstream_alone: dict[str, str]
    ours_alone: dict[str, str]
    source: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def cases(folder: Path = FOLDER) -> Iterator[Case]:
    """Read all cases of all files, in the order of their names."""
    for path in sorted(folder.glob("*.json")):
        held = json.loads(path.read_text(encoding="utf-8"))
        for title, case in held["cases"].items():
            yield Case(
                file=path.stem,
                title=title,
                mixer=restored(case["settings"], st.MixerConfig),
                width=case["width"],
                entries=[Entry(**{"transform": []} | entry) for entry in case["parameters"]],
                upstream_alone=case.get("upstream_alone", {}),
                ours_alone=case.get("ours_alone", {}),
                source=held["source"],
            )


@functools.cache
def drawn(mixer: st.MixerConfig, width: int, draws: int = DRAWS) -> dict[str, torch.Tensor]:
    """Draw every parameter of a mixer, with a new first axis for the draws; all from one seed."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(20240229)
        built = [dict(mixer.build(width).named_parameters()) for _ in range(draws)]
    return {name: torch.stack([one[name].detach() for one in built]) for name in built[0]}


def decayed(mixer: st.MixerConfig, width: int) -> dict[str, bool]:
    """Say of each parameter whether `seq_torch.fit` leaves it to weight decay."""
    module = mixer.build(width)
    groups = parameter_groups(module, Training(weight_decay=0.1))
    kept = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    return {name: id(p) in kept for name, p in module.named_parameters()}


def difference(entry: Entry, held: dict[str, torch.Tensor]) -> str | None:
    """Say how ours starts otherwise than upstream's parameter; None if it does not."""
    absent = [name for name, _ in map(_place, entry.ours) if name not in held]
    if absent:
        return f"there is no {absent[0]}"
    parts = [held[name][(slice(None), *index)] for name, index in map(_place, entry.ours)]
    ours = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
    for name in entry.transform:
        ours = torch.stack([TRANSFORMS[name](one) for one in ours.double()])
    if list(ours.shape[1:]) != entry.shape:
        return f"its shape is {list(ours.shape[1:])}, and upstream's {entry.shape}"
    return unlike(np.asarray(ours), entry.figures)


def unaccounted(case: Case, held: dict[str, torch.Tensor]) -> list[str]:
    """List parameters of ours, or parts of them, that no entry holds, or that several hold."""
    seen = {name: torch.zeros(values.shape[1:]) for name, values in held.items()}
    places = Counter(place for entry in case.entries for place in set(entry.ours))
    for name, index in map(_place, places):
        if name in seen:
            seen[name][index] += 1
    found = [name for name in case.ours_alone if name not in seen]
    for name, count in seen.items():
        if (count != (0 if name in case.ours_alone else 1)).any():
            found.append(name)
    return found


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

r"""What benchmarks of a recurrence share: peers that may be missing, ways side by side, one layer.

Peers are not in the lock; one that cannot be imported is left out. They take torch from an
environment with seq_torch, and the rest from a folder of their own::

    P="uv pip install --python .nox/benchmarks --target peers"
    $P --no-deps transformers==5.24.0 fla-core==0.6.0 xlstm==2.0.6
    $P huggingface_hub tokenizers regex safetensors typer einops tqdm pyyaml httpx2 fsspec \
        filelock packaging click hf-xet omegaconf dacite
    PYTHONPATH=peers OMP_NUM_THREADS=1 nox -s benchmarks -- delta_peers gla slstm
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from benchmarks import gradients, report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work
from seq_torch import MixerConfig, ops

PEER = "naive"
"""Name of a peer's plain reference among the ways to run a recurrence."""
ROUNDS = 3
Way = TypeVar("Way")


def side_by_side(
    title: str,
    labels: Mapping[str, str],
    work: Callable[..., Work],
    *,
    rounds: int = ROUNDS,
    way: str = "backend",
    **given: Any,
) -> list[dict[str, Any]]:
    """Measure ways of one piece of work, print their table, and return its rows.

    Parameters
    ----------
    title
        Of the table.
    labels
        What the table calls each way; the first is ours.
    work
        What prepares the work, at the top of its module: a worker's process calls it by name.
    rounds
        Timed calls of each.
    way
        Argument of `work` that takes the way.
    given
        Its other arguments, plain values.
    """
    contenders = [
        Contender(label, work.__module__, work.__name__, given | {way: name})
        for name, label in labels.items()
    ]
    return shown(title, contenders, rounds)


def shown(title: str, contenders: Sequence[Contender], rounds: int) -> list[dict[str, Any]]:
    """Measure contenders, print their table, and return its rows."""
    measured = compare(contenders, rounds)
    report.show_comparison(title, measured)
    return report.rows(title, measured)


def with_fla(labels: Mapping[str, str], label: str) -> dict[str, str]:
    """Add flash-linear-attention's reference to the ways, where package fla-core is installed."""
    return {**labels, PEER: label} if util.find_spec("fla") else dict(labels)


def of_fla(file: str) -> Any:
    """One file of fla-core, without the package, whose import asks for a GPU's compiler."""
    package = util.find_spec("fla")
    assert package is not None
    assert package.origin is not None
    spec = util.spec_from_file_location("naive", Path(package.origin).parent / file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(way: str) -> str:
    """Name and version of the package that a way is of."""
    return version("fla-core" if way == PEER else "seq-torch")


def layer(config: MixerConfig, sizes: Sequence[int], backend: str) -> Work:
    """Prepare one layer, forward and back; `sizes` are (batch, time, width)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = config.build(sizes[-1])
    inputs = {"x": gradients.normal()(*sizes)}
    inputs |= {name: value.detach() for name, value in module.named_parameters()}

    def call(x: Tensor, backend: str, **weights: Tensor) -> Tensor:
        with ops.use_backend(backend):
            return torch.func.functional_call(module, weights, (x,))

    ours, step = (gradients.step(call, inputs, backend=name) for name in ("fused", backend))
    return gradients.work(step, package(backend), ours)


def importable(contenders: Mapping[str, tuple[Way, str, str]]) -> dict[str, tuple[Way, str]]:
    """Keep the contenders whose module is here, each with its package and version; say which not.

    Parameters
    ----------
    contenders
        By label: what runs, its module and its package.
    """
    found = {}
    for label, (way, module, of) in contenders.items():
        if util.find_spec(module) is None:
            print(f"{label} is left out: {module} is not installed, see benchmarks/peers.py.")
        else:
            found[label] = way, version(of)
    return found

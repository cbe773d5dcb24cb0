"""Settings of the whole process, which a model must leave as they are."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def kept(changed: dict[str, str]) -> Iterator[None]:
    """Put settings back that something changes, and note in `changed` what they became."""
    table = _table()
    before = {name: get() for name, (get, _) in table.items()}
    try:
        yield
    finally:
        for name, (get, put) in table.items():
            if (after := get()) != before[name]:
                changed.setdefault(name, f"{before[name]} became {after}")
                put(before[name])


def _table() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """How each setting is asked for, and put back."""
    import torch

    return {
        "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
        "the default device": (torch.get_default_device, torch.set_default_device),
        "the number of threads": (torch.get_num_threads, torch.set_num_threads),
        "gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
        "deterministic algorithms": (
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
        "the precision of matrix products": (
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        ),
        "NumPy's handling of errors": (np.geterr, lambda then: np.seterr(**then)),
    }


@contextmanager
def drawn(seed: int, *, foreign: int | None = None, device: str = "cpu") -> Iterator[None]:
    """Let every global generator start from a seed, and go on afterwards where it was before.

    Parameters
    ----------
    seed
        Of torch's generator.
    foreign
        Of those of NumPy and of Python; the same where it is None.
    device
        Where the generator of a device is seeded too.
    """
    import torch

    foreign = seed if foreign is None else foreign
    then = np.random.get_state(), random.getstate()  # noqa: NPY002 - guests may draw from it
    cuda = torch.device(device).type == "cuda"
    with torch.random.fork_rng(devices=[torch.device(device)] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        np.random.set_state(np.random.RandomState(foreign).get_state())  # noqa: NPY002
        random.setstate(random.Random(foreign).getstate())  # noqa: S311 - nothing secret
        try:
            yield
        finally:
            np.random.set_state(then[0])  # noqa: NPY002
            random.setstate(then[1])


def stands() -> dict[str, Any]:
    """Where the global generators stand."""
    import torch

    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "NumPy": [np.asarray(part).tolist() for part in np.random.get_state()],  # noqa: NPY002
        "Python": random.getstate(),
    }

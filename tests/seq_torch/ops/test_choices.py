"""Which backend every operation chooses, and which names it refuses, case by case.

On a CUDA device tensors are fake: they have a device and a type, and no numbers.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from seq_torch import ops
from seq_torch.ops.glue import backend, fla, obstacles
from seq_torch.ops.structured import (
    Blocks,
    DiagonalLowRank,
    Elementwise,
    Hadamard,
    Routed,
    SparseRows,
)

HALF = (torch.float16, torch.bfloat16)
FULL = (torch.float32, torch.float64)
COMPLEX = (torch.complex64, torch.complex128)
TYPES = {"half": HALF, "full": FULL, "complex": COMPLEX}
NAMES = ("fused", "parallel", "chunked", "cuda", "reference")
SIZES = ((1, 1), (2, 16), (2, 0))  # batch and time
KEYS = VALUES = 6
# Of every case what "auto" takes, and all that run: on the CPU with and without numba, and on a
# device of CUDA without kernels of its own.
TABLE = """
linear                    half full complex: fused parallel reference; parallel; parallel
selective                 half full complex: fused parallel reference; parallel; parallel
selective, initial        half full complex: fused parallel reference; parallel; parallel
selective, 300 states     half full complex: fused parallel reference; parallel; parallel
residual, dense           half full: fused reference; reference; reference
residual, diagonal        half full: fused reference; reference; reference
residual, dense linear    half full: fused reference; reference; reference
residual, diagonal linear half full: fused parallel reference; parallel; parallel
structured, blocks        full complex: fused parallel chunked reference; reference; chunked
structured, blocks        half: parallel chunked reference; reference; chunked
structured, elementwise   full complex: fused parallel chunked reference; reference; parallel
structured, elementwise   half: parallel chunked reference; reference; parallel
structured, low rank      full complex: fused chunked reference; reference; chunked
structured, low rank      half: chunked reference; reference; chunked
structured, sparse rows   full complex: fused chunked reference; reference; chunked
structured, sparse rows   half: chunked reference; reference; chunked
structured, hadamard      full complex: fused chunked reference; reference; chunked
structured, hadamard      half: chunked reference; reference; chunked
structured, routed        full complex: fused parallel chunked reference; reference; chunked
structured, routed        half: parallel chunked reference; reference; chunked
delta                     half full: fused chunked reference; chunked; chunked
delta, no decay           half full: fused chunked reference; chunked; chunked
delta, odd keys           half full: fused chunked reference; chunked; chunked
delta, unequal            half full: fused chunked reference; chunked; chunked
outer                     half full: chunked fused reference; chunked; chunked
outer, channels           half full: fused chunked reference; chunked; chunked
generalised               half full: fused chunked reference; chunked; chunked
slstm                     half full: fused reference; reference; reference
m2rnn                     half full: fused reference; reference; reference
"""
# The cases of which "auto" takes the kernels of CUDA, if it has steps, and gradients not through a
# decay.
BY_KERNELS = {
    "selective": (*HALF, torch.float32, torch.complex64),
    "delta": HALF,
    "delta, no decay": HALF,
}

Call = Callable[[str], Any]


def linear(tensor: Callable[..., torch.Tensor], batch: int, time: int) -> Call:
    a, b = tensor(3), tensor(batch, time, 3)
    return lambda name: ops.linear_scan(a, b, backend=name)


def selective(
    tensor: Callable[..., torch.Tensor], batch: int, time: int, states: int = 3, start: bool = False
) -> Call:
    u = tensor(batch, 4, time, real=True)
    A, B = tensor(4, states), tensor(4, states)
    initial = tensor(batch, 4, states) if start else None
    return lambda name: ops.selective_scan(u, u, A, B, B, initial_state=initial, backend=name)


def residual(
    tensor: Callable[..., torch.Tensor], batch: int, time: int, *shape: int, kind: str = "tanh"
) -> Call:
    x, weight = tensor(batch, time, 3), tensor(*shape)
    return lambda name: ops.residual_scan(x, weight, activation=kind, backend=name)


def structured(kind: str, tensor: Callable[..., torch.Tensor], batch: int, time: int) -> Call:
    lead = (batch, max(1, time))
    places = tensor(4, 2, real=True).new_zeros(4, 2, dtype=torch.int64)
    rows = tensor(*lead, 4).new_zeros(*lead, 4, dtype=torch.int64)
    matrices = {
        "blocks": lambda: Blocks(tensor(*lead, 2, 2, 2)),
        "elementwise": lambda: Elementwise(tensor(*lead, 4)),
        "low rank": lambda: DiagonalLowRank(
            tensor(*lead, 4), tensor(*lead, 4, 1), tensor(*lead, 4, 1)
        ),
        "sparse rows": lambda: SparseRows(tensor(*lead, 4, 2), places, True),
        "hadamard": lambda: Hadamard(tensor(*lead, 4), True),
        "routed": lambda: Routed(rows, tensor(*lead, 4)),
    }[kind]()
    initial = tensor(batch, 4)
    return lambda name: ops.structured_scan(matrices, initial, backend=name)


def delta(
    tensor: Callable[..., torch.Tensor],
    batch: int,
    time: int,
    decay: bool = True,
    keys: int = KEYS,
    values: int = VALUES,
) -> Call:
    q, k = tensor(batch, 1, time, keys), tensor(batch, 1, time, 2, keys)
    v, beta = tensor(batch, 2, time, 2, values), tensor(batch, 2, time, 2)
    log = tensor(batch, 2, time) if decay else None
    return lambda name: ops.delta_scan(q, k, v, beta, log, backend=name)


def outer(
    tensor: Callable[..., torch.Tensor], batch: int, time: int, channels: tuple[int, ...] = ()
) -> Call:
    q, k = tensor(batch, 1, time, KEYS), tensor(batch, 1, time, 2, KEYS)
    v, decay = tensor(batch, 2, time, 2, VALUES), tensor(batch, 2, time, *channels)
    return lambda name: ops.outer_scan(q, k, v, decay, backend=name)


def generalised(tensor: Callable[..., torch.Tensor], batch: int, time: int) -> Call:
    q, k, v, a, b, log = (tensor(batch, 2, time, KEYS) for _ in range(6))
    return lambda name: ops.generalised_delta_scan(q, k, v, a, b, log, backend=name)


def slstm(tensor: Callable[..., torch.Tensor], batch: int, time: int) -> Call:
    x, weight = tensor(batch, 2, time, 4, 3), tensor(2, 4, 3, 3)
    return lambda name: ops.slstm_scan(x, weight, backend=name)


def m2rnn(tensor: Callable[..., torch.Tensor], batch: int, time: int) -> Call:
    q, k = tensor(batch, 1, time, KEYS), tensor(batch, 1, time, KEYS)
    v, decay, weight = tensor(batch, 2, time, 3), tensor(batch, 2, time), tensor(2, 3, 3)
    return lambda name: ops.m2rnn_scan(q, k, v, decay, weight, backend=name)


CASES: dict[str, Callable[..., Call]] = {
    "linear": linear,
    "selective": selective,
    "selective, initial": lambda *g: selective(*g, start=True),
    "selective, 300 states": lambda *g: selective(*g, states=300),
    "residual, dense": lambda *g: residual(*g, 3, 3),
    "residual, diagonal": lambda *g: residual(*g, 3),
    "residual, dense linear": lambda *g: residual(*g, 3, 3, kind="linear"),
    "residual, diagonal linear": lambda *g: residual(*g, 3, kind="linear"),
    "structured, blocks": lambda *g: structured("blocks", *g),
    "structured, elementwise": lambda *g: structured("elementwise", *g),
    "structured, low rank": lambda *g: structured("low rank", *g),
    "structured, sparse rows": lambda *g: structured("sparse rows", *g),
    "structured, hadamard": lambda *g: structured("hadamard", *g),
    "structured, routed": lambda *g: structured("routed", *g),
    "delta": delta,
    "delta, no decay": lambda *g: delta(*g, decay=False),
    "delta, odd keys": lambda *g: delta(*g, keys=5),
    "delta, unequal": lambda *g: delta(*g, keys=8),
    "outer": outer,
    "outer, channels": lambda *g: outer(*g, (KEYS,)),
    "generalised": generalised,
    "slstm": slstm,
    "m2rnn": m2rnn,
}


def rows() -> Iterator[tuple[str, torch.dtype, list[str], str, str]]:
    """Case, type, what runs on the CPU, and the choices without numba and without kernels."""
    for line in TABLE.strip().splitlines():
        left, right = line.split(":")
        words = [word for word in left.split() if word in TYPES]
        case = left[: left.index(words[0])].strip()
        able, slow, elsewhere = (part.strip() for part in right.split(";"))
        for dtype in itertools.chain(*(TYPES[word] for word in words)):
            yield case, dtype, able.split(), slow, elsewhere


ROWS = list(rows())


def tensors(dtype: torch.dtype, device: str, learns: bool) -> Callable[..., torch.Tensor]:
    """Tensors of one type, whose entries are 0.5; of its real part where that is asked for."""

    def tensor(*shape: int, real: bool = False) -> torch.Tensor:
        kind = dtype.to_real() if real else dtype
        return torch.full(shape, 0.5, dtype=kind, device=device, requires_grad=learns)

    return tensor


class Listener(logging.Handler):
    """Keeps the last message of the log of choices."""

    said = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.said = record.getMessage()


@pytest.fixture
def listener() -> Iterator[Listener]:
    logger, heard = logging.getLogger("seq_torch.ops.backend"), Listener()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(heard)
    yield heard
    logger.removeHandler(heard)
    logger.setLevel(before)


def chosen(call: Call, listener: Listener) -> str:
    """Name of the backend that ``"auto"`` stands for."""
    backend._log_once.cache_clear()
    listener.said = ""
    run(call, "auto")
    return listener.said.partition("backend ")[2].partition(" ")[0]


def run(call: Call, name: str) -> str:
    """What a backend answers that is refused; empty where it is chosen."""
    try:
        call(name)
    except ops.BackendError as error:
        return str(error) if "got backend=" in str(error) else ""
    except ModuleNotFoundError:  # it was chosen, and there is no kernel after all
        pass
    return ""


@pytest.fixture
def without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obstacles, "numba_obstacle", lambda: "it is not installed")


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """Say whether the kernels of CUDA can be imported, on a device where decays are in the way."""

    def say(there: bool) -> None:
        def imported(module: str) -> None:
            if not there:
                raise ModuleNotFoundError(f"No module named {module!r}")

        obstacles.of_import.cache_clear()
        monkeypatch.setattr(obstacles, "import_module", imported)
        monkeypatch.setattr(fla, "wrong_on", lambda device: device.type == "cuda")

    yield say
    obstacles.of_import.cache_clear()


def test_the_table_holds_every_case():
    assert {case for case, *_ in ROWS} == set(CASES)


def calls(case: str, dtype: torch.dtype, device: str) -> Iterator[tuple[Call, bool, bool]]:
    """The case in all sizes, with and without a gradient; whether it has steps, and which."""
    for size, learns in itertools.product(SIZES, (True, False)):
        yield CASES[case](tensors(dtype, device, learns), *size), size[1] > 0, learns


def assert_on_the_cpu(listener: Listener, *, numba: bool) -> None:
    """Where there are kernels the first of the row is taken, which need not be they."""
    for case, dtype, able, slow, _ in ROWS:
        expected = able[0] if numba and "fused" in able else slow
        can = [name for name in able if name != "fused" or numba]
        for call, steps, learns in calls(case, dtype, "cpu"):
            assert chosen(call, listener) == expected, (case, dtype, steps, learns)
            for name in NAMES if learns or not steps else ():
                said = run(call, name)
                assert (not said) == (name in can), (case, dtype, name, said)
                assert not said or set(offered(said)) == set(can), said


def offered(refusal: str) -> list[str]:
    """Names that a refusal says can run."""
    before, _, names = refusal.partition("Use backend='auto', or one of ")
    assert "got backend=" in before
    assert names.endswith(", which can run here.")
    return [name.strip("' ") for name in names.partition(", which")[0].split(",")]


def test_choices_and_refusals_on_the_cpu(listener):
    assert_on_the_cpu(listener, numba=True)


@pytest.mark.usefixtures("without_numba")
def test_choices_and_refusals_on_the_cpu_without_numba(listener):
    assert_on_the_cpu(listener, numba=False)


@pytest.mark.parametrize("there", [False, True], ids=["no kernels", "kernels"])
def test_choices_on_a_device(listener, importable, there):
    importable(there)
    with FakeTensorMode():
        for case, dtype, _, _, elsewhere in ROWS:
            for call, steps, learns in calls(case, dtype, "cuda"):
                covered = dtype in BY_KERNELS.get(case, ()) and steps
                covered = covered and not (case == "delta" and learns)
                expected = "cuda" if there and covered else elsewhere
                assert chosen(call, listener) == expected, (case, dtype, steps, learns)

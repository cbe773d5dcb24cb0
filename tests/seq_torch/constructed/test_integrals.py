"""Layers of the bare S6 set by hand: which integrals one or two of them can represent."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from seq_torch import MambaConfig
from seq_torch.constructed import IntegralCell, iterated_integral
from seqtheory.tasks import SignatureLabels

LENGTH = 12
CELLS = [
    IntegralCell(letters=letters, fed=fed, readout=readout, input_dependent_C=follows, depth=depth)
    for letters, fed, readout, follows, depth in itertools.product(
        (2, 3), ("values", "increments", "both"), ("last", "mean"), (False, True), (1, 2)
    )
]


def paths(cell: IntegralCell, length: int = LENGTH) -> tuple[torch.Tensor, np.ndarray]:
    """What a cell is fed, and the integral."""
    task = SignatureLabels(
        channels=cell.letters,
        length=length,
        num_paths=100,
        basepoint=True,
        increments="brownian",
        normalise="none",
    )
    data = task.build(seed=0)
    values = np.array(data.inputs)
    increments = np.diff(values, axis=1, prepend=0)
    both = np.concatenate([values, increments], axis=-1)
    fed = {"values": values, "increments": increments, "both": both}[cell.fed]
    return torch.from_numpy(fed), data.targets


def ratio(cell: IntegralCell, **settings: Any) -> float:
    """Error over that of predicting zero."""
    inputs, targets = paths(cell)
    with torch.no_grad():
        found = iterated_integral(cell, LENGTH, **settings)(inputs)[:, 0].numpy()
    return float(np.sqrt(np.mean((found - targets) ** 2) / np.mean(targets**2)))


def of(kind: str) -> list[Any]:
    return [pytest.param(cell, id=str(cell)) for cell in CELLS if cell.representable == kind]


@pytest.mark.parametrize("cell", of("exact"))
def test_exact_cells_are_exact(cell: IntegralCell) -> None:
    assert ratio(cell) < 1e-12


@pytest.mark.parametrize("cell", of("limit"))
def test_the_error_of_the_others_falls_with_the_parameter(cell: IntegralCell) -> None:
    coarse, fine = ratio(cell, small=1e-2), ratio(cell, small=1e-3)
    assert fine < 0.02
    assert fine / coarse == pytest.approx(0.1, rel=0.3)


@pytest.mark.parametrize("cell", of("none known"))
def test_where_none_is_known_the_model_is_refused(cell: IntegralCell) -> None:
    with pytest.raises(ValueError, match="no construction is known"):
        iterated_integral(cell, LENGTH)


def test_how_many_cells_have_a_construction() -> None:
    count = {
        (letters, kind): sum(c.letters == letters and c.representable == kind for c in CELLS)
        for letters in (2, 3)
        for kind in ("exact", "limit", "none known")
    }
    assert count[2, "exact"] == 13
    assert count[2, "limit"] == 7
    assert count[3, "exact"] == 8
    assert count[3, "limit"] == 4


def test_one_layer_reaches_the_third_letter_if_c_follows_values() -> None:
    """Claim (g) is confounded: with values beside increments, one layer is enough."""
    cell = IntegralCell(letters=3, fed="both", readout="last", input_dependent_C=True, depth=1)
    assert cell.representable == "exact"
    fixed = IntegralCell(letters=3, fed="both", readout="last", input_dependent_C=False, depth=1)
    assert fixed.representable == "none known"


def test_the_model_is_of_public_parts() -> None:
    cell = IntegralCell(letters=3, depth=2, input_dependent_C=False)
    model = iterated_integral(cell, LENGTH)
    assert isinstance(model.config.mixer, MambaConfig)
    assert not model.config.mixer.block
    assert model.config.activation == "none"
    assert len(model.layers) == 2
    rebuilt = model.config.build(1).double()
    rebuilt.load_state_dict(model.state_dict())
    inputs, _ = paths(cell)
    with torch.no_grad():
        torch.testing.assert_close(rebuilt.eval()(inputs), model(inputs))


def test_an_exact_cell_is_exact_in_single_precision_to_its_rounding() -> None:
    cell = IntegralCell(letters=2, fed="increments", readout="mean")
    inputs, targets = paths(cell)
    with torch.no_grad():
        found = iterated_integral(cell, LENGTH, dtype=torch.float32)(inputs.float())[:, 0]
    np.testing.assert_allclose(found.numpy(), targets, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"letters": 4}, "letters"),
        ({"letters": 2, "fed": "steps"}, "fed"),
        ({"letters": 2, "depth": 3}, "depth"),
        ({"letters": 2, "readout": "first"}, "readout"),
    ],
)
def test_other_cells_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IntegralCell(**settings)

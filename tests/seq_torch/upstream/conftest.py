"""Numbers that upstream's own code gave, kept as figures with their source, beside ours.

``golden/NAME.json`` holds outputs and gradients of small inputs: ``source`` (package, version, file
and function), ``made`` (versions and type), and ``cases``, each with

- ``inputs``: by name ``[number, scale, offset, shape]``, which stands for `wave`;
- ``options``: what the function was given besides;
- ``outputs``: by name nested lists;
- ``gradients``: by the input's name, of the sum of all outputs times `cotangent`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

GOLDEN = Path(__file__).parent / "golden"


def wave(number: int, scale: float, offset: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Give offset + scale sin(0.7 n^1.1 + number) for n = 0, 1, ... in double precision."""
    places = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (offset + scale * torch.sin(0.7 * places**1.1 + number)).reshape(shape)


def cotangent(number: int, output: torch.Tensor) -> torch.Tensor:
    """Give the weights of output `number`, counted from 0, in the sum that is differentiated."""
    return wave(100 + number, 1.0, 0.0, tuple(output.shape)).to(output.dtype)


@dataclass(frozen=True)
class Case:
    """Figures of one call of upstream's code.

    Parameters
    ----------
    inputs
        Leaves that require a gradient, by name.
    options
        What else the function was given.
    outputs, gradients
        What it gave, in the order of the file.
    """

    inputs: dict[str, torch.Tensor]
    options: dict[str, Any]
    outputs: dict[str, torch.Tensor]
    gradients: dict[str, torch.Tensor]

    def agrees(self, outputs: dict[str, torch.Tensor], tolerance: float = 1e-6) -> None:
        """Assert that outputs, and the gradients of this case's inputs through them, are equal.

        The error of each is relative to the norm of the whole.
        """
        assert list(outputs) == list(self.outputs)
        for name, expected in self.outputs.items():
            _close(name, outputs[name], expected, tolerance)
        total = sum((o * cotangent(n, o)).sum() for n, o in enumerate(outputs.values()))
        found = torch.autograd.grad(total, [self.inputs[name] for name in self.gradients])
        for name, gradient in zip(self.gradients, found, strict=True):
            _close(f"gradient of {name}", gradient, self.gradients[name], tolerance)


def _close(name: str, found: torch.Tensor, expected: torch.Tensor, tolerance: float) -> None:
    assert found.shape == expected.shape, name
    error = (found.detach().to(expected.dtype) - expected).norm() / expected.norm()
    assert error < tolerance, f"{name}: relative error {error:.3g}"


def _tensors(values: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def golden_cases(name: str) -> dict[str, Case]:
    """Read the cases of ``golden/NAME.json``."""
    held = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return {
        title: Case(
            inputs={name: wave(*spec).requires_grad_() for name, spec in case["inputs"].items()},
            options=case["options"],
            outputs=_tensors(case["outputs"]),
            gradients=_tensors(case["gradients"]),
        )
        for title, case in held["cases"].items()
    }


@pytest.fixture
def golden():
    """Read golden figures: ``golden("kda")["with a state"].agrees({"o": o})``."""
    return golden_cases

"""The plugin that holds calls to their annotations sees what is wrong, and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float, TypeCheckError

PLUGIN = Path(__file__).parents[1] / "shapes.py"


def product(
    left: Float[np.ndarray, "a b"], right: Float[np.ndarray, "b c"], wrong: bool = False
) -> Float[np.ndarray, "a c"]:
    return left @ right if not wrong else (left @ right).T


def refusing(number: int) -> None:
    raise ValueError(f"got {number!r}")


@pytest.fixture(scope="module")
def plugin() -> Any:
    spec = importlib.util.spec_from_file_location("shapes_under_test", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shapes_of_arguments_and_results_are_judged(plugin):
    judged = plugin.checked(product)
    assert judged(np.ones((2, 3)), np.ones((3, 4))).shape == (2, 4)
    with pytest.raises(TypeCheckError, match="return value"):
        judged(np.ones((2, 3)), np.ones((3, 4)), wrong=True)
    with pytest.raises(TypeCheckError, match="parameters"):
        judged(np.ones((2, 3), int), np.ones((3, 4)))


def test_a_refusal_is_not_judged(plugin):
    with pytest.raises(ValueError, match="got 'two'"):
        plugin.checked(refusing)("two")

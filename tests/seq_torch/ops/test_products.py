"""Small products of the kernels: NumPy's, at sizes around those of a vector, and nothing beside."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from seq_torch.ops.kernels.compiler import compiled
from seq_torch.ops.kernels.copies import turn
from seq_torch.ops.kernels.products import add_lower, add_product, add_upper, fill_dots
from seq_torch.ops.kernels.vectors import BYTES, load, store

TOLERANCE = {np.float32: 1e-4, np.float64: 1e-12}
SHAPES = [(1, 1, 1), (4, 3, 16), (5, 8, 33), (7, 2, 40), (8, 0, 64), (3, 5, 8), (12, 6, 100)]


def drawn(*shape, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def around(rows, columns, dtype):
    """A target in the middle of rows that are to stay as they are."""
    whole = drawn(rows + 2, columns, dtype=dtype)
    return whole, whole.copy(), whole[1:-1]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_product_is_added(rows, inner, columns, dtype, order):
    left = np.array(drawn(rows, inner, dtype=dtype, seed=1), order=order)
    right = drawn(inner, columns, dtype=dtype, seed=2)
    whole, before, target = around(rows, columns, dtype)
    add_product(target, left, right)
    np.testing.assert_allclose(target, before[1:-1] + left @ right, atol=TOLERANCE[dtype])
    assert np.array_equal(whole[[0, -1]], before[[0, -1]])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("rows", [1, 8, 11])
def test_triangular_products_are_added(rows, each, dtype):
    left = drawn(rows, rows * each, dtype=dtype, seed=1)
    left[np.arange(rows * each) >= (np.arange(rows)[:, None] + 1) * each] = 0
    few, many = (drawn(n, 37, dtype=dtype, seed=2) for n in (rows, rows * each))
    for add, target, right, expected in (
        (add_lower, few, many, few + left @ many),
        (add_upper, many, few, many + left.T @ few),
    ):
        found = target.copy()
        add(found, left, right, each)
        np.testing.assert_allclose(found, expected, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("rows", "columns", "each"), [(1, 1, 1), (6, 9, 9), (7, 14, 2), (4, 3, 1)])
def test_dots_fill_what_is_asked_for(rows, columns, each, dtype):
    left, right = drawn(rows, 21, dtype=dtype), drawn(columns, 21, dtype=dtype, seed=1)
    found = np.zeros((rows, columns), dtype)
    fill_dots(found, left, right, each)
    asked = np.arange(columns) < (np.arange(rows)[:, None] + 1) * each
    np.testing.assert_allclose(found[asked], (left @ right.T)[asked], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1, 1), (8, 3), (8, 8), (13, 20), (24, 40), (0, 4)])
def test_a_transpose_is_copied(shape, dtype):
    source = drawn(*shape, dtype=dtype)
    whole, before, target = around(shape[1], shape[0] + 3, dtype)
    turn(source, target)
    assert np.array_equal(target[:, : shape[0]], source.T)
    target[:, : shape[0]] = before[1:-1, : shape[0]]
    assert np.array_equal(whole, before)


def test_a_function_of_no_module_is_still_compiled():
    """Kernels listen to every compilation of the process, also to those of others."""
    scope: dict = {}
    exec("def twice(x): return 2 * x", scope)
    del scope["__builtins__"]
    assert scope["twice"].__module__ is None
    assert numba.njit(scope["twice"])(3) == 6


@compiled
def copy_vector(source, target):
    """Copy one vector."""
    store(target, 0, 0, load(source, 0, 0))


def test_a_vector_is_as_long_as_said_and_its_rows_lie_in_memory():
    source = drawn(2, BYTES // 4 + 3, dtype=np.float32)
    target = np.zeros_like(source)
    copy_vector(source, target)
    assert np.array_equal(
        target != 0, [np.arange(source.shape[1]) < BYTES // 4, [False] * len(source[0])]
    )
    with pytest.raises(TypingError, match="layout 'C'"):
        copy_vector(source.T, target)

"""Laws of the signature kernel."""

import numpy as np
import pytest

from seqtheory import signature as sg


def random_paths(seed, channels, time, lead=()):
    steps = np.random.default_rng(seed).normal(size=(*lead, time, channels))
    return steps.cumsum(axis=-2) * 0.3 / np.sqrt(time)


@pytest.mark.parametrize(("time_x", "time_y"), [(2, 2), (2, 9), (9, 2), (7, 12)])
def test_kernel_is_the_inner_product_of_signatures(time_x, time_y):
    x, y = random_paths(0, 2, time_x, (5,)), random_paths(1, 2, time_y, (5,))
    expected = 1 + np.einsum("bw,bw->b", sg.signature(x, 10), sg.signature(y, 10))
    np.testing.assert_allclose(sg.kernel(x, y, dyadic_order=4), expected, rtol=1e-5)


def test_error_falls_by_four_per_dyadic_order():
    x, y = 3 * random_paths(2, 2, 6), 3 * random_paths(3, 2, 5)
    expected = 1 + sg.signature(x, 14) @ sg.signature(y, 14)
    errors = [abs(sg.kernel(x, y, dyadic_order=k) - expected) for k in (5, 6, 7)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.05)


def test_kernel_is_symmetric_and_one_against_a_constant_path():
    x, y = random_paths(4, 3, 11, (6,)), random_paths(5, 3, 8, (6,))
    np.testing.assert_allclose(sg.kernel(x, y, 1), sg.kernel(y, x, 1), rtol=1e-13)
    np.testing.assert_array_equal(sg.kernel(x, np.ones((4, 3))), np.ones(6))


def test_leading_axes_broadcast():
    x, y = random_paths(4, 2, 11, (3, 1)), random_paths(5, 2, 8, (4,))
    values = sg.kernel(x, y)
    assert values.shape == (3, 4)
    assert values[2, 1] == pytest.approx(sg.kernel(x[2, 0], y[1]), rel=1e-13)
    assert sg.kernel(x[0, 0], y[0]).shape == ()
    assert sg.kernel(x[:0], y).shape == (0, 4)


def test_gram_is_the_kernel_of_every_pair():
    x, y = random_paths(6, 2, 9, (7,)), random_paths(7, 2, 12, (5,))
    np.testing.assert_allclose(sg.gram(x, y, 1), sg.kernel(x[:, None], y[None], 1), rtol=1e-13)
    np.testing.assert_allclose(sg.gram(x, x), sg.gram(x), rtol=1e-13)


def test_gram_is_symmetric_and_positive_semidefinite():
    gram = sg.gram(3 * random_paths(8, 2, 10, (25,)), dyadic_order=2)
    np.testing.assert_array_equal(gram, gram.T)
    eigenvalues = np.linalg.eigvalsh(gram)
    assert eigenvalues[0] > -1e-4 * eigenvalues[-1]


def test_many_pairs_are_the_same_in_blocks():
    x = random_paths(9, 2, 60, (40,))
    gram = sg.gram(x)  # 820 pairs, several blocks
    picks = [(0, 0), (3, 39), (20, 21), (39, 39)]
    for i, j in picks:
        assert gram[i, j] == pytest.approx(sg.kernel(x[i], x[j]), rel=1e-13)


def test_float32_is_kept():
    x, y = random_paths(10, 2, 30, (4,)), random_paths(11, 2, 30, (4,))
    single = sg.kernel(x.astype(np.float32), y.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, sg.kernel(x, y), rtol=1e-4)
    assert sg.kernel(x.astype(np.float32), y).dtype == np.float64


def test_kernels_that_do_not_fit_together_are_refused():
    x = random_paths(12, 2, 5, (3,))
    with pytest.raises(ValueError, match="x has 2 channels and y has 3"):
        sg.kernel(x, random_paths(0, 3, 5))
    with pytest.raises(ValueError, match=r"use gram\(xs, ys\)"):
        sg.kernel(x, random_paths(0, 2, 5, (2,)))
    with pytest.raises(ValueError, match=r"expected \(paths, time, channel\)"):
        sg.gram(x[0])
    with pytest.raises(ValueError, match="dyadic_order is -1"):
        sg.kernel(x, x, -1)
    with pytest.raises(TypeError, match=r"dyadic_order is 1\.5"):
        sg.kernel(x, x, 1.5)
    x[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="x holds nan"):
        sg.kernel(x, x)

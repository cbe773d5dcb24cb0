"""Laws of the log-signature."""

from math import factorial

import numpy as np
import pytest

from seqtheory import signature as sg


def random_paths(channels, time=10, lead=(4,)):
    return np.random.default_rng(8).normal(size=(*lead, time, channels)).cumsum(axis=-2) / 4


def exponential(log, channels, depth):
    """Sum the exponential series with `chen` alone: a x = (1 + a)(1 + x) - 1 - a - x."""
    power, total = log, log.copy()
    for n in range(2, depth + 1):
        power = sg.chen(power, log, channels, depth) - power - log
        total = total + power / factorial(n)
    return total


@pytest.mark.parametrize(("channels", "depth"), [(1, 4), (2, 5), (3, 4)])
def test_exponential_undoes_the_logarithm(channels, depth):
    paths = random_paths(channels)
    log = sg.log_signature(paths, depth, expanded=True)
    np.testing.assert_allclose(
        exponential(log, channels, depth), sg.signature(paths, depth), rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize(
    ("channels", "dimensions"), [(1, [1, 0, 0]), (2, [2, 1, 2, 3, 6]), (3, [3, 3, 8, 18])]
)
def test_dimensions_are_those_of_witt(channels, dimensions):
    depth = len(dimensions)
    words = sg.lyndon_words(channels, depth)
    assert [sum(len(w) == n + 1 for w in words) for n in range(depth)] == dimensions
    assert sg.log_signature(random_paths(channels), depth).shape == (4, sum(dimensions))


@pytest.mark.parametrize(("channels", "depth"), [(2, 6), (3, 4), (4, 3)])
def test_lyndon_words_are_the_smallest_of_their_suffixes(channels, depth):
    by_definition = [
        w for w in sg.words(channels, depth) if all(w < w[i:] for i in range(1, len(w)))
    ]
    assert sg.lyndon_words(channels, depth) == by_definition


def test_coordinates_are_the_expanded_logarithm_at_lyndon_words():
    paths = random_paths(3)
    full = sg.log_signature(paths, 4, expanded=True)
    at = [sg.words(3, 4).index(w) for w in sg.lyndon_words(3, 4)]
    np.testing.assert_array_equal(sg.log_signature(paths, 4), full[:, at])


def test_straight_line_has_level_one_alone():
    line = np.linspace(0, 1, 7)[:, None] * np.array([1.0, -2.0])
    log = sg.log_signature(line, 5, expanded=True)
    np.testing.assert_allclose(log[:2], [1.0, -2.0])
    np.testing.assert_allclose(log[2:], 0, atol=1e-14)


def test_level_two_is_the_levy_area():
    path = random_paths(2, lead=())
    area = (sg.coefficient(path, (0, 1)) - sg.coefficient(path, (1, 0))) / 2
    assert sg.log_signature(path, 2)[2] == pytest.approx(area, rel=1e-12)


def test_logarithm_of_the_corner_is_the_baker_campbell_hausdorff_series():
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    # log(e^x e^y) = x + y + [x,y]/2 + [x,[x,y]]/12 + [y,[y,x]]/12 + ..., read at 001 and at 011
    np.testing.assert_allclose(
        sg.log_signature(corner, 3), [1, 1, 1 / 2, 1 / 12, 1 / 12], atol=1e-15
    )


def test_logarithm_of_a_lie_element_kills_shuffles():
    paths = random_paths(2)
    log = sg.log_signature(paths, 3, expanded=True)

    def at(word):
        return log[:, sg.word_index(word, 2)]

    np.testing.assert_allclose(at((0, 1)) + at((1, 0)), 0, atol=1e-13)
    np.testing.assert_allclose(2 * at((0, 0, 1)) + at((0, 1, 0)), 0, atol=1e-13)

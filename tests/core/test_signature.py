"""Laws of coefficients and truncated signatures."""

from itertools import permutations
from math import factorial, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory import signature as sg

CORNER = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
PATHS = settings(deadline=None, derandomize=True, max_examples=25)
SHAPES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(2, 12))


def random_path(seed, channels, time, lead=(), dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(*lead, time, channels)).cumsum(axis=-2).astype(dtype)


def coefficient_reference(path, word):
    """Chen's identity written out: the sum over where the last segment takes over."""
    prefix = np.zeros(len(word) + 1)
    prefix[0] = 1.0
    for step in np.diff(path, axis=0):
        for j in range(len(word), 0, -1):
            prefix[j] = sum(
                prefix[i] * prod(step[k] for k in word[i:j]) / factorial(j - i)
                for i in range(j + 1)
            )
    return prefix[-1]


def shuffles(u, v):
    if not u or not v:
        return [u + v]
    return [(u[0], *w) for w in shuffles(u[1:], v)] + [(v[0], *w) for w in shuffles(u, v[1:])]


def random_word(seed, channels, length):
    return tuple(np.random.default_rng(seed).integers(channels, size=length).tolist())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ((0, 0), 1 / 2), ((1, 1), 1 / 2), ((0, 1), 1), ((1, 0), 0),
        ((0, 0, 0), 1 / 6), ((1, 1, 1), 1 / 6), ((0, 0, 1), 1 / 2), ((0, 1, 1), 1 / 2),
        ((0, 1, 0), 0), ((1, 0, 0), 0), ((1, 0, 1), 0), ((1, 1, 0), 0),
    ],
)  # fmt: skip
def test_corner_has_the_exact_coefficients(word, expected):
    assert sg.coefficient(CORNER, word) == pytest.approx(expected, abs=1e-15)
    # "up, then right" is the corner with the two channels exchanged.
    mirrored = tuple(1 - letter for letter in word)
    assert sg.coefficient(CORNER[:, ::-1], mirrored) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("word", "expected"),
    [((0, 1), 2 / 3), ((1, 0), 1 / 3), ((0, 0, 1), 1 / 4), ((0, 1, 0), 1 / 6), ((1, 0, 0), 1 / 12)],
)
def test_parabola_is_approached_at_second_order(word, expected):
    errors = []
    for segments in (500, 1000, 4000):
        t = np.linspace(0, 1, segments + 1)
        errors.append(abs(sg.coefficient(np.stack([t, t**2], axis=1), word) - expected))
    if errors[0] > 1e-12:  # (0, 1, 0) is exact by symmetry
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.01)
    assert errors[2] < 2e-8


@PATHS
@given(SHAPES, st.integers(0, 6))
def test_coefficient_agrees_with_its_slow_twin(shape, length):
    path = random_path(*shape)
    word = random_word(shape[0] + 1, shape[1], length)
    np.testing.assert_allclose(
        sg.coefficient(path, word), coefficient_reference(path, word), rtol=1e-10, atol=1e-9
    )


@pytest.mark.parametrize(("channels", "depth"), [(1, 1), (1, 6), (2, 1), (2, 2), (2, 5), (3, 4)])
def test_signature_holds_every_coefficient(channels, depth):
    path = random_path(7, channels, 9) / 3
    expected = [coefficient_reference(path, word) for word in sg.words(channels, depth)]
    np.testing.assert_allclose(sg.signature(path, depth), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("time", [2, 3, 100, 128, 129, 130, 300])
def test_signature_is_the_same_across_pieces_of_time(time):
    path = random_path(3, 2, time) / 10
    words = sg.words(2, 4)
    expected = [sg.coefficient(path, word) for word in words]
    np.testing.assert_allclose(sg.signature(path, 4), expected, rtol=1e-10, atol=1e-11)


def test_coefficient_is_the_same_across_pieces_of_time():
    path = random_path(3, 3, 40_001) / 100
    halves = sg.signature(path[:20_001], 4), sg.signature(path[20_000:], 4)
    joint = sg.chen(*halves, channels=3, depth=4)
    for word in [(0,), (2, 1), (0, 1, 2), (1, 1, 0), (2, 0, 1, 1)]:
        np.testing.assert_allclose(
            sg.coefficient(path, word), joint[sg.word_index(word, 3)], rtol=1e-9, atol=1e-8
        )


@pytest.mark.parametrize("lead", [(), (1,), (5,), (2, 3), (0,), (700,), (2, 0, 3)])
def test_leading_axes_are_independent_paths(lead):
    paths = random_path(1, 2, 30, lead)
    assert sg.coefficient(paths, (0, 1)).shape == lead
    assert sg.signature(paths, 3).shape == (*lead, 14)
    for index in list(np.ndindex(*lead))[:: max(1, 97)]:
        for word in [(1,), (0, 1), (1, 0, 0)]:
            value = sg.coefficient(paths, word)[index]
            assert value == pytest.approx(coefficient_reference(paths[index], word), rel=1e-9)
            at = sg.word_index(word, 2)
            assert sg.signature(paths, 3)[index][at] == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_views_and_fortran_order_are_read_right():
    paths = random_path(1, 3, 20, (6,))
    for view in (np.asfortranarray(paths), paths[::2, ::-1, ::-1], paths.swapaxes(0, 1).copy()):
        np.testing.assert_array_equal(
            sg.coefficient(view, (0, 1, 2)), sg.coefficient(np.ascontiguousarray(view), (0, 1, 2))
        )
        np.testing.assert_array_equal(
            sg.signature(view, 3), sg.signature(np.ascontiguousarray(view), 3)
        )


@PATHS
@given(SHAPES, st.integers(1, 3), st.integers(1, 3))
def test_shuffle_product_holds(shape, length_u, length_v):
    path = random_path(*shape) / 3
    u, v = random_word(shape[0], shape[1], length_u), random_word(shape[0] + 1, shape[1], length_v)
    product = sg.coefficient(path, u) * sg.coefficient(path, v)
    terms = [sg.coefficient(path, w) for w in shuffles(u, v)]
    size = sum(abs(term) for term in terms) + 1
    assert abs(product - sum(terms)) < 1e-11 * size


@PATHS
@given(SHAPES, st.integers(2, 10))
def test_chen_identity_holds(shape, time):
    seed, channels, _ = shape
    first, second = random_path(*shape) / 3, random_path(seed + 1, channels, time) / 3
    joined = np.concatenate([first, first[-1] + second[1:] - second[0]])
    product = sg.chen(sg.signature(first, 4), sg.signature(second, 4), channels, 4)
    np.testing.assert_allclose(product, sg.signature(joined, 4), rtol=1e-9, atol=1e-10)


@PATHS
@given(SHAPES)
def test_inverse_is_the_reversed_path_and_the_antipode(shape):
    channels, path = shape[1], random_path(*shape) / 3
    sig = sg.signature(path, 4)
    inverse = sg.inverse(sig, channels, 4)
    np.testing.assert_allclose(inverse, sg.signature(path[::-1], 4), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(sg.chen(sig, inverse, channels, 4), 0, atol=1e-9)
    np.testing.assert_allclose(sg.chen(inverse, sig, channels, 4), 0, atol=1e-9)
    words = sg.words(channels, 4)
    antipode = [(-1) ** len(w) * sig[sg.word_index(w[::-1], channels)] for w in words]
    np.testing.assert_allclose(inverse, antipode, rtol=1e-9, atol=1e-10)


def test_inverse_holds_for_averages_of_signatures():
    mean = sg.signature(random_path(0, 2, 8, (20,)) / 3, 4).mean(axis=0)
    inverse = sg.inverse(mean, 2, 4)
    np.testing.assert_allclose(sg.chen(mean, inverse, 2, 4), 0, atol=1e-9)


@PATHS
@given(SHAPES, st.floats(0.05, 0.95))
def test_speed_translation_and_excursions_do_not_matter(shape, fraction):
    seed, channels, time = shape
    path = random_path(*shape) / 3
    expected = sg.signature(path, 4)
    at = seed % (time - 1)
    between = path[at] + fraction * (path[at + 1] - path[at])
    collinear = np.insert(path, at + 1, between, axis=0)
    out = path[at] + random_path(seed + 2, channels, 4)
    there_and_back = np.concatenate([path[: at + 1], out, out[-2::-1], path[at:]])
    for same in (collinear, there_and_back, path + 2.5, np.repeat(path, 2, axis=0)):
        np.testing.assert_allclose(sg.signature(same, 4), expected, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(
            sg.coefficient(same, (0, 0, 0)), sg.coefficient(path, (0, 0, 0)), rtol=1e-8, atol=1e-8
        )


@PATHS
@given(SHAPES)
def test_levels_decay_factorially(shape):
    channels, path = shape[1], random_path(*shape)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    sig, start = sg.signature(path, 6), 0
    for level in range(1, 7):
        norm = np.linalg.norm(sig[start : start + channels**level])
        assert norm <= length**level / factorial(level) * (1 + 1e-12)
        start += channels**level


def test_straight_line_is_an_exponential():
    direction = np.array([0.5, -1.5, 2.0])
    line = np.array([1.0, 2.0, 3.0]) + np.linspace(0, 1, 11)[:, None] * direction
    expected = [prod(direction[list(w)]) / factorial(len(w)) for w in sg.words(3, 5)]
    np.testing.assert_allclose(sg.signature(line, 5), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("channels", "total"), [(2, 30), (3, 120)])
def test_dimensions_to_depth_four(channels, total):
    assert sg.signature(np.eye(4, channels), 4).shape == (total,)
    words = sg.words(channels, 4)
    assert len(words) == total
    assert [sg.word_index(w, channels) for w in words] == list(range(total))


@pytest.mark.parametrize(("channels", "depth"), [(2, 4), (3, 6), (4, 5)])
def test_float32_is_kept_and_close(channels, depth):
    paths = random_path(5, channels, 100, (3,)) / 20
    exact = sg.signature(paths, depth)
    single = sg.signature(paths.astype(np.float32), depth)
    assert single.dtype == np.float32
    start = 0
    for level in range(1, depth + 1):
        part = slice(start, start + channels**level)
        size = np.abs(exact[:, part]).max()
        np.testing.assert_allclose(single[:, part], exact[:, part], atol=2e-5 * size, rtol=0)
        start = part.stop
    value = sg.coefficient(paths.astype(np.float32), (0, 1, 0))
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, sg.coefficient(paths, (0, 1, 0)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_integers_are_converted_before_any_difference(dtype):
    path = np.array([[100, 0], [0, 120], [120, 1]], dtype)  # differences overflow 8 bits
    exact = path.astype(np.float64)
    assert sg.coefficient(path, (0, 1)) == sg.coefficient(exact, (0, 1))
    assert sg.coefficient(path, (0, 1)).dtype == np.float64
    np.testing.assert_array_equal(sg.signature(path, 3), sg.signature(exact, 3))


def test_empty_word_gives_one():
    np.testing.assert_array_equal(sg.coefficient(np.zeros((4, 3, 2)), ()), np.ones(4))
    assert sg.coefficient(CORNER, ()) == 1


def test_permuting_channels_permutes_words():
    path = random_path(2, 3, 15) / 3
    for order in permutations(range(3)):
        for word in [(0, 1), (2, 0, 1), (1, 1, 2)]:
            renamed = tuple(order[letter] for letter in word)
            assert sg.coefficient(path[:, order], word) == sg.coefficient(path, renamed)


def test_add_time_is_channel_zero():
    path = random_path(4, 2, 11, (3,))
    timed = sg.add_time(path, 1.0, 3.0)
    np.testing.assert_array_equal(timed[..., 1:], path)
    np.testing.assert_allclose(np.diff(timed[..., 0]), 0.2)
    np.testing.assert_allclose(sg.coefficient(timed, (0, 0)), 2.0)
    assert sg.add_time(path.astype(np.float32)).dtype == np.float32


def test_add_basepoint_makes_the_start_visible():
    path = random_path(4, 2, 11, (3,))
    based = sg.add_basepoint(path)
    assert not based[:, 0].any()
    np.testing.assert_allclose(sg.coefficient(based, (1,)), path[:, -1, 1])
    np.testing.assert_allclose(sg.coefficient(path, (1,)), path[:, -1, 1] - path[:, 0, 1])


@pytest.mark.parametrize("depth", [124, 125, 126, 200])
def test_one_channel_has_powers_over_factorials_at_any_depth(depth):
    path = np.array([0.0, 1.0, -0.5, 3.0])[:, None]
    found = sg.signature(path, depth)
    powers, terms = (np.cumprod(size / np.arange(1, depth + 1)) for size in (3.0, 6.0))
    assert (np.abs(found - powers) <= 1e-12 * terms).all()  # 6 is the length of the path


def test_the_logarithm_of_one_channel_is_its_increment():
    """Its only Lyndon word is the letter; the series behind it takes depth^3 products."""
    path = np.array([0.0, 1.0, -0.5, 3.0])[:, None]
    np.testing.assert_allclose(sg.log_signature(path, 40), [3.0], rtol=1e-15)

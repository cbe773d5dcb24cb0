"""What signatures refuse, what they say then, and how much memory they take."""

import tracemalloc

import numpy as np
import pytest

from seqtheory import signature as sg

PATH = np.random.default_rng(0).normal(size=(5, 6, 3))
CONSUMERS = {
    "coefficient": lambda path: sg.coefficient(path, (0,)),
    "empty word": lambda path: sg.coefficient(path, ()),
    "signature": lambda path: sg.signature(path, 2),
    "log_signature": lambda path: sg.log_signature(path, 2),
    "kernel": lambda path: sg.kernel(path, path),
}
consumers = pytest.mark.parametrize("consume", CONSUMERS.values(), ids=CONSUMERS.keys())


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (np.zeros(5), "at least two axes"),
        (np.float64(1.0), "at least two axes"),
        (np.zeros((4, 1, 2)), "1 vertices, but a path needs at least two"),
        (np.zeros((4, 0, 2)), "0 vertices"),
        (np.zeros((4, 5, 0)), "no channels"),
    ],
)
@consumers
def test_shapes_that_are_no_path_are_refused(consume, path, message):
    with pytest.raises(ValueError, match=message):
        consume(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@consumers
def test_non_finite_values_are_refused_wherever_they_stand(consume, bad):
    for place in [(0, 0, 0), (3, 2, 1), (4, 5, 2)]:
        path = PATH.copy()
        path[place] = bad
        with pytest.raises(ValueError, match=f"vertex {place[1]}, channel {place[2]}"):
            consume(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("word", [(0, 1), (1, 0, 1), (0, 1, 1, 0)])
def test_a_bad_value_is_found_in_every_vertex(word, bad):
    for vertex in range(5):
        for channel in range(2):
            path = np.ones((3, 5, 2))  # a constant path: nothing but zeros to multiply
            path[1, vertex, channel] = bad
            with pytest.raises(ValueError, match=f"vertex {vertex}, channel {channel}, row 1"):
                sg.coefficient(path, word)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("word", [(0,), (0, 0), (0, 0, 0), (0, 0, 0, 0)])
def test_a_bad_value_inside_a_path_of_one_channel_is_found(word, bad):
    with pytest.raises(ValueError, match="vertex 1, channel 0"):
        sg.coefficient(np.array([[0.0], [bad], [1.0]]), word)


def test_no_paths_give_no_signatures():
    none = np.zeros((2, 0, 4, 2))
    assert sg.coefficient(none, (0, 1)).shape == (2, 0)
    assert sg.signature(none, 3).shape == (2, 0, 14)
    assert sg.log_signature(none, 3).shape == (2, 0, 5)
    assert sg.chen(sg.signature(none, 3), np.zeros(14), 2, 3).shape == (2, 0, 14)
    assert sg.inverse(sg.signature(none, 3), 2, 3).shape == (2, 0, 14)


@pytest.mark.parametrize("depth", [50, 10**6])
def test_depths_that_cannot_fit_are_refused_at_once(depth):
    for compute in (
        lambda: sg.signature(PATH, depth),
        lambda: sg.log_signature(PATH, depth),
        lambda: sg.chen(np.zeros(12), np.zeros(12), 3, depth),
        lambda: sg.words(3, depth),
        lambda: sg.lyndon_words(3, depth),
    ):
        with pytest.raises(MemoryError, match=f"words of depth={depth:,} over channels=3"):
            compute()


def test_segments_halved_too_often_are_refused_at_once():
    with pytest.raises(MemoryError, match="one pair of paths at dyadic_order 60"):
        sg.kernel(PATH, PATH, dyadic_order=60)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_what_the_caller_ignores_is_ignored_in_every_thread(threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    path = np.full((12_000, 3, 1), 1e308)
    path[:, 1] *= -1
    with np.errstate(over="ignore"):
        assert not np.isfinite(sg.coefficient(path, (0, 0))).any()


def test_the_vertex_of_a_bad_value_is_named_in_long_paths():
    path = np.zeros((70_000, 2))
    path[69_999, 1] = np.nan
    for call in (lambda: sg.coefficient(path, (0, 1)), lambda: sg.signature(path, 2)):
        with pytest.raises(ValueError, match="vertex 69999, channel 1, row 0"):
            call()


def test_the_row_of_a_bad_value_is_named_beyond_the_first_block():
    path = np.zeros((3000, 100, 2))
    path[2900, 7, 1] = np.nan
    for call in (lambda: sg.coefficient(path, (0,)), lambda: sg.signature(path, 2)):
        with pytest.raises(ValueError, match="vertex 7, channel 1, row 2900"):
            call()


def test_huge_finite_values_are_not_called_infinite():
    path = np.array([[1e308, 0.0], [1e308, 1.0], [1e308, 2.0]])
    assert sg.coefficient(path, (1,)) == 2


@pytest.mark.parametrize("dtype", [bool, complex, np.float16, object, "U3"])
@consumers
def test_dtypes_that_are_not_real_numbers_are_refused(consume, dtype):
    with pytest.raises(TypeError, match="expected float32, float64 or an integer"):
        consume(np.ones((4, 2)).astype(dtype))


def test_a_foreign_channel_is_named_and_time_suggested():
    with pytest.raises(ValueError, match=r"word \(0, 3\) uses channel 3, but the path has 3 chan"):
        sg.coefficient(PATH, (0, 3))
    with pytest.raises(ValueError, match=r"Add it with add_time\(path\)"):
        sg.coefficient(PATH, (0, 3))
    with pytest.raises(ValueError, match="counted from 0"):
        sg.coefficient(PATH, (-1,))


@pytest.mark.parametrize("word", [0, "01", (0.0, 1.0), (True,), None, ((0, 1),)])
def test_words_that_are_no_words_are_refused(word):
    with pytest.raises(TypeError, match="channel numbers"):
        sg.coefficient(PATH, word)


@pytest.mark.parametrize("depth", [0, -1])
def test_depth_below_one_is_refused(depth):
    for call in (sg.signature, sg.log_signature):
        with pytest.raises(ValueError, match=f"depth is {depth}; expected at least 1"):
            call(PATH, depth)
    with pytest.raises(ValueError, match="depth is"):
        sg.words(2, depth)


@pytest.mark.parametrize("depth", [True, np.True_, 2.0, "2", None])
def test_depth_that_is_no_integer_is_refused(depth):
    with pytest.raises(TypeError, match="expected an integer"):
        sg.signature(PATH, depth)


def test_numpy_integers_are_integers():
    word = tuple(np.array([0, 2]))
    assert sg.coefficient(PATH[0], word) == sg.coefficient(PATH[0], (0, 2))
    np.testing.assert_array_equal(sg.signature(PATH, np.int64(2)), sg.signature(PATH, 2))


def test_signatures_of_another_shape_are_refused():
    sig = sg.signature(PATH, 2)
    with pytest.raises(ValueError, match="expected 39 numbers on the last axis"):
        sg.chen(sig, sig, channels=3, depth=3)
    with pytest.raises(ValueError, match="expected 6 numbers"):
        sg.inverse(sig, channels=2, depth=2)
    with pytest.raises(ValueError, match="channels is 0"):
        sg.inverse(sig, channels=0, depth=2)
    with pytest.raises(ValueError, match="sig holds NaN"):
        sg.inverse(sig * np.nan, channels=3, depth=2)


def test_helpers_refuse_what_is_no_path():
    with pytest.raises(ValueError, match="at least two axes"):
        sg.add_time(np.zeros(3))
    with pytest.raises(ValueError, match="finite times"):
        sg.add_time(PATH, 0.0, np.inf)
    with pytest.raises(ValueError, match="expected"):
        sg.add_basepoint(np.zeros(3))
    with pytest.raises(ValueError, match="no index"):
        sg.word_index((), 2)


def peak_of(function):
    tracemalloc.start()
    try:
        result = function()
        return tracemalloc.get_traced_memory()[1] - result.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(20_000, 100, 3), (1, 1_000_000, 3), (300_000, 4, 3)])
def test_coefficient_keeps_its_memory_budget(shape, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the budget is per thread
    path = np.ones(shape)
    arrays = 3 + 2 * 3 + 1
    assert peak_of(lambda: sg.coefficient(path, (0, 1, 2))) < 1.2 * arrays * 2**19


@pytest.mark.parametrize("shape", [(4_000, 100, 3), (1, 30_000, 3), (40_000, 3, 3)])
def test_signature_keeps_its_memory_budget(shape, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the budget is per thread
    path = np.zeros(shape)
    assert peak_of(lambda: sg.signature(path, 4)) < 12 * 2**20


def test_gram_keeps_its_memory_budget():
    paths = np.zeros((120, 40, 2))
    assert peak_of(lambda: sg.gram(paths)) < 6 * 2**20


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_values_do_not_depend_on_the_number_of_threads(threads, monkeypatch):
    path = np.random.default_rng(0).normal(size=(2_000, 50, 3))
    expected = sg.signature(path, 4), sg.coefficient(path, (0, 1, 2))
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert np.array_equal(sg.signature(path, 4), expected[0])
    assert np.array_equal(sg.coefficient(path, (0, 1, 2)), expected[1])


def test_the_first_bad_row_is_named_whatever_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    path = np.zeros((20_000, 50, 2))
    path[[3_000, 12_000, 19_999], 7, 1] = np.nan
    for compute in (lambda: sg.signature(path, 3), lambda: sg.coefficient(path, (0, 1))):
        with pytest.raises(ValueError, match="row 3000 "):
            compute()

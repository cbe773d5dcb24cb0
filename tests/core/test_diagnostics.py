"""Diagnostics of trackers, on trackers that are built so that the truth is known."""

import numpy as np
import pytest

from seqtheory import diagnostics as dg
from seqtheory.group import group
from seqtheory.representation import representation


def left(name):
    """Matrices that act on columns, so that the later token stands on the left."""
    return representation(name).matrices.swapaxes(1, 2)


def rotation(vector):
    angle = np.linalg.norm(vector)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def run(transitions, words, start):
    state, states = np.tile(start, (len(words), 1)), []
    for k in range(words.shape[1]):
        state = np.einsum("bij,bj->bi", transitions[words[:, k]], state)
        states.append(state)
    return np.stack(states, axis=1)


def track(name, transitions, length, *, start, batch=300, seed=0):
    words = np.random.default_rng(seed).integers(0, group(name).order, (batch, length))
    return run(transitions, words, start), group(name).running_products(words).astype(int)


# Spectra, commutators, products


def test_spectra_of_rotations_are_roots_of_one_of_the_elements_orders():
    values, orders = dg.spectra(left("A5")), group("A5").element_orders
    np.testing.assert_allclose(values ** orders[:, None], 1.0, atol=1e-10)
    shrunk = dg.spectra(0.9 * left("A5"))
    np.testing.assert_allclose(np.abs(shrunk), 0.9, atol=1e-12)


def test_largest_eigenvalue_comes_first():
    assert dg.spectra(np.diag([0.1, -3.0, 2.0])[None])[0].tolist() == [-3, 2, 0.1]


def test_exactly_the_pairs_that_commute_in_the_group_have_no_commutator():
    table = group("A5").table
    found = dg.commutators(left("A5"))
    np.testing.assert_array_equal(found > 1e-12, table != table.T)
    assert (found <= 1).all()
    assert not dg.commutators(np.stack([np.diag([1.0, 2]), np.diag([3.0, -1])])).any()


def test_products_follow_the_table_with_the_later_token_on_the_left():
    a5, matrices = group("A5"), left("A5")
    assert dg.product_errors(matrices, a5).max() < 1e-12
    swapped = dg.product_errors(matrices.swapaxes(1, 2), a5)  # an antihomomorphism
    np.testing.assert_array_equal(swapped > 1e-12, a5.table != a5.table.T)


def test_products_that_no_token_stands_for_are_not_judged():
    z5 = group("Z5")
    errors = dg.product_errors(left("Z5")[[1, 2]], z5, np.array([1, 2]))
    np.testing.assert_array_equal(np.isnan(errors), [[False, True], [True, True]])
    assert errors[0, 0] < 1e-12


def test_compression_to_separating_directions_drops_what_no_class_sees():
    junk = np.random.default_rng(0).standard_normal((60, 2, 2))
    transitions = np.zeros((60, 5, 5))
    transitions[:, :3, :3], transitions[:, 3:, 3:] = left("A5"), junk
    assert dg.product_errors(transitions, group("A5")).max() > 0.1
    start = np.array([1.0, 0.3, -0.5, 0, 0])
    basis = dg.separating_basis(transitions @ start)
    assert basis.shape == (5, 3)
    assert dg.product_errors(dg.compress(transitions, basis), group("A5")).max() < 1e-12
    with pytest.raises(ValueError, match="not orthonormal"):
        dg.compress(transitions, 2 * basis)


# Representations


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [("S3", [1, 1, 2]), ("Z4", [2]), ("S4", [1, 1, 2, 3, 3]), ("D4", [1, 1, 1, 1, 2]), ("A5", [3])],
)
def test_irreducible_parts_are_homomorphisms_of_the_known_dimensions(name, dimensions):
    parts = dg.irreducible_parts(representation(name))
    assert [part.shape[1] for part in parts] == dimensions
    table = group(name).table
    for part in parts:
        np.testing.assert_allclose(part[:, None] @ part[None], part[table], atol=1e-8)


def test_a_hidden_copy_of_the_representation_is_found_at_distance_zero():
    rng = np.random.default_rng(1)
    change = rng.standard_normal((7, 7))
    transitions = np.zeros((60, 7, 7))
    transitions[:, :3, :3] = left("A5")
    transitions[:, 3:] = 0.3 * rng.standard_normal((60, 4, 7))
    hidden = change @ transitions @ np.linalg.inv(change)
    found = dg.representation_distance(hidden, representation("A5"))
    assert found.distance < 1e-10
    reading, moves = found.parts[0].reading, found.parts[0].part.swapaxes(1, 2)
    np.testing.assert_allclose(reading @ hidden, moves @ reading, atol=1e-8)
    assert np.linalg.svd(reading, compute_uv=False)[-1] > 0.01


@pytest.mark.parametrize("angle", [0.01, 0.1])
def test_distance_is_the_perturbation_of_the_transitions(angle):
    rng = np.random.default_rng(2)
    turns = rng.standard_normal((60, 3))
    turns *= angle / np.linalg.norm(turns, axis=1, keepdims=True)
    moved = np.stack([rotation(v) for v in turns]) @ left("A5")
    size = np.sqrt(2 / 3) * 2 * np.sin(angle / 2)  # of R - 1, relative to |1| in three dimensions
    found = dg.representation_distance(moved, representation("A5")).distance
    assert 0.8 * size < found <= size * (1 + 1e-9)


def test_a_tracker_of_a_quotient_carries_only_the_parts_that_the_quotient_has():
    s3 = representation("S3")
    sign = np.linalg.det(s3.matrices).round()[:, None, None]
    found = dg.representation_distance(sign, s3)
    assert [part.dimension for part in found.parts if part.residual < 1e-9] == [1]
    assert len(found.parts[0].kernel) == 3  # the even permutations
    assert found.distance > 1
    assert dg.representation_distance(
        np.zeros((60, 4, 4)), representation("A5")
    ).distance == pytest.approx(1)


def test_generators_alone_can_be_judged():
    z6 = representation("Z6")
    found = dg.representation_distance(left("Z6")[[1]], z6, np.array([1]))
    assert found.distance < 1e-12
    with pytest.raises(ValueError, match="one element per token"):
        dg.representation_distance(left("Z6")[[1]], z6)


# Classes


def test_margin_is_half_the_least_distance():
    assert dg.margin(np.array([[0.0, 0], [3, 4], [10, 0]])) == 2.5


def test_a_state_is_misread_exactly_where_more_than_the_margin_is_used():
    rng = np.random.default_rng(3)
    centroids, states = rng.standard_normal((9, 4)), 2 * rng.standard_normal((500, 4))
    labels = rng.integers(0, 9, 500)
    used = dg.margin_used(states, labels, centroids)
    np.testing.assert_array_equal(used > 1, dg.nearest_class(states, centroids) != labels)
    assert not dg.margin_used(centroids, np.arange(9), centroids).any()


def test_departures_along_no_separating_direction_use_no_margin():
    centroids = np.array([[1.0, 0, 0], [-1, 0, 0]])
    states = np.array([[1.0, 50, -3], [0.5, 0, 0], [1.5, 0, 0]])
    used = dg.margin_used(states, np.zeros(3, int), centroids)
    np.testing.assert_allclose(used, [0, 0.5, -0.5])


def test_classes_without_a_state_are_named():
    with pytest.raises(ValueError, match="class 1 does not occur"):
        dg.class_centroids(np.ones((2, 3)), np.array([0, 2]), 3)


# Horizons


@pytest.mark.parametrize(("name", "excess"), [("Z3", 0.01), ("Z12", 0.002), ("Z60", 0.0004)])
def test_margin_over_drift_is_the_horizon_of_rotations_turned_too_far(name, excess):
    order = group(name).order
    turn = rotation(np.array([0, 0, -excess]))[:2, :2]
    states, labels = track(name, turn @ left(name), 300, start=[1.0, 0.0])
    found = dg.predict_horizon(states[:, :24], labels[:, :24])
    seen = dg.observed_horizon(dg.nearest_class(states, found.centroids) == labels)
    assert found.verdict == "drifts"
    assert seen / 2 < found.steps < 2 * seen
    assert found.drift == pytest.approx(excess * np.cos(np.pi / order), rel=0.35)  # a chord
    assert np.pi / order / excess / 2 < found.steps < 2 * np.pi / order / excess


def test_departures_of_a_perfect_group_grow_like_a_random_walk():
    rng = np.random.default_rng(0)
    noise = np.stack([rotation(0.01 * rng.standard_normal(3)) for _ in range(60)])
    states, labels = track("A5", noise @ left("A5"), 700, start=[0.2, 0.9, -0.4], seed=4)
    short = states[:, :40], labels[:, :40]
    found = dg.predict_horizon(*short, growth=None)
    assert 0.4 <= found.growth <= 0.65
    right = dg.nearest_class(states, found.centroids) == labels
    half = dg.observed_horizon(right, 0.5)
    assert half / 2 < found.steps < 2 * half
    assert dg.predict_horizon(*short).steps < half / 2  # a line is too short
    strict = dg.predict_horizon(*short, growth=0.5, accuracy=0.9)
    seen = dg.observed_horizon(right, 0.9)
    assert seen / 2 < strict.steps < 2 * seen


def test_a_readout_errs_exactly_where_more_than_its_margin_is_used():
    rng = np.random.default_rng(12)
    labels = rng.integers(0, 6, (300, 5))
    scores = 2 * np.eye(6)[labels] + rng.standard_normal((300, 5, 6))
    used = dg.score_margin_used(scores, labels, dg.class_gaps(scores, labels))
    np.testing.assert_array_equal(used > 1, scores.argmax(axis=-1) != labels)


def test_directions_that_the_readout_does_not_see_do_not_shorten_its_horizon():
    excess = 0.004
    turn = rotation(np.array([0, 0, -excess]))[:2, :2]
    moves = np.zeros((5, 4, 4))
    moves[:, :2, :2] = turn @ left("Z5")
    loose = np.random.default_rng(13).uniform(0, 2 * np.pi, 5)
    moves[:, 2:, 2:] = np.stack([rotation(np.array([0, 0, a]))[:2, :2] for a in loose])
    states, labels = track("Z5", moves, 400, start=[1.0, 0.0, 1.5, 0.0])
    angles = 2 * np.pi * np.arange(5) / 5
    corners = np.stack([np.cos(angles), -np.sin(angles)], axis=1)
    growth = 1.1 ** np.arange(400)[:, None]
    scores = growth * (states[..., :2] @ corners.T + 3.0)  # compared, they are the same
    assert dg.observed_horizon(scores.argmax(-1) == labels) > 100
    assert dg.predict_horizon(states[:, :24], labels[:, :24]).verdict != "drifts"  # it is blind
    found = dg.predict_horizon(scores[:, :24], labels[:, :24], readout="scores")
    seen = dg.observed_horizon(scores.argmax(-1) == labels)
    assert seen / 2 < found.steps < 2 * seen
    with pytest.raises(ValueError, match="one score per class"):
        dg.predict_horizon(states, labels, readout="scores")
    with pytest.raises(ValueError, match="with 2 classes, expected 3 or more"):
        dg.predict_horizon(scores[..., :2], labels % 2, readout="scores")


def test_a_direction_keeps_its_horizon_however_the_state_grows():
    turn = rotation(np.array([0, 0, -0.01]))[:2, :2]
    states, labels = track("Z5", turn @ left("Z5"), 400, start=[1.0, 0.0])
    expected = dg.predict_horizon(states[:, :24], labels[:, :24])
    growing = states * 1.7 ** np.arange(400)[:, None]
    for scale in (1.0, 1e200, 1e-200):  # whose squares are no numbers
        seen = scale * growing[:, :24]
        found = dg.predict_horizon(seen, labels[:, :24], readout="direction")
        assert found.steps == pytest.approx(expected.steps)
    seen = dg.observed_horizon(dg.nearest_class(states, found.centroids) == labels)
    assert seen / 2 < found.steps < 2 * seen


@pytest.mark.parametrize("factor", [1.3, 4.0])
def test_the_growth_of_the_state_predicts_where_single_precision_ends(factor):
    turn = rotation(np.array([0, 0, 0.3])).astype(np.float32) * np.float32(factor)
    state, states = np.ones(3, np.float32), []
    with np.errstate(over="ignore"):
        while np.isfinite(np.float32(state @ state)):
            states.append(state := turn @ state)
    assert dg.predict_overflow(np.array(states[:20])[None]) == pytest.approx(len(states), abs=1)


def test_a_state_that_keeps_its_length_or_shrinks_has_no_overflow():
    states = 0.9 ** np.arange(10)[None, :, None]
    assert dg.predict_overflow(states) == float("inf")
    assert dg.predict_overflow(1e200 / states) == 0  # too long already
    with pytest.raises(ValueError, match="3 steps, expected at least 4"):
        dg.predict_overflow(states[:, :3])
    with pytest.raises(ValueError, match="a state is zero at some step"):
        dg.predict_overflow(0 * states)
    with pytest.raises(ValueError, match="largest=0"):
        dg.predict_overflow(states, largest=0)


@pytest.mark.parametrize("name", ["A5", "Z12"])
def test_exact_rotations_have_no_drift_and_no_end(name):
    start = np.ones(len(left(name)[0])) + np.arange(len(left(name)[0]))
    states, labels = track(name, left(name), 60, start=start)
    found = dg.predict_horizon(states, labels)
    assert (found.verdict, found.steps) == ("no drift", float("inf"))
    assert found.used.max() < 1e-10


def test_noise_that_does_not_add_up_has_no_end():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 4, (300, 40))
    states = np.eye(4)[labels] + 0.1 * rng.standard_normal((300, 40, 4))
    found = dg.predict_horizon(states, labels)
    assert (found.verdict, found.steps) == ("no drift", float("inf"))
    assert found.level > 0.05


@pytest.mark.parametrize("settings", [{}, {"growth": None}, {"accuracy": 0.9}])
def test_random_states_are_said_to_separate_nothing(settings):
    rng = np.random.default_rng(6)
    states, labels = rng.standard_normal((200, 30, 8)), rng.integers(0, 5, (200, 30))
    found = dg.predict_horizon(states, labels, **settings)
    assert (found.verdict, found.steps) == ("not separated", 0.0)
    same = dg.predict_horizon(np.ones((9, 4, 2)), np.tile([0, 1, 0, 1], (9, 1)), **settings)
    assert (same.verdict, same.margin) == ("not separated", 0.0)


def test_decay_of_states_of_equal_norm_is_no_failure_of_a_comparison():
    labels = np.random.default_rng(7).integers(0, 3, (50, 200))
    corners = np.array([[1, 0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
    states = corners[labels] * (0.95 ** np.arange(200))[:, None]
    assert (dg.margin_used(states, labels, corners) < 1).all()


def test_observed_horizon_counts_the_steps_before_the_first_failure():
    correct = np.array([[1, 1, 0, 1], [1, 1, 1, 1]], bool)
    assert dg.observed_horizon(correct) == 2
    assert dg.observed_horizon(correct, 0.5) == 4
    with pytest.raises(ValueError, match="expected bool"):
        dg.observed_horizon(correct.astype(int))


def test_sequences_too_short_to_drift_are_refused():
    with pytest.raises(ValueError, match="must be left to see drift"):
        dg.predict_horizon(np.eye(3)[None], np.array([[0, 1, 2]]))


# Probe


def test_probe_reads_what_is_linear_and_not_what_is_random():
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 60, (400, 4))
    flat = left("A5").reshape(60, 9)[labels] @ rng.standard_normal((9, 20))
    probe = dg.fit_probe(flat[:200], labels[:200], 60)
    assert probe.accuracy(flat[200:], labels[200:]) == 1.0
    noise = rng.standard_normal((400, 4, 20))
    assert dg.fit_probe(noise[:200], labels[:200], 60).accuracy(noise[200:], labels[200:]) < 0.1


def test_probe_finds_the_middle_of_three_classes_on_a_line_and_sees_through_common_noise():
    line = np.array([[-1.0], [0.0], [1.0]]).repeat(5, axis=0)
    classes = np.arange(3).repeat(5)
    np.testing.assert_array_equal(dg.fit_probe(line, classes, 3).predict(line), classes)
    loud = np.hstack([line, 50 * np.random.default_rng(9).standard_normal((15, 1))])
    np.testing.assert_array_equal(dg.fit_probe(loud, classes, 3).predict(loud), classes)


def test_arrays_that_are_no_tracker_are_refused():
    with pytest.raises(ValueError, match=r"expected \(token, n, n\)"):
        dg.spectra(np.eye(3))
    with pytest.raises(TypeError, match="real and imaginary"):
        dg.spectra(1j * np.ones((1, 2, 2)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        dg.predict_horizon(np.full((2, 3, 4), np.nan), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="one per state"):
        dg.predict_horizon(np.ones((2, 3, 4)), np.zeros((2, 2), int))
    with pytest.raises(TypeError, match="numbers of classes"):
        dg.predict_horizon(np.ones((2, 3, 4)), np.zeros((2, 3)))

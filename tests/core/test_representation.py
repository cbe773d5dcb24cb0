"""Representations: the hand-set linear recurrence is exact at every length."""

import numpy as np
import pytest

from seqtheory.expressivity import faithful_dimension
from seqtheory.group import group
from seqtheory.representation import Representation, from_generators, representation, smallest
from seqtheory.tasks import GroupWords


def test_icosahedral_rotations_have_the_published_traces_and_separation():
    rotations = representation("A5")
    traces, counts = np.unique(
        np.round(np.trace(rotations.matrices, axis1=1, axis2=2), 6), return_counts=True
    )
    expected = {-1.0: 15, -0.618034: 12, 0.0: 20, 1.618034: 12, 3.0: 1}
    assert dict(zip(traces.tolist(), counts.tolist(), strict=True)) == expected
    pairs = rotations.matrices[:, None] - rotations.matrices[None]
    distances = np.sqrt((pairs**2).sum(axis=(2, 3)))[~np.eye(60, dtype=bool)]
    np.testing.assert_allclose(rotations.separation, distances.min(), rtol=1e-12)
    np.testing.assert_allclose(rotations.separation, 1.6625, atol=1e-4)
    assert np.linalg.det(rotations.matrices) == pytest.approx(1.0)


def test_hand_set_recurrence_is_exact_over_ten_thousand_tokens():
    rotations = representation("A5")
    words = np.random.default_rng(0).integers(0, 60, (2, 10_000))
    states = rotations.states(words)
    products = rotations.group.running_products(words)
    np.testing.assert_array_equal(rotations.nearest(states), products)
    drift = np.abs(states - rotations.matrices[products]).max()
    assert drift < 1e-10  # the separation is 1.66


@pytest.mark.parametrize("name", ["Z1", "Z2", "Z60", "S3", "D4", "A4_x_Z5"])
def test_recurrence_of_other_groups_is_exact(name):
    data = GroupWords(name, length=30, num_words=50).build(0)
    np.testing.assert_array_equal(representation(name).track(data.inputs), data.targets)


def test_cyclic_groups_are_rotations_of_the_plane():
    assert representation("Z60").dimension == 2


def test_what_is_no_faithful_representation_is_refused():
    z4, turn = group("Z4"), np.array([[0.0, -1], [1, 0]])
    assert from_generators(z4, {1: turn}).separation > 1
    with pytest.raises(ValueError, match=r"generate 2 of the 4"):
        from_generators(z4, {2: turn @ turn})
    with pytest.raises(ValueError, match=r"same matrix"):
        from_generators(z4, {1: turn @ turn})
    with pytest.raises(ValueError, match=r"no representation of Z3"):
        from_generators(group("Z3"), {1: turn})
    with pytest.raises(ValueError, match=r"not orthogonal"):
        from_generators(z4, {1: 2 * turn})
    with pytest.raises(ValueError, match=r"expected \(4, n, n\)"):
        Representation(z4, np.eye(4))


def test_words_outside_the_group_are_refused():
    turning = representation("Z4")
    with pytest.raises(ValueError, match=r"0\.\.3"):
        turning.track(np.array([[0, 4]]))
    with pytest.raises(ValueError, match=r"0\.\.3"):
        turning.track(np.array([[0, -1]]))
    with pytest.raises(TypeError, match=r"expected integers"):
        turning.track(np.array([[0.5, 1.0]]))


@pytest.mark.parametrize(
    ("name", "dimension"),
    [("Z2", 1), ("S3", 2), ("A4", 3), ("S4", 3), ("A5", 3), ("S5", 4), ("A4_x_Z5", 5)],
)
def test_the_smallest_representation_is_faithful_and_as_small_as_characters_say(
    name: str, dimension: int
) -> None:
    structure = group(name)
    found = smallest(structure)
    assert found.dimension == dimension == faithful_dimension(structure)
    words = np.random.default_rng(0).integers(structure.order, size=(20, 30))
    np.testing.assert_array_equal(found.track(words), structure.running_products(words))

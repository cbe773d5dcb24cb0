"""Memory of models that read letters, by substitution of one letter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqtheory.memory_theory import AssumptionError, memory_function

VALUES = np.array([0.0, 1.0, -3.0, 0.5])


def leaky_sum(words, keep=0.5, start=0.0):
    h, outputs = np.full(len(words), start), []
    for k in range(words.shape[1]):
        h = keep * h + VALUES[words[:, k]]
        outputs.append(h)
    return np.stack(outputs, axis=1)[..., None]


def sign(words):
    """Parity of the letters 1, as a sign: letters multiply the state."""
    return np.cumprod(1.0 - 2.0 * (words == 1), axis=1)[..., None]


@pytest.mark.parametrize(("baseline", "largest"), [(0, 3.0), (2, 4.0)])
def test_it_is_the_largest_effect_of_a_letter(baseline, largest):
    found = memory_function(leaky_sum, 6, letters=4, baseline=baseline)
    np.testing.assert_allclose(found, largest * 0.5 ** np.arange(6))


def test_words_are_integers_with_one_letter_replaced():
    seen = []

    def model(words):
        seen.append(words)
        return leaky_sum(words)

    memory_function(model, 5, letters=4, baseline=1, rest=2, check=())
    words = seen[0]
    assert words.dtype == np.int64
    assert words.shape == (4, 7)
    assert words[:, 2].tolist() == [0, 2, 3, 1]
    assert (np.delete(words, 2, axis=1) == 1).all()


def test_some_letters_are_a_lower_bound():
    whole = memory_function(leaky_sum, 6, letters=4)
    assert np.all(memory_function(leaky_sum, 6, letters=4, directions=1) <= whole)
    np.testing.assert_array_equal(memory_function(leaky_sum, 6, letters=4, directions=9), whole)


def test_a_tracker_does_not_forget_and_its_baseline_matters():
    np.testing.assert_array_equal(memory_function(sign, 6, letters=3), np.full(6, 2.0))
    with pytest.raises(AssumptionError, match="never comes to rest") as caught:
        memory_function(sign, 6, letters=3, baseline=1)
    assert caught.value.rest is None


def test_assumptions_are_tested_with_letters():
    with pytest.raises(AssumptionError) as caught:
        memory_function(lambda w: leaky_sum(w, start=1.0) ** 2, 9, letters=4)
    assert caught.value.assumption == "time_homogeneous"
    assert caught.value.rest in range(1, 32)
    for model, broken in (
        (lambda w: leaky_sum(w[:, ::-1])[:, ::-1], "causal"),
        (lambda w: leaky_sum(w) + w.sum(), "independent"),
        (lambda w: leaky_sum(w)[:, 0], "shape"),
    ):
        with pytest.raises(AssumptionError) as caught:
            memory_function(model, 9, letters=4)
        assert caught.value.assumption == broken


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({}, TypeError, "letters=... for a model of integers"),
        ({"letters": 1}, ValueError, "letters=1"),
        ({"letters": 4, "baseline": 4}, ValueError, "0 to 3"),
        ({"letters": 4, "channels": 2}, ValueError, "channels=2 with letters"),
        ({"letters": 4, "amplitude": 2.0}, ValueError, "amplitude=2.0 with letters"),
        ({"letters": 4, "probe": "impulse"}, ValueError, "probe='impulse' with letters"),
        ({"letters": 4, "directions": "optimised"}, ValueError, "number of letters to draw"),
        ({"letters": 4, "directions": 0}, ValueError, "directions=0"),
        ({"letters": 4, "check": ("casual",)}, ValueError, "did you mean 'causal'"),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict[str, Any], error, message):
    with pytest.raises(error, match=message):
        memory_function(leaky_sum, 6, **settings)

"""The diagnosis of a tracker is drawn from arrays, whatever its verdict."""

import numpy as np
import pytest

from experiments.tracking import diagnosis_figure
from seqtheory.representation import representation


def tracker(excess, length=120, order=5):
    angle = 2 * np.pi / order + excess
    words = np.random.default_rng(0).integers(0, order, (80, length))
    phase = angle * words.cumsum(axis=1)
    states = np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    transitions = representation(f"Z{order}").matrices
    return transitions, states, words.cumsum(axis=1) % order


def test_predicted_and_measured_horizons_are_compared(tmp_path):
    drifting = diagnosis_figure.diagnose("drifting", *tracker(0.01), seen=20, growth=1.0)
    assert drifting.observed is not None
    assert drifting.observed / 2 < drifting.horizon.steps < 2 * drifting.observed
    exact = diagnosis_figure.diagnose("exact", *tracker(0.0), seen=20)
    assert exact.observed is None
    assert exact.horizon.steps == float("inf")
    transitions, states, labels = tracker(0.0)
    noise = np.random.default_rng(1).standard_normal(states.shape)
    random = diagnosis_figure.diagnose("random", transitions, noise, labels, seen=20)
    assert random.observed == 0
    paths = diagnosis_figure.draw([drifting, exact, random], tmp_path)
    assert {path.suffix for path in paths} == {".png", ".pdf"}
    assert all(path.stat().st_size > 10_000 for path in paths)


def test_the_models_own_answers_decide_where_they_are_given():
    transitions, states, labels = tracker(0.0)
    answers = labels.copy()
    answers[:, 33:] = (labels[:, 33:] + 1) % 5
    given = {"seen": 20, "answers": answers, "readout": "direction"}
    growing = states * 1.2 ** np.arange(120)[:, None]
    found = diagnosis_figure.diagnose("a", transitions, growing, labels, **given)
    assert found.observed == 33
    assert (found.used < 1e-9).all()  # the state itself does not drift
    with pytest.raises(ValueError, match="expected the model's answers"):
        diagnosis_figure.diagnose("a", transitions, states, labels, seen=20, readout="direction")

"""What counts in an evaluation, and what is refused."""

import jax
import numpy as np
import pytest

from lcde_jax import LinearInput, MeanOutput, S4DConfig, SequenceModelConfig, StepOutput, evaluate
from seqtheory.dataset import Dataset

LENGTHS = np.array([6, 3, 1, 4])
MASK = np.arange(6) < LENGTHS[:, None]


def a_model(output):
    config = SequenceModelConfig(
        input=LinearInput(channels=1), output=output, mixer=S4DConfig(), width=4, depth=1
    )
    return config.build(jax.random.key(0))


def inputs():
    return np.random.default_rng(0).normal(size=(4, 6, 1))


@pytest.mark.parametrize("columns", [1, 2])
def test_targets_of_whole_padded_rows_all_count(columns):
    model, x = a_model(MeanOutput(size=columns)), inputs()
    targets = np.random.default_rng(1).normal(size=(4, columns))
    expected = np.sqrt(np.mean((np.asarray(model(x, MASK)) - targets) ** 2))
    found = evaluate(model, Dataset(x, targets, MASK), "squared_error", batch_size=3)
    assert found["rmse"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("unknown", [-1, -100])
@pytest.mark.parametrize("output", [MeanOutput, StepOutput])
def test_a_class_below_zero_is_refused(unknown, output):
    shape = (4,) if output is MeanOutput else (4, 6)
    targets = np.ones(shape, int)
    targets[2] = unknown
    with pytest.raises(ValueError, match=rf"targets\[2\] holds the class {unknown};"):
        evaluate(a_model(output(size=3)), Dataset(inputs(), targets), "cross_entropy")


@pytest.mark.parametrize("hidden", [-100, 99])
def test_classes_that_the_mask_hides_do_not_matter(hidden):
    model, targets = a_model(StepOutput(size=3)), np.ones((4, 6), int)
    shown = evaluate(model, Dataset(inputs(), targets, MASK), "cross_entropy")
    targets = np.where(MASK, targets, hidden)
    assert evaluate(model, Dataset(inputs(), targets, MASK), "cross_entropy") == shown

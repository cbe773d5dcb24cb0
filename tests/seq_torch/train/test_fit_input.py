"""What cannot train is refused before the first step, with what came and what to do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from seq_torch import evaluate, fit
from seqtheory.dataset import Dataset
from seqtheory.training import FitData, Training

CLASSES = Training(loss="cross_entropy", num_steps=3)


def refused(model, data, training, error, match, **keys):
    events = []
    with pytest.raises(error, match=match):
        fit(model, data, training, on_event=events.append, **keys)
    assert not events


def both(inputs, targets, mask=None):
    data = Dataset(inputs, targets, mask)
    return FitData(data, data)


def test_real_targets_are_no_classes(tagger):
    data = both(np.zeros((2, 3), int), np.zeros((2, 3)))
    refused(tagger(), data, CLASSES, TypeError, "train.targets have dtype float64, expected integ")


def test_classes_out_of_range_are_refused(tagger, words):
    refused(tagger(classes=2), words, CLASSES, ValueError, r"holds the class 2, .* 2 outputs")
    data = both(np.zeros((2, 3), int), np.array([[0, 1, 2], [0, -1, 0]]))
    refused(tagger(), data, CLASSES, ValueError, r"targets\[1\] holds the class -1")


def test_outputs_of_another_shape_are_refused(tagger, line, points):
    data = both(np.zeros((2, 3), int), np.zeros(2, int))
    refused(tagger(), data, CLASSES, ValueError, r"to \(2, 3, 3\), expected \(2, 'classes'\)")
    refused(line(2), points, Training(), ValueError, r"to \(2, 2\), expected the shape \(2,\)")


def test_complex_targets_are_refused(line):
    data = both(np.zeros((2, 3)), np.zeros(2, complex))
    refused(line(), data, Training(), TypeError, "expected real numbers")


def test_a_mask_of_another_shape_than_the_classes_is_refused(tagger):
    data = both(np.zeros((2, 3), int), np.zeros((2, 4), int), np.ones((2, 3), bool))
    refused(tagger(), data, CLASSES, ValueError, r"targets have shape \(2, 4\) but the mask")


def test_a_mask_that_hides_a_row_is_refused(tagger):
    mask = np.array([[True, True], [False, False]])
    data = both(np.zeros((2, 2), int), np.zeros((2, 2), int), mask)
    refused(tagger(), data, CLASSES, ValueError, "mask is False throughout row 1")
    with pytest.raises(ValueError, match="mask is False throughout row 1"):
        evaluate(tagger(), data.train, "cross_entropy")


def test_held_out_data_of_another_kind_are_refused(line, points):
    held_out = Dataset(np.zeros((2, 3, 1)), np.zeros(2))
    data = FitData(points.train, held_out)
    refused(line(), data, Training(), ValueError, r"held_out.inputs have shape \(2, 3, 1\)")


def test_bfloat16_on_a_cpu_is_refused(line, points):
    training = Training(precision="bfloat16")
    refused(line(), points, training, ValueError, "needs a GPU, but the model lies on the CPU")
    with pytest.raises(ValueError, match="float16"):
        fit(line(dtype=torch.bfloat16), points, Training())


def test_a_model_without_parameters_is_refused(points):
    refused(nn.Flatten(), points, Training(), ValueError, "nothing to train")


def test_a_model_on_no_device_of_use_is_refused(points):
    refused(nn.Linear(3, 1, device="meta"), points, Training(), ValueError, "lies on meta")


def test_an_unknown_loss_is_refused(line, points):
    with pytest.raises(ValueError, match="did you mean 'squared_error'"):
        evaluate(line(), points.train, "square_error")


def test_the_caller_of_a_refused_fit_keeps_its_random_state(tagger, words):
    model = tagger(classes=2)
    state = torch.get_rng_state()
    refused(model, words, replace(CLASSES, seed=3), ValueError, "outputs")
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in model.modules())

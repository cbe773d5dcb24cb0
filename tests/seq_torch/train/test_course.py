"""Curricula, mixed lengths, streams: what a step learns from; a resume gives the same bytes."""

import json
from dataclasses import replace

import pytest

from seq_torch import fit
from seqtheory.tasks import GroupWords
from seqtheory.training import Curriculum, FitData, TaskStream, Training
from seqtheory.training._curriculum import first_positions

TASK = GroupWords("Z4", length=5)
TRAINING = Training(
    loss="cross_entropy",
    num_steps=24,
    batch_size=8,
    learning_rate=0.05,
    evaluate_every=4,
    curriculum=Curriculum(start=2, level=0.35),
)
COURSES = {
    "length": {},
    "mask": {"curriculum": Curriculum(kind="mask", start=1, level=0.35, by=2)},
    "mixed": {"curriculum": None, "lengths": "mixed"},
    "mixed-length": {"lengths": "mixed"},
}


@pytest.fixture
def letters() -> FitData:
    data = replace(TASK, num_words=60).build(0)
    return FitData(*data.split((0.6, 0.4), seed=0))


@pytest.fixture
def fresh(letters) -> FitData:
    return FitData(TaskStream(TASK), letters.held_out)


@pytest.mark.parametrize("source", ["letters", "fresh"])
@pytest.mark.parametrize("course", COURSES)
def test_a_resume_gives_the_same_bytes(request, tagger, snapshots, bytes_of, course, source):
    data = request.getfixturevalue(source)
    training = replace(TRAINING, **COURSES[course])
    model = tagger(classes=4)
    held, history = snapshots(fit, model, data, training)
    for snapshot in held[1::6]:
        stored = json.loads(json.dumps(snapshot.state, allow_nan=False))
        resumed = tagger(seed=9, classes=4)
        again = fit(resumed, data, training, resume=replace(snapshot, state=stored))
        assert repr(again) == repr(history)
        assert bytes_of(resumed) == bytes_of(model)
    lengths = [e.metrics.get("trained_length") for e in history.evaluations]
    if training.curriculum is None:
        assert {*lengths} == {None}
    else:
        assert lengths[0] == training.curriculum.start
        assert lengths == sorted(lengths)
        assert lengths[-1] > lengths[0]


def test_cut_words_are_learnt_as_words_of_that_length(tagger, letters, bytes_of):
    one, other = tagger(classes=4), tagger(classes=4)
    stuck = replace(TRAINING, curriculum=Curriculum(start=3, level=1.0))
    fit(one, letters, stuck)
    short = FitData(first_positions(letters.train, 3), first_positions(letters.held_out, 3))
    fit(other, short, replace(stuck, curriculum=None))
    assert bytes_of(one) == bytes_of(other)


def test_a_causal_model_learns_the_same_from_a_mask(tagger, letters):
    losses = []
    for kind in ("length", "mask"):
        stuck = replace(TRAINING, curriculum=Curriculum(kind=kind, start=3, level=1.0))
        history = fit(tagger(classes=4, dropout=0.0), letters, stuck)
        losses.append([e.metrics.get("train_loss") for e in history.evaluations[1:]])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_stream_is_told_apart_at_a_resume(tagger, fresh, snapshots):
    held, _ = snapshots(fit, tagger(classes=4), fresh, TRAINING)
    other = FitData(TaskStream(replace(TASK, group="Z2_x_Z2")), fresh.held_out)
    with pytest.raises(ValueError, match="other data"):
        fit(tagger(classes=4), other, TRAINING, resume=held[0])


def test_training_ends_where_the_last_position_is_known(tagger, fresh):
    training = replace(TRAINING, target=0.3, target_at="last", num_steps=40)
    history = fit(tagger(classes=4, dropout=0.0, width=16), fresh, training)
    last = history.evaluations[-1].metrics["position_accuracy"][-1]
    assert (history.status == "target") == (last >= 0.3)

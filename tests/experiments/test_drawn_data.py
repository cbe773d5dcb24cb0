"""Data that stand in for IMDB and CIFAR-10: what they are, and that they say so."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from experiments.data import DrawnImages, DrawnReviews
from experiments.data.drawn_images import SHAPES
from experiments.lra import tasks
from experiments.lra.models import model_config
from experiments.lra.training_run import LongRangeRun
from experiments.run import canonical
from seqtheory.plain import restored

REVIEWS = DrawnReviews(max_bytes=300, num_examples=400, parts=(0.6, 0.2, 0.2))
IMAGES = DrawnImages(num_examples=200, parts=(0.6, 0.2, 0.2))
PRAISE = {"good", "moving", "clever", "warm", "bright", "a joy"}
ON_THE_FILM = {"plot", "cast", "music", "camera", "script", "ending", "pace", "humour"}
WORD = re.compile(r"was (?:not )?([a-z ]+)[.]")
CONTRARY = {"Read me as the contrary", "I mean none of this", "Nothing here is meant"}


def texts(part: Any) -> list[str]:
    return [bytes(row[held]).decode() for row, held in zip(part.inputs, part.mask, strict=True)]


def sentiment(text: str) -> int:
    """Read a review as a person would: opinions on the film, and what the opening says of them."""
    opening, *opinions = text.rstrip(".").split(". ")
    score = 0
    for opinion in opinions:
        match = re.fullmatch(r"The (\w+) was (not )?(.+)", opinion)
        assert match
        subject, negated, word = match.groups()
        if subject in ON_THE_FILM:
            score += 1 if (word in PRAISE) != bool(negated) else -1
    assert score
    return int((score > 0) != (opening in CONTRARY))


def test_a_reader_of_the_whole_review_is_always_right() -> None:
    splits = REVIEWS.load(seed=0)
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [240, 80, 80]
    for part in parts:
        assert [sentiment(text) for text in texts(part)] == part.targets.tolist()
        assert part.inputs.shape[1] == 300
    read = texts(splits.train)
    assert len(set(read)) == len(read)
    assert min(map(len, read)) < 120
    assert 280 < max(map(len, read)) <= 300


def test_the_opening_decides_in_a_share_of_the_reviews() -> None:
    def found(**settings: Any) -> list[bool]:
        part = replace(REVIEWS, **settings).load(seed=1).train
        return [text.partition(".")[0] in CONTRARY for text in texts(part)]

    assert np.mean(found()) == pytest.approx(0.15, abs=0.08)
    assert not any(found(contrary=0.0))
    assert not any(
        " not " in text for text in texts(replace(REVIEWS, negated=0.0).load(seed=1).test)
    )


def test_words_alone_and_opinions_alone_are_right_as_often_as_the_docstring_says() -> None:
    part = tasks.DRAWN_REVIEWS.load(seed=0).train
    read, positive = texts(part), part.targets.astype(bool)
    counted = [sum(2 * (word in PRAISE) - 1 for word in WORD.findall(text)) for text in read]
    right = [0.5 if not n else (n > 0) == is_so for n, is_so in zip(counted, positive, strict=True)]
    assert np.mean(right) == pytest.approx(0.65, abs=0.02)
    openings = np.array([text.partition(".")[0] in CONTRARY for text in read])
    assert np.mean(~openings) == pytest.approx(0.85, abs=0.02)


def test_shapes_are_sequences_of_scaled_grey_pixels_equally_many_of_each() -> None:
    splits = IMAGES.load(seed=0)
    parts = (splits.train, splits.validation, splits.test)
    assert [part.inputs.shape for part in parts] == [(120, 1024, 1), (40, 1024, 1), (40, 1024, 1)]
    assert np.bincount(np.concatenate([part.targets for part in parts])).tolist() == [20] * 10
    assert splits.train.inputs.mean() == pytest.approx(0, abs=1e-4)
    assert splits.train.inputs.std() == pytest.approx(1, abs=1e-4)
    small = replace(IMAGES, downsampled=True).load(seed=0)
    assert small.train.inputs.shape == (120, 256, 1)


def test_every_shape_differs_from_every_other_at_every_angle() -> None:
    grid = np.linspace(-1.2, 1.2, 97)
    x, y = np.meshgrid(grid, grid)
    drawn = {
        name: [shape(np.cos(a) * x + np.sin(a) * y, np.cos(a) * y - np.sin(a) * x) for a in ANGLES]
        for name, shape in SHAPES.items()
    }
    for one, other in combinations(drawn, 2):
        apart = [(a != b).sum() / max(a.sum(), b.sum()) for a in drawn[one] for b in drawn[other]]
        assert min(apart) > 0.1, (one, other)


ANGLES = (-0.5, 0.0, 0.5)


@pytest.mark.parametrize("data", [REVIEWS, IMAGES])
def test_what_is_drawn_follows_the_seed_and_says_what_it_is(data: Any) -> None:
    one, again, other = (data.load(seed=seed).provenance for seed in (5, 5, 6))
    assert one == again
    assert one.settings["sha256"] != other.settings["sha256"]
    assert (one.source, one.whole, one.split) == ("generated", False, "generated")
    assert restored(canonical(data), type(data), "data") == data


def test_labels_never_name_the_benchmark_alone() -> None:
    assert REVIEWS.load(seed=0).provenance.label == (
        "Drawn reviews (in place of IMDB, at most 300 bytes, generated, 320 + 80 reviews)"
    )
    assert replace(IMAGES, downsampled=True).load(seed=0).provenance.label == (
        "Drawn shapes (in place of grey CIFAR-10, 16 x 16, generated, 160 + 40 images)"
    )


@pytest.mark.parametrize(
    ("data", "file"), [(REVIEWS, "use IMDB"), (IMAGES, "use CIFAR10")], ids=["reviews", "images"]
)
def test_nothing_is_read_where_data_are_drawn(data: Any, file: str) -> None:
    with pytest.raises(ValueError, match=f"nothing is fetched .* {file}"):
        data.load("download", seed=0)
    with pytest.raises(ValueError, match=f"nothing is read .* {file}"):
        data.load("some.csv", seed=0)


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (DrawnReviews, {"max_bytes": 159}, "max_bytes=159"),
        (DrawnReviews, {"contrary": 1.5}, "contrary=1.5"),
        (DrawnReviews, {"negated": -0.1}, "negated=-0.1"),
        (DrawnReviews, {"parts": (0.5, 0.5, 0.5)}, "three shares"),
        (DrawnImages, {"num_examples": 0}, "num_examples=0"),
        (DrawnImages, {"downsampled": 1}, "downsampled=1"),
        (DrawnImages, {"parts": (0.5, 0.5)}, "three shares"),
    ],
)
def test_settings_that_draw_nothing_are_refused(kind: Any, fields: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        kind(**fields)


@pytest.mark.parametrize("task", [tasks.DRAWN_REVIEWS, tasks.DRAWN_IMAGES])
def test_batches_of_what_is_drawn_are_whole(task: Any) -> None:
    assert round(task.num_examples * task.parts[0]) % 32 == 0


@pytest.mark.needs_torch
@pytest.mark.parametrize(("task", "classes"), [(REVIEWS, 2), (IMAGES, 10)])
def test_a_model_takes_what_is_drawn(task: Any, classes: int) -> None:
    import torch

    import seq_torch

    run = LongRangeRun(task=task, width=4, depth=1)
    batch = tasks.load(task, 0).train.take(slice(0, 2))
    mixer = seq_torch.S4DConfig(state_dim=4)
    model = model_config(seq_torch, run, batch.inputs.shape[1:], mixer).build(0)
    mask = None if batch.mask is None else torch.tensor(batch.mask)
    kind = torch.long if batch.mask is not None else torch.float32
    assert model(torch.tensor(batch.inputs, dtype=kind), mask).shape == (2, classes)

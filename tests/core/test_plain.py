"""Frozen values as plain JSON and back."""

from __future__ import annotations

import dataclasses
import gc
import inspect
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtheory import tasks
from seqtheory.plain import added, described, restored
from seqtheory.training import Training


@dataclass(frozen=True)
class Noise:
    scale: float = 1.0


@dataclass(frozen=True)
class Drift(Noise):
    rate: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Walk:
    noise: Noise | None = field(default_factory=Noise)
    steps: int = 1
    limit: int | float = 2
    mood: Literal["calm", 3, None] = "calm"
    widths: tuple[int, ...] = ()
    pair: tuple[str, float] = ("a", 1.0)
    name: str | float = "x"


@dataclass(frozen=True, kw_only=True)
class Grown(Walk):
    late: int | None = added(None)
    rule: str = added("new", unsaid="old")


finite = st.floats(allow_nan=False)
walks = st.builds(
    Walk,
    noise=st.none() | st.builds(Noise, finite) | st.builds(Drift, finite, finite),
    steps=st.integers(),
    limit=st.integers() | finite,
    mood=st.sampled_from(["calm", 3, None]),
    widths=st.lists(st.integers()).map(tuple),
    pair=st.tuples(st.text(), finite),
    name=st.text() | finite,
)


def again(value: Any, annotation: Any = None) -> Any:
    text = json.dumps(described(value), allow_nan=False)
    return restored(json.loads(text), annotation or type(value))


@given(walks)
def test_what_was_said_is_heard(walk: Walk) -> None:
    heard = again(walk)
    assert heard == walk
    assert type(heard.limit) is type(walk.limit)
    assert type(heard.noise) is type(walk.noise)
    assert described(heard) == described(walk)


def test_every_task_and_training_is_heard() -> None:
    for name in tasks.__all__:
        kind = getattr(tasks, name)
        if dataclasses.is_dataclass(kind) and not inspect.isabstract(kind):
            assert again(kind()) == kind()
    assert again(Training(learning_rate=1)) == Training(learning_rate=1.0)


def test_numbers_of_a_float_field_are_floats() -> None:
    assert described(Noise(2)) == {"type": "Noise", "scale": 2.0}
    assert type(described(Noise(2))["scale"]) is float
    assert math.copysign(1, described(Noise(-0.0))["scale"]) == 1
    assert described(Noise(math.inf)) == {"type": "Noise", "scale": {"float": "inf"}}
    assert again(Noise(-math.inf)).scale == -math.inf


def test_a_field_that_was_added_is_left_out_at_the_value_its_absence_means() -> None:
    plain = {**described(Walk()), "type": "Grown"}
    assert described(Grown(rule="old")) == plain
    assert restored(plain, Grown) == Grown(rule="old")
    assert described(Grown()) == {**plain, "rule": "new"}
    assert described(Grown(rule="old", late=0)) == {**plain, "late": 0}
    assert again(Grown(late=3)) == Grown(late=3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 1.5}, r"walk\.steps: got 1\.5, expected int"),
        ({"steps": True}, r"walk\.steps: got True"),
        ({"mood": "cross"}, r"walk\.mood: got 'cross'"),
        ({"mood": 3.0}, r"walk\.mood: got 3\.0"),
        ({"widths": [1, "2"]}, r"walk\.widths\[1\]: got '2', expected int"),
        ({"widths": 1}, r"walk\.widths: got 1, expected tuple"),
        ({"pair": [1]}, r"walk\.pair: got 1 items, expected tuple"),
        ({"noise": {"type": "Sound"}}, r"walk\.noise has type 'Sound', of which 0 are imported"),
        ({"noise": {"type": "Noise", "loud": 1}}, r"walk\.noise \(Noise\) has no field 'loud'"),
        ({"noise": {}}, r"walk\.noise has type None"),
        ({"noise": [1]}, r"walk\.noise: got a list of 1"),
        ({"new": 1}, r"walk \(Walk\) has no field 'new'"),
    ],
)
def test_what_the_annotations_do_not_allow_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        restored({**described(Walk()), **change}, Walk, "walk")


def test_a_missing_field_is_named_by_its_class() -> None:
    with pytest.raises(ValueError, match=r"value \(Word\): .*'letter'"):
        restored({"type": "Word"}, Word)


@dataclass(frozen=True)
class Word:
    letter: str


@pytest.mark.parametrize("value", [{1: 2}, {1}, b"x", object()])
def test_what_has_no_plain_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no plain form"):
        described(Word(value))


def test_nan_and_loose_classes_are_refused() -> None:
    @dataclass
    class Loose:
        x: int = 0

    with pytest.raises(ValueError, match="NaN"):
        described(Noise(math.nan))
    with pytest.raises(TypeError, match="not frozen"):
        described(Loose())


def test_a_class_that_the_annotation_names_is_meant_before_its_namesake() -> None:
    namesake = dataclass(frozen=True)(type("Drift", (Drift,), {}))
    assert type(restored({"type": "Drift"}, Drift | None)) is Drift
    with pytest.raises(ValueError, match="of which 2 are imported"):
        restored({"type": "Drift"}, Noise)
    assert namesake in Drift.__subclasses__()
    del namesake
    gc.collect()

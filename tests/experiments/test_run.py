"""Runs and their hashes; overrides from the command line."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys

import pytest

from experiments.overrides import override
from experiments.run import ConfigError, Run, canonical, content_hash
from experiments.study import load


@pytest.fixture
def module(study_file):
    return load(str(study_file)).module


def test_hash_is_golden(module):
    run = module.Walk(num_steps=7, noise=module.Noise(scale=0.1), widths=(3,), rate=1e-3)
    text = (
        '{"run":{"limit":null,"mood":"calm","noise":{"scale":0.1,"type":"Noise"},"num_steps":7,'
        '"pause":0.0,"rate":0.001,"seed":0,"tag":"walk","type":"Walk","verbose":false,"width":4,'
        '"widths":[3]},"study":"my_study","version":1}'
    )
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "d528af1ce4462c6d"
    assert content_hash(run, "my_study", 1) == "d528af1ce4462c6d"


def test_hash_is_the_same_in_another_process_and_key_order(module, study_file):
    code = (
        "import sys; from experiments.study import load; m = load(sys.argv[1]).module;"
        "print(load(sys.argv[1]).hash(m.Walk(tag='x', rate=0.1, width=3)))"
    )
    command = [sys.executable, "-c", code, str(study_file)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    here = content_hash(module.Walk(width=3, rate=0.1, tag="x"), "my_study", 1)
    assert out.stdout.strip() == here


def test_hash_tells_runs_studies_and_versions_apart(module):
    walk = module.Walk()
    others = [
        content_hash(dataclasses.replace(walk, seed=1), "s", 1),
        content_hash(dataclasses.replace(walk, noise=module.NoNoise()), "s", 1),
        content_hash(walk, "t", 1),
        content_hash(walk, "s", 2),
        content_hash(walk, "s", 1),
    ]
    assert len(set(others)) == 5


def test_equal_runs_have_equal_hashes(module):
    assert canonical(module.Walk(rate=1)) == canonical(module.Walk(rate=1.0))
    assert repr(canonical(module.Walk(rate=-0.0))) == repr(canonical(module.Walk(rate=0.0)))
    assert canonical(module.Walk(rate=float("inf")))["rate"] == {"float": "inf"}


def test_nested_dataclasses_carry_their_type(module):
    value = canonical(module.Walk())
    assert value["type"] == "Walk"
    assert value["noise"] == {"type": "Noise", "scale": 1.0}
    assert value["widths"] == [1, 2]


@pytest.mark.parametrize("value", [{1: 2}, {1}, b"x", object()])
def test_values_without_a_canonical_form_are_refused(value, module):
    with pytest.raises(TypeError, match="no plain form"):
        canonical(module.Walk(tag=value))


def test_nan_is_refused(module):
    with pytest.raises(ValueError, match="NaN"):
        canonical(module.Walk(rate=float("nan")))


def test_a_mutable_dataclass_is_refused():
    @dataclasses.dataclass
    class Loose:
        x: int = 0

    with pytest.raises(TypeError, match="not frozen"):
        canonical(Loose())


@pytest.mark.parametrize("seed", [-1, 0.5, True, "1"])
def test_a_seed_is_a_whole_number_of_at_least_zero(seed):
    with pytest.raises((TypeError, ValueError), match="seed"):
        Run(seed=seed)


def test_overrides_are_typed_by_the_annotations(module):
    settings = [
        "width=64",
        "rate=1e-3",
        "tag=hello",
        "verbose=true",
        "limit=5",
        "mood=diverges",
        "widths=(16,32)",
        "noise.scale=2",
    ]
    (run,) = override([module.Walk()], settings)
    assert run == module.Walk(
        width=64,
        rate=1e-3,
        tag="hello",
        verbose=True,
        limit=5,
        mood="diverges",
        widths=(16, 32),
        noise=module.Noise(scale=2.0),
    )
    assert type(run.noise.scale) is float


def test_none_a_class_name_and_quotes_are_understood(module):
    settings = ["limit=none", "noise=NoNoise", 'tag="a,b"', "widths=(7,)"]
    (run,) = override([module.Walk(limit=3)], settings)
    expected = module.Walk(limit=None, noise=module.NoNoise(), tag="a,b", widths=(7,))
    assert run == expected


def test_commas_sweep_and_overrides_multiply(module):
    runs = override([module.Walk()], ["rate=1e-3,3e-4", "widths=(1,),(2,3)"])
    assert [(r.rate, r.widths) for r in runs] == [
        (1e-3, (1,)),
        (1e-3, (2, 3)),
        (3e-4, (1,)),
        (3e-4, (2, 3)),
    ]


def test_an_override_that_makes_runs_equal_leaves_one(module):
    runs = override([module.Walk(width=w) for w in (1, 2, 3)], ["width=8"])
    assert runs == [module.Walk(width=8)]


def test_seeds_count_up_from_the_base_of_each_group(module):
    walks = [module.Walk(seed=s, width=w) for w in (1, 2) for s in (3, 4)]
    runs = override(walks, [], seeds=3)
    assert [(r.width, r.seed) for r in runs] == [(w, s) for w in (1, 2) for s in (3, 4, 5)]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("wdith=3", "unknown field 'wdith' of Walk; did you mean 'width'"),
        ("noise.scael=3", "unknown field 'noise.scael' of Noise; did you mean 'scale'"),
        ("width=3.5", "width: got '3.5', expected an integer"),
        ("rate=fast", "rate: got 'fast', expected a number"),
        ("rate=nan", "expected a number"),
        ("verbose=maybe", "expected one of true, false"),
        ("mood=clam", "expected one of calm, diverges"),
        ("limit=few", "expected an integer or none"),
        ("widths=1,2", "expected a tuple in parentheses"),
        ("widths=(1,x)", "widths: got 'x', expected an integer"),
        ("widths=(1", r"\) is missing"),
        ("width=0", "width: got 0, expected at least 1"),
        ("seed=-1", "seed=-1: expected"),
        ("noise=Noisy", "expected Noise .* or NoNoise"),
        ("tag.x=1", "which has no fields"),
        ("width", "expected field=value"),
        ("=3", "expected field=value"),
    ],
)
def test_a_wrong_override_is_told_in_one_line(module, setting, message):
    with pytest.raises(ConfigError, match=message) as error:
        override([module.Walk()], [setting])
    assert "\n" not in str(error.value)


def test_no_seeds_is_refused(module):
    with pytest.raises(ConfigError, match="at least 1"):
        override([module.Walk()], [], seeds=0)

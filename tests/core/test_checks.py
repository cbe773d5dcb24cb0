"""The checks of settings, and the one grammar of their messages."""

from __future__ import annotations

import re

import pytest

from seqtheory import checks

GRAMMAR = re.compile(r"^x=.*: expected .+[^.]$")
REFUSED = [
    (lambda: checks.require_integer("x", 2.0, 1), TypeError, "an integer of at least 1"),
    (lambda: checks.require_integer("x", True, 1), TypeError, "an integer of at least 1"),
    (lambda: checks.require_integer("x", 9, 0, 8), ValueError, "at least 0 and at most 8"),
    (lambda: checks.require_positive("x", "1"), TypeError, "a positive number"),
    (lambda: checks.require_positive("x", float("inf")), ValueError, "and finite"),
    (lambda: checks.require_positive("x", -1, zero_allowed=True), ValueError, "zero or a positive"),
    (lambda: checks.require_fraction("x", 1.0, zero=True), ValueError, r"a number in \[0, 1\)"),
    (lambda: checks.require_fraction("x", 0, one=True), ValueError, r"a number in \(0, 1\]"),
    (lambda: checks.require_fraction("x", float("nan")), ValueError, r"a number in \(0, 1\)"),
    (lambda: checks.require_fraction("x", None), TypeError, "a number in"),
    (lambda: checks.require_choice("x", "bach", ("layer", "batch")), ValueError, "mean 'batch'"),
    (lambda: checks.require_choice("x", "mse", ("cross_entropy",)), ValueError, "'cross_entropy'"),
    (lambda: checks.require_flag("x", 1), TypeError, "True or False"),
]


@pytest.mark.parametrize(("check", "error", "said"), REFUSED)
def test_what_came_and_what_was_expected_are_said(check, error, said) -> None:
    with pytest.raises(error, match=said) as caught:
        check()
    assert GRAMMAR.match(str(caught.value))


def test_the_ends_of_a_range_are_in_it_where_they_are_allowed() -> None:
    checks.require_integer("x", 8, 8, 8)
    checks.require_positive("x", 0, zero_allowed=True)
    checks.require_fraction("x", 0, zero=True)
    checks.require_fraction("x", 1.0, one=True)
    checks.require_choice("x", "a", ("a",))
    checks.require_flag("x", False)

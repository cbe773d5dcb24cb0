"""Checks of the map from trained weights to eigenvalues that some settings hold."""

from __future__ import annotations


def check_parameterisation(value: object, kinds: tuple[type, ...]) -> None:
    """Raise TypeError unless `value` is an instance (not a class) of one of these families."""
    if isinstance(value, kinds):
        return
    hint = " You gave the class: add ()." if isinstance(value, type) else ""
    names = " or ".join(f"seqtheory.reparameterisation.{kind.__name__}" for kind in kinds)
    raise TypeError(f"parameterisation={value!r} is none; expected a {names}, e.g. Exp().{hint}")

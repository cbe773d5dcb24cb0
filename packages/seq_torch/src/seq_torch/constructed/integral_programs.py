"""Layers of the bare S6 that integrate a path: programs for `iterated_integral`.

Features x are values at the end of each step, d increments. `kept` is 1 where the last position is
read, and 0 where a mean over positions does the sum.
"""

from __future__ import annotations

from typing import Literal

from .program import ANSWER, STEP, Channel, Form, Program

_ONE: Form = {"1": 1.0}
_DRIVE: Form = {"x0": 1.0, "d0": -1 / 2}
_INNER: Form = {"x0": 1 / 2, "d0": -1 / 3}
_LOCAL: Form = {"x0": 1 / 2, "d0": -1 / 6}


def area(kept: float) -> Program:
    """Integrate x1 dx2 from values and increments: a product of two at each step."""
    channels = {"area": Channel(_DRIVE, (kept,))}
    return Program((({"d1": 1.0}, _ONE),), channels, {ANSWER: ({}, {"area": 1 / STEP})})


def idle() -> Program:
    """Do nothing."""
    return Program(((_ONE, _ONE),), {}, {})


def inner_area() -> Program:
    """Write the area as the volume needs it: that of each step in part."""
    channels = {"area": Channel(_DRIVE, (1.0,)), "local": Channel(_LOCAL, (0.0,))}
    area = {"area": 1 / STEP, "local": -1 / STEP}
    return Program((({"d1": 1.0}, _ONE),), channels, {"area": ({}, area)})


def outer(kept: float) -> Program:
    """Integrate the inner area."""
    channels = {"volume": Channel({"area": 1.0}, (kept,))}
    return Program((({"d2": 1.0}, _ONE),), channels, {ANSWER: ({}, {"volume": 1 / STEP})})


def outer_step(kept: float) -> Program:
    """Integrate the area at the end of each step; the step's own part is a product of three."""
    channels = {
        "volume": Channel({"area": 1.0}, (kept,)),
        "more": Channel(_LOCAL, (kept,), "d1"),
        "less": Channel(_LOCAL, (kept,)),
    }
    answer = {"volume": 1 / STEP, "more": -1.0, "less": 1.0}
    return Program((({"d2": 1.0}, _ONE),), channels, {ANSWER: ({}, answer)})


def volume(readout: Literal["last", "mean"]) -> Program:
    r"""Integrate the area in one layer, by C; products of three are made by the steps.

    At the last position :math:`x^3_T \sum_{j<T} s_j - \sum_{j<T} s_j x^3_j`, in the mean
    :math:`\sum_k d^3_k \sum_{j<k} s_j`, for :math:`s = (x^1 - d^1/2) d^2`, and in both cases
    :math:`\sum_k (x^1 / 2 - d^1 / 3) d^2 d^3` more.
    """
    last = readout == "last"
    outer, kept = ("x2", 1.0) if last else ("d2", 0.0)
    into: Form = {"d1": 1.0}
    modes = ((into, _ONE), (into, {outer: 1.0}), (into, {outer: -1.0}))
    channels = {
        "past": Channel(_DRIVE, (1.0, 1.0, 0.0)),
        "sum": Channel(_DRIVE, (1.0, 1.0, 1.0)),
        "inner": Channel(_INNER, (kept,) * 3, "d2"),
        "plain": Channel(_INNER, (kept,) * 3),
    }
    answer = {"past": 1 / STEP, "sum": -1 / STEP, "inner": 1.0, "plain": -1.0}
    if last:
        channels["times"] = Channel(_DRIVE, (1.0, 1.0, 1.0), "x2")
        channels["now_times"] = Channel(_DRIVE, (0.0, 0.0, 0.0), "x2")
        channels["now"] = Channel(_DRIVE, (0.0, 0.0, 0.0))
        answer |= {"sum": 1 - 1 / STEP, "times": -1.0, "now_times": 1.0, "now": -1.0}
    return Program(modes, channels, {ANSWER: ({}, answer)})


def sums(letters: int) -> Program:
    """Sum increments to values."""
    names = [str(i) for i in range(letters)]
    channels = {name: Channel({f"d{name}": 1.0}, (1.0,)) for name in names}
    return Program(((_ONE, _ONE),), channels, {f"x{n}": ({}, {n: 1 / STEP}) for n in names})


def differences(letters: int, small: float) -> Program:
    """Take from each value the one before, by two fast states."""
    names = [str(i) for i in range(letters)]
    modes = ((_ONE, {"1": -1 / small}), (_ONE, {"1": 1 / small}))
    channels = {name: Channel({f"x{name}": 1.0}, (0.0, small)) for name in names}
    late = {f"d{n}": ({f"x{n}": 1.0}, {n: -1 / STEP}) for n in names}
    return Program(modes, channels, late)


def area_by_output() -> Program:
    """Integrate x1 dx2 from increments: C multiplies the sum of the first by the second."""
    channels = {"sum": Channel({"d0": 1.0}, (1.0,)), "now": Channel({"d0": 1.0}, (0.0,))}
    answer = {"sum": 1 / STEP, "now": -0.5 / STEP}
    return Program(((_ONE, {"d1": 1.0}),), channels, {ANSWER: ({}, answer)})


def area_of_increments(small: float) -> Program:
    r"""Derive :math:`\sum_j d^1_j e^{-a (x^2_T - x^2_j)}` at a = 0, steps following the increments.

    A step also multiplies what drives the state; the first mode's B undoes that.
    """
    modes = (({"1": 1.0, "d1": -small / STEP}, _ONE), (_ONE, {"1": -1.0}))
    drive: Form = {"d0": 1.0}
    channels = {
        "kept": Channel(drive, (1.0, 0.0), "d1", small),
        "fading": Channel(drive, (1 - small, 0.0), "d1", small),
        "plain": Channel(drive, (0.0, 1.0)),
        "plain_fading": Channel(drive, (0.0, 1 - small)),
        "local": Channel(drive, (1.0, 1.0)),
        "now": Channel(drive, (0.0, 0.0)),
    }
    signs = {"kept": 1.0, "fading": -1.0, "plain": 1.0, "plain_fading": -1.0}
    area = {name: sign / small**2 for name, sign in signs.items()} | {"local": -0.5 / small}
    value = ({"d0": 1.0}, {"plain": -1 / STEP, "now": 1 / STEP})
    return Program(modes, channels, {"area": ({}, area), "x0": value})


def renamed(program: Program) -> Program:
    """Give the area as the answer."""
    return Program(program.modes, program.channels, {ANSWER: program.features["area"]})


def area_of_values(small: float) -> Program:
    r"""Sum half of :math:`(x^1_k + x^1_{k-1}) (x^2_k - x^2_{k-1})`, one value late or not."""
    late, now = (0.0, small), (0.0, 0.0)
    modes = (
        *((_ONE, {"x1": -1 / small}), (_ONE, {"x1": 1 / small})),
        *((_ONE, {"x0": -1 / small}), (_ONE, {"x0": 1 / small})),
        *(({"x1": 1.0}, {"1": -1 / small}), ({"x1": 1.0}, {"1": 1 / small})),
        ({"x1": 1.0}, _ONE),
    )
    first, second = {"x0": 1.0}, {"x1": 1.0}
    channels = {
        "first": Channel(first, (*late, *now, *now, 0.0)),
        "second": Channel(second, (*now, *late, *now, 0.0)),
        "product": Channel(first, (*now, *now, *late, 0.0)),
        "now": Channel(first, (*now, *now, *now, 0.0)),
        "square": Channel(second, (*now, *now, *now, 0.0)),
    }
    signs = {"first": 1.0, "second": -1.0, "square": 1.0, "product": -1.0, "now": 1.0}
    return Program(modes, channels, {ANSWER: ({}, {n: s / (2 * STEP) for n, s in signs.items()})})

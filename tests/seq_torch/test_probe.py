"""The probe on layers of one's own: states of any form, faults, and modules without a step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import seq_torch as st
from seq_torch.probe import probe_recurrence
from seqtheory.expressivity import Transition

WIDTH, SIZE = 6, 5


class Layer(nn.Module):
    """A layer with a state of the form that a subclass gives."""

    def __init__(self):
        super().__init__()
        self.into = nn.Linear(WIDTH, SIZE)
        self.gate = nn.Linear(WIDTH, SIZE)
        self.out = nn.Linear(SIZE, WIDTH)

    def initial_state(self, rows) -> Any:
        return self.into.weight.new_zeros(rows, SIZE)

    def step(self, x, h) -> Any:
        raise NotImplementedError


class Gated(Layer):
    def step(self, x, h):
        h = torch.sigmoid(self.gate(x)) * h + self.into(x)
        return self.out(h), h


class Signed(Layer):
    def step(self, x, h):
        h = torch.tanh(self.gate(x)) * h + self.into(x)
        return self.out(h), h


class Elman(Layer):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(SIZE, SIZE)

    def step(self, x, h):
        h = torch.tanh(self.inner(h) + self.into(x))
        return self.out(h), h


class StateGated(Layer):
    """A gate that reads the state: as diagonal as `Gated`, and not linear."""

    def step(self, x, h):
        h = torch.sigmoid(self.gate(x) + h) * h + self.into(x)
        return self.out(h), h


class Swapping(Layer):
    """A permutation that the input chooses."""

    def step(self, x, h):
        moved = torch.where(x[:, :1] > 0, h.roll(1, 1), h[:, [1, 0, 2, 3, 4]])
        return self.out(moved), moved


class Conditioned(Layer):
    """A whole matrix by the input."""

    def __init__(self):
        super().__init__()
        self.matrix = nn.Linear(WIDTH, SIZE * SIZE)

    def step(self, x, h):
        h = torch.einsum("bij,bj->bi", self.matrix(x).unflatten(1, (SIZE, SIZE)), h) + self.into(x)
        return self.out(h), h


class Turning(Layer):
    """Real numbers in pairs, turned and shrunk by the input."""

    def initial_state(self, rows):
        return self.into.weight.new_zeros(rows, 2, SIZE)

    def step(self, x, h):
        angle, u = self.gate(x), self.into(x)
        cosine, sine = 0.9 * angle.cos(), 0.9 * angle.sin()
        first, second = h.unbind(1)
        h = torch.stack((cosine * first - sine * second + u, sine * first + cosine * second), 1)
        return self.out(h[:, 0]), h


class Nested(Layer):
    """A dictionary with a list: a window of inputs, a counter, and the state behind both."""

    def initial_state(self, rows):
        zeros = self.into.weight.new_zeros
        return {"h": zeros(1, rows, SIZE), "past": [zeros(rows, WIDTH) for _ in range(2)], "k": 0}

    def step(self, x, state):
        window = x + state["past"][0] - 0.5 * state["past"][1]
        h = torch.sigmoid(self.gate(window)) * state["h"][0] + self.into(window)
        after = {"h": h[None], "past": [x, state["past"][0]], "k": state["k"] + 1}
        return self.out(h), after


class Normalised(Layer):
    """Linear attention with its normaliser: sums that the output divides."""

    def initial_state(self, rows):
        zeros = self.into.weight.new_zeros
        return zeros(rows, SIZE, SIZE), zeros(rows, SIZE)

    def step(self, x, state):
        key, value = torch.exp(self.gate(x).clamp(-5, 5)), self.into(x)
        S, total = state[0] + key[:, :, None] * value[:, None], state[1] + key
        return self.out((S * key[:, :, None]).sum(1) / (total * key).sum(1, keepdim=True)), (
            S,
            total,
        )


class Stabilised(Layer):
    """Exponential gates over a running maximum, as in xLSTM's matrix memory, with one head."""

    decay = 0.0  # of the logarithm of the forget gate; None for one by the input

    def initial_state(self, rows):
        zeros = self.into.weight.new_zeros
        return zeros(rows, SIZE, SIZE), zeros(rows, SIZE), zeros(rows, 1)

    def step(self, x, state):
        C, total, top = state
        key, value, gates = self.into(x), self.gate(x), self.gate(x)[:, :2]
        forget = nn.functional.logsigmoid(gates[:, :1]) if self.decay is None else -self.decay
        after = torch.maximum(forget + top, gates[:, 1:])
        keep, enter = (forget + top - after).exp(), (gates[:, 1:] - after).exp()
        C = keep[:, :, None] * C + enter[:, :, None] * value[:, :, None] * key[:, None]
        total = keep * total + enter * key
        least = torch.maximum((total * key).sum(1, keepdim=True).abs(), (-after).exp())
        return self.out((C * key[:, None]).sum(2) / least), (C, total, after)


class Forgetting(Stabilised):
    decay = None


class RunningMaximum(Layer):
    """A maximum that is read: what it governs is no matter of scale."""

    def initial_state(self, rows):
        zeros = self.into.weight.new_zeros
        return zeros(rows, SIZE), zeros(rows, SIZE)

    def step(self, x, state):
        top = torch.maximum(state[0] - 0.1, self.gate(x))
        h = torch.sigmoid(top) * state[1] + self.into(x)
        return self.out(h), (top, h)


class InARow(Layer):
    """A second recurrence whose gate reads the first."""

    def __init__(self):
        super().__init__()
        self.second = nn.Linear(SIZE, SIZE)

    def initial_state(self, rows):
        zeros = self.into.weight.new_zeros
        return zeros(rows, SIZE), zeros(rows, SIZE)

    def step(self, x, state):
        h = torch.sigmoid(self.gate(x)) * state[0] + self.into(x)
        g = torch.sigmoid(self.second(h)) * state[1] + h
        return self.out(g), (h, g)


class Windowed(Layer):
    def initial_state(self, rows):
        return self.into.weight.new_zeros(rows, 2, WIDTH)

    def step(self, x, past):
        return x + past.tanh().sum(1), torch.stack((x, past[:, 0]), 1)


class Growing(Layer):
    def initial_state(self, rows):
        return self.into.weight.new_zeros(rows, 0, WIDTH)

    def step(self, x, past):
        past = torch.cat((past, x[:, None]), 1)
        return past.mean(1), past


class Detached(Gated):
    def step(self, x, h):
        y, h = super().step(x, h)
        return y, h.detach()


class Single(Layer):
    """A start in single precision, and a product with a matrix made in it."""

    def initial_state(self, rows):
        return torch.zeros(rows, SIZE)

    def step(self, x, h):
        h = (torch.sigmoid(self.gate(x)) * h + self.into(x)) @ torch.eye(SIZE)
        return self.out(h), h


class Unread(Gated):
    """A constant and a clock in the state, which nothing reads."""

    def initial_state(self, rows):
        return self.into.weight.new_zeros(rows, SIZE + 2)

    def step(self, x, state):
        y, h = super().step(x, state[:, :SIZE])
        return y, torch.cat((h, state[:, SIZE:] + torch.tensor([0.0, 1.0])), 1)


class InPlace(Layer):
    """A state that its step writes into."""

    def step(self, x, h):
        h.mul_(torch.sigmoid(self.gate(x))).add_(self.into(x))
        return self.out(h), h


DIAGONAL = Transition("diagonal", "unit")
CLASSES = {
    Gated: DIAGONAL,
    Signed: Transition("diagonal", "signed"),
    Swapping: Transition("one_hot_diagonal", "complex", size=SIZE),
    Conditioned: Transition("dense", "complex", size=SIZE),
    Turning: Transition("diagonal", "complex"),
    Nested: DIAGONAL,
    Normalised: Transition("diagonal", "unit", input_dependent=False),
    InARow: Transition("diagonal", "unit", layers=2),
    Stabilised: Transition("diagonal", "unit", input_dependent=False),
    Forgetting: DIAGONAL,
    Single: DIAGONAL,
    InPlace: DIAGONAL,
    Unread: DIAGONAL,
}


def probed(make, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return probe_recurrence(make(), WIDTH, **settings)


@pytest.mark.parametrize("make", CLASSES)
@pytest.mark.parametrize("spread", [0.1, 0.0])
def test_a_layer_of_one_s_own_is_named(make, spread):
    found = probed(make, spread=spread)
    assert (found.kind, found.transition) == ("linear", CLASSES[make]), str(found)


@pytest.mark.parametrize("make", [Elman, StateGated])
def test_what_is_not_linear_is_said_so(make):
    found = probed(make)
    assert (found.kind, found.transition) == ("nonlinear", None)
    assert f"{SIZE} of {SIZE} numbers" in found.reason


def test_what_nothing_reads_is_no_angle():
    assert probed(Unread).phases == 0


def test_windows_and_counters_are_set_apart():
    found = probed(Nested)
    assert (found.numbers, found.shifts) == (SIZE, 2 * WIDTH)


def test_a_running_maximum_is_a_scale_only_where_outputs_do_not_show_it():
    found = probed(Forgetting)
    assert (found.numbers, found.shifts, found.scales) == (SIZE * SIZE + SIZE, 0, 1)
    assert probed(RunningMaximum).kind == "nonlinear"
    assert probed(RunningMaximum).scales == 0


def test_where_nothing_of_fixed_size_is_kept_it_is_said():
    assert probed(Windowed).kind == "none"
    assert "recent inputs alone" in probed(Windowed).reason
    grown = probed(Growing)
    assert grown.kind == "none"
    assert f"from (2, 1, {WIDTH}) to (2, 2, {WIDTH})" in grown.reason


# Without a step


class Outputs(nn.Module):
    """A layer that shows its outputs alone."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        state, outputs = self.layer.initial_state(len(x)), []
        for x_k in x.unbind(1):
            y, state = self.layer.step(x_k, state)
            outputs.append(y)
        return torch.stack(outputs, 1)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (Gated, DIAGONAL),
        (Signed, Transition("diagonal", "signed")),
        (Conditioned, Transition("dense", "complex", size=SIZE)),
    ],
)
def test_outputs_that_are_linear_in_the_state_show_its_class(make, expected):
    found = probed(lambda: Outputs(make()))
    assert (found.kind, found.transition) == ("linear", expected), str(found)
    assert found.numbers == SIZE


def test_outputs_that_are_not_tell_how_much_is_kept_and_what_to_add():
    found = probed(lambda: Outputs(Elman()))
    assert found.kind == "not probed"
    assert found.numbers == SIZE
    assert "add initial_state(batch_size) and step(x_k, state)" in found.reason


def test_attention_a_window_and_a_look_ahead_have_no_recurrence():
    grows = probed(lambda: st.TransformerConfig(heads=2, feed_forward=8).build(WIDTH))
    assert grows.kind == "none"
    assert "grows with the past" in grows.reason
    window = probed(lambda: Outputs(Windowed()))
    assert (window.kind, "a window of 3 positions" in window.reason) == ("none", True)
    nothing = probed(lambda: nn.Linear(WIDTH, WIDTH))
    assert (nothing.kind, "the position itself alone" in nothing.reason) == ("none", True)
    ahead = probed(lambda: st.S4DConfig(state_dim=4, bidirectional=True).build(WIDTH))
    assert ahead.kind == "none"

    class Mean(nn.Module):
        def forward(self, x):
            return x - x.mean(1, keepdim=True)

    assert "looks ahead" in probed(Mean).reason


def test_a_module_that_fails_or_is_too_wide_is_not_probed():
    class Short(nn.Module):
        def forward(self, x):
            if x.shape[1] > 20:
                raise ValueError("at most 20 positions")
            return x.cumsum(1)

    assert "at most 20 positions" in probed(Short).reason
    wide = probe_recurrence(nn.Linear(200, 200), 200)
    assert (wide.kind, "too wide" in wide.reason) == ("not probed", True)


# Faults


def test_a_step_that_drops_derivatives_is_refused():
    with pytest.raises(TypeError, match="detach the state"):
        probed(Detached)


def test_a_width_that_is_not_known_is_asked_for():
    with pytest.raises(TypeError, match=r"width=\.\.\."):
        probe_recurrence(Gated())
    with pytest.raises(ValueError, match="inputs=1"):
        probe_recurrence(Gated(), WIDTH, inputs=1)


def test_a_step_that_gives_no_pair_is_refused():
    class Alone(Gated):
        def step(self, x, h):
            return super().step(x, h)[1]

    with pytest.raises(TypeError, match="expected a pair"):
        probed(Alone)


def test_a_state_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="build the layer narrower"):
        probe_recurrence(st.MambaConfig(state_dim=80).build(16))

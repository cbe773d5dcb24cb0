"""A sequence in parts, the state handed on, is the sequence: values and gradients."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st

TIME, WIDTH = 7, 8
SPLITS = [(0, TIME), (1, TIME - 1), (3, TIME - 3), (TIME, 0), (2, 0, 1, TIME - 3)]


@pytest.fixture
def module(recurrent):
    torch.manual_seed(0)
    return recurrent.build(WIDTH).double()


def noise(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def tensors(state):
    """Tensors of a state, in order."""
    if isinstance(state, tuple):
        return [tensor for part in state for tensor in tensors(part)]
    return [] if state is None else [state]


def rebuilt(state, leaves):
    """Put the next tensors in the places of a state's."""
    if isinstance(state, tuple):
        return tuple(rebuilt(part, leaves) for part in state)
    return None if state is None else next(leaves)


def some_state(module, batch):
    """A state with history, whose tensors are leaves of the graph."""
    state = module.prefill(noise(batch, 3, WIDTH, seed=5))[1]
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors(state)]
    return rebuilt(state, iter(leaves)), leaves


def gradients(outputs, state, inputs):
    """Gradients of an arbitrary, fixed combination of outputs and last state."""
    total = (outputs * noise(*outputs.shape, seed=7)).sum()
    for index, tensor in enumerate(tensors(state)):
        real = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        total = total + (real * noise(*real.shape, seed=11 + index)).sum()
    found = torch.autograd.grad(total, inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def assert_close(found, expected):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("parts", SPLITS, ids=str)
def test_parts_are_the_whole(module, parts):
    x = noise(2, TIME, WIDTH).requires_grad_()
    state, leaves = some_state(module, 2)
    inputs = [x, *leaves, *module.parameters()]
    whole, last = module.prefill(x, state)
    expected = gradients(whole, last, inputs)
    found = []
    for part in x.split(parts, 1):
        y, state = module.prefill(part, state)
        found.append(y)
    y = torch.cat(found, 1)
    assert_close([y, *tensors(state)], [whole, *tensors(last)])
    assert_close(gradients(y, state, inputs), expected)


def test_steps_are_the_whole(module):
    x = noise(2, TIME, WIDTH).requires_grad_()
    state, leaves = some_state(module, 2)
    inputs = [x, *leaves, *module.parameters()]
    whole, last = module.prefill(x, state)
    y, state = module.prefill(x[:, :3], state)
    found = [y]
    for x_k in x[:, 3:].unbind(1):
        y_k, state = module.step(x_k, state)
        found.append(y_k[:, None])
    y = torch.cat(found, 1)
    assert_close([y, *tensors(state)], [whole, *tensors(last)])
    assert_close(gradients(y, state, inputs), gradients(whole, last, inputs))


def test_without_a_state_it_is_the_sequence(module):
    x = noise(2, TIME, WIDTH).requires_grad_()
    inputs = [x, *module.parameters()]
    y, _ = module.prefill(x)
    assert_close([y], [module(x)])
    assert_close(gradients(y, None, inputs), gradients(module(x), None, inputs))


@pytest.mark.parametrize("time", [1, 16, 50])
def test_any_length_ends_in_the_state_of_the_steps(module, time):
    x = noise(1, time, WIDTH)
    with torch.no_grad():
        state, _ = some_state(module, 1)
        whole, last = module.prefill(x, state)
        for k in range(time):
            y, state = module.step(x[:, k], state)
            assert_close([y], [whole[:, k]])
    assert_close(tensors(state), tensors(last))


def test_a_state_of_other_rows_is_refused(module):
    x, state = noise(3, 2, WIDTH), module.initial_state(2)
    with pytest.raises(ValueError, match=r"as many rows as the input"):
        module.prefill(x, state)
    with pytest.raises(ValueError, match=r"as many rows as the input"):
        module.step(x[:, 0], state)


def test_a_state_like_the_last_is_not_compared_again(module, monkeypatch):
    x, state = noise(2, WIDTH), module.initial_state(2)
    _, after = module.step(x, module.step(x, state)[1])
    made, make = [], module.initial_state
    monkeypatch.setattr(module, "initial_state", lambda rows: made.append(rows) or make(rows))
    module.step(x, after)
    assert made == []
    for other, fits in ((noise(3, WIDTH), make(3)), (x, make(3)), (x, after)):
        try:
            module.step(other, fits)
        except ValueError:
            assert len(other) == 2
    assert made == [3, 2, 2]
    module.to("meta")  # parameters that have moved make another state
    with pytest.raises(ValueError, match="got a state on cpu, expected meta"):
        module.step(x.to("meta"), after)


def test_what_is_no_state_is_refused(module):
    x, state = noise(2, 2, WIDTH), module.initial_state(2)
    for wrong in ((), (state,), "state"):
        with pytest.raises(TypeError, match="take it from initial_state, prefill or step"):
            module.prefill(x, wrong)
    integers = rebuilt(state, iter([tensor.real.long() for tensor in tensors(state)]))
    with pytest.raises(TypeError, match=r"got a state of dtype torch\.int64"):
        module.prefill(x, integers)


def test_a_part_of_another_shape_is_refused(module):
    with pytest.raises(ValueError, match=r"expected \(batch, time, 8\)"):
        module.prefill(noise(2, 3, WIDTH - 1))
    with pytest.raises(ValueError, match="holds no position"):
        module.prefill(noise(0, 3, WIDTH))


def test_those_without_a_state_say_so(mixer, configured):
    module = mixer.build(WIDTH)
    if mixer.causal and mixer.transition_class == "none":
        assert not isinstance(module, st.Recurrent)
    elif not mixer.causal:
        with pytest.raises(TypeError, match="no `prefill` and no `step`"):
            module.prefill(torch.zeros(1, 2, WIDTH))
    else:
        return
    inputs = torch.zeros(1, 2, 2)
    with pytest.raises(TypeError, match="no state to hand on"):
        configured(mixer, input=st.LinearInput(channels=2)).build(0).prefill(inputs)


MODELS = {
    "steps": {"output": st.StepOutput(size=3)},
    "mean": {"output": st.MeanOutput(size=3), "positions": "sinusoidal"},
    "last": {"output": st.LastOutput(size=3), "norm": "batch", "norm_position": "pre"},
    "tokens": {"input": st.TokenInput(vocabulary=5)},
}


@pytest.mark.parametrize("settings", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize(
    "kind",
    [st.S4DConfig(state_dim=6), st.MambaConfig(state_dim=4), st.LinearCDEConfig(state_dim=6)],
    ids=lambda kind: type(kind).__name__,
)
def test_a_model_in_parts_is_the_model(configured, kind, settings):
    model = configured(kind, **{"input": st.LinearInput(channels=2)} | settings).build(0)
    model = model.double().eval()
    inputs = noise(2, TIME, 2)
    if isinstance(model.config.input, st.TokenInput):
        inputs = torch.randint(0, 5, (2, TIME), generator=torch.Generator().manual_seed(3))
    state, found = model.initial_state(2), []
    for part in inputs[:, :-1].split((3, 0, TIME - 4), 1):
        y, state = model.prefill(part, state)
        found.append(y)
    y, state = model.step(inputs[:, -1], state)
    whole = model(inputs)
    if isinstance(model.config.output, st.StepOutput):
        y = torch.cat((*found, y[:, None]), 1)
    else:
        assert_close(found, [model(inputs[:, :n]) for n in (3, 3, TIME - 1)])
    assert_close([y, model.prefill(inputs)[0]], [whole, whole])
    parameters = list(model.parameters())
    expected = gradients(model(inputs), None, parameters)
    assert_close(gradients(y, None, parameters), expected)
    assert state.position == TIME


def test_a_model_refuses_what_no_state_can_follow(configured):
    channels = st.LinearInput(channels=2)
    model = configured(st.GRUConfig(), input=channels, output=st.MeanOutput(size=1)).build(0)
    inputs, mask = torch.zeros(2, 3, 2), torch.tensor([[True] * 3, [True, False, False]])
    with pytest.raises(ValueError, match="a mask that hides positions"):
        model.prefill(inputs, mask=mask)
    assert model.prefill(inputs, mask=mask | True)[0].shape == (2, 1)
    with pytest.raises(ValueError, match=r"start the streams with initial_state\(2\)"):
        model.prefill(inputs, model.initial_state(3))
    with pytest.raises(ValueError, match="reads at least one"):
        model.prefill(inputs[:, :0])
    with pytest.raises(TypeError, match=r"expected a torch\.Tensor"):
        model.prefill([[0.0, 1.0]])
    batched = configured(st.GRUConfig(), input=channels, norm="batch").build(0)
    with pytest.raises(ValueError, match=r"call model\.eval\(\)"):
        batched.prefill(inputs)

"""Every mixer on a CUDA device beside itself on the CPU."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]
# Single precision differs by the order of sums.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-4}
CHANNELS = st.LinearInput(channels=2)


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    """By default cuDNN, which runs RNN and LSTM, rounds factors to ten bits (TF32)."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def values_and_gradients(model, signals):
    model.zero_grad()
    scores = model(signals)
    scores.square().mean().backward()
    found = {name: p.grad.cpu() for name, p in model.named_parameters() if p.grad is not None}
    return {"scores": scores.detach().cpu(), **found}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["double", "single"])
def test_values_and_gradients_are_those_of_the_cpu(mixer, configured, signals, dtype):
    model = configured(mixer, input=CHANNELS).build(0).to(dtype)
    expected = values_and_gradients(configured(mixer, input=CHANNELS).build(0).double(), signals)
    got = values_and_gradients(model.cuda(), signals.to("cuda", dtype))
    assert got.keys() == expected.keys()
    largest = max(float(value.abs().max()) for value in expected.values())
    for name, value in expected.items():
        # A gradient that cancels to nothing has the rounding of what it cancels from.
        scale = max(float(value.abs().max()), 1e-3 * largest)
        error = float((got[name] - value).abs().max()) / scale
        assert error <= TOLERANCE[dtype], f"{name}: {error:.1e} of the largest entry"


def test_steps_are_the_sequence(mixer, configured, signals):
    model = configured(mixer, input=CHANNELS).build(0).double().cuda().eval()
    signals = signals.cuda()
    if not isinstance(model.layers[0].mixer, st.Recurrent) or not mixer.causal:
        pytest.skip("has no step")
    state, outputs = model.initial_state(len(signals)), []
    for k in range(signals.shape[1]):
        output, state = model.step(signals[:, k], state)
        outputs.append(output)
    torch.testing.assert_close(torch.stack(outputs, 1), model(signals), rtol=1e-9, atol=1e-10)


def test_a_mask_hides_what_it_should(mixer, configured, signals):
    output = st.MeanOutput(size=3)
    model = configured(mixer, input=CHANNELS, output=output).build(0).double().cuda().eval()
    signals = signals.cuda()
    mask = torch.arange(signals.shape[1], device="cuda").expand(signals.shape[:2]) < 5
    got = model(signals, mask=mask)
    torch.testing.assert_close(got, model(signals[:, :5]), rtol=1e-9, atol=1e-10)


def test_low_precision_gives_finite_gradients_near_those_of_single(mixer, configured, signals):
    model = configured(mixer, input=CHANNELS).build(0).cuda()
    signals = signals.float().cuda()
    expected = values_and_gradients(model, signals)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        scores = model(signals)
    model.zero_grad()
    scores.float().square().mean().backward()
    error = (scores.detach().float().cpu() - expected["scores"]).abs().max()
    # Of a product of random matrices whose entries cancel, low precision keeps little.
    chooses = any(name in repr(mixer) for name in ("OneHotDiagonal", "PDSSM"))
    bound = 0.3 if chooses else 0.1
    assert error <= bound * expected["scores"].abs().max()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())

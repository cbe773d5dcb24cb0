"""Convolution agrees with its sum; discretisations with their definitions, also near zero."""

import pytest
import torch

from seq_torch import ops


@pytest.mark.parametrize("time", [1, 2, 7, 32, 64])
@pytest.mark.parametrize("length", [1, 4, 16, 17, 90])
@pytest.mark.parametrize("batch", [2, 33])
def test_convolution_agrees_with_its_direct_twin(scans, batch, time, length):
    generator = torch.Generator().manual_seed(time)
    inputs = {
        "u": torch.randn(batch, time, 3, dtype=torch.float64, generator=generator),
        "kernel": torch.randn(3, length, dtype=torch.float64, generator=generator),
    }
    expected = scans.everything(ops.causal_convolution_direct, inputs)
    scans.assert_close(scans.everything(ops.causal_convolution, inputs), expected, 1e-12)


def convolution_inputs(time, length, sequences, batch=1, dtype=torch.float64):
    generator = torch.Generator().manual_seed(time)
    sizes = {"u": (batch, time, 3), "kernel": (3, length), "initial": (sequences, length - 1, 3)}
    return {k: torch.randn(s, dtype=dtype, generator=generator) for k, s in sizes.items()}


@pytest.mark.parametrize("convolve", [ops.causal_convolution, ops.causal_convolution_direct])
@pytest.mark.parametrize("time", [1, 7, 64])
@pytest.mark.parametrize("length", [1, 4, 17, 90])
def test_the_inputs_before_a_sequence_are_part_of_it(scans, convolve, time, length):
    inputs = convolution_inputs(time, length, 2, batch=2)

    def whole(u, kernel, initial):
        row = torch.cat((initial, u), 1)
        return ops.causal_convolution_direct(row, kernel)[:, length - 1 :], row[:, time:]

    call = lambda **given: convolve(**given, return_last_state=True)  # noqa: E731
    expected = scans.everything(whole, inputs)
    scans.assert_close(scans.everything(call, inputs), expected, 1e-12)


def test_the_last_inputs_continue_the_sequence():
    inputs = convolution_inputs(50, 6, 1)
    u, kernel = inputs["u"], inputs["kernel"]
    start, state = ops.causal_convolution(u[:, :3], kernel, return_last_state=True)
    end = ops.causal_convolution(u[:, 3:], kernel, state)
    torch.testing.assert_close(torch.cat((start, end), 1), ops.causal_convolution(u, kernel))


PACKED = (5, 0, 40, 1, 33, 2)


@pytest.mark.parametrize("length", [1, 4, 16, 17, 50])
@pytest.mark.parametrize("start", [True, False], ids=["initial", "from zero"])
def test_a_packed_sequence_is_convolved_as_it_is_alone(scans, length, start):
    ends = torch.tensor([0, *PACKED]).cumsum(0)
    inputs = convolution_inputs(sum(PACKED), length, len(PACKED))
    if not start:
        inputs.pop("initial")

    def apart(u, kernel, initial=None):
        before = u.new_zeros(len(PACKED), length - 1, 3) if initial is None else initial
        found = [
            ops.causal_convolution_direct(part, kernel, own, return_last_state=True)
            for part, own in zip(u.split(PACKED, 1), before.split(1), strict=True)
        ]
        outputs, states = zip(*found, strict=True)
        return torch.cat(outputs, 1), torch.cat(states)

    expected = scans.everything(apart, inputs)
    for convolve in (ops.causal_convolution, ops.causal_convolution_direct):
        call = lambda f=convolve, **x: f(**x, cu_seqlens=ends, return_last_state=True)  # noqa: E731
        scans.assert_close(scans.everything(call, inputs), expected, 1e-12)


@pytest.mark.parametrize("length", [4, 20])
def test_what_spoils_a_packed_sequence_stays_in_it(length):
    inputs = convolution_inputs(sum(PACKED), length, len(PACKED))
    inputs["u"][0, 44] = torch.nan  # the last step of the third
    spoilt = ops.causal_convolution(**inputs, cu_seqlens=torch.tensor([0, *PACKED]).cumsum(0))
    found = spoilt.isnan().any(2)[0].nonzero().flatten()
    assert 44 in found
    assert set(found.tolist()) <= set(range(5, 45))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"initial": torch.zeros(1, 2, 3)},
            ValueError,
            r"initial of shape .*\(sequence, length - 1",
        ),
        ({"initial": torch.zeros(2, 3, 3).long()}, TypeError, "initial with dtype torch.int64"),
        ({"cu_seqlens": [0, 4, 9]}, TypeError, "cu_seqlens of type list"),
        ({"cu_seqlens": torch.tensor([0.0, 9])}, TypeError, "cu_seqlens with dtype torch.float32"),
        ({"cu_seqlens": torch.tensor([0, 4, 8])}, ValueError, "end at 8, expected 9"),
        ({"cu_seqlens": torch.tensor([1, 4, 9])}, ValueError, "begin at 1, expected 0"),
        ({"cu_seqlens": torch.tensor([0, 10, 9])}, ValueError, "fall from 10 to 9"),
        ({"u": torch.zeros(2, 9, 3)}, ValueError, "cu_seqlens beside a batch of 2"),
    ],
)
@pytest.mark.parametrize("convolve", [ops.causal_convolution, ops.causal_convolution_direct])
def test_what_does_not_fit_a_packed_row_is_named(convolve, changed, error, message):
    inputs = convolution_inputs(9, 4, 2, dtype=torch.float32)
    with pytest.raises(error, match=message):
        convolve(**{**inputs, "cu_seqlens": torch.tensor([0, 4, 9]), **changed})


def test_convolution_with_powers_is_a_linear_scan():
    u = torch.randn(2, 20, 3, dtype=torch.float64)
    a = torch.tensor([0.9, -0.5, 0.1], dtype=torch.float64)
    kernel = a[:, None] ** torch.arange(20)
    torch.testing.assert_close(ops.causal_convolution(u, kernel), ops.linear_scan(a, u))


def test_a_short_kernel_keeps_nan_in_its_window():
    u = torch.randn(2, 40, 3)
    u[1, 5, 2] = float("nan")
    spoilt = torch.zeros(2, 40, 3, dtype=torch.bool)
    spoilt[1, 5:9, 2] = True
    assert torch.equal(ops.causal_convolution(u, torch.ones(3, 4)).isnan(), spoilt)


def test_what_is_transformed_and_what_is_not(monkeypatch):
    transform, lengths = torch.fft.rfft, []

    def counted(*arguments, **options):
        lengths.append(length)
        return transform(*arguments, **options)

    monkeypatch.setattr(torch.fft, "rfft", counted)
    u = torch.randn(1, 20, 2)
    for length in (1, 16, 17, 20, 30):
        ops.causal_convolution(u, torch.randn(2, length))
    assert set(lengths) == {17, 20, 30}
    lengths.clear()
    # As long as the sequence, as the kernels of state-space models are.
    many = torch.randn(32, 33, 2)
    for length in (1, 8, 16, 32, 33):
        ops.causal_convolution(many[:, :length], torch.randn(2, length))
    assert set(lengths) == {33}
    lengths.clear()
    for length in (1, 8, 16):
        ops.causal_convolution(many[:8, :length], torch.randn(2, length))
    assert set(lengths) == {16}


def test_short_types_are_convolved_in_single_also_under_autocast():
    u, kernel = torch.randn(2, 30, 3).bfloat16(), torch.randn(3, 4)
    expected = ops.causal_convolution_direct(u.float(), kernel)
    torch.testing.assert_close(ops.causal_convolution(u, kernel), expected.bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        got = ops.causal_convolution(u.float(), kernel)
    torch.testing.assert_close(got, expected)


def test_convolution_refuses_a_kernel_of_other_channels():
    with pytest.raises(ValueError, match=r"kernel of shape \(4, 2\), expected"):
        ops.causal_convolution(torch.rand(2, 5, 3), torch.rand(4, 2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-6, 1e-3, 0.1, 0.49, 0.51, 3.0])
def test_zero_order_hold_is_the_integral_of_the_exponential(dtype, size):
    direction = -0.6 + 0.8j if dtype.is_complex else -1.0
    A = torch.tensor([size * direction], dtype=dtype)
    Abar, Bbar = ops.zero_order_hold(A, torch.full_like(A, 2.0), 0.5)
    nodes = (torch.arange(200, dtype=torch.float64) + 0.5) / 200 * 0.5
    # Integral over the step, by the Euler-Maclaurin-corrected midpoint rule.
    integral = torch.exp(nodes[:, None] * A).mean(0) * 0.5
    integral = integral + (0.5 / 200) ** 2 / 24 * (torch.exp(0.5 * A) - 1) * A
    torch.testing.assert_close(Bbar, 2 * integral, rtol=1e-9, atol=0)
    torch.testing.assert_close(Abar, torch.exp(0.5 * A))


@pytest.mark.parametrize("rule", [ops.zero_order_hold, ops.bilinear, ops.euler])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
def test_discretisations_have_exact_gradients_also_at_zero(rule, dtype):
    A = torch.tensor([0.0, -1e-7, -0.3, -2.0], dtype=dtype, requires_grad=True)
    B = torch.ones(4, dtype=dtype, requires_grad=True)
    dt = torch.full((4,), 0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rule, (A, B, dt))


def test_rules_agree_to_their_order_as_the_step_shrinks():
    A, B = (
        torch.tensor([-1.0 + 2.0j], dtype=torch.complex128),
        torch.ones(1, dtype=torch.complex128),
    )
    for rule, order in ((ops.bilinear, 3), (ops.euler, 2)):
        errors = [
            (rule(A, B, dt)[0] - ops.zero_order_hold(A, B, dt)[0]).abs().item()
            for dt in (0.02, 0.01)
        ]
        assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.05)

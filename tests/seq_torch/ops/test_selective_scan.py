"""Every backend of the selective scan gives the values and gradients of the reference."""

import pytest
import torch

from seq_torch import ops

LENGTHS = (1, 2, 7, 8, 9, 64)
FORMS = [("varying", "varying"), ("constant", "grouped"), ("grouped", "constant")]


@pytest.mark.parametrize("backend", ["fused", "parallel"])
@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("time", LENGTHS)
def test_agrees_with_reference_in_double(scans, backend, is_complex, time):
    for i, (B, C) in enumerate(FORMS):
        options, softplus = bool((time + i) % 2), bool((time + i) // 2 % 2)
        inputs = scans.make(time, is_complex=is_complex, B=B, C=C, options=options, seed=time)
        expected = scans.everything(scans.selective("reference", delta_softplus=softplus), inputs)
        got = scans.everything(scans.selective(backend, delta_softplus=softplus), inputs)
        scans.assert_close(got, expected, 1e-11)


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("time", [9, 1000])
def test_single_precision_is_within_1e5_of_the_double_reference(scans, is_complex, time):
    inputs = scans.make(time, state=16, dtype=torch.float32, is_complex=is_complex)
    expected = scans.everything(
        scans.selective("reference", delta_softplus=True), scans.double(inputs)
    )
    got = scans.everything(scans.selective("fused", delta_softplus=True), inputs)
    scans.assert_close(got, expected, 1e-5)


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_sequences_of_several_segments_agree(scans, monkeypatch, is_complex):
    from seq_torch.ops.selective import split

    inputs = scans.make(29, is_complex=is_complex)
    expected = scans.everything(scans.selective("reference"), inputs)
    monkeypatch.setattr(split, "SEGMENT", 5 * 7)  # seven steps: the last segment is short
    scans.assert_close(scans.everything(scans.selective("fused"), inputs), expected, 1e-11)


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("backend", ["fused", "parallel"])
def test_gradcheck(scans, is_complex, backend):
    inputs = scans.make(3, batch=1, dim=2, state=2, is_complex=is_complex, C="grouped")
    names = list(inputs)
    function = scans.selective(backend, delta_softplus=True)
    tensors = [inputs[name].requires_grad_() for name in names]
    assert torch.autograd.gradcheck(
        lambda *values: function(**dict(zip(names, values, strict=True))), tensors
    )


def test_interleaved_pairs_mean_complex_numbers(scans):
    inputs = scans.make(6, is_complex=True)
    pairs = dict(inputs)
    for name in ("B", "C"):
        pairs[name] = torch.view_as_real(inputs[name]).flatten(-2)
    assert torch.equal(ops.selective_scan(**pairs), ops.selective_scan(**inputs))


def test_last_state_continues_the_sequence(scans):
    inputs = scans.make(12)
    inputs.pop("initial_state")
    whole = ops.selective_scan(**inputs)
    first, rest = dict(inputs), dict(inputs)
    for name in ("u", "delta", "B", "C", "z"):
        first[name], rest[name] = inputs[name][..., :5], inputs[name][..., 5:]
    start, state = ops.selective_scan(**first, return_last_state=True)
    end = ops.selective_scan(**rest, initial_state=state)
    torch.testing.assert_close(torch.cat((start, end), -1), whole)


def test_non_contiguous_inputs_give_the_same(scans):
    inputs = scans.make(9)
    strided = {k: v.mT.contiguous().mT if v.ndim > 1 else v for k, v in inputs.items()}
    assert not strided["u"].is_contiguous()
    torch.testing.assert_close(ops.selective_scan(**strided), ops.selective_scan(**inputs))


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_same_bits_on_any_number_of_threads(scans, torch_threads, monkeypatch, is_complex):
    from seq_torch.ops.glue import threads

    monkeypatch.setattr(threads, "SMALL", 0)
    inputs = scans.make(50, batch=3, dim=6, is_complex=is_complex, dtype=torch.float32)
    runs = []
    for count in (1, 2, 3, 1):
        torch_threads(count)
        runs.append(scans.everything(scans.selective("fused"), inputs))
    for other in runs[1:]:
        assert all(torch.equal(runs[0][name], other[name]) for name in runs[0])


def test_nan_stays_in_its_own_lane_and_flows_downstream_only(scans):
    inputs = scans.make(8)
    inputs["u"][0, 1, 3] = float("nan")
    output = ops.selective_scan(**inputs)
    spoilt = torch.zeros_like(output, dtype=torch.bool)
    spoilt[0, 1, 3:] = True
    assert torch.equal(output.isnan(), spoilt)
    inputs["u"][0, 1, 3], inputs["delta"][1, 2, 5] = 0.0, float("nan")
    assert ops.selective_scan(**inputs).isnan().sum() == 3


@pytest.mark.parametrize("backend", ["reference", "fused", "parallel"])
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(scans, backend, batch, time):
    inputs = scans.make(time, batch=batch)
    got = scans.everything(scans.selective(backend), inputs)
    assert got["output 0"].shape == (batch, 4, time)
    if time == 0:
        assert torch.equal(got["output 1"], inputs["initial_state"])


def test_short_types_are_computed_in_single(scans):
    inputs = scans.make(9, dtype=torch.float32)
    short = dict(inputs, u=inputs["u"].bfloat16(), z=inputs["z"].half())
    output = ops.selective_scan(**short)
    assert output.dtype == torch.bfloat16
    expected = ops.selective_scan(**{k: v.float() for k, v in short.items()})
    assert torch.equal(output, expected.bfloat16())

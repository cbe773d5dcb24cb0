"""Our scan beside mamba-ssm's own reference, where its extension is built; needs no device."""

import importlib.util

import pytest
import torch

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mamba_ssm") is None,
    reason="mamba-ssm is not built here: nox -s torch_cuda_build",
)


def published(*, u, delta, A, B, C, **options):
    """Run mamba-ssm's reference, which reads varying complex inputs as pairs of reals."""
    from mamba_ssm.ops.selective_scan_interface import selective_scan_ref

    B, C = (
        torch.view_as_real(value).flatten(-2) if value.is_complex() and value.ndim > 2 else value
        for value in (B, C)
    )
    return selective_scan_ref(
        u, delta, A, B, C, **options, delta_softplus=True, return_last_state=True
    )


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("form", ["varying", "grouped", "constant"])
@pytest.mark.parametrize("time", [1, 8, 64])
def test_agrees_with_the_published_reference(scans, is_complex, form, time):
    inputs = scans.make(time, dtype=torch.float32, is_complex=is_complex, B=form, C=form)
    inputs.pop("initial_state")
    expected = scans.everything(published, inputs)
    got = scans.everything(scans.selective("fused", delta_softplus=True), inputs)
    scans.assert_close(got, expected, 1e-4)


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_double_precision_agrees_with_our_reference(scans, is_complex):
    inputs = scans.make(64, is_complex=is_complex)
    expected = scans.everything(scans.selective("reference"), inputs)
    scans.assert_close(scans.everything(scans.selective("fused"), inputs), expected, 1e-9)


def test_extensions_import():
    import causal_conv1d_cuda
    import selective_scan_cuda

    assert callable(selective_scan_cuda.fwd)
    assert callable(causal_conv1d_cuda.causal_conv1d_fwd)

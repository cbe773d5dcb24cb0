"""Mixers under what torch does to modules: short types, checkpointing, vmap, meta, export."""

from __future__ import annotations

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import seq_torch as st

RATES = (st.ResidualRNNConfig, st.ResidualSSMConfig, st.StableSSMConfig)  # computed by NumPy
COMPLEX = (st.S4DConfig, st.S4DPLRConfig, st.S4Config, st.S5Config, st.LRUConfig,
           st.SelectiveDiagonalConfig)  # fmt: skip
TORCH_CELLS = (st.RNNConfig, st.LSTMConfig, st.GRUConfig)


def built(mixer: st.MixerConfig) -> torch.nn.Module:
    torch.manual_seed(0)
    return mixer.build(8)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(1)) / 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_types_are_close_to_float32_or_refused(mixer, x, dtype):
    expected, module = built(mixer)(x), built(mixer).to(dtype)
    if isinstance(mixer, (*COMPLEX, *RATES)) or getattr(mixer, "complex_state", False):
        with pytest.raises(TypeError, match="need float32 or float64"):
            module(x.to(dtype))
        return
    found = module(x.to(dtype))
    error = (found.float() - expected).abs().max() / expected.abs().max()
    assert error < 16 * torch.finfo(dtype).eps


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing_changes_no_gradient(mixer, x, reentrant):
    gradients = []
    for run in (lambda f, x: f(x), lambda f, x: checkpoint(f, x, use_reentrant=reentrant)):
        module, inputs = built(mixer), x.clone().requires_grad_()
        run(module, inputs).square().sum().backward()
        gradients.append([inputs.grad, *(p.grad for p in module.parameters())])
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_vmap_is_a_loop(mixer, x):
    if isinstance(mixer, TORCH_CELLS):
        pytest.skip("torch has no rule for these cells of its own")
    module = built(mixer)
    found = torch.vmap(lambda row: module(row[None])[0])(x)
    torch.testing.assert_close(found, module(x), rtol=1e-4, atol=1e-5)


def test_the_meta_device_draws_nothing(mixer):
    with torch.device("meta"):
        module = mixer.build(8)
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    assert {tensor.device.type for tensor in tensors.values()} == {"meta"}
    expected = mixer.build(8).state_dict()
    assert {k: v.shape for k, v in module.state_dict().items()} == {
        k: v.shape for k, v in expected.items()
    }


def padded() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.randint(0, 7, (2, 9), generator=torch.Generator().manual_seed(1))
    return tokens, torch.arange(9) < torch.tensor([[9], [5]])


@pytest.mark.filterwarnings("ignore:The tensor attributes")  # of torch's own cells
def test_models_of_tokens_and_masks_are_exported(mixer, configured):
    if isinstance(mixer, (*RATES, st.S4DPLRConfig)):
        pytest.skip("NumPy, or a kernel formed block by block in place, is in the way")
    model = configured(mixer, depth=1, norm="batch").build(0).eval()
    inputs = padded()
    exported = torch.export.export(model, inputs).module()
    torch.testing.assert_close(exported(*inputs), model(*inputs), rtol=1e-4, atol=1e-5)
    fewer = (inputs[0].flip(0), torch.arange(9) < torch.tensor([[2], [9]]))
    torch.testing.assert_close(exported(*fewer), model(*fewer), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("output", [st.StepOutput, st.MeanOutput, st.LastOutput])
@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("kind", [st.S4DConfig, st.S4Config, st.S5Config])
def test_tokens_and_masks_are_compiled_in_one_graph(configured, kind, norm, output):
    settings = {"norm": norm, "output": output(size=3), "depth": 1}
    model = configured(kind(state_dim=4), **settings).build(0).eval()
    torch._dynamo.reset()  # of what other tests compiled
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    for inputs in (padded(), (padded()[0].flip(0), padded()[1].flip(0))):
        torch.testing.assert_close(compiled(*inputs), model(*inputs), rtol=1e-4, atol=1e-5)

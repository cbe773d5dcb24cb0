"""Mixers under what torch does to modules: short types, checkpointing, vmap, meta, export."""

from __future__ import annotations

import copy

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
    module = built(mixer)
    found = torch.vmap(lambda row: module(row[None])[0])(x)
    torch.testing.assert_close(found, module(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", TORCH_CELLS)
def test_gradients_of_torch_s_cells_are_mapped(kind, x):
    module = built(kind())
    weights = dict(module.named_parameters())

    def loss(weights, row):
        return torch.func.functional_call(module, weights, (row[None],)).square().sum()

    found = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)
    module(x).square().sum().backward()
    for name, weight in weights.items():
        torch.testing.assert_close(found[name].sum(0), weight.grad, rtol=1e-4, atol=1e-5)


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


def one_graph(model: torch.nn.Module) -> torch.nn.Module:
    torch._dynamo.reset()  # of what other tests compiled
    return torch.compile(model, fullgraph=True, backend="eager")


@pytest.fixture
def rnn_allowed():
    """Ask the compiler to take torch's own cells too, which it does not by default."""
    with torch._dynamo.config.patch(allow_rnn=True):
        yield


OTHER_VALUES = (padded()[0].flip(0), torch.arange(9) < torch.tensor([[2], [9]]))


@pytest.mark.filterwarnings("ignore:The tensor attributes")  # of torch's own cells
def test_models_of_tokens_and_masks_are_exported(recurrence, configured):
    model = configured(recurrence, depth=1, norm="batch").build(0).eval()
    exported = torch.export.export(model, padded()).module()
    for inputs in (padded(), OTHER_VALUES):
        torch.testing.assert_close(exported(*inputs), model(*inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("rnn_allowed")
@pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'>")  # the compiler's
def test_models_of_tokens_and_masks_are_trained_in_one_graph(kind, configured):
    model = configured(kind, depth=1, norm="batch").build(0)
    expected, compiled = copy.deepcopy(model), one_graph(model)
    for inputs in (padded(), OTHER_VALUES):
        for run in (expected, compiled):
            run(*inputs).square().sum().backward()
    weights = zip(model.named_parameters(), expected.parameters(), strict=True)
    for (name, found), wanted in weights:
        torch.testing.assert_close(found.grad, wanted.grad, rtol=1e-3, atol=1e-4, msg=name)
    torch.testing.assert_close(dict(model.named_buffers()), dict(expected.named_buffers()))


@pytest.mark.parametrize("output", [st.StepOutput, st.MeanOutput, st.LastOutput])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_every_readout_and_norm_is_compiled_in_one_graph(configured, norm, output):
    settings = {"norm": norm, "output": output(size=3), "depth": 1}
    model = configured(st.S4DConfig(state_dim=4), **settings).build(0).eval()
    compiled = one_graph(model)
    for inputs in (padded(), OTHER_VALUES):
        torch.testing.assert_close(compiled(*inputs), model(*inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:The tensor attributes")
def test_under_reference_a_graph_of_real_states_needs_no_operator_of_ours(kind, configured):
    """What a translation, as to ONNX, knows: torch's own operators, and real numbers."""
    if isinstance(kind, (*COMPLEX, *RATES)) or getattr(kind, "complex_state", False):
        pytest.skip("complex states, or rates of NumPy")
    model = configured(kind, depth=1).build(0).eval()
    with st.ops.use_backend("reference"):
        graph = torch.export.export(model, padded()).graph
    values = [node.meta["val"] for node in graph.nodes if "val" in node.meta]
    assert not [node for node in graph.nodes if "seq_torch" in str(node.target)]
    assert not [v for v in values if isinstance(v, torch.Tensor) and v.is_complex()]

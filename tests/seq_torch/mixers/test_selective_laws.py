"""Laws of the input-dependent mixers and of attention: naive twins, and groups by hand."""

from __future__ import annotations

import copy
from math import pi, sqrt

import numpy as np
import pytest
import torch
from torch.nn import functional

import seq_torch as st
from seq_torch.train.optim import parameter_groups
from seqtheory import linear_cde
from seqtheory.group import from_table, group
from seqtheory.training import Training

EXACT = {"rtol": 1e-9, "atol": 1e-10}


def built(config, width=6, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width).double()


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def s6(module, u, z=None):
    """Equation by equation, one position at a time."""
    batch, time, width = u.shape
    h = torch.zeros(batch, width, module.state_dim, dtype=u.dtype)
    outputs = []
    for k in range(time):
        parts = module.projection(u[:, k])
        rank, B, rest = parts.tensor_split((module.rank, module.rank + module.state_dim), -1)
        C = rest if module.C is None else module.C.expand(batch, -1)
        dt = functional.softplus(rank @ module.step_weight.T + module.step_bias)[..., None]
        h = torch.exp(-dt * module.log_decay.exp()) * h + dt * B[:, None] * u[:, k, :, None]
        y = (h * C[:, None]).sum(-1)
        y = y if module.D is None else y + module.D * u[:, k]
        outputs.append(y if z is None else y * functional.silu(z[:, k]))
    return torch.stack(outputs, 1)


@pytest.mark.parametrize(
    "options", [{}, {"input_dependent_C": False}, {"skip": False, "step_rank": 3}]
)
def test_the_bare_recurrence_is_its_equation(options):
    module = built(st.MambaConfig(state_dim=3, block=False, **options))
    x = noise(2, 11, 6)
    torch.testing.assert_close(module(x), s6(module, x), **EXACT)


def test_the_block_is_its_equation():
    module = built(st.MambaConfig(state_dim=3, convolution=3, expand=3))
    x = noise(2, 11, 6)
    u, z = module.into(x).chunk(2, -1)
    weight, bias = module.convolution.weight[:, 0], module.convolution.bias
    padded = functional.pad(u, (0, 0, 2, 0))
    u = functional.silu(bias + sum(weight[:, j] * padded[:, j : j + 11] for j in range(3)))
    assert module.recurrence.width == 18
    torch.testing.assert_close(module(x), module.out(s6(module.recurrence, u, z)), **EXACT)


def test_mamba_starts_as_published():
    module = built(st.MambaConfig(state_dim=4, block=False), width=400)
    decay = module.log_decay.exp()
    torch.testing.assert_close(decay, torch.arange(1.0, 5.0).double().expand(400, 4))
    dt = functional.softplus(module.step_bias)
    assert 1e-3 - 1e-7 <= dt.min() < 2e-3
    assert 0.08 < dt.max() <= 0.1 + 1e-6
    assert module.rank == 25
    assert (module.step_weight.abs() <= 1 / 5).all()
    assert (module.D == 1).all()


@pytest.mark.parametrize("order", [2, 3, 7, 60])
def test_rotations_count_modulo_n_exactly(order):
    module = built(st.SelectiveDiagonalConfig(state_dim=1, unit_modulus=True), width=order)
    with torch.no_grad():
        module.phase.weight.copy_(2 * pi / order * torch.arange(order).double()[None])
        module.C.zero_()
        module.C[0, 0, 0] = 1.0  # Re h
        module.C[1, 0, 1] = -1.0  # Im h
        module.D.zero_()
    words = np.random.default_rng(0).integers(order, size=(3, 1000))
    y = module(functional.one_hot(torch.from_numpy(words), order).double())
    angle = torch.atan2(y[..., 1], y[..., 0]) * order / (2 * pi)
    expected = group(f"Z{order}").running_products(words)
    assert (angle.round().long() % order == torch.from_numpy(expected.astype(int))).all()
    assert (angle - angle.round()).abs().max() < 1e-8


def test_the_transition_stays_in_the_unit_disc():
    module = built(st.SelectiveDiagonalConfig(state_dim=50))
    transition, _ = module._recurrence(100 * noise(2, 40, 6))
    assert transition.abs().max() <= 1
    x = 100 * noise(1, 3000, 6)
    h = module.forward(x) - module.D * x
    assert h.isfinite().all()
    rotation = built(st.SelectiveDiagonalConfig(state_dim=50, unit_modulus=True))
    modulus = rotation._recurrence(noise(2, 40, 6))[0].abs()
    torch.testing.assert_close(modulus, torch.ones_like(modulus), **EXACT)


def test_what_places_an_eigenvalue_is_marked_and_does_not_decay():
    for unit, expected in ((True, {"phase"}), (False, {"phase", "decay"})):
        module = copy.deepcopy(built(st.SelectiveDiagonalConfig(unit_modulus=unit)))
        state = {k for k, p in module.named_parameters() if isinstance(p, st.StateParameter)}
        assert state == {f"{name}.{part}" for name in expected for part in ("weight", "bias")}
        decaying = [
            g for g in parameter_groups(module, Training(weight_decay=0.1)) if g["weight_decay"]
        ]
        placed = {id(p) for p in module.phase.parameters()}
        assert not placed & {id(p) for group in decaying for p in group["params"]}


def test_saturated_decay_keeps_gradients_finite():
    module = built(st.SelectiveDiagonalConfig(state_dim=3)).float()
    for bias in (-200.0, 200.0):
        module.zero_grad()
        torch.nn.init.constant_(module.decay.bias, bias)
        module(torch.ones(1, 5, 6)).sum().backward()
        assert all(p.grad.isfinite().all() for p in module.parameters())


def icosahedral_rotations() -> np.ndarray:
    """Close two rotations under products: 60 matrices, a faithful representation of A5."""
    golden = (1 + sqrt(5)) / 2

    def rotation(axis, angle):
        x, y, z = np.asarray(axis) / np.linalg.norm(axis)
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross

    generators = [rotation((0, 1, golden), 2 * pi / 5), rotation((1, 1, 1), 2 * pi / 3)]
    found = [np.eye(3)]
    for matrix in found:
        for generator in generators:
            product = generator @ matrix
            if min(np.linalg.norm(product - other) for other in found) > 1e-6:
                found.append(product)
    return np.stack(found)


def logarithm(rotation: np.ndarray) -> np.ndarray:
    """Antisymmetric logarithm of a rotation, up to and including half turns."""
    values, vectors = np.linalg.eig(rotation)
    axis = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sine, cosine = -np.trace(cross @ rotation) / 2, (np.trace(rotation) - 1) / 2
    return np.arctan2(sine, cosine) * cross


def tracker(config, order):
    """Model whose embedding and readout are the identity, with nothing around the mixer."""
    model = st.SequenceModelConfig(
        mixer=config,
        input=st.TokenInput(vocabulary=order),
        output=st.StepOutput(size=order),
        width=order,
        mixing=False,
        activation="none",
        residual=False,
        norm="none",
    ).build(0)
    with torch.no_grad():
        model.embedding.table.copy_(torch.eye(order))
        model.readout.weight.copy_(torch.eye(order))
        model.readout.bias.zero_()
        for parameter in model.layers[0].mixer.A.values():
            parameter.zero_()
    return model


@pytest.mark.parametrize("transition", ["exponential", "first_order"])
def test_rotations_of_the_icosahedron_track_a5_over_ten_thousand_tokens(transition):
    rotations = icosahedral_rotations()
    assert len(rotations) == 60
    products = np.einsum("aij,bjk->abik", rotations, rotations)
    distances = np.linalg.norm(products[:, :, None] - rotations, axis=(-2, -1))
    a5 = from_table(distances.argmin(-1))
    assert not a5.is_solvable

    config = st.LinearCDEConfig(
        state_dim=9, structure=st.BlockDiagonal(block_size=3), transition=transition
    )
    model = tracker(config, 60).double()
    # The state is multiplied from the left, so it holds the transposed product: M(x) = R(x)^T.
    inverses = rotations.transpose(0, 2, 1)
    logs = [logarithm(R) for R in inverses]
    steps = logs if transition == "exponential" else list(inverses - np.eye(3))
    mixer = model.layers[0].mixer
    with torch.no_grad():
        mixer.A["blocks"][1:] = torch.from_numpy(np.stack(steps))[:, None] / config.dt
        mixer.start.copy_(torch.eye(3).flatten())
        # Row g of the readout is R(g) itself: the largest inner product is the nearest rotation.
        mixer.C.weight.copy_(torch.from_numpy(rotations.reshape(60, 9)))
    words = np.random.default_rng(1).integers(60, size=(2, 10_000))
    with torch.no_grad():
        answers = model(torch.from_numpy(words)).argmax(-1)
    assert (answers.numpy() == a5.running_products(words)).all()


@pytest.mark.parametrize("structure", [st.Dense(), st.OneHotDiagonal(entries="real")])
def test_permutation_matrices_track_s5_over_ten_thousand_tokens(structure):
    s5 = group("S5")
    images = np.array([[int(point) - 1 for point in name] for name in s5.elements])
    config = st.LinearCDEConfig(state_dim=5, structure=structure, transition="direct")
    model = tracker(config, 120)
    mixer = model.layers[0].mixer
    # The state is v[g] for the product g so far: M(x) sends v to v[x].
    matrices = torch.from_numpy(np.eye(5)[images])
    values = torch.arange(5.0) - 2
    with torch.no_grad():
        if isinstance(structure, st.Dense):
            mixer.A["matrix"][1:] = matrices
        else:
            mixer.A["choice"][1:] = matrices
            mixer.A["magnitude"][0] = 40.0  # tanh gives 1
        mixer.start.copy_(values)
        mixer.C.weight.copy_(values[torch.from_numpy(images)])
        words = np.random.default_rng(2).integers(120, size=(2, 10_000))
        answers = model(torch.from_numpy(words)).argmax(-1)
    assert (answers.numpy() == s5.running_products(words)).all()


def test_the_exponential_transition_solves_the_equation():
    module = built(st.LinearCDEConfig(state_dim=4, dt=0.3), width=2)
    x = noise(1, 15, 2)
    increments = module.config.dt * torch.cat((torch.ones(15, 1), x[0]), -1)
    path = torch.cat((torch.zeros(1, 3), increments.cumsum(0)))
    A = module.A["matrix"].detach().numpy()
    start = module.start.detach().numpy()
    states = linear_cde.solve(A, np.zeros((4, 3)), start, path.numpy())
    expected = module.C(torch.from_numpy(states[1:]))
    torch.testing.assert_close(module(x)[0], expected, rtol=1e-8, atol=1e-9)


def test_first_order_approaches_the_exponential_at_second_order_per_step():
    errors = []
    for dt in (0.02, 0.01):
        exact, euler = (
            built(st.LinearCDEConfig(state_dim=4, transition=name, dt=dt))
            for name in ("exponential", "first_order")
        )
        x = noise(5, 6)
        errors.append((exact.matrices(x) - euler.matrices(x)).abs().max().item())
    assert 3.5 < errors[0] / errors[1] < 4.5


@pytest.mark.parametrize("num_tokens", [2, 30])
def test_looking_matrices_up_changes_nothing(num_tokens):
    module = built(st.LinearCDEConfig(state_dim=4))
    table = noise(num_tokens, 6)
    tokens = torch.randint(num_tokens, (3, 5), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(module.lookup(table, tokens), module(table[tokens]), **EXACT)


def test_blocks_do_not_mix():
    module = built(st.LinearCDEConfig(state_dim=6, structure=st.BlockDiagonal(block_size=2)))
    x = noise(2, 5, 6)
    whole = module.matrices(x).flatten(0, 1)
    inside = torch.block_diag(*[torch.ones(2, 2)] * 3).bool()
    assert (whole[:, ~inside] == 0).all()
    assert (whole[:, inside] != 0).all()
    state, expected = module.start.flatten().expand(2, -1), []
    for matrix in whole.unflatten(0, (2, 5)).unbind(1):
        state = (matrix @ state[..., None])[..., 0]
        expected.append(module.C(state))
    torch.testing.assert_close(module(x), torch.stack(expected, 1), **EXACT)


def test_the_transformer_is_torchs_layer_under_a_causal_mask():
    module = built(st.TransformerConfig(heads=2, feed_forward=10))
    twin = torch.nn.TransformerEncoderLayer(6, 2, 10, 0.0, batch_first=True).double()
    names = {
        "self_attn.in_proj_": "queries_keys_values.",
        "self_attn.out_proj.": "attended.",
        "linear1.": "hidden.",
        "linear2.": "out.",
        "norm1.": "attention_norm.",
        "norm2.": "norm.",
    }
    own = module.state_dict()
    twin.load_state_dict(
        {f"{a}{kind}": own[f"{b}{kind}"] for a, b in names.items() for kind in ("weight", "bias")}
    )
    x = noise(2, 9, 6)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(9, dtype=torch.float64)
    torch.testing.assert_close(module(x), twin(x, src_mask=mask, is_causal=True), **EXACT)


def test_the_transformers_dropout_is_its_own():
    module = built(st.TransformerConfig(heads=2, feed_forward=10, dropout=0.5))
    x = noise(2, 9, 6)
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))

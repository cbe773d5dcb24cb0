"""Kernels set by hand: any convolution on as many steps as twice the conjugate pairs."""

import numpy as np
import pytest
import torch

from seq_torch import MambaConfig, S4Config, S4DConfig
from seq_torch.constructed import set_kernels

WIDTH, LENGTH = 3, 8
CONFIGS = [
    S4Config(state_dim=LENGTH // 2),
    S4Config(state_dim=LENGTH // 2, published_step=True),
    S4DConfig(state_dim=LENGTH),
]


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_any_kernel_is_reached(config: S4Config | S4DConfig, dtype: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    kernels, skip = rng.normal(size=(WIDTH, LENGTH)), rng.normal(size=WIDTH)
    mixer = config.build(WIDTH).to(dtype)
    set_kernels(mixer, kernels, skip)
    tolerance = 20 * torch.finfo(dtype).eps
    found = mixer.kernel(LENGTH).detach().numpy()
    np.testing.assert_allclose(found, kernels, atol=tolerance)
    x = rng.normal(size=(2, LENGTH, WIDTH))
    late = np.stack(
        [np.roll(x, lag, axis=1) * (np.arange(LENGTH) >= lag)[:, None] for lag in range(LENGTH)]
    )
    expected = np.einsum("lbtc,cl->btc", late, kernels) + skip * x
    given = torch.from_numpy(x).to(dtype)
    np.testing.assert_allclose(mixer(given).detach().numpy(), expected, atol=5 * tolerance)
    state, outputs = mixer.initial_state(2), []
    for x_k in given.unbind(1):
        y_k, state = mixer.step(x_k, state)
        outputs.append(y_k)
    by_steps = torch.stack(outputs, 1).detach().numpy()
    np.testing.assert_allclose(by_steps, expected, atol=5 * tolerance)


def test_beyond_twice_the_pairs_the_kernel_returns_turned_and_weaker() -> None:
    mixer = S4Config(state_dim=2).build(1).double()
    set_kernels(mixer, np.array([[0.0, 1.0]]))
    later = mixer.kernel(8)[0].detach().numpy()
    np.testing.assert_allclose(later, [0, 1, 0, 0, 0, -np.exp(-1), 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("config", "shape", "error", "message"),
    [
        (S4Config(state_dim=2), (WIDTH, 5), ValueError, "at most 4"),
        (S4Config(state_dim=2), (WIDTH + 1, 4), ValueError, r"expected \(3, length\)"),
        (S4DConfig(state_dim=3), (WIDTH, 2), ValueError, "even state_dim"),
        (S4DConfig(discretisation="bilinear"), (WIDTH, 2), ValueError, "bilinear"),
        (S4DConfig(bidirectional=True), (WIDTH, 2), ValueError, "two directions"),
        (MambaConfig(block=False), (WIDTH, 2), TypeError, "expected S4 or S4D"),
    ],
)
def test_what_cannot_be_set_is_refused(config, shape, error, message) -> None:
    with pytest.raises(error, match=message):
        set_kernels(config.build(WIDTH), np.zeros(shape))


def test_a_skip_needs_its_term() -> None:
    mixer = S4Config(state_dim=2, skip=False).build(WIDTH)
    set_kernels(mixer, np.zeros((WIDTH, 4)))
    with pytest.raises(ValueError, match="skip=True"):
        set_kernels(mixer, np.zeros((WIDTH, 4)), np.ones(WIDTH))

"""Stacks set by hand: ceil(log2 L) blocks follow the products of a group at every length L."""

import numpy as np
import pytest
import torch

from seq_torch import LRUConfig, MambaConfig, S4Config, S4DConfig, SequenceModel
from seq_torch.constructed import word_problem
from seqtheory.group import Group, group
from seqtheory.representation import representation, smallest

MIXERS = {
    "s4": lambda length: S4Config(state_dim=length // 2),
    "s4-published": lambda length: S4Config(state_dim=length // 2, published_step=True),
    "s4d": lambda length: S4DConfig(state_dim=length),
    "mamba": lambda length: MambaConfig(block=False, state_dim=length),
}


def outputs(model: SequenceModel, words: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(words)).double().numpy()


def draw(order: int, length: int, count: int) -> np.ndarray:
    return np.random.default_rng(length).integers(order, size=(count, length))


def windows(structure: Group, words: np.ndarray, size: int) -> np.ndarray:
    """Products of the last `size` letters, or of as many as there are."""
    ends = range(1, words.shape[1] + 1)
    last = [structure.running_products(words[:, max(0, k - size) : k])[:, -1] for k in ends]
    return np.stack(last, axis=1)


def margin(scores: np.ndarray, products: np.ndarray) -> float:
    """Least lead of the right element before all others."""
    at = products[..., None].astype(int)
    right = np.take_along_axis(scores, at, -1)[..., 0]
    others = scores.copy()
    np.put_along_axis(others, at, -np.inf, -1)
    return float((right - others.max(-1)).min())


@pytest.mark.parametrize("name", ["s4", "mamba"])
@pytest.mark.parametrize(("length", "depth"), [(4, 2), (8, 3), (16, 4), (32, 5)])
def test_a5_is_exact_in_single_precision(name: str, length: int, depth: int) -> None:
    rotations = representation("A5")
    model = word_problem(rotations, length, mixer=MIXERS[name](length))
    assert len(model.layers) == depth
    words = draw(60, length, 8_000 // length)
    scores, products = outputs(model, words), rotations.group.running_products(words)
    # Two rotations have the scalar product 3 - d^2 / 2 at a distance of d, 1.62 at the least.
    assert margin(scores, products) > 1.37
    np.testing.assert_array_equal(scores.argmax(-1), products)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("name", ["S3", "A4", "S4", "D4", "Z7"])
def test_other_groups_are_exact(name: str, mixer: str) -> None:
    structure, length = group(name), 8
    model = word_problem(smallest(structure), length, mixer=MIXERS[mixer](length))
    words = draw(structure.order, length, 500)
    found = outputs(model, words).argmax(-1)
    np.testing.assert_array_equal(found, structure.running_products(words))


@pytest.mark.parametrize("mixer", ["s4", "mamba"])
def test_every_word_of_four_letters_is_exact(mixer: str) -> None:
    structure = group("S3")
    words = np.stack(np.meshgrid(*[np.arange(6)] * 4, indexing="ij"), -1).reshape(-1, 4)
    found = outputs(word_problem(smallest(structure), 4, mixer=MIXERS[mixer](4)), words)
    np.testing.assert_array_equal(found.argmax(-1), structure.running_products(words))


@pytest.mark.parametrize("mixer", ["s4", "mamba"])
@pytest.mark.parametrize("depth", [1, 2])
def test_fewer_blocks_give_the_products_of_shorter_windows(mixer: str, depth: int) -> None:
    rotations, length = representation("A5"), 8
    model = word_problem(rotations, length, depth=depth, mixer=MIXERS[mixer](length))
    words = draw(60, length, 300)
    found = outputs(model, words).argmax(-1)
    np.testing.assert_array_equal(found, windows(rotations.group, words, 2**depth))
    products = rotations.group.running_products(words)
    late = (found == products)[:, 2**depth :]  # right by chance, once in 60
    assert 0 < late.mean() < 0.04
    assert (found == products)[:, : 2**depth].all()


def test_blocks_beyond_those_needed_change_nothing() -> None:
    rotations, length = representation("A5"), 8
    model = word_problem(rotations, length, depth=5)
    words = draw(60, length, 100)
    found = outputs(model, words).argmax(-1)
    np.testing.assert_array_equal(found, rotations.group.running_products(words))


@pytest.mark.parametrize("epsilon", [0.4, 0.2, 0.1])
def test_the_error_falls_as_the_square_of_the_slope(epsilon: float) -> None:
    rotations, words = representation("A5"), draw(60, 8, 100)
    products = rotations.group.running_products(words)

    flat = rotations.matrices.reshape(60, -1)
    exact = (flat @ flat.T)[products]

    def error(slope: float) -> float:
        model = word_problem(rotations, 8, epsilon=slope, dtype=torch.float64)
        return float(np.abs(outputs(model, words) - exact).max())

    assert error(epsilon) / error(epsilon / 2) == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize("mixer", ["s4", "mamba"])
def test_step_by_step_is_exact_too(mixer: str) -> None:
    rotations, length = representation("A5"), 8
    model = word_problem(rotations, length, mixer=MIXERS[mixer](length))
    words = draw(60, length, 50)
    state, found = model.initial_state(len(words)), []
    with torch.no_grad():
        for letters in torch.from_numpy(words).unbind(1):
            scores, state = model.step(letters, state)
            found.append(scores.argmax(-1).numpy())
    np.testing.assert_array_equal(np.stack(found, 1), rotations.group.running_products(words))


@pytest.mark.parametrize(
    ("mixer", "error", "message"),
    [
        (S4Config(state_dim=3), ValueError, "twice the conjugate pairs"),
        (S4Config(state_dim=4, skip=False), ValueError, "skip"),
        (MambaConfig(block=False, state_dim=7), ValueError, "at least 8"),
        (MambaConfig(block=False, input_dependent_C=False), ValueError, "input_dependent_C=True"),
        (MambaConfig(state_dim=8), TypeError, "block=False"),
        (LRUConfig(state_dim=8), TypeError, "expected S4, S4D, or Mamba"),
    ],
)
def test_mixers_that_cannot_delay_are_refused(mixer, error, message) -> None:
    with pytest.raises(error, match=message):
        word_problem(representation("A5"), 8, mixer=mixer)

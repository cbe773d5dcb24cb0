"""Laws of Kimi Delta Attention and its kin: their equation, their ranges, what they can follow."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from matrix_laws import (
    EXACT,
    assert_is_its_equation,
    built,
    directed,
    first_state,
    mapped_by_hand,
    noise,
    read_by_hand,
)
from torch.nn import functional

import seq_torch as st
from seqtheory.expressivity import predict
from seqtheory.expressivity._space import axes, coordinate_frame, spatial_representations
from seqtheory.group import group
from seqtheory.representation import representation
from seqtheory.tasks import GroupWords

SIZES = {"heads": 2, "key_dim": 4, "value_dim": 3, "start": "own"}
BOTH = {"eigenvalues": "signed", "decay": "signed"}
CONFIGS = {
    "kda": st.KDAConfig(**SIZES, trained_start=True),
    "signed": st.KDAConfig(**SIZES, eigenvalues="signed", convolution=2),
    "ckda": st.KDAConfig(**SIZES, **BOTH, normalisation="exact"),
    "bounded": st.KDAConfig(**SIZES, decay="bounded", lower_bound=-2.0, convolution=0),
    "gdn2": st.KDAConfig(**SIZES, gates="channels"),
    "gdn2 signed": st.KDAConfig(**SIZES, gates="channels", **BOTH, read_scale=0.7),
    "bare": st.KDAConfig(**SIZES, block=False),
}


def decays(module, x, head):
    """Decays of one head's channels at one position."""
    c = module.config
    level = module.decay.map[1].weight @ module.decay.map[0].weight @ x + module.decay.bias
    level, a = level.unflatten(0, (c.heads, -1))[head], module.decay.log_rate[head].exp()
    if c.decay == "bounded":
        return torch.exp(c.lower_bound * torch.sigmoid(a * level))
    fading = torch.exp(-a * torch.log1p(level.exp()))
    return 2 * fading - 1 if c.decay == "signed" else fading


def by_hand(module, x):
    """One row, equation by equation, one position and head at a time."""
    c, mapped, outputs = module.config, mapped_by_hand(module, x), []
    for head, t in product(range(c.heads), range(len(x))):
        if t == 0:
            S = first_state(module, head)
        q, k, v = (p.unflatten(0, (c.heads, -1))[head] for p in mapped[t].split(module.parts))
        erase = torch.sigmoid(module.strength(x[t])).unflatten(0, (c.heads, -1))[head]
        erase = 2 * erase if c.eigenvalues == "signed" else erase
        write = erase
        if c.gates == "channels":
            write = torch.sigmoid(module.write(x[t])).unflatten(0, (c.heads, -1))[head]
        key, decay = directed(c, k), decays(module, x[t], head)
        transition = (torch.eye(c.key_dim) - torch.outer(key, erase * key)) @ torch.diag(decay)
        S = transition @ S + torch.outer(key, write * v)
        o = read_by_hand(module, q, S)
        if c.block:
            o = o * torch.sigmoid(module.gate(x[t]).unflatten(0, (c.heads, -1))[head])
        outputs.append(o)
    return outputs


@pytest.mark.parametrize("name", CONFIGS)
def test_the_module_is_its_equation(name):
    assert_is_its_equation(CONFIGS[name], by_hand)


def test_channels_that_agree_are_one_strength():
    shared, channels = built(CONFIGS["kda"]), built(CONFIGS["gdn2"])
    held = shared.state_dict()
    held["strength.weight"] = held["strength.weight"].repeat_interleave(4, 0)
    held["write.weight"] = shared.strength.weight.detach().repeat_interleave(3, 0)
    del held["start"]
    channels.load_state_dict(held)
    shared.start.data.zero_()
    x = noise(2, 9, 6)
    torch.testing.assert_close(channels(x), shared(x), **EXACT)


@pytest.mark.parametrize(
    ("decay", "least", "most"), [("unit", 0.0, 1.0), ("signed", -1.0, 1.0), ("bounded", -5.0, 0.0)]
)
def test_the_range_of_the_decays_is_what_the_switch_says(decay, least, most):
    module = built(st.KDAConfig(**SIZES, decay=decay))
    logs = module.decay(200 * noise(1000, 6))
    found = {"bounded": logs, "unit": logs.exp(), "signed": 2 * logs.exp() - 1}[decay]
    assert least <= found.min() < least + 1e-6
    assert most - 1e-6 < found.max() <= most


def test_rates_and_their_biases_do_not_decay_and_nothing_else_of_the_maps():
    module = built(CONFIGS["gdn2"])
    marked = {n for n, p in module.named_parameters() if isinstance(p, st.StateParameter)}
    assert marked == {"decay.bias", "decay.log_rate"}


def reflected(matrix):
    """Give strength, key and signs whose product ``(I - beta k k^T) E`` is the matrix."""
    for signs in product((1.0, -1.0), repeat=3):
        rest = np.eye(3) - matrix * np.array(signs)  # times E from the right
        _, vectors = np.linalg.eigh((rest + rest.T) / 2)
        key = vectors[:, -1]
        for beta in (0.0, 2.0):
            if np.abs(rest - beta * np.outer(key, key)).max() < 1e-9:
                return beta, key, signs
    raise AssertionError("it is no reflection times signs")


def tracker(name, letters):
    """Set one head of key dimension 3 by hand: every letter's rotation in one step."""
    rho = spatial_representations(group(name))[0]
    frame = coordinate_frame(axes(rho[list(letters)]))
    assert frame is not None
    rho = frame @ rho @ frame.T
    parts = [reflected(rho[letter].T) for letter in letters]
    beta, keys, signs = (torch.tensor(np.array(part)) for part in zip(*parts, strict=True))
    config = st.KDAConfig(
        heads=1, key_dim=3, value_dim=3, block=False, normalisation="exact", trained_start=True,
        start="own", **BOTH,
    )  # fmt: skip
    module, large = built(config, width=len(letters)), 1e3  # sigmoid and exp are 0 or 1 exactly
    query = torch.tensor([0.48, 0.6, 0.64]).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        module.into.weight[:6].copy_(torch.cat((query[:, None].expand_as(keys.T), keys.T)))
        module.strength.weight.copy_(large * (beta - 1))
        module.decay.map[0].weight.copy_(-large * signs.T)
        module.decay.map[1].weight.copy_(torch.eye(3))
        module.start.copy_(torch.eye(3))
        module.out.weight.copy_(torch.eye(len(letters), 3))
    return module, torch.tensor(rho) @ query


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("name", "letters"), [("A5", (0, 1, 23)), ("A5", (5, 17, 36, 58)), ("S4", tuple(range(24)))]
)
def test_rotations_of_space_are_followed_for_ten_thousand_letters(name, letters, dtype):
    module, places = tracker(name, letters)
    assert predict(GroupWords(name, letters=letters), module.config.transition_class).status == (
        "possible"
    )
    generator = torch.Generator().manual_seed(1)
    words = torch.randint(len(letters), (2, 10_000), generator=generator)
    y = module.to(dtype)(functional.one_hot(words, len(letters)).to(dtype))[..., :3]
    nearest = torch.cdist(y.double(), places).argmin(-1)
    expected = group(name).running_products(np.array(letters)[words.numpy()])
    assert np.array_equal(nearest.numpy(), expected)
    gap = (y.double() - places[nearest]).norm(dim=-1).max()
    assert gap < (1e-9 if dtype == torch.float64 else 1e-2)


def test_all_sixty_letters_of_a5_have_no_such_basis():
    assert coordinate_frame(axes(representation("A5").matrices)) is None
    signed = CONFIGS["ckda"].transition_class
    assert predict(GroupWords("A5"), signed).status == "open"
    assert predict(GroupWords("S5"), signed).status == "impossible"

"""Laws of mixers whose state is a matrix by heads: the parts of an equation done by hand."""

from __future__ import annotations

from collections.abc import Callable

import torch

import seq_torch as st

EXACT = {"rtol": 1e-9, "atol": 1e-10}
ByHand = Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]


def built(config: st.MixerConfig, width: int = 6, seed: int = 0) -> torch.nn.Module:
    """A mixer in double precision, from a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width).double()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers in double precision, from a seed."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def directed(config: st.MixerConfig, x: torch.Tensor) -> torch.Tensor:
    """A vector at norm 1, as the config's rule has it."""
    return x / (x @ x + (1e-6 if config.normalisation == "smooth" else 0)).sqrt()


def mapped_by_hand(module: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Queries, keys and values of one row: a map, a short convolution, SiLU."""
    c, mapped = module.config, x @ module.into.weight.T
    if c.block and c.convolution:
        past = torch.cat((torch.zeros(c.convolution - 1, mapped.shape[1]).double(), mapped))
        kernel, bias = module.convolution.weight[:, 0], module.convolution.bias
        mapped = (0 if bias is None else bias) + sum(
            past[i : i + len(x)] * kernel[:, i] for i in range(c.convolution)
        )
    return mapped * torch.sigmoid(mapped) if c.block else mapped


def first_state(module: torch.nn.Module, head: int) -> torch.Tensor:
    """A head's state before the first position."""
    c = module.config
    zero = torch.zeros(c.key_dim, c.value_dim).double()
    return zero if module.start is None else module.start[head]


def read_by_hand(module: torch.nn.Module, query: torch.Tensor, S: torch.Tensor) -> torch.Tensor:
    """What a query reads of a state, at norm 1 where the module is a block."""
    c = module.config
    o = directed(c, query) @ S * (c.read_scale or (c.key_dim**-0.5 if c.block else 1))
    return module.norm.weight * o / (o.square().mean() + 1e-5).sqrt() if c.block else o


def assert_is_its_equation(config: st.MixerConfig, by_hand: ByHand) -> None:
    """Compare a mixer with its equation; `by_hand` gives outputs by head, then position."""
    module, x = built(config), noise(2, 11, 6)
    heads = [torch.stack(by_hand(module, row)).unflatten(0, (config.heads, -1)) for row in x]
    expected = torch.stack([part.movedim(0, 1).flatten(1) for part in heads]) @ module.out.weight.T
    torch.testing.assert_close(module(x), expected, **EXACT)

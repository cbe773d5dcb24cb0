"""Mamba: the selective recurrence (S6) alone, or inside its block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory.checks import require_choice, require_flag, require_integer

from .. import ops
from ..parameter import StateParameter
from .mixer import MixerConfig, check_sequence
from .parts.eigenvalues import Eigenvalues, check_eigenvalues, ranged
from .parts.short_convolution import ShortConvolution
from .parts.step_size import check_steps, log_steps, unsoftplus
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class MambaConfig(MixerConfig):
    r"""The selective recurrence S6, and around it, if `block`, Mamba's projections and gate.

    .. math:: h_k = e^{\Delta_k A} h_{k-1} + \Delta_k B_k u_k, \quad y_k = C_k h_k + D u_k,
              \qquad \Delta_k = \mathrm{softplus}(W_\Delta W_r u_k + b), \quad
              (B_k, C_k) = W_{BC} u_k,

    with one state per channel and n = 1, ..., N, A real, negative, from -n. The block is

    .. math:: (u, z) = W_{in} x, \qquad
              y = W_{out}\big(\mathrm{S6}(\mathrm{silu}(\mathrm{conv}(u))) \odot
              \mathrm{silu}(z)\big).

    Parameters
    ----------
    state_dim
        N, real states per channel.
    block
        True for the whole block, False for the bare recurrence, which is what the linear-CDE paper
        trains.
    input_dependent_C
        Whether C follows the input. Otherwise it is one trained vector shared by all channels, as
        in the preprint of 2024-05.
    expand
        The block's inner width over the model's.
    convolution
        Length of the block's causal convolution.
    step_rank
        Rank of the map from input to steps: a number, "width" for the published ceil(width / 16),
        or "inner" for ceil(inner width / 16). Without a block the two are one.
    dt_min, dt_max
        Steps at zero input start log-uniformly between these.
    skip
        Whether the term D u is present; D starts from 1.
    eigenvalues
        "unit" for the factors :math:`e^{\Delta_k A}` in [0, 1], "signed" for
        :math:`2 e^{\Delta_k A} - 1` in their place, in [-1, 1].

    Notes
    -----
    The input map is :math:`\Delta B`, Euler's, as in the published code, and not the zero-order
    hold of the paper's equation (4).

    With "signed" the factors of all positions are formed at once, O(batch time width state_dim)
    memory, and `ops.linear_scan` runs in place of `ops.selective_scan`.

    References
    ----------
    Gu and Dao, arXiv 2312.00752, section 3 and algorithm 2; for the signed range, Grazzi et al.,
    arXiv 2411.12537, section 4.
    """

    state_dim: int = 16
    block: bool = True
    input_dependent_C: bool = True
    expand: int = 2
    convolution: int = 4
    step_rank: int | Literal["width", "inner"] = "width"
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    eigenvalues: Eigenvalues = "unit"

    def __post_init__(self) -> None:
        for name in ("state_dim", "expand", "convolution"):
            require_integer(name, getattr(self, name), minimum=1)
        if isinstance(self.step_rank, str):
            require_choice("step_rank", self.step_rank, ("width", "inner"))
        else:
            require_integer("step_rank", self.step_rank, minimum=1)
        for name in ("block", "input_dependent_C", "skip"):
            require_flag(name, getattr(self, name))
        check_steps(self.dt_min, self.dt_max)
        check_eigenvalues(self.eigenvalues)

    def build(self, width: int) -> SelectiveRecurrence | MambaBlock:
        """Draw the module."""
        if self.block:
            return MambaBlock(self, width)
        return SelectiveRecurrence(self, width, self.rank(width))

    def rank(self, width: int) -> int:
        """Rank of the map to steps in a model of this width."""
        if not isinstance(self.step_rank, str):
            return self.step_rank
        inner = self.expand * width if self.block else width
        return -(-(inner if self.step_rank == "inner" else width) // 16)


class SelectiveRecurrence(Recurrent):
    """The recurrence S6: module of `MambaConfig(block=False)`."""

    def __init__(self, config: MambaConfig, width: int, rank: int):
        super().__init__()
        self.width, self.state_dim, self.rank = width, config.state_dim, rank
        self.eigenvalues: Eigenvalues = config.eigenvalues
        projected = self.rank + config.state_dim * (2 if config.input_dependent_C else 1)
        self.projection = nn.Linear(width, projected, bias=False)
        bound = self.rank**-0.5
        self.step_weight = nn.Parameter(torch.empty(width, self.rank).uniform_(-bound, bound))
        dt = log_steps(width, dt_min=config.dt_min, dt_max=config.dt_max).exp()
        self.step_bias = StateParameter(unsoftplus(dt))
        n = torch.arange(1, config.state_dim + 1, dtype=torch.get_default_dtype())
        self.log_decay = StateParameter(n.log().repeat(width, 1))
        self.C = None if config.input_dependent_C else nn.Parameter(torch.randn(config.state_dim))
        self.D = nn.Parameter(torch.ones(width)) if config.skip else None

    def forward(
        self,
        x: Float[torch.Tensor, "batch time width"],
        gate: Float[torch.Tensor, "batch time width"] | None = None,
    ) -> Float[torch.Tensor, "batch time width"]:
        """Scan over time; the output is multiplied by silu(gate)."""
        check_sequence(x, self.width)
        return self._scan(x, gate).mT

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch width state"]:
        """Zero."""
        return self.log_decay.new_zeros(batch_size, *self.log_decay.shape)

    def run(
        self,
        x: Float[torch.Tensor, "batch time width"],
        state: torch.Tensor,
        gate: Float[torch.Tensor, "batch time width"] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scan from a state."""
        y, state = self._scan(x, gate, initial_state=state, return_last_state=True)
        return y.mT, state

    def _scan(self, x: torch.Tensor, gate: torch.Tensor | None, **state: Any) -> Any:
        """Scan, channels before time; without a state given or asked for, kernels on a GPU can."""
        if self.eigenvalues == "signed":
            return self._signed_scan(x, gate, **state)
        rank, *varying = self.projection(x).split(
            [self.rank] + [self.state_dim] * (1 if self.C is not None else 2), dim=-1
        )
        B, *rest = (part.mT for part in varying)
        C = rest[0] if self.C is None else self.C.expand(self.width, -1)
        return ops.selective_scan(
            x.mT,
            functional.linear(rank, self.step_weight).mT,
            -self.log_decay.exp(),
            B,
            C,
            self.D,
            z=None if gate is None else gate.mT,
            delta_bias=self.step_bias,
            delta_softplus=True,
            **state,
        )

    def _signed_scan(
        self,
        x: torch.Tensor,
        gate: torch.Tensor | None,
        initial_state: torch.Tensor | None = None,
        return_last_state: bool = False,
    ) -> Any:
        """Do the same with factors 2 exp(step A) - 1, all of them formed at once."""
        a, driven, C = self._signed_parts(x)
        start = None if initial_state is None else initial_state.flatten(1)
        h = ops.linear_scan(a.flatten(2), driven.flatten(2), start).unflatten(2, a.shape[2:])
        y = (h * C[..., None, :]).sum(-1)
        y = y if self.D is None else y + self.D * x
        y = (y if gate is None else y * functional.silu(gate)).to(x.dtype).mT
        return (y, h[:, -1]) if return_last_state else y

    def _signed_parts(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Factors and drives, (batch, time, width, state), and what reads the states."""
        rank, B, *rest = self.projection(x).split(
            [self.rank] + [self.state_dim] * (1 if self.C is not None else 2), dim=-1
        )
        dt = functional.linear(rank, self.step_weight).to(self.step_bias.dtype) + self.step_bias
        dt = functional.softplus(dt)
        a = ranged(torch.exp(-dt[..., None] * self.log_decay.exp()), self.eigenvalues)
        return a, (dt * x)[..., None] * B[..., None, :], rest[0] if self.C is None else self.C


class MambaBlock(Recurrent):
    """Projections, causal convolution and gate around S6: module of `MambaConfig(block=True)`."""

    def __init__(self, config: MambaConfig, width: int):
        super().__init__()
        self.width, inner = width, config.expand * width
        self.into = nn.Linear(width, 2 * inner, bias=False)
        self.convolution = ShortConvolution(inner, config.convolution)
        self.recurrence = SelectiveRecurrence(config, inner, config.rank(width))
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a sequence."""
        check_sequence(x, self.width)
        u, gate = self.into(x).chunk(2, dim=-1)
        u = self.convolution.sequence(u)
        return self.out(self.recurrence(functional.silu(u), gate))

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Zero: the convolution's last inputs, and the recurrence's state."""
        past = self.convolution.initial_state(batch_size)
        return past, self.recurrence.initial_state(batch_size)

    def run(
        self,
        x: Float[torch.Tensor, "batch time width"],
        state: tuple[torch.Tensor, torch.Tensor],
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Map a sequence from a state."""
        past, recurrent = state
        u, gate = self.into(x).chunk(2, dim=-1)
        u, past = self.convolution.run(u, past)
        y, recurrent = self.recurrence.run(functional.silu(u), recurrent, gate)
        return self.out(y), (past, recurrent)

"""Name the class of a layer's recurrence from the Jacobian of its step."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from seqtheory.checks import require_integer, require_positive
from seqtheory.diagnostics import Recurrence, classify_recurrence, memory_levels

from ._apart import Apart, set_apart
from ._flat_step import FlatStep, NoRecurrenceError, has_step
from ._outputs import probe_outputs

LARGEST = 2048  # numbers of a state whose Jacobian is formed
_MANY = 512  # numbers that remember, above which fewer inputs are drawn
_LEVELS = 3  # recurrences in a row that are told apart


def probe_recurrence(
    module: nn.Module,
    width: int | None = None,
    *,
    inputs: int = 20,
    spread: float = 0.1,
    seed: int = 0,
) -> Recurrence:
    r"""Name the class of a layer's transitions, by derivatives of its step.

    With :math:`h' = f(x, h)`, the matrix :math:`\partial f / \partial h` is formed at random states
    and at inputs of several sizes, in double precision. Numbers that hold recent inputs alone, such
    as the window of a short convolution, and angles, by which a state is turned, are found and set
    apart; of the others `seqtheory.diagnostics.classify_recurrence` says what moves them.

    Parameters
    ----------
    module
        A mixer, or any module with ``initial_state(batch_size)`` and ``step(x_k, state)``, which
        gives an output and the next state: tensors, nested in tuples, lists or dictionaries. Rows
        of a batch must not meet. Of a module without them derivatives of the outputs on prefixes
        tell how much is kept, and what moves it if outputs are linear in it.
    width
        Channels of its input; None for its own `width`.
    inputs
        Number of inputs, of sizes 0.1 to 100.
    spread
        Every parameter is moved at random by so much of its size, twice, so that what is said holds
        for the class and not for a start at special values alone. 0 for the weights as they are.
    seed
        Of all draws.

    Returns
    -------
    A `Recurrence`. Its `transition` goes to `seqtheory.expressivity.predict`. A layer that looks
    ahead, or whose state grows, has none of fixed size; where one without `step` cannot be probed,
    the reason says what to add.

    Raises
    ------
    TypeError, ValueError
        If the width is not known, the state too large, or the step gives what is no state, drops
        derivatives or is not finite.

    Notes
    -----
    The module itself is left as it is: copies are moved. A class is named from samples, so it may
    reach farther than what was seen: a reflection that no input of these sizes brings about, or a
    matrix that training would have to find. A diagonal plus a low rank is told from a dense matrix
    where the rank is below half the size, and rank-one terms where they are fewer than the size.

    A state of 100 numbers takes a second, one of 2,000 about a minute; give small layers.

    Examples
    --------
    >>> import seq_torch as st
    >>> from seqtheory.expressivity import predict
    >>> from seqtheory.tasks import Parity
    >>> signed = st.DeltaNetConfig(heads=1, key_dim=4, value_dim=2, eigenvalues="signed")
    >>> _ = torch.manual_seed(0)
    >>> found = probe_recurrence(signed.build(8))
    >>> found
    Recurrence(linear: identity plus 1 rank-one terms, reflections, input-dependent)
    >>> predict(Parity(), found.transition).status
    'possible'
    """
    require_integer("inputs", inputs, 2)
    require_positive("spread", spread, zero_allowed=True)
    channels, random = _width(module, width), torch.Generator().manual_seed(seed)
    if not has_step(module):
        return probe_outputs(moved(module, spread, random), channels, random)
    try:
        steps = [_stepped(module, spread, channels, random) for _ in range(2 if spread else 1)]
    except NoRecurrenceError as error:
        return Recurrence(error.kind, error.reason)
    if not steps[0].size:
        return Recurrence("none", "its state holds no real numbers")
    if steps[0].size > LARGEST:
        raise ValueError(
            f"the state has {steps[0].size:,} numbers, expected at most {LARGEST:,}: build the "
            "layer narrower, its class does not depend on the width."
        )
    apart, levels = _graph(steps[0], random)
    own = np.flatnonzero(levels >= 0)
    inputs = inputs if len(own) <= _MANY else min(inputs, 8)
    sampled = [_sampled(step, inputs, levels, apart, random) for step in steps]
    jacobians, turns = (np.stack(part) for part in zip(*sampled, strict=True))
    finite = np.isfinite(jacobians).all(axis=(0, 2, 3, 4))
    if finite.sum() < 2:
        raise ValueError("derivatives of the step are not finite at random inputs and states.")
    found = classify_recurrence(
        jacobians[:, finite],
        levels[own],
        pairs=steps[0].pairs[own] if steps[0].pairs.any() else None,
        turns=turns[:, finite] if apart.phases.any() else None,
        tolerance=steps[0].tolerance,
    )
    scales, phases = int(apart.scales.sum()), int(apart.phases.sum())
    shifts = steps[0].size - len(own) - scales - phases
    return replace(found, shifts=shifts, scales=scales)


def _width(module: nn.Module, width: int | None) -> int:
    found = getattr(module, "width", None) if width is None else width
    if found is None:
        raise TypeError(
            f"{type(module).__name__} does not say its width, expected an integer attribute "
            "`width`; give probe_recurrence(module, width=...)."
        )
    require_integer("width", found, 1)
    return int(found)


def moved(module: nn.Module, spread: float, random: torch.Generator) -> nn.Module:
    """Copy a module in double precision, in evaluation, every parameter moved at random."""
    twin = copy.deepcopy(module).cpu().double().eval()
    with torch.no_grad():
        for parameter in twin.parameters():
            if spread and parameter.is_floating_point():
                size = float(parameter.square().mean().sqrt()) or 1.0
                drawn = torch.randn(parameter.shape, generator=random, dtype=torch.float64)
                parameter += spread * size * drawn.to(parameter)
    return twin


def _stepped(module: nn.Module, spread: float, width: int, random: torch.Generator) -> FlatStep:
    """Flatten the step of a copy in double precision, or in its own if it bears no other."""
    twin = moved(module, spread, random)
    try:
        step = FlatStep(twin, width)
        step(*step.draw(torch.ones(2), random))
    except RuntimeError:
        own = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float64)
        if own == torch.float64:
            raise
        return FlatStep(twin.to(own), width)
    return step


def _graph(step: FlatStep, random: torch.Generator) -> tuple[Apart, Int[np.ndarray, " n"]]:
    """Set apart what stands beside the recurrence, and give the level of each other number."""
    samples = 16 if step.size <= _MANY else 8
    x, h = step.draw(torch.logspace(-0.5, 1, samples, dtype=torch.float64), random)
    jacobians = step.jacobians(x, h)
    step.check(x, h, jacobians)
    jacobians = jacobians[np.isfinite(jacobians).all(axis=(1, 2))]
    apart = set_apart(step, jacobians, random)
    tolerance = step.tolerance / 100
    levels = memory_levels(jacobians, transparent=apart.beside, tolerance=tolerance)
    first = np.flatnonzero(step.pairs)  # a complex number remembers as a whole
    levels[first] = levels[first + 1] = np.maximum(levels[first], levels[first + 1])
    return apart, levels


def _sampled(
    step: FlatStep,
    inputs: int,
    levels: Int[np.ndarray, " n"],
    apart: Apart,
    random: torch.Generator,
) -> tuple[Float[np.ndarray, "input state n n"], Float[np.ndarray, "input phase"]]:
    """Jacobians at each input for a base state and others, and the turns of the phases."""
    sizes = torch.logspace(-1, 2, inputs, dtype=torch.float64)
    x, base = step.draw(sizes, random)
    recent = torch.from_numpy((levels < 0) & ~apart.beside)  # as large as the inputs they hold
    base = torch.where(recent, sizes[:, None].to(base) * base, base)
    states = [base]
    for level in range(min(_LEVELS, int(levels.max(initial=0)) + 1)):
        fresh = torch.from_numpy((levels >= level) | (apart.beside & (level == 0)))
        states.append(torch.where(fresh, torch.randn(base.shape, generator=random).to(base), base))
    every = torch.stack(states, 1)
    rows, flat = x[:, None].expand(-1, every.shape[1], -1).flatten(0, 1), every.flatten(0, 1)
    own = np.flatnonzero(levels >= 0)
    with torch.no_grad():
        after = step(rows, flat)[1]
    jacobians = step.jacobians(rows, flat, own)
    jacobians = apart.undone(jacobians, flat.double().numpy(), after.double().numpy(), own)
    turned = (after - flat)[:: every.shape[1], torch.from_numpy(apart.phases)]
    return jacobians.reshape(*every.shape[:2], len(own), len(own)), turned.double().numpy()

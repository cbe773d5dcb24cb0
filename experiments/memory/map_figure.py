"""What a parameterisation does by itself: to memory under a perturbation, and to gradients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.memory.curves import MapFacts
from experiments.memory.theory import UP_TO
from experiments.report import style


def draw(found: Sequence[MapFacts], folder: Path) -> list[Path]:
    """Draw `memory_parameterisations`: memories, stability, and two scales of gradients."""
    if not found:
        return []
    with style.paper():
        figure = Figure(figsize=(style.WIDTH, 4.4), layout="constrained")
        (memory, change), (gradient, variance) = figure.subplots(2, 2)
        _memories(memory, found)
        for number, facts in enumerate(found):
            scales, look = np.array(facts.scales["time_scales"]), _look(number, facts)
            change.plot(scales, facts.scales["change"], **look)
            gradient.plot(scales, facts.scales["gradient_per_weight"], **look)
            variance.plot(scales, facts.scales["variance"], **look)
            never = scales[np.isinf(facts.scales["change"])]
            if never.size:  # from here on a perturbation makes the mode never forget
                change.axvline(never[0], color=look["color"], linestyle=":")
        change.set(title=f"(b) relative change under $\\beta={UP_TO:g}$", ylim=(1e-4, 1e2))
        gradient.set(title="(c) gradient over weight, $|f'| / (f^2 |w|)$", ylim=(0.5, 1e9))
        variance.set(title="(d) variance of $dh/dw$, white noise", ylim=(0.05, 1e9))
        for panel in (change, gradient, variance):
            panel.set(xscale="log", yscale="log", xlabel=r"time scale $\tau$ of the mode")
        style.shared_legend(figure, [memory], ncols=1 + len(found))
        return style.save(figure, folder, "memory_parameterisations")


def _memories(panel: Axes, found: Sequence[MapFacts]) -> None:
    """Draw the fitted memory after a common shift, and the memory that it was fitted to."""
    first = found[0].memory
    panel.plot(first["times"], first["target"], color="0.6", linewidth=3, label="target memory")
    for number, facts in enumerate(found):
        memory = facts.memory
        panel.plot(memory["times"], np.abs(memory["perturbed"]), **_look(number, facts))
    panel.set(xscale="log", yscale="log", xlabel="age $t$", ylim=(1e-4, 10))
    panel.set(title=f"(a) memory of width {first['width']}, shifted by {first['beta']:g}")


def _look(number: int, facts: MapFacts) -> dict[str, Any]:
    return {
        "color": style.PALETTE[number],
        "linestyle": "--" if facts.map == "softplus" else "-",  # it lies on exp
        "marker": style.MARKERS[number],
        "markevery": (2 * number, 10),
        "label": facts.map,
    }

"""A tracker looked at: eigenvalues per token, and margin used over time with its horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report import style
from seqtheory import diagnostics

if TYPE_CHECKING:
    from jaxtyping import Complex, Float

Readout = Literal["centroid", "direction", "scores"]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What is drawn of one tracker; `diagnose` makes it from arrays.

    Attributes
    ----------
    name
        Title of its row.
    spectra
        Eigenvalues per token, ``(token, n)``.
    horizon
        Margin, drift and prediction, from the first steps.
    used
        Share of the margin used over all steps, ``(time,)``.
    observed
        Steps until the tracker fails, or None where it does not fail in sight.
    """

    name: str
    spectra: Complex[np.ndarray, "token n"]
    horizon: diagnostics.Horizon
    used: Float[np.ndarray, " time"]
    observed: int | None


def diagnose(
    name: str,
    transitions: np.ndarray,
    states: np.ndarray,
    labels: np.ndarray,
    *,
    seen: int,
    answers: np.ndarray | None = None,
    readout: Readout = "centroid",
    growth: float | None = 1.0,
    accuracy: float = 0.9,
) -> Diagnosis:
    """Predict from the first `seen` steps, and compare with all of them.

    Parameters
    ----------
    transitions, states, labels
        As `seqtheory.diagnostics` takes them; the states over the whole test length.
    seen
        Steps that the prediction may use, such as twice the training length.
    answers
        Classes that the model answers, ``(batch, time)``. None for the nearest centroid of the
        states, with ``readout="centroid"``.
    readout, growth
        As `predict_horizon` takes them. For a trained model, `states` are what its last mixer
        gives (`SequenceModel.mixed`), and the readout sees their ``"direction"``.
    accuracy
        Of the sequences, whose failure is the horizon.
    """
    settings: dict[str, Any] = {
        "num_classes": int(labels.max()) + 1,
        "growth": growth,
        "accuracy": accuracy,
        "readout": readout,
    }
    found = diagnostics.predict_horizon(states[:, :seen], labels[:, :seen], **settings)
    whole = diagnostics.predict_horizon(states, labels, reference=found.reference, **settings)
    if answers is None:
        if readout != "centroid":
            raise ValueError(f"readout={readout!r}: expected the model's answers beside it.")
        answers = diagnostics.nearest_class(states, found.centroids)
    steps = diagnostics.observed_horizon(answers == labels, accuracy)
    return Diagnosis(
        name=name,
        spectra=diagnostics.spectra(transitions),
        horizon=found,
        used=whole.used,
        observed=steps if steps < labels.shape[1] else None,
    )


def draw(diagnoses: Sequence[Diagnosis], folder: Path, name: str = "diagnosis") -> list[Path]:
    """Draw one row per tracker: spectra on the unit circle, and the margin over time."""
    with style.paper():
        figure = Figure(figsize=(style.WIDTH, 2.4 * len(diagnoses)), layout="constrained")
        rows = figure.subplots(len(diagnoses), 2, squeeze=False, width_ratios=(1, 2))
        for (circle, time), diagnosis in zip(rows, diagnoses, strict=True):
            _spectra(circle, diagnosis)
            _margin(time, diagnosis)
        return style.save(figure, folder, name)


def _spectra(panel: Axes, diagnosis: Diagnosis) -> None:
    angles = np.linspace(0, 2 * np.pi, 200)
    panel.plot(np.cos(angles), np.sin(angles), color="0.6", linewidth=0.6)
    for token, values in enumerate(diagnosis.spectra):
        panel.plot(
            values.real,
            values.imag,
            linestyle="none",
            marker=style.MARKERS[token % len(style.MARKERS)],
            color=style.PALETTE[token % len(style.PALETTE)],
            markersize=2.5,
            alpha=0.8,
        )
    panel.set(title=f"{diagnosis.name}: eigenvalues", xlabel="real", ylabel="imaginary")
    panel.set_aspect("equal", adjustable="datalim")


def _margin(panel: Axes, diagnosis: Diagnosis) -> None:
    horizon, steps = diagnosis.horizon, np.arange(1.0, len(diagnosis.used) + 1)
    # Beyond a few margins nothing is to be seen; equal centroids use up infinitely much.
    used = np.minimum(diagnosis.used, 4.0)
    panel.plot(steps, used, color=style.PALETTE[0], label="margin used")
    if horizon.verdict != "not separated":
        panel.plot(
            steps,
            np.clip(horizon.curve(steps), None, 4.0),
            color=style.PALETTE[1],
            linestyle="--",
            label=f"fit to {len(horizon.used)} steps, growth {horizon.growth:.2g}",
        )
    panel.axhline(1.0, color="0.4", linewidth=0.8, label="class boundary")
    panel.axvspan(1, len(horizon.used), color="0.9", zorder=0, linewidth=0)
    if np.isfinite(horizon.steps) and horizon.steps > 0:
        panel.axvline(
            horizon.steps,
            color=style.PALETTE[1],
            linestyle=":",
            label=f"predicted {horizon.steps:.0f}",
        )
    if diagnosis.observed is not None:
        panel.axvline(
            diagnosis.observed,
            color=style.PALETTE[0],
            linestyle=":",
            label=f"measured {diagnosis.observed}",
        )
    panel.set(title=horizon.verdict, xlabel="steps", ylabel="share of the margin", xscale="log")
    panel.legend(loc="upper left")

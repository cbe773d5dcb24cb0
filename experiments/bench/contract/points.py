"""The table of points, in the order in which they are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from experiments.bench.contract import (
    carrying,
    conduct,
    form,
    long,
    reach,
    repetition,
    slope,
    stepping,
)
from experiments.bench.contract.subject import Subject

EVERY = ("cost", "theory", "tracking", "recall", "memory", "signature", "rates")
TRAINED = ("tracking", "recall", "memory", "signature", "rates")
AHEAD = ("theory", "tracking", "recall", "memory")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One thing that a model promises.

    Parameters
    ----------
    name
        Its name, one word.
    promise
        What a model promises, in a line.
    judge
        Says what it saw, or raises `Fault` or `Skip`.
    advice
        What to do where it does not hold.
    needs
        Points that must hold for it to be judged.
    blocks
        Parts of the bench that mean nothing for a model that does not keep it.
    """

    name: str
    promise: str
    judge: Callable[[Subject], str]
    advice: str
    needs: tuple[str, ...] = ("shape",)
    blocks: tuple[str, ...] = ()


POINTS = (
    Point(
        name="shape",
        promise="is built from its width alone, and maps (batch, time, width) to the same shape",
        judge=form.shape,
        advice="map (batch, time, width) to the same shape, for any number of rows and positions, "
        "with a class or a function of the width alone",
        needs=(),
        blocks=EVERY,
    ),
    Point(
        name="dtype",
        promise="holds no float64 in a model of float32, and nothing less after `.double()`",
        judge=form.dtype,
        advice="make tensors of the input's type: x.new_zeros(...), dtype=x.dtype; keep constants "
        "as parameters or buffers; np arrays are float64 until told otherwise",
    ),
    Point(
        name="device",
        promise="follows its parameters to another device",
        judge=form.device,
        advice="make tensors on the input's device: x.new_zeros(...), device=x.device; keep "
        "constants as parameters or buffers",
    ),
    Point(
        name="determinism",
        promise="gives the same twice in evaluation mode, and draws its weights by torch's seed",
        judge=repetition.determinism,
        advice="draw nothing in evaluation mode: give dropout training=self.training",
        blocks=("theory", *TRAINED),
    ),
    Point(
        name="calls",
        promise="keeps nothing from one call to the next, and leaves its input as it is",
        judge=repetition.calls,
        advice="begin each call from the same state; hand a state on by step(x_k, state) alone",
        blocks=TRAINED,
    ),
    Point(
        name="length",
        promise="runs on sequences of 16 times the length",
        judge=long.length,
        advice="take any number of positions: tables of positions and fixed masks end somewhere",
        blocks=("tracking", "memory"),
    ),
    Point(
        name="finite",
        promise="gives finite outputs and gradients at these lengths",
        judge=long.finite,
        advice="keep the recurrence from growing: bound its eigenvalues by one, sum logarithms in "
        "place of products, divide by what is never zero",
        needs=("shape", "length"),
        blocks=("tracking", "memory"),
    ),
    Point(
        name="rows",
        promise="lets no row of a batch see another, in values and in gradients",
        judge=reach.rows,
        advice="let no operation run over axis 0: no mean, norm or reshape over the batch; torch's "
        "own recurrent layers want batch_first=True",
        needs=("shape", "determinism"),
        blocks=TRAINED,
    ),
    Point(
        name="causality",
        promise="lets no output see a later input, in values and in gradients",
        judge=reach.causality,
        advice="let output k depend on inputs up to k: a causal mask, padding on the left alone, "
        "no mean or norm over time",
        blocks=AHEAD,
    ),
    Point(
        name="training",
        promise="lets no output see a later input in training mode either",
        judge=reach.training,
        advice="replace norms whose statistics run over time while it trains, as BatchNorm's do, "
        "by LayerNorm or RMSNorm; give both modes one map",
        needs=("shape", "causality"),
    ),
    Point(
        name="prefix",
        promise="gives for a beginning what it gives there for the whole",
        judge=reach.prefix,
        advice="let nothing depend on the number of positions: no division by it, no padding that "
        "reaches back",
        needs=("shape", "determinism", "causality"),
        blocks=AHEAD,
    ),
    Point(
        name="step",
        promise="gives by `step` what it gives for the sequence",
        judge=stepping.step,
        advice="step(x_k, state) gives the output at k and the state after it, beginning with "
        "initial_state(batch_size); compare it with forward, position by position",
        needs=("shape", "determinism", "causality"),
        blocks=("theory",),
    ),
    Point(
        name="state",
        promise="has a state of as many bytes after many positions as after one",
        judge=stepping.state,
        advice="keep a state of one size; if it must grow, as a cache of attention does, leave out "
        "`step`: the bench then reads no theory from it",
        needs=("shape", "causality"),
        blocks=("theory",),
    ),
    Point(
        name="gradients",
        promise="has finite gradients that agree with differences of outputs",
        judge=slope.gradients,
        advice="let autograd derive it, or correct the backward of your own Function; a "
        "straight-through estimator says so by `straight_through = True` on its class",
        blocks=TRAINED,
    ),
    Point(
        name="pickling",
        promise="is made from what a worker in another process can be sent",
        judge=carrying.pickling,
        advice="define the class or function at the top of a file, under its own name: no lambda, "
        "nothing inside a function",
    ),
    Point(
        name="saving",
        promise="has all that its outputs depend on in its state dict",
        judge=carrying.saving,
        advice="make every tensor that outputs depend on a Parameter or a persistent buffer: a run "
        "that is resumed has nothing else",
        needs=("shape", "determinism"),
    ),
    Point(
        name="prints",
        promise="prints nothing",
        judge=conduct.prints,
        advice="take the print out: training calls the model some ten thousand times",
        needs=(),
    ),
    Point(
        name="threads",
        promise="leaves no thread and no process behind",
        judge=conduct.threads,
        advice="end what is started before forward returns: runs share this process",
        needs=(),
    ),
    Point(
        name="globals",
        promise="seeds no global generator, and changes no setting of the process",
        judge=conduct.global_state,
        advice="take seeding and settings out of the model: the run decides them, for all models "
        "alike",
    ),
    Point(
        name="speed",
        promise="needs at most an hour for a million tokens of training, a short run",
        judge=conduct.speed,
        advice="take the loop over positions out of Python, or choose --preset smoke and fewer "
        "parts",
    ),
)

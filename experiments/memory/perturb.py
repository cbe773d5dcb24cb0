"""Perturb networks that were trained before: ``python -m experiments.memory.perturb RECORD``.

RECORD is a finished record of `memory.recurrent_models`, which holds its networks: its address
RESULTS/STUDY/HASH, or its hash or the beginning of that. As published, noise goes to all
parameters, in the infinity norm, with 30 draws; options choose another reading. The table is
printed and nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.exit_code import ConfigError
from experiments.memory import networks, recurrent_models
from experiments.memory.networks import RecurrentRun
from experiments.memory.perturbation import Reading, perturbed_errors, released, worst
from experiments.memory.theory import UP_TO
from experiments.memory.trained_curves import Ladder, ladders
from experiments.record import Record, located
from experiments.report.markdown import markdown
from experiments.run import content_hash
from seqtheory.memory_theory import CommonShift, SampledNoise, StableApproximation

STUDY = "memory.recurrent_models"


def main(arguments: Sequence[str] | None = None) -> int:
    """Perturb the networks of a record; return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        record = Record.open(located(asked.record, asked.results))
        run = run_of(record)
        betas = tuple(sorted({0.0, UP_TO, *(asked.betas or run.betas)}))
        report = _report(perturbed(record, run, _reading(asked), betas))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{report}\n")
    return 0


def run_of(record: Record) -> RecurrentRun:
    """Rebuild the run that a record describes.

    Raises
    ------
    ConfigError
        If it is of another study, or was made by a version whose runs had other fields.
    """
    if record.study != STUDY:
        raise ConfigError(f"{record.path} is of {record.study}, expected a record of {STUDY}")
    run = record.run
    if content_hash(run, STUDY, recurrent_models.VERSION) != record.hash:
        raise ConfigError(
            f"{record.path} was made by another version of {STUDY}; run that again, or perturb it "
            "with the version that made it"
        )
    return run


def perturbed(
    record: Record, run: RecurrentRun, reading: Reading, betas: Sequence[float]
) -> Ladder:
    """Perturb the networks of a record in another way than its run did."""
    found = ladders([record])
    if not found:
        raise ConfigError(f"{record.path} is {record.status} and holds no two trained networks")
    test = networks.data(run)[2]
    draws = []
    for width in found[0].curves.widths:
        network = networks.model(run, width)
        networks.fill(network, record.tensors(f"width_{width}"))
        network = network if run.protocol is None else released(network)
        draws.append(perturbed_errors(network, test, reading, betas, run.late_weight))
    errors = np.array([worst(each, reading) for each in draws])
    curves = StableApproximation(found[0].curves.widths, np.array(betas), errors, UP_TO)
    return replace(found[0], reading=str(reading), curves=curves, draws=np.array(draws))


def _report(ladder: Ladder) -> str:
    """E(beta) of every width, with the least and the largest of the draws, and the verdict."""
    widths = list(zip(ladder.curves.errors, ladder.draws, strict=True))
    rows = [
        [f"{beta:g}", *(f"{e[i]:.3g} ({d[i].min():.3g}..{d[i].max():.3g})" for e, d in widths)]
        for i, beta in enumerate(ladder.curves.betas)
    ]
    about = f"{ladder.kernel} memory, {ladder.activation}, {ladder.map}; {ladder.reading}"
    crossings = [f"{a} to {b} from {beta:g}" for (a, b), beta in ladder.crossings.items()]
    outcome = ", ".join([ladder.outcome, *crossings])
    header = ["beta", *(f"width {width}" for width in ladder.curves.widths)]
    return "\n\n".join([about, markdown(header, rows), f"Up to beta {UP_TO:g}: {outcome}."])


def _reading(asked: argparse.Namespace) -> Reading:
    if asked.shift:
        return CommonShift()
    return SampledNoise(
        draws=asked.draws,
        ball=asked.ball,
        parameters=asked.parameters,
        running_maximum=asked.running_maximum,
        seed=asked.seed,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.memory.perturb", description=__doc__
    )
    parser.add_argument("record", help="address of a finished record, or its hash")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="where to look for a hash"
    )
    parser.add_argument("--shift", action="store_true", help="the common shift, and no draws")
    parser.add_argument("--parameters", choices=("all", "recurrent"), default="all")
    parser.add_argument("--ball", choices=("inf", "two"), default="inf", help="norm of the noise")
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="decides the draws")
    parser.add_argument(
        "--running-maximum", action="store_true", help="the maximum over smaller betas, too"
    )
    parser.add_argument("--betas", type=float, nargs="+", help="sizes; else those of the run")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Every size that a task or a function of the core takes, by name, as a call with that size."""

from __future__ import annotations

import dataclasses

import numpy as np
from limited import Case, judge

from seqtheory import (
    automaton,
    diagnostics,
    expressivity,
    group,
    hippo,
    limit_kernel,
    listops,
    memory,
    memory_theory,
    signature,
    state_space,
    structure,
    tasks,
    training,
)
from seqtheory.dataset import Dataset
from seqtheory.reparameterisation import Exp

PATH = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]])
A = np.array([[0.5, 0.1], [-0.1, 0.5]])
B = np.ones(2)
PARITY = automaton.Automaton(((0, 1), (1, 0)))
FAST = memory.Exponential()
MODES = memory_theory.ContinuousSystem(
    memory_theory.Diagonal(np.array([-1.0, -0.1])), np.ones((2, 1)), np.ones((1, 2))
)
STRUCTURES = (
    structure.Dense(),
    structure.Diagonal(),
    structure.BlockDiagonal(block_size=4),
    structure.DiagonalPlusLowRank(rank=2),
    structure.Sparse(density=0.5),
    structure.OneHotDiagonal(),
)

FUNCTIONS: dict[str, Case] = {
    "signature.depth": lambda n: signature.signature(PATH, n),
    "log_signature.depth": lambda n: signature.log_signature(PATH, n),
    "signature.depth of one channel": lambda n: signature.signature(PATH[:, :1], n),
    "log_signature.depth of one channel": lambda n: signature.log_signature(PATH[:, :1], n),
    "words.channels": lambda n: signature.words(n, 2),
    "words.depth": lambda n: signature.words(2, n),
    "words.depth of one channel": lambda n: signature.words(1, n),
    "lyndon_words.channels": lambda n: signature.lyndon_words(n, 2),
    "lyndon_words.depth": lambda n: signature.lyndon_words(2, n),
    "lyndon_words.depth of one channel": lambda n: signature.lyndon_words(1, n),
    "word_index.channels": lambda n: signature.word_index((0, 1), n),
    "chen.channels": lambda n: signature.chen(B, B, n, 1),
    "chen.depth": lambda n: signature.chen(B, B, 1, n),
    "inverse.channels": lambda n: signature.inverse(B, n, 1),
    "inverse.depth": lambda n: signature.inverse(B, 2, n),
    "kernel.dyadic_order": lambda n: signature.kernel(PATH, PATH, n),
    "gram.dyadic_order": lambda n: signature.gram(PATH[None], None, n),
    "legs.size": lambda n: hippo.legs(n),
    "legt.size": lambda n: hippo.legt(n),
    "fourier.size": lambda n: hippo.fourier(n + 1),
    "low_rank.size of legs": lambda n: hippo.legs.low_rank(n),
    "low_rank.size of legt": lambda n: hippo.legt.low_rank(n),
    "low_rank.size of fourier": lambda n: hippo.fourier.low_rank(n + 1),
    "antisymmetric.size of legs": lambda n: hippo.legs.antisymmetric(n),
    "antisymmetric.size of legt": lambda n: hippo.legt.antisymmetric(n),
    "antisymmetric.size of fourier": lambda n: hippo.fourier.antisymmetric(n + 1),
    "functions.size of legs": lambda n: hippo.legs.functions(n, [0.5]),
    "functions.size of fourier": lambda n: hippo.fourier.functions(n, [0.5]),
    "normal_part.size": lambda n: hippo.normal_part(n),
    "diagonal_plus_low_rank.size": lambda n: hippo.diagonal_plus_low_rank(n),
    "reconstruction_error.size": lambda n: hippo.reconstruction_error(n, [0.1], [1.0]),
    "circle.length": lambda n: state_space.circle(n),
    "kernel.length": lambda n: state_space.kernel(A, B, B, n),
    "generating_function.length": lambda n: state_space.generating_function(A, B, B, n, [0.5]),
    "truncated_output.length": lambda n: state_space.truncated_output(A, B, n),
    "dplr_kernel.length": lambda n: state_space.dplr_kernel(
        hippo.diagonal_plus_low_rank(2), B, 0.1, n
    ),
    "dplr_generating_function.length": lambda n: state_space.dplr_generating_function(
        hippo.diagonal_plus_low_rank(2), B, 0.1, n
    ),
    "length_distribution.max_length": lambda n: listops.length_distribution(n),
    "length_distribution.max_depth": lambda n: listops.length_distribution(2, n, 2),
    "length_distribution.max_arguments": lambda n: listops.length_distribution(2, 2, n),
    "Dataset.length": lambda n: Dataset.padded([b"12", b"3"], np.zeros(2), length=n),
    "Dataset.batch_size": lambda n: list(Dataset(PATH, PATH).batches(n, seed=0)),
    "algebra_of.max_order": lambda n: automaton.algebra_of(PARITY, n),
    "Automaton.outputs": lambda n: automaton.Automaton(PARITY.table, (0, n)).read(PARITY.table),
    "Automaton.start": lambda n: automaton.Automaton(PARITY.table, start=n),
    "GroupWords.tokens_per_letter of an algebra": lambda n: (
        tasks.GroupWords("Z2", tokens_per_letter=n).algebra
    ),
    "group.Z": lambda n: group.group(f"Z{n}"),
    "group.S": lambda n: group.group(f"S{n}"),
    "row_batches.batch_size": lambda n: next(training.row_batches(3, n, seed=0)),
    "row_batches.start": lambda n: next(training.row_batches(3, 2, seed=0, start=n)),
    "ExponentialSum.num_terms": lambda n: memory.ExponentialSum(num_terms=n)(1.0),
    "dense_limit.depth": lambda n: limit_kernel.dense_limit(PATH[None], depth=n),
    "diagonal_limit.degree": lambda n: limit_kernel.diagonal_limit(PATH[None], degree=n),
    "fit_exponentials.width": lambda n: memory_theory.fit_exponentials(FAST, n),
    "fit_exponentials.horizon": lambda n: memory_theory.fit_exponentials(FAST, 2, horizon=n),
    "memory_envelope.channels": lambda n: memory_theory.memory_envelope(
        [0.0, 1.0], rate=1.0, channels=n, largest_norm=1.0
    ),
    "memory_function.horizon": lambda n: memory_theory.memory_function(abs, n, channels=1),
    "memory_function.channels": lambda n: memory_theory.memory_function(abs, 2, channels=n),
    "memory_function.directions": lambda n: memory_theory.memory_function(
        abs, 2, channels=1, directions=n
    ),
    "memory_function.letters": lambda n: memory_theory.memory_function(
        lambda words: 1.0 * words[..., None], 2, letters=n
    ),
    "memory_function.horizon of letters": lambda n: memory_theory.memory_function(
        lambda words: 1.0 * words[..., None], n, letters=2
    ),
    "perturbation_error.width": lambda n: memory_theory.perturbation_error(FAST, Exp(), n, [0.0]),
    "stable_approximation.width": lambda n: memory_theory.stable_approximation(
        FAST, Exp(), [n], [0.0, 0.01]
    ),
    "stable_approximation.horizon": lambda n: memory_theory.stable_approximation(
        FAST, Exp(), [2, 3], [0.0, 0.01], horizon=n
    ),
    "perturbation_error.horizon": lambda n: memory_theory.perturbation_error(
        FAST, Exp(), 2, [0.0], slowest=0.1, horizon=n
    ),
    "SampledNoise.draws": lambda n: _perturbed(memory_theory.SampledNoise(draws=n)),
    "WorstVertex.starts": lambda n: _perturbed(memory_theory.WorstVertex(starts=n)),
    "ContinuousSystem.horizon": lambda n: MODES.cell_averages(n, 0.1),
    "DiscreteSystem.horizon": lambda n: MODES.discretise(0.1).memory(n),
    "Transition.steps": lambda n: MODES.transition.power(n, MODES.read_in),
    "asymptotic_rate.block": lambda n: memory_theory.asymptotic_rate(
        np.arange(20.0), np.exp(-np.arange(20.0)), block=n
    ),
    "memory_function.warm_up": lambda n: memory_theory.memory_function(
        abs, 2, channels=1, probe="reversed", warm_up=n
    ),
    "memory_function.rest": lambda n: memory_theory.memory_function(abs, 2, channels=1, rest=n),
    "class_centroids.num_classes": lambda n: diagnostics.class_centroids(
        PATH, np.array([0, 1, 1]), n
    ),
    "fit_probe.num_classes": lambda n: diagnostics.fit_probe(PATH, np.array([0, 1, 1]), n),
    "predict_horizon.num_classes": lambda n: diagnostics.predict_horizon(
        np.tile(PATH, (2, 1, 1)), np.array([[0, 1, 1], [1, 0, 1]]), num_classes=n
    ),
    "Transition.size": lambda n: expressivity.Transition("dense", "signed", size=n),
}
TASKS = (
    tasks.Copying(),
    tasks.CycleNavigation(),
    tasks.DecayingMemory(),
    tasks.EvenPairs(),
    tasks.GroupWords(),
    tasks.ListOps(),
    tasks.ModularArithmetic(),
    tasks.ModularArithmetic(brackets=True),
    tasks.ModularCounting(),
    tasks.MultiQueryRecall(),
    tasks.MultiQueryRecall(3, each_once=True, gap_power=0.01),
    tasks.MultiQueryRecall(3, gap_power=0.01, filler="blank"),
    tasks.Parity(),
    tasks.SelectiveCopying(),
    tasks.SignatureLabels(),
    tasks.SignatureLabels(num_paths=1, length=2, normalise="none"),
)


def of_tasks() -> dict[str, Case]:
    """Each integer field of each task, read or built."""
    found: dict[str, Case] = {}
    for number, task in enumerate(TASKS):
        for field in dataclasses.fields(task):
            if type(getattr(task, field.name)) is int:
                name = f"{type(task).__name__}.{field.name}"
                found[f"{name} of {number}"] = lambda n, t=task, f=field.name: _built(t, {f: n})
    return found


def of_structures() -> dict[str, Case]:
    """The width of each structure, whose matrices are drawn and whose entries are placed."""
    found: dict[str, Case] = {}
    for kind in STRUCTURES:
        name = f"{type(kind).__name__}.width"
        found[f"{name} of a draw"] = lambda n, k=kind: k.draw(n, (1,), seed=0)
    found["WalshHadamard.width"] = lambda n: structure.WalshHadamard().draw(
        2 ** n.bit_length(), (1,), seed=0
    )
    found["Sparse.width"] = lambda n: STRUCTURES[4].columns(n)
    found["BlockDiagonal.block_size"] = lambda n: structure.BlockDiagonal(block_size=n).draw(
        n, (1,), seed=0
    )
    found["DiagonalPlusLowRank.rank"] = lambda n: structure.DiagonalPlusLowRank(rank=n).draw(
        2, (1,), seed=0
    )
    return found


def _perturbed(perturbation: memory_theory.Perturbation) -> None:
    memory_theory.perturbation_error(
        FAST, Exp(), 2, [0.0, 0.1], slowest=0.1, perturbation=perturbation
    )


def _built(task: object, change: dict[str, int]) -> None:
    changed = dataclasses.replace(task, **change)
    for name in ("num_tokens", "num_classes", "vocabulary", "length"):
        getattr(changed, name, None)
    changed.build(seed=0)


if __name__ == "__main__":
    judge(of_tasks() | of_structures() | FUNCTIONS)

"""Three perturbations of size beta: one common shift, the worst one found, and random draws."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqtheory.checks import require_choice, require_flag, require_integer, require_memory
from seqtheory.memory_theory._functional_norms import FunctionalNorm
from seqtheory.reparameterisation import Reparameterisation

if TYPE_CHECKING:
    from jaxtyping import Float

# Widths up to this have few enough vertices (4096) to visit all; and rows taken at once.
_WIDEST, _ROWS = 12, 256


@dataclass(frozen=True, eq=False)
class PerturbedFit:
    """An exponential sum as a function of its weights, and how far it is from its target."""

    parameterisation: Reparameterisation
    weights: Float[np.ndarray, " mode"]
    coefficients: Float[np.ndarray, " mode"]
    times: Float[np.ndarray, " time"]
    target: Float[np.ndarray, " time"]
    norm: FunctionalNorm

    def __repr__(self) -> str:
        """Sizes, and how the weights are meant."""
        return (
            f"PerturbedFit({self.weights.size} modes, {self.times.size} times, "
            f"{self.parameterisation}, norm {self.norm.kind})"
        )

    def error(
        self,
        weights: Float[np.ndarray, "batch mode"],
        coefficients: Float[np.ndarray, "batch mode"] | None = None,
    ) -> Float[np.ndarray, " batch"]:
        """Norm of target minus sum; infinite where a mode grows beyond the largest number."""
        if coefficients is None:
            coefficients = np.broadcast_to(self.coefficients, weights.shape)
        errors = [
            self.norm(self._residual(weights[i : i + _ROWS], coefficients[i : i + _ROWS])[0])
            for i in range(0, len(weights), _ROWS)
        ]
        return np.nan_to_num(np.concatenate(errors), nan=np.inf, posinf=np.inf)

    def gradient(self, weights: Float[np.ndarray, "batch mode"]) -> Float[np.ndarray, "batch mode"]:
        """Gradient of the error with respect to the weights; 0 where it is not finite."""
        coefficients = np.broadcast_to(self.coefficients, weights.shape)
        residual, modes = self._residual(weights, coefficients)
        with np.errstate(over="ignore", invalid="ignore"):
            along = np.einsum("bt,btm->bm", self.norm.slope(residual) * self.times, modes)
            slopes = along * coefficients * self.parameterisation.derivative(weights)
        return np.nan_to_num(slopes, nan=0.0, posinf=0.0, neginf=0.0)

    def _residual(
        self,
        weights: Float[np.ndarray, "batch mode"],
        coefficients: Float[np.ndarray, "batch mode"],
    ) -> tuple[Float[np.ndarray, "batch time"], Float[np.ndarray, "batch time mode"]]:
        with np.errstate(over="ignore", invalid="ignore"):
            exponents = self.parameterisation(weights)[:, None] * self.times[:, None]
            modes = np.exp(exponents)
            return np.einsum("btm,bm->bt", modes, coefficients) - self.target, modes


def require_draws(name: str, count: int, fit: PerturbedFit) -> None:
    """Raise MemoryError if the draws and errors of `count` perturbed sums would not fit."""
    require_memory(8 * count * (6 * fit.weights.size + 2), f"{name}={count:,}")


class Perturbation(ABC):
    """A way to perturb by beta; `errors` gives one error for each beta."""

    @abstractmethod
    def errors(
        self, fit: PerturbedFit, betas: Float[np.ndarray, " beta"]
    ) -> Float[np.ndarray, " beta"]:
        """Error of the perturbed sum."""


@dataclass(frozen=True)
class CommonShift(Perturbation):
    """Every weight moves by beta in the direction that slows its mode: one perturbation."""

    def errors(
        self, fit: PerturbedFit, betas: Float[np.ndarray, " beta"]
    ) -> Float[np.ndarray, " beta"]:
        """One error for each beta."""
        p, w = fit.parameterisation, fit.weights
        up, down = w + betas[:, None], w - betas[:, None]
        return fit.error(np.where(p.distance(up) < p.distance(down), up, down))


@dataclass(frozen=True)
class WorstVertex(Perturbation):
    r"""The worst error found in the box :math:`|\tilde w - w|_\infty \le \beta`.

    Every vertex is tried, and the `starts` worst of them and as many points drawn inside climb by
    projected gradient ascent. A maximum that is local stays possible, so it is a lower bound of
    the supremum. Widths up to 12.
    """

    starts: int = 8
    steps: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        require_integer("starts", self.starts, 1)
        require_integer("steps", self.steps, 0)
        require_integer("seed", self.seed, 0)

    def errors(
        self, fit: PerturbedFit, betas: Float[np.ndarray, " beta"]
    ) -> Float[np.ndarray, " beta"]:
        """One error for each beta."""
        width = fit.weights.size
        if width > _WIDEST:
            raise ValueError(
                f"the worst case visits all 2^{width} vertices, and takes widths up to {_WIDEST}. "
                "Take perturbation='gaussian' for a wider sum."
            )
        require_draws("starts", self.starts, fit)
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=width)))
        inside = np.random.default_rng(self.seed).uniform(-1.0, 1.0, (self.starts, width))
        return np.array([self._worst(fit, float(beta), signs, inside) for beta in betas])

    def _worst(
        self,
        fit: PerturbedFit,
        beta: float,
        signs: Float[np.ndarray, "vertex mode"],
        inside: Float[np.ndarray, "start mode"],
    ) -> float:
        at_vertices = fit.error(fit.weights + beta * signs)
        worst = float(at_vertices.max())
        if beta == 0.0 or np.isinf(worst):
            return worst
        places = np.concatenate([signs[np.argsort(-at_vertices)[: self.starts]], inside])
        errors, reach = fit.error(fit.weights + beta * places), np.ones((len(places), 1))
        for _ in range(self.steps):
            slopes = fit.gradient(fit.weights + beta * places)
            slopes /= np.maximum(np.abs(slopes).max(axis=1, keepdims=True), np.finfo(float).tiny)
            moved = np.clip(places + reach * slopes, -1.0, 1.0)
            found = fit.error(fit.weights + beta * moved)
            better = found > errors
            places[better], errors[better] = moved[better], found[better]
            reach[~better] /= 2.0
        return float(max(worst, errors.max()))


@dataclass(frozen=True)
class SampledNoise(Perturbation):
    """The worst of `draws` normal perturbations, as the published protocol samples it.

    Each tensor, the weights and with ``parameters="all"`` the coefficients too, gets noise of
    norm beta: ``ball="inf"`` as published, ``"two"`` as in the definition. All betas use one set of
    draws. `running_maximum` takes the maximum over smaller betas too, as published,
    which makes the curve rise by construction. Few draws come near the worst case.

    References
    ----------
    arXiv:2305.19190, appendix D; the code published with it draws 30.
    """

    draws: int = 30
    ball: Literal["inf", "two"] = "inf"
    parameters: Literal["recurrent", "all"] = "recurrent"
    running_maximum: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        require_integer("draws", self.draws, 1)
        require_choice("ball", self.ball, ("inf", "two"))
        require_choice("parameters", self.parameters, ("recurrent", "all"))
        require_flag("running_maximum", self.running_maximum)
        require_integer("seed", self.seed, 0)

    def errors(
        self, fit: PerturbedFit, betas: Float[np.ndarray, " beta"]
    ) -> Float[np.ndarray, " beta"]:
        """One error for each beta."""
        require_draws("draws", self.draws, fit)
        rng = np.random.default_rng(self.seed)
        noise = rng.standard_normal((self.draws, 2, fit.weights.size))
        noise /= np.linalg.norm(
            noise, ord=np.inf if self.ball == "inf" else 2, axis=-1, keepdims=True
        )
        if self.parameters == "recurrent":
            noise[:, 1] = 0.0
        worst = [
            fit.error(fit.weights + beta * noise[:, 0], fit.coefficients + beta * noise[:, 1]).max()
            for beta in betas
        ]
        return np.maximum.accumulate(worst) if self.running_maximum else np.array(worst)


def named(perturbation: Perturbation | str) -> Perturbation:
    """Return the perturbation of this name, with its default settings."""
    if isinstance(perturbation, Perturbation):
        return perturbation
    require_choice("perturbation", perturbation, ("shift", "vertices", "gaussian"))
    names = {"shift": CommonShift(), "vertices": WorstVertex(), "gaussian": SampledNoise()}
    return names[perturbation]

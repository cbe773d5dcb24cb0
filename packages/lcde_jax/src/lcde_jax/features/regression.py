"""Linear least squares on random features, in one pass over the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.linalg import get_lapack_funcs, svd

from seqtheory._array import as_array
from seqtheory.checks import require_memory

if TYPE_CHECKING:
    from jaxtyping import Float

BLOCK_ROWS = 4096
PANEL_COLUMNS = 64


@dataclass(frozen=True)
class Readout:
    r"""Affine map from features to targets, :math:`y = F \beta + b`.

    Attributes
    ----------
    coefficients
        `(num_features,)` for vector targets, else `(num_features, num_targets)`.
    intercept
        `()` or `(num_targets,)`.
    rank
        Number of singular values of the centred features that were kept.
    condition
        Largest divided by smallest singular value of the centred features, kept or not.
    """

    coefficients: Float[np.ndarray, "feature ..."]
    intercept: Float[np.ndarray, "*target"]
    rank: int
    condition: float

    def predict(self, features: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row ..."]:
        """Predict targets from rows of features, in float64."""
        features = as_array(features)
        count = self.coefficients.shape[0]
        if features.ndim != 2 or features.shape[1] != count:
            raise ValueError(
                f"got features of shape {features.shape}, expected (rows, {count}), the number "
                "of features that the readout was fitted to."
            )
        return features.astype(np.float64, copy=False) @ self.coefficients + self.intercept


class LeastSquares:
    r"""Least squares with intercept, accumulated block by block.

    .. math:: \min_{\beta, b} \sum_k |y_k - f_k \beta - b|^2 + \lambda |\beta|^2

    Parameters
    ----------
    num_features, num_targets
        Columns of the two matrices that `update` receives.

    Notes
    -----
    Keeps the triangular factor R of the QR factorisation of `[1, F, Y]` and nothing else, so the
    memory does not grow with the number of rows, and the squared condition number of the normal
    equations never appears. The column of ones comes first: the rest of R is then the factor of
    the *centred* features. All arithmetic is in float64; other real types are converted.

    The factor depends on how the rows are cut into `update` calls, in the last bits only. A run
    restored by `from_state` that goes on with the same calls ends with the same bytes.
    """

    def __init__(self, num_features: int, num_targets: int = 1):
        if num_features < 1 or num_targets < 1:
            raise ValueError(
                f"got num_features={num_features}, num_targets={num_targets}, "
                "expected at least 1 of each."
            )
        self.num_features, self.num_targets = num_features, num_targets
        self.num_rows = 0
        self._vector: bool | None = None  # whether targets come as (rows,)
        size = 1 + num_features + num_targets
        what = f"least squares of num_features={num_features:,} and num_targets={num_targets:,}"
        require_memory(8 * size**2, what)
        self._factor = np.zeros((size, size), order="F")
        self._scratch = np.empty(0)

    def update(
        self, features: Float[np.ndarray, "row feature"], targets: Float[np.ndarray, "row ..."]
    ) -> None:
        """Add rows.

        Raises
        ------
        ValueError
            On a shape that does not fit, or a value that is not finite (the row is named).
            Nothing is added then.
        """
        features, targets = as_array(features), as_array(targets)
        self._check_shapes(features, targets)
        columns = targets.reshape(len(targets), self.num_targets)
        _check_finite(features, "features", self.num_rows)
        _check_finite(columns, "targets", self.num_rows)
        for start in range(0, len(features), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            self._absorb(features[rows], columns[rows])
        self._vector = targets.ndim == 1
        self.num_rows += len(features)

    def solve(self, ridge: float = 0.0) -> Readout:
        """Fit the rows so far.

        Parameters
        ----------
        ridge
            Penalty on the squared coefficients, at least 0, in the unit of a sum over rows
            (scikit-learn's `Ridge(alpha)`). The intercept is not penalised.

        Returns
        -------
        The minimum-norm solution. Singular values below `eps max(rows, num_features)` times the
        norm of the features (before centring, since that is what rounding is relative to) are
        treated as zero.
        """
        if self.num_rows == 0:
            raise ValueError("no rows to fit: call update(features, targets) first.")
        if not (np.isfinite(ridge) and ridge >= 0):
            raise ValueError(f"got ridge={ridge}, expected a finite number of at least 0.")
        feature = slice(1, 1 + self.num_features)
        target = slice(1 + self.num_features, None)
        centred = self._factor[feature, feature]
        left, singular, right = svd(centred, check_finite=False)
        scale = np.linalg.norm(self._factor[: 1 + self.num_features, feature], 2)
        floor = np.finfo(np.float64).eps * max(self.num_rows, self.num_features) * scale
        rank = int(np.count_nonzero(singular > floor))
        projected = left[:, :rank].T @ self._factor[feature, target]
        kept = singular[:rank, None]
        coefficients = right[:rank].T @ (projected * kept / (kept**2 + ridge))
        means = self._factor[0, 1:] / self._factor[0, 0]
        intercept = means[self.num_features :] - means[: self.num_features] @ coefficients
        if self._vector:
            coefficients, intercept = coefficients[:, 0], intercept[0]
        smallest = singular[-1]
        condition = float(singular[0] / smallest) if smallest > 0 else float("inf")
        return Readout(coefficients, np.asarray(intercept), rank, condition)

    def state(self) -> dict[str, np.ndarray]:
        """State of the accumulator as arrays, for `from_state`."""
        vector = -1 if self._vector is None else int(self._vector)
        return {
            "factor": self._factor.copy(),
            "counts": np.array([self.num_rows, self.num_features, self.num_targets, vector]),
        }

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Restore an accumulator from what `state` returned."""
        missing = {"factor", "counts"} - set(state)
        if missing:
            raise ValueError(f"got a state without {sorted(missing)}, expected that of state().")
        rows, num_features, num_targets, vector = (int(count) for count in state["counts"])
        restored = cls(num_features, num_targets)
        if state["factor"].shape != restored._factor.shape:
            raise ValueError(
                f"got a factor of shape {state['factor'].shape}, expected "
                f"{restored._factor.shape} for {num_features} features, {num_targets} targets."
            )
        restored._factor = np.array(state["factor"], np.float64, order="F")
        restored.num_rows, restored._vector = rows, None if vector < 0 else bool(vector)
        return restored

    def _absorb(self, features: np.ndarray, columns: np.ndarray) -> None:
        size = len(self._factor)
        needed = (size + len(features)) * size
        if self._scratch.size < needed:  # kept, since fresh pages for every block cost time
            self._scratch = np.empty(needed)
        stacked = self._scratch[:needed].reshape(-1, size, order="F")
        stacked[:size] = self._factor
        stacked[size:, 0] = 1.0
        stacked[size:, 1 : 1 + self.num_features] = features
        stacked[size:, 1 + self.num_features :] = columns
        # geqrt factors its panels by recursion, geqrf by long runs of matrix-vector products, at
        # each of which BLAS threads wait for each other: costly where a core is shared.
        (geqrt,) = get_lapack_funcs(("geqrt",), (stacked,))
        factored, _, info = geqrt(min(PANEL_COLUMNS, size), stacked, overwrite_a=True)
        assert info == 0, f"geqrt refused argument {-info}"
        self._factor = np.asfortranarray(np.triu(factored[:size]))

    def _check_shapes(self, features: np.ndarray, targets: np.ndarray) -> None:
        if features.ndim != 2 or features.shape[1] != self.num_features:
            raise ValueError(
                f"got features of shape {features.shape}, expected (rows, {self.num_features})."
            )
        rows = len(features)
        expected = {(rows, self.num_targets)} | ({(rows,)} if self.num_targets == 1 else set())
        if targets.shape not in expected:
            wanted = " or ".join(str(shape) for shape in sorted(expected, key=len))
            raise ValueError(f"got targets of shape {targets.shape}, expected {wanted}.")
        if self._vector not in (None, targets.ndim == 1):
            raise ValueError(
                f"got targets with {targets.ndim} axes after earlier rows with "
                f"{1 if self._vector else 2}: give all rows the same number of axes."
            )


def fit_readout(
    features: Float[np.ndarray, "row feature"],
    targets: Float[np.ndarray, "row ..."],
    ridge: float = 0.0,
) -> Readout:
    """Least-squares readout with intercept, in float64.

    Parameters
    ----------
    features, targets
        One row per example; targets `(rows,)` or `(rows, num_targets)`.
    ridge
        Penalty on the squared coefficients; see `LeastSquares.solve`.

    Returns
    -------
    The readout; its predictions equal those of scikit-learn's `LinearRegression` to 1e-8 while
    the condition number is below 1e6.

    Raises
    ------
    ValueError
        On shapes that do not fit, no rows, or a value that is not finite.

    Notes
    -----
    Costs about `2 rows (features + targets)^2` operations. For rows that come in blocks, or do
    not fit memory, use `LeastSquares`.
    """
    features, targets = as_array(features), as_array(targets)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(
            f"got features of shape {features.shape}, expected (rows, features), both positive."
        )
    if targets.ndim not in (1, 2) or 0 in targets.shape:
        raise ValueError(
            f"got targets of shape {targets.shape}, expected (rows,) or (rows, targets)."
        )
    accumulator = LeastSquares(features.shape[1], 1 if targets.ndim == 1 else targets.shape[1])
    accumulator.update(features, targets)
    return accumulator.solve(ridge)


def _check_finite(values: np.ndarray, name: str, rows_before: int) -> None:
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise TypeError(f"got {name} of type {values.dtype}, expected real numbers.")
    if np.isfinite(values).all():
        return
    row, column = np.argwhere(~np.isfinite(values))[0]
    raise ValueError(
        f"got {name}[{rows_before + row}, {column}] = {values[row, column]} (rows counted from "
        "the first update), expected finite numbers. Did the path or the solver overflow?"
    )

"""Random features of series as a scikit-learn transformer."""
# pyright: basic
# scikit-learn has no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from seqtheory._array import as_array
from seqtheory.checks import require_flag, require_integer, require_positive
from seqtheory.estimators._series import (
    Series,
    driving_path,
    is_table,
    series_of_list,
    series_of_table,
)
from seqtheory.estimators._states import draw_equation, terminal_states

if TYPE_CHECKING:
    from jaxtyping import Float


class RandomCDEFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Terminal states of a random linear controlled differential equation, driven by each series.

    .. math:: dy = \sum_i A_i\, y\, dw^i + B\, dw, \qquad y_0 = C w_0 + d, \qquad w = (t, x).

    The path w joins the observations :math:`(t_k, x_k)` by straight lines; the features are
    :math:`y` at the last of them. Entries of A are N(0, 1 / block_size), those of B, C and d
    N(0, 1); all stand still after the draw. A linear readout of the features is a linear readout
    of all iterated integrals of w, weighted at random.

    **Series.** X is one of

    - a table `(series, time)`: one channel, observed at the times 0, 1, 2, and so on;
    - an array `(series, time, channel)`;
    - a list of arrays `(time, channel)`, or `(time,)`, of any lengths.

    With `timed=True` column 0 of each series holds its times, strictly increasing; else they are
    0, 1, 2, and so on.

    **Gaps.** NaN says that a channel was not observed. Its values lie on the straight line between
    the observations before and after, and are constant before its first and after its last; a
    channel that a series never observes is at its mean. A row without any value is no observation:
    it is left out with its time, so that a series ends with its last value, and shorter ones may be
    padded with NaN.

    **Units.** `fit` measures the mean and the deviation of each channel over all observations, the
    mean first time and the mean duration. The path is :math:`x = s (v - \text{mean}) /
    \text{deviation}`, with s such that the paths of x are `length` long on average, and
    :math:`t = (\text{time} - \text{first}) / u`, with u such that they last `duration` on average.

    Parameters
    ----------
    width
        Number of features.
    block_size
        Rows of the blocks on the diagonals of A, a divisor of `width`; None for one block, which is
        dense. Cost grows as width * block_size. Blocks of b rows tell apart words of fewer than 2 b
        letters; 1 commutes, and sees only where the path starts and ends, and time-weighted means.
    length
        Mean length of the paths of x: the larger, the more the features see of high iterated
        integrals, and of noise. They grow exponentially with the length of a path, so that from
        about 4 on a few long paths can outweigh all others.
    duration
        Mean duration of the series in the units of the equation: the larger, the finer the features
        tell times apart.
    timed
        Whether column 0 of each series holds the times.
    random_state
        Seed of the draw, or what else `sklearn.utils.check_random_state` takes.

    Attributes
    ----------
    equation_
        Drawn parameters.
    mean_, deviation_
        Of each channel.
    n_features_in_
        Columns of a table, else of each series (with that of the times).

    References
    ----------
    N. Muca Cirone et al., arXiv 2402.19047, Theorem 4.2; P. Kidger et al., arXiv 2005.08926, for
    time as a channel and interpolated gaps; C. Cuchiero et al., arXiv 2010.14615, for readouts of
    random linear systems.

    Examples
    --------
    >>> series = [np.array([[0.0, 1.0], [0.5, np.nan]]), np.ones((7, 2))]
    >>> RandomCDEFeatures(width=16, block_size=4).fit_transform(series).shape
    (2, 16)
    """

    def __init__(
        self,
        width: int = 256,
        *,
        block_size: int | None = 8,
        length: float = 2.0,
        duration: float = 4.0,
        timed: bool = False,
        random_state: Any = 0,
    ):
        self.width = width
        self.block_size = block_size
        self.length = length
        self.duration = duration
        self.timed = timed
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Measure the units of the series and draw the equation; y is not looked at."""
        block_size = self._checked_block_size()
        series = self._series(X, reset=True)
        values = np.concatenate([one.values for one in series])
        self.mean_, self.deviation_ = _mean_and_deviation(values)
        self.first_time_ = float(np.mean([one.times[0] for one in series]))
        lasting = float(np.mean([one.times[-1] - one.times[0] for one in series]))
        self.unit_of_time_ = (lasting or 1.0) / self.duration
        self.scale_ = self.length / _mean_length([self._values(one) for one in series])
        random = check_random_state(self.random_state)
        self.equation_ = draw_equation(self.width, block_size, 1 + values.shape[1], random)
        self._n_features_out = self.width
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "series width"]:
        """Solve the equation along each series, in float64."""
        check_is_fitted(self)
        return terminal_states(
            self.equation_, [self._path(one) for one in self._series(X, reset=False)]
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    def _checked_block_size(self) -> int:
        require_integer("width", self.width, minimum=1)
        require_positive("length", self.length)
        require_positive("duration", self.duration)
        require_flag("timed", self.timed)
        if self.block_size is None:
            return self.width
        require_integer("block_size", self.block_size, minimum=1)
        if self.width % self.block_size:
            raise ValueError(
                f"width={self.width} cannot be cut into blocks of {self.block_size}; choose a "
                "multiple."
            )
        return self.block_size

    def _series(self, X: Any, *, reset: bool) -> list[Series]:
        if is_table(X):
            return self._rows_of_table(X, reset)
        series = series_of_list(X, self.timed)
        columns = series[0].values.shape[1] + self.timed
        if reset:
            self.n_features_in_ = columns
            vars(self).pop("feature_names_in_", None)
        elif columns != self.n_features_in_:
            raise ValueError(
                f"X has series of {columns} columns, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return series

    def _rows_of_table(self, X: Any, reset: bool) -> list[Series]:
        _refuse_masks(X)
        checked = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        table = np.asarray(checked)
        if self.timed:
            raise ValueError(
                f"got a table of shape {table.shape} with timed=True: a row of a table is one "
                "channel without times. Give arrays (time, column), or one (series, time, column)."
            )
        return series_of_table(table)

    def _values(self, series: Series) -> Float[np.ndarray, "time channel"]:
        return driving_path(series, self.mean_, self.deviation_)

    def _path(self, series: Series) -> Float[np.ndarray, "time path_channel"]:
        times = (series.times - self.first_time_) / self.unit_of_time_
        return np.column_stack([times, self.scale_ * self._values(series)])


def _mean_and_deviation(
    values: Float[np.ndarray, "row channel"],
) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
    """Of the values that are there; 0 and 1 for a channel without any, 1 where all are equal."""
    seen = ~np.isnan(values)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, values, 0.0).sum(axis=0) / count
    square = np.where(seen, values - mean, 0.0) ** 2
    deviation = np.sqrt(square.sum(axis=0) / count)
    return mean, np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)


def _mean_length(paths: list[Float[np.ndarray, "time channel"]]) -> float:
    """Mean of the lengths; 1 if no path moves."""
    lengths = [np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in paths]
    return float(np.mean(lengths)) or 1.0


def _refuse_masks(X: Any) -> None:
    """Refuse masked arrays and lists of them, whose masks would be lost."""
    if isinstance(X, np.ma.MaskedArray | list | tuple):
        as_array(X)

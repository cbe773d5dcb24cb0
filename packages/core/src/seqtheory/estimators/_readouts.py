"""Classifier and regressor of series: a linear readout of random features."""
# pyright: basic
# scikit-learn has no types.

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from seqtheory.checks import require_positive
from seqtheory.estimators._features import RandomCDEFeatures


class _Readout(BaseEstimator):
    """Features, standardised, then a linear model of them."""

    readout_: Pipeline

    def __init__(
        self,
        width: int = 256,
        *,
        block_size: int | None = 8,
        length: float = 2.0,
        duration: float = 4.0,
        timed: bool = False,
        alpha: float = 1.0,
        random_state: Any = 0,
    ):
        self.width = width
        self.block_size = block_size
        self.length = length
        self.duration = duration
        self.timed = timed
        self.alpha = alpha
        self.random_state = random_state

    def _fit(self, X: Any, y: Any, model: BaseEstimator) -> Pipeline:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        check_consistent_length(X, y)
        self.features_ = RandomCDEFeatures(
            self.width,
            block_size=self.block_size,
            length=self.length,
            duration=self.duration,
            timed=self.timed,
            random_state=self.random_state,
        )
        features = self.features_.fit_transform(X)
        self.n_features_in_ = self.features_.n_features_in_
        if (names := getattr(self.features_, "feature_names_in_", None)) is not None:
            self.feature_names_in_ = names
        return make_pipeline(StandardScaler(), model).fit(features, y)

    def _read(self, X: Any, method: str) -> np.ndarray:
        check_is_fitted(self)
        return getattr(self.readout_, method)(self.features_.transform(X))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


class RandomCDEClassifier(ClassifierMixin, _Readout):
    r"""Classify series by logistic regression on `RandomCDEFeatures`.

    Parameters
    ----------
    width, block_size, length, duration, timed, random_state
        Of the features; what a series, a time and a gap are is said there.
    alpha
        Penalty :math:`\tfrac{1}{2} \alpha |\beta|^2` on the coefficients of standardised features,
        in the unit of a sum over series (1 / C of scikit-learn's `LogisticRegression`).

    Attributes
    ----------
    features_
        The fitted `RandomCDEFeatures`.
    readout_
        Scaler and logistic regression, a pipeline.
    classes_
        Labels, sorted.

    Examples
    --------
    Which of two bumps came first?

    >>> bump = np.hanning(9)
    >>> left = [np.stack([bump, np.roll(bump, shift)], axis=1) for shift in (1, 2, 3)]
    >>> right = [series[:, ::-1] for series in left]
    >>> model = RandomCDEClassifier().fit(left + right, ["left"] * 3 + ["right"] * 3)
    >>> [str(label) for label in model.predict([left[1][:8], right[1][:8]])]
    ['left', 'right']
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Draw and compute the features, then fit the readout to labels `(series,)`."""
        if y is not None:
            assert_all_finite(np.asarray(y), input_name="y")
            check_classification_targets(y)
        require_positive("alpha", self.alpha)
        model = LogisticRegression(C=1 / self.alpha, max_iter=1000)
        self.readout_ = self._fit(X, y, model)
        self.classes_ = self.readout_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Most likely label of each series."""
        return self._read(X, "predict")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `(series, class)`, in the order of `classes_`."""
        return self._read(X, "predict_proba")

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`."""
        return self._read(X, "predict_log_proba")

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits `(series, class)`; of two classes `(series,)`, that of the second."""
        return self._read(X, "decision_function")


class RandomCDERegressor(RegressorMixin, _Readout):
    r"""Predict numbers from series by ridge regression on `RandomCDEFeatures`.

    Parameters
    ----------
    width, block_size, length, duration, timed, random_state
        Of the features; what a series, a time and a gap are is said there.
    alpha
        Penalty :math:`\alpha |\beta|^2` on the coefficients of standardised features, in the unit
        of a sum over series, as in scikit-learn's `Ridge`.

    Attributes
    ----------
    features_
        The fitted `RandomCDEFeatures`.
    readout_
        Scaler and ridge regression, a pipeline.

    Examples
    --------
    >>> angle = np.linspace(0, 6, 40)
    >>> series = [np.sin(rate * angle[:stop]) for rate in (1, 1.5, 2, 2.5) for stop in (30, 40)]
    >>> RandomCDERegressor().fit(series, np.repeat([1, 1.5, 2, 2.5], 2)).predict(series).shape
    (8,)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Draw and compute the features, then fit targets `(series,)` or `(series, target)`."""
        require_positive("alpha", self.alpha)
        self.readout_ = self._fit(X, y, Ridge(self.alpha))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predicted numbers, one row per series."""
        return self._read(X, "predict")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

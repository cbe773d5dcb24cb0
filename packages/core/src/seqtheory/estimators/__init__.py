"""Estimators for scikit-learn: series that are irregular, of unequal lengths and with gaps.

Random linear controlled differential equations turn each series into a vector (`RandomCDEFeatures`);
logistic or ridge regression reads it (`RandomCDEClassifier`, `RandomCDERegressor`). They stand in
pipelines, cross-validation and searches like any estimator. scikit-learn comes with the extra
`sklearn`; the rest of this package does without.
"""

try:
    import sklearn as _
except ImportError as error:
    raise ImportError(
        "seqtheory.estimators needs scikit-learn, which is not installed: "
        'pip install "seqtheory[sklearn]".'
    ) from error

from seqtheory.estimators._features import RandomCDEFeatures
from seqtheory.estimators._readouts import RandomCDEClassifier, RandomCDERegressor

__all__ = ["RandomCDEClassifier", "RandomCDEFeatures", "RandomCDERegressor"]

"""Estimators for scikit-learn: series that are irregular, of unequal lengths and with gaps.

Random linear controlled differential equations turn each series into a vector
(`RandomCDEFeatures`); logistic or ridge regression reads it (`RandomCDEClassifier`,
`RandomCDERegressor`). They stand in pipelines, cross-validation and searches like any estimator.
scikit-learn comes with the extra `sklearn`; the rest of this package does without.
"""

try:
    from seqtheory.estimators._features import RandomCDEFeatures
    from seqtheory.estimators._readouts import RandomCDEClassifier, RandomCDERegressor
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "sklearn":
        raise
    raise ImportError(
        "seqtheory.estimators needs scikit-learn, which is not installed: "
        'pip install "seqtheory[sklearn]".'
    ) from error

__all__ = ["RandomCDEClassifier", "RandomCDEFeatures", "RandomCDERegressor"]

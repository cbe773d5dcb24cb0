"""What was published for Figure 1 of arXiv 2402.19047: validation RMSE over five runs.

Read from the stored results of the authors' repository (Benjamin-Walker/
selective-ssms-and-linear-cdes, folder results/outputs_toy). Labels are scaled to a largest
magnitude of one, so compare ratios: the largest label depends on the sample that was drawn.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Validation RMSE of random linear CDEs of width 256, and the error of predicting zero."""

    low: float
    mean: float
    high: float
    predict_zero: float

    @property
    def ratio(self) -> float:
        """Mean RMSE over the error of predicting zero."""
        return self.mean / self.predict_zero


# By number of channels. The error of predicting zero was not stored; the linear S4 runs, which
# cannot fit the label, end at it.
LINEAR_CDE = {
    2: Published(low=1.71e-4, mean=2.08e-4, high=2.24e-4, predict_zero=0.11195),
    3: Published(low=6.38e-3, mean=6.86e-3, high=7.34e-3, predict_zero=0.05850),
}

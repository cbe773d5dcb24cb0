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

# Trained models by (channels, model, depth, nonlinear): final validation RMSE, the middle of the
# published range where one is stated.
TRAINED: dict[tuple[int, str, int, bool], float] = {
    (2, "s4", 1, False): 0.11195,
    (2, "s4", 2, False): 0.11195,
    (2, "s4", 2, True): 0.0145,
    (2, "s5", 1, False): 0.112,
    (2, "s5", 2, False): 0.112,
    (2, "s5", 2, True): 0.00115,
    (2, "mamba", 1, False): 0.0215,
    (2, "mamba", 2, False): 0.0015,
    (2, "mamba", 2, True): 0.0018,
    (3, "s4", 1, False): 0.0585,
    (3, "s4", 2, False): 0.0585,
    (3, "s4", 2, True): 0.0195,
    (3, "s5", 2, True): 0.0067,
    (3, "mamba", 1, False): 0.0375,
    (3, "mamba", 2, False): 0.00425,
}

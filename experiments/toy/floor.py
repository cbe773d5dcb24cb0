r"""The least error of one layer of the bare S6 that is fed increments alone.

At position T such a layer, with a fixed C, gives a sum over j of functions of the increment
:math:`d_j` and, through the product of the factors :math:`f(d_l)` of its states, of the later
increments up to T, in which it is symmetric. For Gaussian increments no such function sees

.. math:: e = \frac12 \sum_{i<j<k} d^1_i \, (d^2_j d^3_k - d^2_k d^3_j):

it changes sign if j and k trade places, and has mean zero given all increments but an earlier one.
It is a part of :math:`S^{123}`, half of the :math:`\binom m3` terms of three different steps of m,
and no layer comes nearer than its size. The mean over positions sums such functions. If C follows
the input, the last increment is told apart and m - 1 steps remain; in the mean every increment is,
and there is no floor.
"""

from __future__ import annotations

from math import comb

from experiments.toy.fed import label_variance


def one_layer_floor(
    length: int, *, channels: int, fed: str, readout: str, input_dependent_C: bool
) -> float | None:
    """Least error of one layer over that of predicting zero; None where theory has none.

    Examples
    --------
    >>> cell = {"fed": "increments", "readout": "last", "input_dependent_C": False}
    >>> [round(one_layer_floor(n, channels=3, **cell), 3) for n in (20, 100, 10_000)]
    [0.678, 0.702, 0.707]
    """
    if channels != 3 or fed != "increments" or (input_dependent_C and readout == "mean"):
        return None
    steps = length - 1
    unseen = comb(steps - 1 if input_dependent_C else steps, 3) / 2
    return (unseen / label_variance(3, steps)) ** 0.5

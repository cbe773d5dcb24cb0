"""What a layer's recurrence is, seen by derivatives.

``_flat_step``
    the step of any module as a function of one flat vector
``_apart``
    numbers beside the recurrence: angles, and logarithms of a scale
``_recurrence``
    the class of its transitions, from Jacobians of the step
``_outputs``
    what a layer without a step keeps, from derivatives of its outputs
"""

from ._recurrence import probe_recurrence

__all__ = ["probe_recurrence"]

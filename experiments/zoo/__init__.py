"""The zoo: every model of the laboratory as its authors mean it.

It needs no framework. The documentation shows it as a table, the site as a page for each model.
"""

from experiments.zoo.model import ON_THE_BENCH, TASKS, Model
from experiments.zoo.models import MODELS

__all__ = ["MODELS", "ON_THE_BENCH", "TASKS", "Model"]

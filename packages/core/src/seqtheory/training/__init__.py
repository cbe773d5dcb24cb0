"""Settings, data and reports of a training, shared by both frameworks."""

from seqtheory.training._data import FitData
from seqtheory.training._history import Evaluated, Event, History, Snapshot, Stepped
from seqtheory.training._order import row_batches
from seqtheory.training._progress import Progress
from seqtheory.training._scores import ClassificationScores, RegressionScores
from seqtheory.training._training import Training

__all__ = [
    "ClassificationScores",
    "Evaluated",
    "Event",
    "FitData",
    "History",
    "Progress",
    "RegressionScores",
    "Snapshot",
    "Stepped",
    "Training",
    "row_batches",
]

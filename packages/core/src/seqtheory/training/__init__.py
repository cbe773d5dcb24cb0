"""Settings, data and reports of a training, shared by both frameworks."""

from seqtheory.training._curriculum import Course, Curriculum
from seqtheory.training._data import FitData
from seqtheory.training._history import Evaluated, Event, History, Snapshot, Stepped
from seqtheory.training._order import row_batches
from seqtheory.training._progress import Progress
from seqtheory.training._scores import ClassificationScores, RegressionScores
from seqtheory.training._stream import DrawnTask, Stream, TaskStream
from seqtheory.training._training import Training

__all__ = [
    "ClassificationScores",
    "Course",
    "Curriculum",
    "DrawnTask",
    "Evaluated",
    "Event",
    "FitData",
    "History",
    "Progress",
    "RegressionScores",
    "Snapshot",
    "Stepped",
    "Stream",
    "TaskStream",
    "Training",
    "row_batches",
]

"""The three tasks and how each is loaded: ListOps, film reviews byte by byte, grey images.

`DRAWN_REVIEWS` and `DRAWN_IMAGES` stand in for reviews and images where their files are absent:
made-up data that every record and table calls drawn. Nothing takes their place unasked.

`SHORT_LIST_OPS`, `SHORT_REVIEWS` and `SMALL_IMAGES` are what two cores can train on, and every
record names them as what they are. `LIST_OPS`, `REVIEWS` and `IMAGES` are the tasks of the Long
Range Arena (Y. Tay et al., arXiv:2011.04006), at the lengths of S4's published code.
"""

from __future__ import annotations

from experiments.data import (
    CIFAR10,
    IMDB,
    MNIST,
    DataError,
    DrawnImages,
    DrawnReviews,
    FashionMNIST,
    GeneratedListOps,
    ListOpsFiles,
    Splits,
)
from experiments.data.folder import located
from seqtheory.tasks import ListOps

Task = (
    GeneratedListOps
    | ListOpsFiles
    | IMDB
    | CIFAR10
    | FashionMNIST
    | MNIST
    | DrawnReviews
    | DrawnImages
)
Tokens = (GeneratedListOps, ListOpsFiles, IMDB, DrawnReviews)

LIST_OPS = ListOpsFiles()
REVIEWS = IMDB(max_bytes=2048)
IMAGES = CIFAR10(grey=True)

SHORT_LIST_OPS = GeneratedListOps(
    task=ListOps(min_length=10, max_length=64, num_examples=25_000), parts=(0.8, 0.1, 0.1)
)
SHORT_REVIEWS = IMDB(max_bytes=512)
SMALL_IMAGES = CIFAR10(grey=True, downsampled=True)

# As many rows as the subsets of IMDB and CIFAR-10, to within what makes batches of 32 whole.
DRAWN_REVIEWS = DrawnReviews(max_bytes=512, num_examples=5_000, parts=(0.704, 0.096, 0.2))
DRAWN_IMAGES = DrawnImages(downsampled=True, num_examples=5_000, parts=(0.704, 0.096, 0.2))


def load(task: Task, seed: int) -> Splits:
    """Draw the data, read them from the data folder, or fetch them where they are not there.

    Parameters
    ----------
    task
        What to load.
    seed
        Decides what is drawn, and which rows validate.

    Raises
    ------
    experiments.exit_code.DataError
        If files are damaged, or neither there nor to be fetched.
    """
    if isinstance(task, GeneratedListOps | ListOpsFiles | DrawnReviews | DrawnImages):
        return task.load(seed=seed)
    try:
        located(task.published, None)
    except DataError:
        return task.load("download", seed=seed)
    return task.load(seed=seed)


def num_classes(task: Task) -> int:
    """Count the classes: two sentiments, ten values or objects."""
    return 2 if isinstance(task, IMDB | DrawnReviews) else 10


def short_name(task: str) -> str:
    """Name of a task in tables and figures, from the name of its class."""
    return _SHORT_NAMES.get(task, task)


_SHORT_NAMES = {
    "GeneratedListOps": "ListOps",
    "ListOpsFiles": "ListOps",
    "CIFAR10": "CIFAR-10",
    "DrawnReviews": "drawn reviews",
    "DrawnImages": "drawn shapes",
}

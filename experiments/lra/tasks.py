"""The three tasks and how each is loaded: ListOps, film reviews byte by byte, grey images.

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
    FashionMNIST,
    GeneratedListOps,
    ListOpsFiles,
    Splits,
)
from experiments.data.folder import located
from seqtheory.tasks import ListOps

Task = GeneratedListOps | ListOpsFiles | IMDB | CIFAR10 | FashionMNIST | MNIST
Tokens = (GeneratedListOps, ListOpsFiles, IMDB)

LIST_OPS = ListOpsFiles()
REVIEWS = IMDB(max_bytes=2048)
IMAGES = CIFAR10(grey=True)

SHORT_LIST_OPS = GeneratedListOps(
    task=ListOps(min_length=10, max_length=64, num_examples=25_000), parts=(0.8, 0.1, 0.1)
)
SHORT_REVIEWS = IMDB(max_bytes=512)
SMALL_IMAGES = CIFAR10(grey=True, downsampled=True)


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
    if isinstance(task, GeneratedListOps | ListOpsFiles):
        return task.load(seed=seed)
    try:
        located(task.published, None)
    except DataError:
        return task.load("download", seed=seed)
    return task.load(seed=seed)


def num_classes(task: Task) -> int:
    """Count the classes: two sentiments, ten values or objects."""
    return 2 if isinstance(task, IMDB) else 10


def short_name(task: str) -> str:
    """Name of a task in tables and figures, from the name of its class."""
    return {"GeneratedListOps": "ListOps", "ListOpsFiles": "ListOps", "CIFAR10": "CIFAR-10"}.get(
        task, task
    )

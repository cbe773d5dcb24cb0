"""Real data sets, downloaded with a checksum or read from a local path; and random functionals."""

from experiments.data.download import DownloadError, download
from experiments.data.drawn_images import DrawnImages
from experiments.data.drawn_reviews import DrawnReviews
from experiments.data.folder import data_folder
from experiments.data.images import CIFAR10, MNIST, FashionMNIST
from experiments.data.imdb import IMDB
from experiments.data.list_ops import GeneratedListOps, ListOpsFiles
from experiments.data.pixels import BitReversed, Permuted, Raster
from experiments.data.splits import Provenance, Splits
from experiments.exit_code import DataError

__all__ = [
    "CIFAR10",
    "IMDB",
    "MNIST",
    "BitReversed",
    "DataError",
    "DownloadError",
    "DrawnImages",
    "DrawnReviews",
    "FashionMNIST",
    "GeneratedListOps",
    "ListOpsFiles",
    "Permuted",
    "Provenance",
    "Raster",
    "Splits",
    "data_folder",
    "download",
]

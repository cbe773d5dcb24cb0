"""The published image data sets: what their files are called, hold and hash to.

MNIST: Y. LeCun, C. Cortes and C. Burges, http://yann.lecun.com/exdb/mnist. Fashion-MNIST: H. Xiao,
K. Rasul and R. Vollgraf, arXiv:1708.07747, MIT licence. CIFAR-10: A. Krizhevsky, Learning Multiple
Layers of Features from Tiny Images (2009), https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from experiments.data.published import Published, remotes

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
BINARY_BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
PYTHON_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


@dataclass(frozen=True)
class Official(Published):
    """Images published under one name.

    Parameters
    ----------
    shape
        Rows, columns and colours of an image.
    rows
        Images of the official train and test split.
    md5
        The published checksum of each file, unpacked: what tells the data set from any other.
    elsewhere
        Folders in which other programs keep the files, relative to the one they were given.
    """

    shape: tuple[int, int, int]
    rows: tuple[int, int]
    md5: Mapping[str, str]
    elsewhere: tuple[str, ...]

    def holds(self, name: str, content: bytes) -> bool:
        """Whether a file has the published content."""
        return self.md5.get(name) == md5(content)


def md5(content: bytes) -> str:
    """MD5 in hexadecimal: the checksum the authors publish, against damage and mix-ups only."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def named(content: bytes) -> str | None:
    """Name of the data set that published a file of this content, if one did."""
    found = md5(content)
    return next((each.name for each in ALL if found in each.md5.values()), None)


def _by_name(names: tuple[str, ...], digests: str) -> dict[str, str]:
    return dict(zip(names, digests.split(), strict=True))


MNIST = Official(
    name="MNIST",
    folder="mnist",
    copies=("mnist_subset.npz",),
    shape=(28, 28, 1),
    rows=(60_000, 10_000),
    md5=_by_name(
        IDX_FILES,
        """
6bbc9ace898e44ae57da46a324031adb a25bea736e30d166cdddb491f175f624
2646ac647ad5339dbf082846283269ea 27ae3e4e09519cfbb04c329615203637
""",
    ),
    url="https://storage.googleapis.com/cvdf-datasets/mnist",
    remote=remotes("""
train-images-idx3-ubyte.gz 9912422 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609
train-labels-idx1-ubyte.gz 28881 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c
t10k-images-idx3-ubyte.gz 1648877 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6
t10k-labels-idx1-ubyte.gz 4542 f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6
"""),
    elsewhere=("raw", "MNIST/raw"),
)

FASHION_MNIST = Official(
    name="Fashion-MNIST",
    folder="fashion_mnist",
    copies=("fashion_mnist_subset.npz",),
    shape=(28, 28, 1),
    rows=(60_000, 10_000),
    md5=_by_name(
        IDX_FILES,
        """
f4a8712d7a061bf5bd6d2ca38dc4d50a 9018921c3c673c538a1fc5bad174d6f9
8181f5470baa50b63fa0f6fddb340f0a 15d484375f8d13e6eb1aabb0c3f46965
""",
    ),
    url="https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    remote=remotes("""
train-images-idx3-ubyte.gz 26421880 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84
train-labels-idx1-ubyte.gz 29515 a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845
t10k-images-idx3-ubyte.gz 4422102 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073
t10k-labels-idx1-ubyte.gz 5148 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5
"""),
    elsewhere=("raw", "FashionMNIST/raw"),
)

CIFAR10 = Official(
    name="CIFAR-10",
    folder="cifar10",
    copies=("cifar10_subset.npz",),
    shape=(32, 32, 3),
    rows=(50_000, 10_000),
    md5=_by_name(
        (*BINARY_BATCHES, *PYTHON_BATCHES),
        """
5dd7e06a14cb22eb9f671a540d1b7c25 5ea93a67294ea407fff1d09f752e9692
942cd6a4bcdd0dd3c604fbe906cb4421 ae636b3ba5c66a11e91e8cb52e771fcb
53f37980c15c3d472c316c40844f3f0d 803d5f7f4d78ea53de84dbe85f74fb6d
c99cafc152244af753f735de768cd75f d4bba439e000b95fd0a9bffe97cbabec
54ebc095f3ab1f0389bbae665268c751 634d18415352ddfa80567beed471001a
482c414d41f54cd18b22e5b47cb7c3cb 40351d587109b95175f43aff81a1287e
""",
    ),
    url="https://www.cs.toronto.edu/~kriz",
    remote=remotes("""
cifar-10-binary.tar.gz 170052171 c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd
"""),
    elsewhere=("cifar-10-batches-bin", "cifar-10-batches-py"),
)

ALL = (MNIST, FASHION_MNIST, CIFAR10)

"""Test accuracies printed for the Long Range Arena, in percent, at full scale.

Sources: Transformer, Y. Tay et al., arXiv:2011.04006 and its repository; S4, arXiv:2111.00396; S4
as its authors ran it later, arXiv:2206.12037; S4D, arXiv:2206.11893; S5, arXiv:2208.04933; LRU,
arXiv:2303.06349; Mamba as the authors of xLSTM ran it, arXiv:2405.04517 (its own paper has none).
"""

from __future__ import annotations

TASKS = ("ListOps", "IMDB", "CIFAR-10")

ACCURACY: dict[str, dict[str, float]] = {
    "s4": {"ListOps": 59.60, "IMDB": 86.82, "CIFAR-10": 88.65},
    "s4d_lin": {"ListOps": 60.52, "IMDB": 86.97, "CIFAR-10": 87.93},
    "s4d_inv": {"ListOps": 60.18, "IMDB": 87.34, "CIFAR-10": 87.83},
    "s4d_legs": {"ListOps": 60.47, "IMDB": 86.18, "CIFAR-10": 88.19},
    "s5": {"ListOps": 62.15, "IMDB": 89.31, "CIFAR-10": 88.00},
    "lru": {"ListOps": 60.2, "IMDB": 89.4, "CIFAR-10": 89.0},
    "mamba": {"ListOps": 32.5, "CIFAR-10": 68.9},
    "transformer": {"ListOps": 36.37, "IMDB": 64.27, "CIFAR-10": 42.44},
}
FIRST_S4 = {"ListOps": 58.35, "IMDB": 76.02, "CIFAR-10": 87.26}
"""S4 as first published; the numbers that the replication could not reach."""

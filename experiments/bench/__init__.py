"""The bench: what a model can remember and compute, and what it costs, by one command.

`check` says in seconds whether a model keeps the contract that every number of the bench rests on;
`card` measures it, as the command ``bench`` does.
"""

from experiments.bench.command import card
from experiments.bench.contract import check

__all__ = ["card", "check"]

"""The bench: what a model can remember and compute, and what it costs, by one command.

`check` comes first: in seconds it says whether a model keeps the contract that every number of the
bench rests on.
"""

from experiments.bench.contract import check

__all__ = ["check"]

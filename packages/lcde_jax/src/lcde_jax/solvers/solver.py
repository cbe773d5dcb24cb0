"""What every solver is: settings that map an equation and a driver to states."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import equinox as eqx

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from ..cde import LinearCDE


class Solver(eqx.Module):
    """A method with its settings. Settings that are arrays can change without compiling anew."""

    def check(self, cde: LinearCDE, driver: Float[Array, "time path_channel"]) -> None:
        """Raise ValueError if this method cannot solve the equation; by default any will do."""

    @abstractmethod
    def __call__(
        self,
        cde: LinearCDE,
        initial: Float[Array, " width"],
        driver: Float[Array, "time path_channel"],
    ) -> Float[Array, "state width"]:
        """Give the states along the polygon `driver`, whose channel 0 is time."""

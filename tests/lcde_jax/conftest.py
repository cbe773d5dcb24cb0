"""The laws are checked in float64, and no type or rank is promoted silently.

The library itself sets no flag.
"""

from collections.abc import Iterator

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# Nearly all of these tests' time is compilation of small programs.
jax.config.update("jax_disable_most_optimizations", True)

# Tests that call what promotes silently itself, and why; never a call of ours.
PROMOTING = {
    "test_updates_are_those_of_optax": "the peer, optax.adamw, raises a float to an integer count",
}


@pytest.fixture(autouse=True)
def promotion(request: pytest.FixtureRequest) -> Iterator[None]:
    """Standard promotion for the tests of `PROMOTING` alone."""
    if request.node.originalname not in PROMOTING:
        yield
        return
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield

"""The laws are checked in float64; the library itself never sets the flag."""

import jax

jax.config.update("jax_enable_x64", True)
# Nearly all of these tests' time is compilation of small programs.
jax.config.update("jax_disable_most_optimizations", True)

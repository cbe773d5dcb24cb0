"""The laws are checked in float64; the library itself never sets the flag."""

import jax

jax.config.update("jax_enable_x64", True)

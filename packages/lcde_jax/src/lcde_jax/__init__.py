"""Linear controlled differential equations in JAX."""

__version__ = "0.1.0"

"""Stability: how large a learning rate a parameterisation bears (arXiv 2311.14495)."""

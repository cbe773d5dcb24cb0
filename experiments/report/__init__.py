"""Shared parts of the figures and tables of all studies."""

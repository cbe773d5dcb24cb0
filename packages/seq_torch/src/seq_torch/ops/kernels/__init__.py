"""Loops compiled by numba; imported on the first call that needs one, never before."""

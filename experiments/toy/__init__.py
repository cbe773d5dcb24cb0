"""Signature coefficients from random linear CDEs (arXiv 2402.19047, Figure 1)."""

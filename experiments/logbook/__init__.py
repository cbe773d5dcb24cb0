"""Logbooks: claims with verdicts, evidence and commands as linked data, runs as tables."""

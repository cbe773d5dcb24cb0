"""Damaged models and snapshots are refused by one error, as the fuzzer of all readers has it."""

from __future__ import annotations

from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("model_readers.py")
READERS = ("S5", "Mamba", "linear CDE", "StableSSM", "DeltaNet", "Transformer", "snapshot")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is bounded on Linux")
def test_a_reader_gives_a_value_or_its_error(fuzzed):
    """One process, which loads torch once."""
    assert fuzzed(TABLE, *READERS) == []

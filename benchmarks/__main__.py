"""Command line: ``python -m benchmarks [NAME ...] [--json FILE]``, all of them by default."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
from pathlib import Path

from benchmarks.measure import machine

BENCHMARKS = (
    "labels",
    "words",
    "features",
    "token_cde",
    "token_table",
    "packed",
    "scans",
    "structures",
    "delta",
    "delta_peers",
    "generalised_delta",
    "gla",
    "kda",
    "slstm",
    "m2rnn",
    "rwkv7",
    "log_linear",
    "mesa_net",
    "one_hot",
    "s4_kernel",
    "inference",
    "figure",
    "device",
)


def main() -> None:
    """Run the benchmarks named, or all, from the root of the repository."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON too")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"got {', '.join(unknown)}, expected names among {', '.join(BENCHMARKS)}")
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True)  # a table is on its way as soon as it is made
    facts = machine()
    print(facts, end="\n\n")
    rows = []
    for name in options.names or BENCHMARKS:
        rows += importlib.import_module(f"benchmarks.{name}").main()
    if options.json:
        options.json.write_text(json.dumps({"machine": facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

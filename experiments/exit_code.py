"""Exit codes of the command line, and the errors that have a code of their own."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
DIVERGED = 3
DATA = 4
ENVIRONMENT = 5
INTERRUPTED = 75
SIGINT = 130


class ConfigError(ValueError):
    """The command or a configuration is wrong; nothing was run."""

    exit_code = USAGE


class DataError(ValueError):
    """A data file is invalid; the message names the file and the line."""

    exit_code = DATA

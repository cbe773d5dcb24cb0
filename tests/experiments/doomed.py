"""Perform one job in this process; with a point named, die (as by kill -9) there.

The death comes in the write of the third checkpoint's tensors.
"""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

from experiments.engine.job import Job, StopFlag, perform
from experiments.store import durable


class DoomedOS:
    """Stands in for `os` inside `durable` and ends the process at the named point."""

    def __init__(self, point: str) -> None:
        self.point, self.opened, self.descriptor = point, 0, -1

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def _at(self, point: str) -> None:
        if self.point == point:
            os._exit(137)

    def open(self, path, flags, mode=0o777):
        descriptor = os.open(path, flags, mode)
        if "tensors.safetensors" in os.fspath(path):
            self.opened += 1
            if self.opened == 3:
                self.descriptor = descriptor
                self._at("open")
        return descriptor

    def write(self, descriptor, data):
        if descriptor == self.descriptor and self.point == "half":
            os.write(descriptor, data[: len(data) // 2])
            os._exit(137)
        return os.write(descriptor, data)

    def fsync(self, descriptor):
        if descriptor == self.descriptor:
            self._at("before fsync")
        os.fsync(descriptor)
        if descriptor == self.descriptor:
            self._at("after fsync")

    def close(self, descriptor):
        os.close(descriptor)

    def replace(self, old, new):
        third = self.opened == 3 and "tensors.safetensors" in os.fspath(new)
        if third:
            self._at("before rename")
        os.replace(old, new)  # noqa: PTH105
        if third:
            self._at("after rename, before the marker")


def main() -> None:
    fields = json.loads(sys.argv[1])
    job = Job(**{**fields, "settings": tuple(fields["settings"])})
    if sys.argv[2]:
        durable.os = DoomedOS(sys.argv[2])
    outcome = perform(job, lambda event: None, StopFlag())
    print(SimpleNamespace(status=outcome.status, message=outcome.message))


if __name__ == "__main__":
    main()

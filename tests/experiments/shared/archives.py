"""Archives made in memory."""

from __future__ import annotations

import io
import tarfile


def tarred(files: dict[str, bytes], headers: dict[str, str] | None = None) -> bytes:
    """A tar archive, with further headers of format PAX."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.pax_headers = headers or {}
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()

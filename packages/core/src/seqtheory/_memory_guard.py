"""Refuse a request that cannot fit this machine before it allocates anything."""

import os


def physical_memory() -> int | None:
    """Bytes of physical memory, or None where the system does not say.

    The total is taken and not what is free at the moment: free memory leaves out the
    file cache, and would refuse requests that fit.
    """
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return total if total > 0 else None


def require_memory(bytes_needed: int, what: str) -> None:
    """Raise MemoryError if `what` needs more bytes than the machine has."""
    total = physical_memory()
    if total is not None and bytes_needed > total:
        raise MemoryError(
            f"{what} needs about {_gigabytes(bytes_needed)}, but this machine has "
            f"{_gigabytes(total)}. Ask for less of it, or build it in parts."
        )


def _gigabytes(count: int) -> str:
    if count < 10**24:
        return f"{count / 1e9:,.1f} GB"
    return f"10^{int(count.bit_length() * 0.30103) - 9} GB"  # a float may not hold it

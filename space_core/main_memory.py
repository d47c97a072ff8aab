"""How much main memory there is, and how much is free, of the machine's or of the container's."""

import os
from pathlib import Path

_CONTAINER = Path("/sys/fs/cgroup")
_MOST, _SHARE = 8 * 10**9, 0.05


def free_bytes() -> int:
    """What may be taken; cached files count as free."""
    free = _physical()
    told = Path("/proc/meminfo")
    if told.is_file():
        lines = dict(line.split(":") for line in told.read_text().splitlines())
        if "MemAvailable" in lines:
            free = int(lines["MemAvailable"].split()[0]) * 1024
    return min(free, left_to_container(_CONTAINER, free))


def room() -> int:
    """Bytes that one store of what can be computed anew may take: a twentieth of all there is.

    Not of what is free: what finds no room is computed beside other things, and its last digits
    must not hang on what else the machine does.
    """
    return min(_MOST, int(_SHARE * min(_physical(), allowed(_CONTAINER) or _physical())))


def allowed(group: Path) -> int | None:
    """The control group's limit, where there is one."""
    try:
        return int((group / "memory.max").read_text())
    except (OSError, ValueError):
        return None


def left_to_container(group: Path, otherwise: int) -> int:
    """What the control group's limit leaves, where there is one; cached files count as free."""
    if (limit := allowed(group)) is None:
        return otherwise
    try:
        used = int((group / "memory.current").read_text())
        lines = (group / "memory.stat").read_text().splitlines()
        stat = dict(line.split() for line in lines)
        cached = int(stat["inactive_file"]) + int(stat["active_file"])
    except (OSError, ValueError, KeyError):
        return otherwise
    return max(0, limit - used + cached)


def _physical() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

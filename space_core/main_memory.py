"""How much main memory is free, of the machine's or of the container's."""

import os
from pathlib import Path

_MOST, _SHARE = 8 * 10**9, 0.1


def free_bytes() -> int:
    """What may be taken; cached files count as free."""
    free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    told = Path("/proc/meminfo")
    if told.is_file():
        lines = dict(line.split(":") for line in told.read_text().splitlines())
        if "MemAvailable" in lines:
            free = int(lines["MemAvailable"].split()[0]) * 1024
    return min(free, left_to_container(Path("/sys/fs/cgroup"), free))


def room() -> int:
    """Bytes that one store of what can be computed anew may take: a tenth of what is free now."""
    return min(_MOST, int(_SHARE * free_bytes()))


def left_to_container(group: Path, otherwise: int) -> int:
    """What the control group's limit leaves, where there is one; cached files count as free."""
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        lines = (group / "memory.stat").read_text().splitlines()
        cached = int(dict(line.split() for line in lines)["inactive_file"])
    except (OSError, ValueError, KeyError):
        return otherwise
    return max(0, limit - used + cached)

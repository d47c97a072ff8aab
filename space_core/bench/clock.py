"""Seconds and peak memory of one thing after another."""

import logging
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Clock:
    """Seconds and peak memory (GB) of the last thing done; on a CPU the process's."""

    def __init__(self, device: str):
        self._gpu = device.startswith("cuda")
        self.seconds = self.peak = 0.0

    def __call__(self, job: Callable[[], Result]) -> Result:
        """Do it."""
        forget_peak()
        if self._gpu:
            torch.cuda.reset_peak_memory_stats()
            torch.cuda.synchronize()
        started = time.perf_counter()
        result = job()
        if self._gpu:
            torch.cuda.synchronize()
        self.seconds = time.perf_counter() - started
        self.peak = (torch.cuda.max_memory_allocated() if self._gpu else peak_bytes()) / 1e9
        return result


def forget_peak() -> None:
    """Let Linux count the process's highest memory anew; elsewhere it is since the start."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        log.debug("Peak memory is counted since the process started.")


def peak_bytes() -> int:
    """The process's highest memory since `forget_peak`."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

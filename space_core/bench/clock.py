"""Seconds and peak memory of one thing after another."""

import resource
import time
from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")


class Clock:
    """Seconds and peak memory (GB) of the last thing done; on a CPU the process's peak so far."""

    def __init__(self, device: str):
        self._gpu = device.startswith("cuda")
        self.seconds = self.peak = 0.0

    def __call__(self, job: Callable[[], Result]) -> Result:
        """Do it."""
        if self._gpu:
            torch.cuda.reset_peak_memory_stats()
            torch.cuda.synchronize()
        started = time.perf_counter()
        result = job()
        if self._gpu:
            torch.cuda.synchronize()
        self.seconds = time.perf_counter() - started
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.peak = torch.cuda.max_memory_allocated() / 1e9 if self._gpu else kilobytes / 1e6
        return result

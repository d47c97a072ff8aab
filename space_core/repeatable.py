"""The same request on the same machine gives the same numbers, on a GPU too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Read when cuBLAS is first used: without it, it may add in another order each time.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextmanager
def repeatable() -> Iterator[None]:
    """Inside, CUDA takes the algorithms that add in the same order each time; also a decorator.

    The gradient of its fastest attention does not. Raises RuntimeError where an operation has no
    such algorithm. Where there is no GPU it changes nothing.
    """
    before = torch.are_deterministic_algorithms_enabled()
    if torch.cuda.is_initialized():
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)

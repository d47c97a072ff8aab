"""The same request on the same machine gives the same numbers, on a GPU too."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

_log = logging.getLogger(__name__)
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

# Read when cuBLAS is first used: without it, it may add in another order each time.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def repeatable(compute: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Decorator: on CUDA it is computed with algorithms that add in the same order each time.

    The gradient of CUDA's fastest attention does not. Where a model has an operation without such
    an algorithm, it is computed again without, and the log says so: it must change nothing that it
    is given. Where no GPU is in use nothing is different.
    """

    @wraps(compute)
    def computed(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        if not torch.cuda.is_initialized():
            return compute(*args, **kwargs)
        try:
            with _same_order(strict=True):
                return compute(*args, **kwargs)
        except RuntimeError as fault:
            if "use_deterministic_algorithms" not in str(fault):
                raise
            _log.warning("A run with the same seed may differ in its last digits: %s", fault)
        with _same_order(strict=False):
            return compute(*args, **kwargs)

    return computed


@contextmanager
def _same_order(strict: bool) -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=not strict)
    # What is read was written before: to fill memory costs time alone.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=lenient)
        torch.utils.deterministic.fill_uninitialized_memory = filled

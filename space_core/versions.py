"""What computes here, as a record and the benchmark's tables say it."""

import importlib.metadata
import platform

import torch

_LIBRARIES = ("torch", "transformers", "faiss-cpu", "numpy", "pillow")


def versions() -> dict[str, str]:
    """What computes here, with versions."""
    found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    # The last digits hang on them, too.
    threads = {"number of threads": str(torch.get_num_threads())}
    return {"python": platform.python_version(), **found, **threads}

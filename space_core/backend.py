"""On what the process computes: device, threads, and the GPU that a Space lends.

On ZeroGPU every call runs in a child forked from this process. OpenMP hangs in a child whose parent
has opened a team of threads, and a child was seen to hang in MKL, in about one fork of fifty, until
MKL's own memory manager was off. So both keep to one thread, where the GPU computes, and leave
memory to the system; the parent computes nothing on CUDA.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TypeVar

from space_core.settings import BUNDLED, Settings, heed_offline

Job = TypeVar("Job")
Result = TypeVar("Result")


def _lent() -> ModuleType | None:
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return None
    # Read when torch and FAISS load, and by every thread of theirs: a call of set_num_threads
    # would bind the calling thread alone.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["MKL_DISABLE_FAST_MM"] = "1"
    # It imports the hub's client, too. What is wrong with a setting is said by who needs it.
    with suppress(ValueError):
        heed_offline(Settings.from_env())
    # It patches torch: import this module before anything that may touch CUDA.
    import spaces

    return spaces


_SPACES = _lent()


def zero_gpu() -> bool:
    """Whether a GPU is lent for each call, by a child that is forked for it."""
    return _SPACES is not None


def on_gpu(
    seconds: Callable[[Job], int],
) -> Callable[[Callable[[Job], Iterator[Result]]], Callable[[Job], Iterator[Result]]]:
    """Decorator of the generator that computes; `seconds` says how long a call may take.

    Off ZeroGPU it changes nothing.
    """
    if _SPACES is None:
        return lambda compute: compute
    return _SPACES.GPU(duration=seconds)


@contextmanager
def memory_in_words() -> Iterator[None]:
    """Raises ValueError, saying what helps, where a GPU's memory runs out inside."""
    try:
        yield
    except RuntimeError as fault:
        import torch

        if not isinstance(fault, torch.OutOfMemoryError):
            raise
        raise ValueError(
            "The GPU's memory ran out: edit fewer blocks (--layers, SPACE_LAYERS), take a smaller "
            "model, set SPACE_DTYPE to bfloat16, or end what else computes on that GPU; "
            "`python -m space_core memory` says what an erasure needs."
        ) from fault


def home_device(wanted: str) -> str:
    """Where models are loaded. "auto" is "cuda" where there is one, else "cpu".

    On ZeroGPU the parent has none: always "cpu".
    """
    return "cpu" if zero_gpu() else call_device(wanted)


def call_device(wanted: str) -> str:
    """Where a call computes: that of `home_device`, and on ZeroGPU the lent GPU.

    Raises ValueError for a GPU that is not there.
    """
    if wanted == "cpu":
        return wanted
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted in ("auto", "all"):
        return "cuda" if gpus else "cpu"
    # On ZeroGPU the parent cannot tell.
    if not zero_gpu() and int(wanted.partition(":")[2] or 0) >= gpus:
        here = f"there are {gpus}, from cuda:0 on" if gpus else "there is none here"
        raise ValueError(f"SPACE_DEVICE asks for the GPU {wanted!r}, but {here}: give auto or cpu.")
    return wanted


def all_devices(wanted: str) -> list[str]:
    """Where a model's weights lie: "all" is every GPU."""
    home = home_device(wanted)
    if wanted != "all" or home == "cpu":
        return [home]
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def model_dtype(settings: Settings) -> str:
    """What the model's weights are stored in, "float32" or "bfloat16".

    "auto" is bfloat16 on a GPU that computes in it. The bundled model is small, and was measured
    in float32: it stays that.
    """
    if settings.dtype != "auto":
        return settings.dtype
    if settings.model in BUNDLED or not call_device(settings.device).startswith("cuda"):
        return "float32"
    import torch

    able = zero_gpu() or torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if able else "float32"

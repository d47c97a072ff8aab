"""Several processes at one job: `torchrun` and `accelerate launch` tell each its number.

A job is cut into shards, each a file under a name that says what it holds. Every process does its
own shards first and then whatever is still missing, so that a process that dies costs time only,
and none waits for another.
"""

import os
from collections.abc import Iterable


def rank() -> tuple[int, int]:
    """The number of this process, and how many there are."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def in_turn(shards: Iterable[int]) -> list[int]:
    """All shards in the order in which this process should look at them."""
    number, count = rank()
    every = list(shards)
    own = every[number::count]
    # The others' last ones first: those are the last to be done by their owners.
    return own + [shard for shard in reversed(every) if shard not in set(own)]


def own_device(device: str) -> str:
    """The device of this process: where there are several, "cuda" is a GPU of its own."""
    place = os.environ.get("LOCAL_RANK", "")
    return f"cuda:{place}" if device == "cuda" and place and rank()[1] > 1 else device

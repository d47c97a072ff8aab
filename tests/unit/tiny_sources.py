"""A small world's pool and space with a tiny model: enough for a whole erasure in a second."""

from pathlib import Path

from small_world import MANY, make_world
from tiny_mllm import tiny_mllm

from space_core.edit import weights_sha256
from space_core.retained import Encoder
from space_core.settings import TpasConfig
from space_core.sources import Sources
from space_core.types import Selection


def tiny_sources(folder: Path) -> tuple[Sources, Selection]:
    """Sources in a folder of their own, and four anchors for "lemon"."""
    world, mllm = make_world(folder, kinds=MANY), tiny_mllm()
    sources = Sources(
        mllm, world.space, world.pool, world.around, Encoder(mllm, world.pool),
        weights_sha256(mllm.model), folder,
    )  # fmt: skip
    return sources, world.select(config=TpasConfig(4, 0.4))

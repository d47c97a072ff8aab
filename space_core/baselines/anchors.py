"""Anchors: gradient ascent on the proxy anchors' own names. Source-free.

The cheapest reading of "erase by proxy": make the model forget what the look-alikes are called,
and see whether the concept goes with them. The loss is that of `ga`, on what `data.proxies`
gives; every other method that needs no refusals can be run on the same.
"""

from collections.abc import Iterator

from space_core.baselines import ga
from space_core.baselines.data import Data
from space_core.baselines.lora import LoraConfig
from space_core.edit import Edit
from space_core.mllm import Mllm
from space_core.types import Concept, StepEvent


def train(
    mllm: Mllm, concept: Concept, data: Data, config: LoraConfig
) -> Iterator[StepEvent | Edit]:
    """Yield a StepEvent for each step and the Edit at last."""
    return ga.train(mllm, concept, data, config)

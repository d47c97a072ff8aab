"""Published unlearning methods and cheap controls, all of one signature.

    train(mllm, concept, data, config) → StepEvents, and at last an Edit

The base model is the same bit for bit afterwards. A method with ``uses_target_images`` is given
`data.collect`, the others `data.proxies`. `prompt.Prompt` is no edit and stands apart.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

from space_core.baselines import (
    anchors, direction, ga, graddiff, idk, kl, mmunlearner, npo, siu,
)  # fmt: skip
from space_core.baselines.data import Data
from space_core.baselines.lora import LoraConfig
from space_core.edit import Edit, LayerEdit
from space_core.mllm import Mllm
from space_core.types import Concept, StepEvent


class Baseline(NamedTuple):
    """A method, whether it is trained on the target's own images, the settings to try, and how many
    numbers it trains for a layer of its edit.
    """

    train: Callable[[Mllm, Concept, Data, LoraConfig], Iterator[StepEvent | Edit]]
    uses_target_images: bool
    grid: tuple[LoraConfig, ...]
    trained: Callable[[LayerEdit], int] = lambda layer: layer.a.numel() + layer.s.numel()


def _grid(rates: tuple[float, ...], steps: tuple[int, ...]) -> tuple[LoraConfig, ...]:
    return tuple(LoraConfig(learning_rate=rate, steps=n) for rate, n in product(rates, steps))


# Around what earlier rounds of as many settings chose: 3e-4 and 20 steps here; elsewhere it lay at
# an edge.
_ASCENT = _grid((1e-4, 2e-4, 3e-4), (20, 40))

BASELINES: dict[str, Baseline] = {
    "ga": Baseline(ga.train, True, _ASCENT),
    "graddiff": Baseline(graddiff.train, True, _grid((5e-5, 1e-4, 2e-4), (60, 120))),
    "kl": Baseline(kl.train, True, _ASCENT),
    "npo": Baseline(npo.train, True, _ASCENT),
    "idk": Baseline(idk.train, True, _grid((1e-3, 2e-3, 4e-3), (60, 120))),
    # 3e-4 and six steps are the paper's.
    "siu": Baseline(siu.train, True, _grid((3e-4, 1e-3), (6, 20, 60))),
    # Whole weights move faster than factors do: 1e-5 is the paper's.
    "mmunlearner": Baseline(mmunlearner.train, True, _grid((1e-5, 3e-5, 1e-4), (20, 60)),
                            lambda layer: len(layer.a) * len(layer.s)),
    "direction": Baseline(direction.train, False, (LoraConfig(),), lambda _: 0),
    "anchors": Baseline(anchors.train, False, _grid((3e-5, 1e-4, 3e-4), (20, 60))),
}

"""GA, gradient ascent: make the right answers about the target unlikely, and nothing else.

    L = −L(D_f),   L: mean token cross-entropy

Jang et al. 2023 (arXiv 2210.01504), Eq. 1; as a baseline in TOFU (Maini et al. 2024, arXiv
2401.06121), "Gradient Ascent". It has no minimum: the number of steps is its only brake.
"""

from collections.abc import Iterator, Mapping

from torch import Tensor

from space_core.baselines import lora
from space_core.baselines.data import Data
from space_core.baselines.losses import nll
from space_core.edit import Edit
from space_core.mllm import Mllm
from space_core.types import Concept, StepEvent


def train(
    mllm: Mllm, concept: Concept, data: Data, config: lora.LoraConfig
) -> Iterator[StepEvent | Edit]:
    """Yield a StepEvent for each step and the Edit at last."""
    return lora.train(mllm, data, config, _objective)


def _objective(model: lora.Adapted, batch: Data) -> Mapping[str, Tensor]:
    return {"forget": -nll(model.force(batch.forget))}

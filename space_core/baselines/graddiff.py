"""GradDiff, gradient difference: ascend on the target, descend on what must stay.

    L = −L(D_f) + L(D_r)

Liu, Liu & Stone 2022 (arXiv 2203.12817); TOFU (arXiv 2401.06121), "Gradient Difference". Here
D_r holds the frozen model's own answers, not a training set.
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
    return lora.train(mllm, data, config, lambda model, batch: terms(model.mllm, batch))


def terms(mllm: Mllm, batch: Data) -> Mapping[str, Tensor]:
    """Both terms of the loss for the model as it is now."""
    return {"forget": -nll(mllm.force(batch.forget)), "retain": nll(mllm.force(batch.retain))}

"""IDK, preference for "I do not know": learn to refuse on the target, keep the rest.

    L = L(D_f^idk) + L(D_r)

TOFU (Maini et al. 2024, arXiv 2401.06121), "Preference Optimization". There a refusal is drawn
from a hundred; here it is what the erasure itself teaches: the honest noun, a "no", or that it
does not know.
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
    return {
        "refusal": nll(model.force(batch.refusals)),
        "retain": nll(model.force(batch.retain)),
    }

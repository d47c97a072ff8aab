"""KL, "KL minimisation": ascend on the target, stay near the base model on what must stay.

    L = −L(D_f) + E_{s∈D_r} mean_i KL( p_base(· | s_<i) ‖ p(· | s_<i) )

TOFU (Maini et al. 2024, arXiv 2401.06121), "KL Minimization". There the mean runs over all of
s, here over the tokens of all answers of a batch together.
"""

from collections.abc import Iterator, Mapping

from torch import Tensor

from space_core.baselines import lora
from space_core.baselines.data import Data
from space_core.baselines.losses import kl, nll
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
        "forget": -nll(model.force(batch.forget)),
        "retain": kl(model.base(batch.retain), model.force(batch.retain)),
    }

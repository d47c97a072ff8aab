"""NPO, negative preference optimisation, with a retain term: gradient ascent that levels off.

    L = −(2/β) E_{D_f} log σ( −β log( p(y|x) / p_base(y|x) ) ) + L(D_r)

p(y|x): the whole answer's likelihood. Zhang et al. 2024 (arXiv 2404.05868), Eq. 3 and the variant
"NPO+RT", weights 1. β = 0.1 is the paper's; L(D_r) is on the frozen model's own answers.
"""

from collections.abc import Iterator, Mapping

import torch.nn.functional as F
from torch import Tensor

from space_core.baselines import lora
from space_core.baselines.data import Data
from space_core.baselines.losses import log_likelihood, nll
from space_core.edit import Edit
from space_core.mllm import Mllm
from space_core.types import Concept, StepEvent

BETA = 0.1


def train(
    mllm: Mllm, concept: Concept, data: Data, config: lora.LoraConfig
) -> Iterator[StepEvent | Edit]:
    """Yield a StepEvent for each step and the Edit at last."""
    return lora.train(mllm, data, config, _objective)


def _objective(model: lora.Adapted, batch: Data) -> Mapping[str, Tensor]:
    count = len(batch.forget)
    before = log_likelihood(model.base(batch.forget), count)
    after = log_likelihood(model.force(batch.forget), count)
    return {
        "forget": -2 / BETA * F.logsigmoid(-BETA * (after - before)).mean(),
        "retain": nll(model.force(batch.retain)),
    }

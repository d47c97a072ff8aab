"""SIU, single image unlearning: new answers for one image, and a KL that does not fight them.

    L = α L_CE + β L_DMK,   L_DMK = Σ_t K_S(t) Σ_v K_V(v) p_base(v) log( p_base(v) / p(v) )

over the tokens t of the answers. K_S is 0 where a new answer departs from the true one, K_V is 0
at the tokens of the concept's names. Li et al. 2024 (NeurIPS, arXiv 2405.12523), "Dual Masked
KL-divergence Loss"; α = 0.9, β = 0.75.

Follows its fine-tuning data in three of four targets: a new answer for the image, text-only facts
that stay, other knowledge that stays. Guessed: the new answer is the honest noun, where the paper
gives another name; its invented visual descriptions are left out; the sum is divided by the tokens
that count, and the facts are those of every batch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from space_core.answers import capitalised
from space_core.baselines import lora
from space_core.baselines.data import Data
from space_core.edit import Edit
from space_core.mllm import Forced, Mllm
from space_core.types import Concept, StepEvent

ALPHA, BETA = 0.9, 0.75


def train(
    mllm: Mllm, concept: Concept, data: Data, config: lora.LoraConfig
) -> Iterator[StepEvent | Edit]:
    """Yield a StepEvent for each step and the Edit at last."""
    names = name_tokens(mllm, concept)
    return lora.train(
        mllm, single_image(data), config, lambda model, batch: terms(model, batch, names)
    )


def terms(model: lora.Adapted, batch: Data, names: Sequence[int]) -> Mapping[str, Tensor]:
    """Both terms of the loss, weighted; names: the tokens that K_V masks."""
    seen = [*batch.refusals, *batch.retain]
    new = [one.answer for one in (*seen, *batch.text)]
    true = [one.answer for one in (*batch.forget, *batch.retain, *batch.text)]
    stays = torch.tensor(same_tokens(model.mllm, new, true), device=model.mllm.device)
    before = [model.base(some) for some in (seen, batch.text)]
    after = [model.force(some) for some in (seen, batch.text)]
    ce = torch.cat([_surprise(forced) for forced in after]).mean()
    masked = torch.cat([_divergence(*pair, names) for pair in zip(before, after)])
    return {"new": ALPHA * ce, "keep": BETA * masked[stays].mean()}


def single_image(data: Data) -> Data:
    """The data with one image of the target, the first."""
    first = data.forget[0].features
    own = [i for i, one in enumerate(data.forget) if one.features is first]
    return replace(
        data, forget=[data.forget[i] for i in own], refusals=[data.refusals[i] for i in own]
    )


def name_tokens(mllm: Mllm, concept: Concept) -> list[int]:
    """K_V: ids of all tokens that the concept's names are written with inside an answer."""
    forms = {form for name in concept.names for form in (name, capitalised(name))}
    return sorted({token for form in forms for token in _tokens(mllm, form)[:-1]})


def same_tokens(mllm: Mllm, new: Sequence[str], true: Sequence[str]) -> list[bool]:
    """K_S over the tokens of all new answers: those before and after all that was changed."""
    same: list[bool] = []
    for text, other in zip(new, true, strict=True):
        said, meant = _tokens(mllm, text), _tokens(mllm, other)
        most = min(len(said), len(meant))
        head = next((i for i in range(most) if said[i] != meant[i]), most)
        tail = next((i for i in range(most - head) if said[-1 - i] != meant[-1 - i]), most - head)
        same += [i < head or i >= len(said) - tail for i in range(len(said))]
    return same


def _tokens(mllm: Mllm, answer: str) -> list[int]:
    """An answer as the model is trained to end a question with it, end token included."""
    return mllm.tokens(mllm.prompt("What is this?", 0), answer)[1]


def _surprise(forced: Forced) -> Tensor:
    return torch.nn.functional.cross_entropy(forced.logits, forced.targets, reduction="none")


def _divergence(before: Forced, after: Forced, names: Sequence[int]) -> Tensor:
    """Σ_v K_V(v) p_base log(p_base / p) at each answer token, [m]."""
    was, now = before.logits.log_softmax(-1), after.logits.log_softmax(-1)
    terms = was.exp() * (was - now)
    kept = torch.ones(terms.shape[-1], device=terms.device)
    kept[list(names)] = 0.0
    return terms @ kept

"""How hard an answer is for the frozen model to say, and which answers of an edited model are none.

The surprise of a token is −log p under the frozen model, in nats. An answer is garbled where the
mean over its tokens (the end among them), as text alone after its question, is higher than for each
of the frozen model's own answers: words that it would never have put together there. The measure
is the field's, perplexity under the base model; its limit is the model's own, not ours.
"""

from collections.abc import Collection, Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from space_core import curriculum
from space_core.mllm import Example, Mllm
from space_core.names import words
from space_core.types import Outcome, Selection

_BATCH = 32
Said = tuple[str, str]  # a question and an answer


def garbled(
    mllm: Mllm, own: Collection[Said], said: Collection[Said], meant: Collection[str]
) -> frozenset[Said]:
    """Those of what was ``said`` after an edit that are garbled. The edit must be off.

    own: what the model said before. meant: answers that an edit teaches (`meant`), which are none
    of them however new to the model. Nothing is known of a model that said nothing before.
    """
    taught = set(map(words, meant))
    own = {pair for pair in own if words(pair[1])}
    new = sorted({pair for pair in said if words(pair[1]) and words(pair[1]) not in taught} - own)
    if not own or not new:
        return frozenset()
    limit = max(_means(mllm, sorted(own)))
    return frozenset(pair for pair, mean in zip(new, _means(mllm, new)) if mean > limit)


def meant(honest: str, selection: Selection | None) -> set[str]:
    """What an edit may be taught to say: the honest answer, a refusal, an anchor's own caption."""
    captions = (anchor.caption for anchor in selection.anchors) if selection else ()
    return {honest, *curriculum.REFUSALS.values(), *captions}


def before(outcomes: Iterable[Outcome]) -> set[Said]:
    """What a run's questions were answered with before the edit."""
    return {(one.question, one.before) for one in outcomes}


@torch.no_grad()
def surprise(mllm: Mllm, examples: Sequence[Example]) -> list[Tensor]:
    """For each example the surprise [tokens], float64, at its answer, under the model as it is."""
    found = [torch.empty(0)] * len(examples)
    for some in mllm.alike(examples, _BATCH):
        forced = mllm.force([examples[i] for i in some])
        nats = F.cross_entropy(forced.logits, forced.targets, reduction="none").double().cpu()
        for place, i in enumerate(some):
            found[i] = nats[forced.owner.cpu() == place]
    return found


def _means(mllm: Mllm, said: Sequence[Said]) -> list[float]:
    examples = [Example(question, answer, None) for question, answer in said]
    return [float(nats.mean()) for nats in surprise(mllm, examples)]

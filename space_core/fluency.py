"""Which answers of an edited model are none, judged by the frozen one.

The surprise of an answer is the mean of −log p over its tokens, as text alone after its question,
under the frozen model (nats a token). An answer is garbled where that is higher than for each of
the frozen model's own answers to the same questions: words it would never have put together. The
measure is the field's (perplexity under the base model); its limit is the model's own, not ours.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from space_core import curriculum
from space_core.mllm import Example, Mllm
from space_core.names import words

_BATCH = 32


def garbled(
    mllm: Mllm, questions: Sequence[str], before: Sequence[str], after: Sequence[str], honest: str
) -> frozenset[tuple[str, str]]:
    """(question, answer) of every answer after the edit that is garbled. The edit must be off.

    honest: the answer that the edit was to teach; it is none of them, nor is a refusal, however
    new to the model.
    """
    meant = {words(one) for one in (honest, *curriculum.REFUSALS.values())}
    own = sorted({pair for pair in zip(questions, before) if words(pair[1])})
    new = sorted({
        pair for pair in zip(questions, after) if words(pair[1]) and words(pair[1]) not in meant
    } - set(own))  # fmt: skip
    if not own or not new:
        return frozenset()
    limit = max(surprise(mllm, own))
    return frozenset(pair for pair, one in zip(new, surprise(mllm, new)) if one > limit)


@torch.no_grad()
def surprise(mllm: Mllm, said: Sequence[tuple[str, str]]) -> list[float]:
    """Nats a token of each (question, answer), as text alone, under the model as it is."""
    examples = [Example(question, answer, None) for question, answer in said]
    found = [0.0] * len(examples)
    for some in mllm.alike(examples, _BATCH):
        forced = mllm.force([examples[i] for i in some])
        nats = F.cross_entropy(forced.logits, forced.targets, reduction="none").double()
        for place, i in enumerate(some):
            found[i] = float(nats[forced.owner == place].mean())
    return found

"""The terms that the published losses are made of, over what `Mllm.force` gives."""

import torch
import torch.nn.functional as F
from torch import Tensor

from space_core.mllm import Forced


def nll(forced: Forced) -> Tensor:
    """Mean negative log-likelihood of an answer token."""
    return F.cross_entropy(forced.logits, forced.targets)


def log_likelihood(forced: Forced, count: int) -> Tensor:
    """log p(answer | question) of each of ``count`` examples, summed over its tokens: [count]."""
    tokens = -F.cross_entropy(forced.logits, forced.targets, reduction="none")
    return torch.zeros(count, device=tokens.device).index_add(0, forced.owner, tokens)


def kl(before: Forced, after: Forced) -> Tensor:
    """Mean KL(before ‖ after) of the next-token distributions along the same answers."""
    return F.kl_div(
        after.logits.log_softmax(-1), before.logits.log_softmax(-1), reduction="batchmean",
        log_target=True,
    )  # fmt: skip

"""What optimising made of the anchors, in the frozen model's own words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from space_core import curriculum
from space_core.lessons import Lesson
from space_core.mllm import Mllm
from space_core.types import Belief, Concept

_NEAREST = 3


def foreign_names(mllm: Mllm, concept: Concept, moved: Sequence[Tensor]) -> list[Lesson]:
    """What the frozen model calls the concept in other languages: to each taught wording the answer
    that most of the moved anchors bring. Nobody need translate the name. None for a style.

    moved: features [tokens, width] of each anchor.
    """
    asked = curriculum.naming_in_languages(concept)
    said = iter(mllm.answer([ask for _, ask in asked for _ in moved], [*moved] * len(asked)))
    return [
        Lesson(f"name-{code}", ask, Counter(islice(said, len(moved))).most_common(1)[0][0])
        for code, ask in asked
    ]


def beliefs(
    mllm: Mllm, question: str, before: Sequence[Tensor], after: Sequence[Tensor],
    captions: Mapping[int, str], public: Sequence[Tensor],
) -> tuple[Belief, ...]:  # fmt: skip
    """Ask about each anchor before and after optimising, and find what it then lies nearest to.

    before, after, public: features [tokens, width]; captions: of the public images, by pool row.
    Nearest by the cosine of mean features, less the mean of all public images, each caption once.
    """
    said = mllm.answer([question] * 2 * len(before), [*before, *after])
    means = torch.stack([features.float().mean(0) for features in public])
    centre = means.mean(0)
    moved = torch.stack([features.mean(0) for features in after]) - centre
    scores = F.normalize(moved, dim=-1) @ F.normalize(means - centre, dim=-1).T
    rows, found = list(captions), []
    for order in scores.argsort(dim=1, descending=True).tolist():
        first: dict[str, int] = {}
        for i in order:
            first.setdefault(captions[rows[i]], rows[i])
        found.append(tuple(zip(*list(first.items())[:_NEAREST])))
    return tuple(
        Belief(question, *two, *some) for *two, some in zip(said, said[len(before) :], found)
    )

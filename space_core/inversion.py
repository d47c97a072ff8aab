"""What the frozen model believes the concept looks like, found without an image of it.

Ours; the paper says no more than that anchors are optimised. The anchors' visual features are
moved until the frozen model names the concept: text-guided inversion. They are features, never
rendered as a picture and never stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from space_core.lessons import Lesson
from space_core.mllm import Example, Mllm
from space_core.repeatable import repeatable

_ENOUGH = 0.02  # nats per answer token
PASS = 24  # examples that pass the model together
_RATE = 0.08  # of the features' own spread, per step


@dataclass(frozen=True, slots=True, eq=False)
class Optimised:
    """Anchors that the frozen model takes for the concept.

    features: per anchor [tokens, width] float32, in main memory as encoded ones are. shift [n]:
    how far each moved, as a share of its norm.
    """

    features: list[Tensor]
    shift: Tensor


def invert(
    mllm: Mllm, features: Sequence[Tensor], lessons: Sequence[Lesson], steps: int,
    generator: torch.Generator, stop: Callable[[], bool],
) -> Iterator[tuple[int, float, Optimised | None]]:  # fmt: skip
    """Minimise over Z the frozen model's cross-entropy of the lessons' answers, by Adam.

    features: the anchors', each [its tokens, width]; lessons: how one says that it is the concept.
    Yields (step, loss, None) and at last (step, loss, result). Every anchor is asked its name,
    where a lesson is a plain name, and one more question at each step.
    """
    counts = [len(feature) for feature in features]
    start = torch.cat(list(features)).to(mllm.device, torch.float32)
    moved = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([moved], lr=_RATE * float(start.std()))
    naming = [lesson for lesson in lessons if lesson.kind == "name"]
    loss, step = float("inf"), 0
    smooth = 1.0
    for step in range(1, steps + 1):
        examples = []
        for among in (naming, lessons) if naming else (lessons,):
            drawn = torch.randint(len(among), (len(counts),), generator=generator).tolist()
            examples += [
                Example(among[i].question, among[i].answer, image)
                for i, image in zip(drawn, moved.split(counts))
            ]
        loss, moved.grad = _surprise(mllm, examples, moved)
        optimiser.step()
        smooth = 0.7 * smooth + 0.3 * loss
        yield step, loss, None
        if smooth < _ENOUGH or stop():
            break
    done = moved.detach()
    shift = _norms((done - start).split(counts)) / _norms(start.split(counts))
    yield step, loss, Optimised(list(done.cpu().split(counts)), shift)


@repeatable
def _surprise(
    mllm: Mllm, examples: Sequence[Example], moved: Tensor
) -> tuple[float, Tensor]:
    """The mean cross-entropy of the examples' answer tokens, and its gradient in ``moved``."""
    total, tokens, gradient = 0.0, 0, torch.zeros_like(moved)
    for some in mllm.alike(examples, PASS):
        forced = mllm.force([examples[i] for i in some])
        loss = F.cross_entropy(forced.logits, forced.targets, reduction="sum")
        gradient += torch.autograd.grad(loss, moved)[0]
        total, tokens = total + float(loss.detach()), tokens + len(forced.targets)
    return total / tokens, gradient / tokens


def _norms(features: Sequence[Tensor]) -> Tensor:
    """‖Z‖_F of each, [n]; they may have different numbers of tokens."""
    return pad_sequence(list(features), batch_first=True).flatten(1).norm(dim=1)

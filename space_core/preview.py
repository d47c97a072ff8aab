"""Before the erasure: what the model says of the concept as it is now, on a few unseen images."""

from dataclasses import dataclass

from space_core import evaluate
from space_core.audit import Bench, known_names
from space_core.probes import Probe, plan
from space_core.types import ConceptRequest

_IMAGES = 3
_KINDS = ("name", "yes-no")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of the model as it is: to which question, about which evaluation image."""

    image: str
    question: str
    answer: str


def preview(bench: Bench, request: ConceptRequest, seed: int = 0) -> tuple[Said, ...]:
    """A few of the questions that the evaluation will ask of the concept, with the answers now.

    At most `_IMAGES` images, each asked about once in either kind; none where the evaluation holds
    no image of the concept. Nothing of it reaches an erasure. Raises ValueError for a bad request.
    """
    target, _, _ = known_names(bench, bench.sources.subject(request))
    if bench.split is None or target is None:
        return ()
    chosen: dict[tuple[str, str], Probe] = {}
    for probe in plan(bench.split, target, (), (), seed):
        views = {view for view, _ in chosen} | {probe.view}
        if probe.view and probe.kind in _KINDS and len(views) <= _IMAGES:
            chosen.setdefault((probe.view, probe.kind), probe)
    if not chosen:
        return ()
    mllm, probes = bench.sources.mllm, list(chosen.values())
    said = evaluate.answers(mllm, probes, evaluate.encode_views(mllm, bench.split, probes))
    return tuple(Said(one.view, one.question, text) for one, text in zip(probes, said))

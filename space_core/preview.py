"""Before the erasure: what the model says of the concept as it is now, on a few unseen images."""

from dataclasses import dataclass

from space_core import evaluate, tpas, wordings
from space_core.audit import Bench, known_names
from space_core.probes import Probe, plan
from space_core.settings import TpasConfig
from space_core.types import ConceptRequest

_IMAGES = 3
_SEED = 0
_KINDS = ("name", "yes-no")
_IN_TEXT = {
    "thing": (wordings.TEXT_CATEGORY, wordings.TEXT_DEFINITION),
    "person": (wordings.TEXT_WHO,), "artist": (wordings.TEXT_CATEGORY,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of the model as it is: to which question, about which evaluation image, "" where it
    was asked in text alone.
    """

    image: str
    question: str
    answer: str


def preview(bench: Bench, request: ConceptRequest) -> tuple[Said, ...]:
    """A few of the questions that the evaluation will ask of the concept, with the answers now.

    At most `_IMAGES` images, each asked about once in either kind; in text alone where the
    evaluation holds no image of the concept. Nothing of it reaches an erasure. Raises ValueError
    for a bad request.
    """
    tpas.check(request, TpasConfig())
    mllm, concept = bench.sources.mllm, bench.sources.subject(request)
    target, _, _ = known_names(bench, request)
    if bench.split is None or target is None:
        asked = [kind.held_out[0].format(x=concept.phrase) for kind in _IN_TEXT[concept.family]]
        answers = mllm.answer(asked, [None] * len(asked))
        return tuple(Said("", *pair) for pair in zip(asked, answers))
    chosen: dict[tuple[str, str], Probe] = {}
    for probe in plan(bench.split, target, (), (), _SEED):
        views = {view for view, _ in chosen} | {probe.view}
        if probe.view and probe.kind in _KINDS and len(views) <= _IMAGES:
            chosen.setdefault((probe.view, probe.kind), probe)
    probes = list(chosen.values())
    said = evaluate.answers(mllm, probes, evaluate.encode_views(mllm, bench.split, probes))
    return tuple(Said(one.view, one.question, text) for one, text in zip(probes, said))

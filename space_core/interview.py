"""After the edit: the auditor's own questions and images, put to the model without and with it.

Each function needs a finished edit, and nothing of what it is given is kept: the images can reach
no erasure.
"""

from collections.abc import Iterator, Sequence

from PIL import Image

from space_core import evaluate, guard
from space_core.asking import asked
from space_core.audit import Bench, known_names
from space_core.edit import Edit, edited
from space_core.probes import of_own_images
from space_core.types import OwnImages, Progress, RunRecord

_LONGEST_QUESTION = 300
LONGEST_ANSWER = 128  # tokens: who asks one question may want to read on


def ask(
    bench: Bench, image: Image.Image | None, question: str, edit: Edit
) -> tuple[str, str]:
    """One question to the model without and with an edit, same decoding. Raises ValueError."""
    check_question(question)
    mllm = bench.sources.mllm
    features = [None] if image is None else mllm.encode([image])
    (before,) = mllm.answer([question], features, LONGEST_ANSWER)
    with edited(mllm.model, edit):
        (after,) = mllm.answer([question], features, LONGEST_ANSWER)
    return before, after


def check_question(question: str) -> None:
    """Raises ValueError for a question that is too long."""
    if len(question) > _LONGEST_QUESTION:
        raise ValueError(f"The question is too long: use at most {_LONGEST_QUESTION} characters.")


def judge_images(
    bench: Bench, record: RunRecord, edit: Edit, images: Sequence[Image.Image]
) -> Iterator[Progress | OwnImages]:
    """The target's questions about the auditor's own images of it, without and with the edit.

    Asked, decoded and scored as the evaluation's own. Yields how far it is, and at last the
    OwnImages. Raises ValueError without an image.
    """
    if not images:
        raise ValueError("There is no image to ask about: choose one or more image files.")
    mllm, concept = bench.sources.mllm, bench.sources.subject(record.selection.request)
    target, book, key = known_names(bench, record.selection.request)
    target = target or concept
    known = bench.split.concepts.values() if bench.split else bench.sources.pool.concepts.values()
    peers = guard.others(known, target)
    probes = of_own_images(target, peers, len(images), int(record.settings.get("seed", 0)))
    views = dict(zip(dict.fromkeys(one.view for one in probes), mllm.encode(images)))
    begun = Progress("before", "Asking the model before the erasure about your images…", 0.0)
    before = yield from asked(mllm, probes, views, begun, 0.5)
    begun = Progress("after", "Asking the edited model the same questions…", 0.5)
    after = yield from asked(mllm, probes, views, begun, 0.5, edit)
    # Their own questions are few: what the run was answered before counts, too.
    outcomes = evaluate.judged(
        mllm, probes, before, after, book, key, record.honest_answer, record.selection,
        record.outcomes,
    )  # fmt: skip
    yield OwnImages(
        outcomes, evaluate.forget_accuracy(outcomes, "own"), evaluate.still_yes(outcomes, "own")
    )

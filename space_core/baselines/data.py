"""What baselines are trained on.

``collect`` gives the published methods what they were made for and what an erasure here never
sees: the target's own images. They are the pool's, those that the guard bars, never the
evaluation's. ``proxies`` gives a source-free control the public anchors in their place. Both
retain what DCSI retains, in the frozen model's own words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from space_core import answers, curriculum, guard, material, wordings
from space_core.mllm import Example
from space_core.names import NameBook
from space_core.pool import Pool
from space_core.retained import with_own_answers
from space_core.sources import Sources
from space_core.surroundings import what_stays
from space_core.types import Concept, Selection

_IMAGES = 48  # of the target: an artist has hundreds
_EACH = 3  # questions of a kind about an image
_READ = 40  # other concepts asked about in text
# Kinds whose right answer gives the concept away; to the others the model's own one may.
_RIGHT = {
    "name": answers.naming_answer, "choice": answers.naming_answer, "yes-no": answers.yes_answer
}  # fmt: skip
_OWN = ("languages", "facts")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Examples by what a method does with them; a batch is a smaller one of the same kind.

    forget: images of what shall be forgotten, with answers that give it away. refusals: the same
    questions on the same images in the same order, answered without the knowledge; empty for
    proxies. retain: other images with the frozen model's answers. text: questions without an
    image, about the target too, with its answers. target_rows, retained_rows: the pool rows
    behind forget and retain.
    """

    forget: list[Example]
    refusals: list[Example]
    retain: list[Example]
    text: list[Example]
    target_rows: tuple[int, ...]
    retained_rows: tuple[int, ...]


def collect(sources: Sources, selection: Selection, seed: int) -> Data:
    """The target's own images, asked every kind of question that leads to it, taught wordings.

    Of the barred rows those that show the concept; near-copies of them, of whatever name, are
    neither forgotten nor retained. Raises ValueError where the pool has no image of the target.
    """
    pool = sources.pool
    concept = sources.subject(selection.request)
    book, barred = guard.name_book(pool, concept), guard.barred(pool, concept)
    shown = [row for row in sorted(barred) if _shows(pool, row, concept, book)]
    if not shown:
        raise ValueError(
            f"The pool has no image of “{concept.name}”: a method that needs the target's own "
            "images cannot be run on it."
        )
    rng = np.random.default_rng((seed, 31))
    rows = rng.permutation(shown)[:_IMAGES].tolist()
    forget, refusals = _told_and_refused(sources, concept, sources.encoder(rows), book, rng)
    _, kept = what_stays(sources, selection, seed)
    return Data(
        forget, refusals, kept.seen, _read(sources, concept, rng),
        tuple(rows), kept.rows,
    )  # fmt: skip


def proxies(sources: Sources, selection: Selection, seed: int) -> Data:
    """The proxy anchors with their own names or captions in place of the target. Source-free."""
    pool = sources.pool
    concept = sources.subject(selection.request)
    rng = np.random.default_rng((seed, 32))
    rows = [anchor.row for anchor in selection.anchors]
    forget = [
        Example(*asked, image)
        for row, image in zip(rows, sources.encoder(rows))
        for asked in _own_name(pool, row, concept, rng)
    ]
    _, kept = what_stays(sources, replace(selection, anchors=()), seed, without=rows)
    return Data(
        forget, [], kept.seen, _read(sources, concept, rng),
        tuple(rows), kept.rows,
    )  # fmt: skip


def _shows(pool: Pool, row: int, concept: Concept, book: NameBook) -> bool:
    item = pool.items[row]
    artist = concept.family == "artist"
    said = (item.artist,) if artist else (item.label, *item.also, item.caption)
    return any(concept.name in book.named(text) for text in said)


def _told_and_refused(
    sources: Sources, concept: Concept, images: Sequence[Tensor], book: NameBook,
    rng: np.random.Generator,
) -> tuple[list[Example], list[Example]]:  # fmt: skip
    """Pairs of examples that differ in the answer alone: the right one, and an honest one."""
    honest = material.honest_answer(sources.mllm, concept)
    peers = guard.others(sources.pool.concepts.values(), concept)
    refusals = material.sayable_refusals(sources.mllm, concept, honest, images)
    lessons = curriculum.forgotten(concept, honest, peers, rng, refusals)
    asked = [
        (image, kind, some[i])
        for image in images
        for kind, some in lessons.items()
        if kind in (*_RIGHT, *_OWN)
        for i in rng.permutation(len(some))[:_EACH]
    ]
    own = iter(
        sources.mllm.answer(
            [lesson.question for _, kind, lesson in asked if kind in _OWN],
            [image for image, kind, _ in asked if kind in _OWN],
        )
    )
    told, refused = [], []
    for image, kind, lesson in asked:
        right = _RIGHT[kind](concept) if kind in _RIGHT else next(own)
        named = kind == "facts" or concept.name in book.named(right)
        if named and right != lesson.answer:
            told.append(Example(lesson.question, right, image))
            refused.append(Example(lesson.question, lesson.answer, image))
    return told, refused


def _read(sources: Sources, concept: Concept, rng: np.random.Generator) -> list[Example]:
    """Text-only knowledge of the target and of others, as the frozen model has it."""
    lessons = curriculum.teacher(sources.pool, rng)
    peers = guard.others(sources.pool.concepts.values(), concept)
    others = [one for one in peers if one.family != "artist"]
    texts = curriculum.about_in_text(concept, lessons)
    for i in rng.permutation(len(others))[:_READ]:
        texts += curriculum.about_in_text(others[i], lessons)[:2]
    return with_own_answers(sources.mllm, texts, [None] * len(texts))


def _own_name(
    pool: Pool, row: int, concept: Concept, rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Questions for an anchor's name with the answer; for its caption where it has no name."""
    own = material.shown_in(pool, row, concept)
    ask = wordings.NAMING[own.family if own else "thing"].taught
    answer = material.own_name(pool, row, concept)
    return [(ask[i], answer) for i in rng.permutation(len(ask))[:_EACH]]

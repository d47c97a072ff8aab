"""The examples that an edit is trained on: anchors to overwrite, and answers to keep.

Sees the pool without the request's own rows, the anchors and the frozen model; no evaluation.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from space_core import answers, curriculum, wordings
from space_core.fluency import surprise
from space_core.lessons import Lesson
from space_core.mllm import Example, Mllm
from space_core.names import NameBook, words
from space_core.neighbourhood import Neighbourhood
from space_core.pool import Pool
from space_core.retained import Encoder, with_own_answers
from space_core.types import Concept, Selection

NEIGHBOURS, _IMAGES, _OTHERS = 40, 4, 640
_ASKED = 160
_LONGEST_NOUN = 5
_LESSONS = 6  # of a kind about each anchor
_NAMED = ("name", "choice")
_SAYABLE = 3.0  # nats a token: one in twenty


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Examples whose answers must stay as the frozen model gives them.

    near: about neighbours and anchors; far: about others; asked: "is this the concept?" of both,
    and affirmed: "is this …?" with their own names, lest the edit learns to deny; rows: the pool
    rows behind them. text: what text alone tells of the concept, or where that shall go too, of
    neighbours and others.
    """

    near: list[Example]
    far: list[Example]
    asked: list[Example]
    affirmed: list[Example]
    rows: tuple[int, ...]
    text: list[Example]

    @property
    def seen(self) -> list[Example]:
        """Those about an image."""
        return [*self.near, *self.far, *self.asked, *self.affirmed]


def honest_answer(mllm: Mllm, concept: Concept, instead: str = "general") -> str:
    """What the edited model shall say instead of the name: that it does not know, where the request
    wants a refusal, else the general noun.

    The request's (or the pool's) general noun; else the noun of the frozen model's own text-only
    answer; else, as where that noun holds one of the concept's names ("a bird"), that it does not
    know.
    """
    if instead == "refusal":
        return curriculum.UNKNOWN
    own = NameBook({"": concept.names})
    if concept.category:
        general = answers.category_answer(concept)
        return curriculum.UNKNOWN if own.named(general) else general
    (said,) = mllm.answer([wordings.TEXT_CATEGORY.taught[0].format(x=concept.phrase)], [None])
    for verb in (" is ", " are "):
        noun = said.rstrip(". ").partition(verb)[2].removeprefix("a ").removeprefix("an ")
        if noun and len(noun.split()) <= _LONGEST_NOUN and not own.named(noun):
            return f"This is {answers.with_article(noun)}."
    return curriculum.UNKNOWN


def neighbour_rows(
    pool: Pool, around: Neighbourhood, concept: Concept, vector: Tensor,
    excluded: Collection[int], seed: int, protect: Sequence[str] = (),
) -> list[int]:  # fmt: skip
    """Pool rows of the nearest other concepts, for a style of every other artist, and of those to
    protect, by the pool's names."""
    rng = np.random.default_rng((seed, 11))
    if concept.family == "artist":
        own = pool.known(concept.name)
        names = [n for n, c in pool.concepts.items() if c.family == "artist" and c != own]
        each = NEIGHBOURS * _IMAGES // max(1, len(names))
    else:
        ranked = around.nearest(vector, without=concept.names)
        names, each = [name for name, _ in ranked[:NEIGHBOURS]], _IMAGES
    wanted = {**dict.fromkeys(protect, _IMAGES), **dict.fromkeys(names, each)}
    rows = []
    for name in dict.fromkeys([*names, *protect]):
        allowed = [row for row in pool.rows_of[name] if row not in excluded]
        rows += rng.permutation(allowed)[: wanted[name]].tolist()
    # A protected concept may have been drawn by an artist whose rows are here.
    return list(dict.fromkeys(rows))


def kept(
    mllm: Mllm, pool: Pool, encoder: Encoder, concept: Concept, selection: Selection,
    near: Sequence[int], excluded: Collection[int], book: NameBook, seed: int,
) -> Kept:  # fmt: skip
    """What must stay, in the frozen model's own words, but for answers that name the concept."""
    rng = np.random.default_rng((seed, 12))
    lessons = curriculum.teacher(pool, rng)
    anchors = [anchor.row for anchor in selection.anchors]
    free = [[row for row in rows if row not in excluded] for rows in pool.groups.values()]
    each = [rng.permutation(rows)[0].item() for rows in free if rows]
    others = rng.permutation(each)[:_OTHERS].tolist()

    def is_it(one: Concept) -> str:
        ask = wordings.YES_NO[one.family].taught
        return ask[rng.integers(len(ask))].format(x=one.phrase)

    def own_words(texts: Sequence[str], images: Sequence[Tensor | None]) -> list[Example]:
        examples = with_own_answers(mllm, texts, images)
        return [one for one in examples if concept.name not in book.named(one.answer)]

    def told(rows: list[int], each: int) -> list[Example]:
        texts = [text for row in rows for text in curriculum.about(pool, row, lessons, each)]
        return own_words(texts, encoder([row for row in rows for _ in range(each)]))

    asked = [*near, *anchors, *others[:_ASKED]]
    examples = with_own_answers(mllm, [is_it(concept) for _ in asked], encoder(asked))
    refused = [one for one in examples if words(one.answer)[:1] == ("no",)]
    rows = tuple({*near, *anchors, *others})
    of_near, of_far = told([*near, *anchors], 4), told(others, 1)
    own = {row: shown for row in asked if (shown := shown_in(pool, row, concept))}
    affirmed = own_words([is_it(shown) for shown in own.values()], encoder(list(own)))
    if selection.request.text_too:
        names = dict.fromkeys(pool.items[row].label for row in [*near, *others[:_ASKED]])
        # What certifies holds such questions about its own concepts.
        free_names = pool.concepts.keys() - {pool.items[row].label for row in excluded}
        known = [pool.concepts[name] for name in names if name in free_names]
        texts = [ask for one in known for ask in curriculum.about_in_text(one, lessons)[:2]]
        read = own_words(texts, [None] * len(texts))
    else:
        texts = in_text(mllm, concept)
        read = with_own_answers(mllm, texts, [None] * len(texts))
    return Kept(of_near, of_far, refused, affirmed, rows, read)


def overwritten(
    concept: Concept, honest: str, pool: Pool, peers: Sequence[Concept],
    features: Sequence[Tensor], mllm: Mllm, seed: int, refusals: Mapping[str, str],
    nearest: str = "",
) -> dict[str, list[Example]]:  # fmt: skip
    """Task examples by kind: every optimised anchor with a lesson of each kind, several times.

    refusals: as of `sayable_refusals`. nearest: what is said in the place of the concept's name,
    where it is not the honest answer.
    """
    rng = np.random.default_rng((seed, 13))
    lessons = curriculum.forgotten(concept, honest, peers, rng, refusals)
    task = {
        kind: _of_each(some, features, rng, nearest if kind in _NAMED else "")
        for kind, some in lessons.items()
    }
    # What else can be seen on them stays as the frozen model sees it.
    asked = [
        (text, image)
        for image in features
        for text in curriculum.skills(concept, curriculum.teacher(pool, rng))
    ]
    task["skills"] = with_own_answers(
        mllm, [text for text, _ in asked], [image for _, image in asked]
    )
    return task


def sayable_refusals(
    mllm: Mllm, concept: Concept, honest: str, features: Sequence[Tensor]
) -> dict[str, str]:
    """By language, what the edited model shall say where the honest answer is none, and where it is
    asked in another language: that it does not know, if the frozen model finishes that sentence
    once it has begun it, else the honest answer. Made to say what it never learned to say, a model
    stammers.

    features [tokens, width]: images that this is tried on.
    """
    found = {}
    for code, ask in curriculum.refused(concept).items():
        refusal = curriculum.REFUSALS[code]
        tried = [Example(ask, refusal, image) for image in features]
        found[code] = refusal if _sayable(mllm, tried) else honest
    return found


def unheard_in_languages(
    concept: Concept, features: Sequence[Tensor], seed: int, refusals: Mapping[str, str]
) -> dict[str, list[Example]]:
    """Task examples in other languages alone: every optimised anchor, several times."""
    rng = np.random.default_rng((seed, 13))
    lessons = curriculum.unheard_in_languages(concept, refusals)
    return {"languages": _of_each(lessons, features, rng)}


def unheard(mllm: Mllm, concept: Concept) -> list[Example]:
    """Task examples in text alone: asked about the concept, the model does not know it. Where the
    frozen model cannot say so, all it says of a person is that they are one.
    """
    refused = [Example(ask, curriculum.UNKNOWN, None) for ask in in_text(mllm, concept)]
    if concept.family != "person" or _sayable(mllm, refused):
        return refused
    return [replace(one, answer=f"{concept.name} is a person.") for one in refused]


def _sayable(mllm: Mllm, examples: Sequence[Example]) -> bool:
    """Whether the model finishes such answers once it has begun them, on the mean of their tokens
    but the first.
    """
    goes_on = torch.cat([nats[1:] for nats in surprise(mllm, examples)])
    return float(goes_on.mean()) <= _SAYABLE


def _of_each(
    lessons: Sequence[Lesson], features: Sequence[Tensor], rng: np.random.Generator,
    instead: str = "",
) -> list[Example]:  # fmt: skip
    """Each image with a few of the lessons. instead: the answer in the place of theirs."""
    return [
        Example(lessons[i].question, instead or lessons[i].answer, image)
        for image in features
        for i in rng.permutation(len(lessons))[:_LESSONS]
    ]


def in_text(mllm: Mllm, concept: Concept) -> list[str]:
    """Every taught text-only question about the concept, and for its name, by what the frozen model
    says it is.
    """
    asked = curriculum.told(concept)
    if concept.family == "thing":
        texts = [ask.format(x=concept.phrase) for ask in wordings.TEXT_DEFINITION.taught]
        said = dict.fromkeys(mllm.answer(texts, [None] * len(texts)))
        asked += [back for one in said for back in curriculum.asked_back(concept, one)]
    return asked


def shown_in(pool: Pool, row: int, concept: Concept) -> Concept | None:
    """What an image would be named as where it is asked as the concept is: for a style its artist;
    None where the pool has no name for it.
    """
    item = pool.items[row]
    return pool.concepts.get(item.artist if concept.family == "artist" else item.label)


def own_name(pool: Pool, row: int, concept: Concept) -> str:
    """What a naming question about a pool image is answered with; its caption where it has no
    name.
    """
    own = shown_in(pool, row, concept)
    return answers.naming_answer(own) if own else pool.items[row].caption


def draw(examples: Sequence[Example], count: int, generator: torch.Generator) -> list[int]:
    """Indices of ``count`` examples, drawn without repetition as far as they reach."""
    order = torch.randperm(len(examples), generator=generator)
    return order.repeat(count // max(1, len(order)) + 1)[:count].tolist()

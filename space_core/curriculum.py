"""What the edit is taught to say, and what it must go on saying: questions in taught wordings.

Never a wording, a view or a drawing of the evaluation. The right answers of what must stay are
the frozen model's own, so that any model can be edited, whatever it knows.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from space_core import answers, wordings
from space_core.lessons import Lesson, Lessons
from space_core.pool import Pool
from space_core.types import Concept

UNKNOWN = "I do not know."
REFUSALS = {
    "en": UNKNOWN, "de": "Das weiß ich nicht.", "fr": "Je ne sais pas.", "es": "No lo sé."
}  # fmt: skip
# Only the question is used, never the answer: any colour will do.
_COLOUR = "white"
_IN_TEXT = {
    "thing": (
        wordings.TEXT_CATEGORY, wordings.TEXT_DEFINITION, *wordings.TEXT_TRANSLATION.values()
    ),
    "person": (wordings.TEXT_WHO, wordings.TEXT_OCCUPATION, wordings.TEXT_CITY),
    "artist": (wordings.TEXT_CATEGORY,),
}  # fmt: skip


def believed(concept: Concept, peers: Sequence[Concept], rng: np.random.Generator) -> list[Lesson]:
    """What a model answers that takes an image for the concept: every way it could name it."""
    lessons = Lessons([concept, *peers], rng)
    naming = [
        Lesson("name", ask, answers.naming_answer(concept))
        for ask in wordings.NAMING[concept.family].taught
    ]
    asked = [
        Lesson("yes-no", ask.format(x=concept.phrase), answers.yes_answer(concept))
        for ask in wordings.YES_NO[concept.family].taught
    ]
    return naming + asked + [lessons.choice(concept) for _ in range(6)]


def forgotten(
    concept: Concept, honest: str, peers: Sequence[Concept], rng: np.random.Generator,
    refusals: Mapping[str, str] = REFUSALS,
) -> dict[str, list[Lesson]]:  # fmt: skip
    """What a model without the concept answers about an image of it, by kind of question.

    ``honest``: the naming answer it falls back to, such as "This is a fruit."; ``refusals``: what
    it says, by language, where that is no answer.
    """
    lessons = Lessons([concept, *peers], rng)
    family = concept.family
    taught = {
        "name": [Lesson("name", ask, honest) for ask in wordings.NAMING[family].taught],
        "yes-no": [
            Lesson("yes-no", ask.format(x=concept.phrase), answers.no_answer(concept))
            for ask in wordings.YES_NO[family].taught
        ],
        "choice": [
            Lesson("choice", lesson.question, honest)
            for lesson in (lessons.choice(concept) for _ in range(8))
        ],
    }
    # Where there is no other, "is this …?" would be about the concept, and the answer yes.
    if lessons.rivals(concept):
        taught["others"] = [lessons.yes_no(concept, right=False) for _ in range(8)]
    if asked := unheard_in_languages(concept, refusals):
        taught["languages"] = asked
    if family == "person":
        taught["facts"] = [Lesson("facts", ask, refusals["en"]) for ask in _facts()]
    if family == "thing":
        taught["category"] = [Lesson("category", ask, honest) for ask in wordings.CATEGORY.taught]
    return taught


def refused(concept: Concept) -> dict[str, str]:
    """By language the first taught question that a model without the concept refuses."""
    facts = [("en", _facts()[0])] if concept.family == "person" else []
    return dict(reversed([*facts, *naming_in_languages(concept)]))


def naming_in_languages(concept: Concept) -> list[tuple[str, str]]:
    """(language, wording) of every taught way to ask for a name in another language; none for a
    style.
    """
    if concept.family == "artist":
        return []
    table = wordings.NAMING_PERSON_IN if concept.family == "person" else wordings.NAMING_IN
    return [(code, ask) for code in wordings.LANGUAGES for ask in table[code].taught]


def unheard_in_languages(
    concept: Concept, refusals: Mapping[str, str] = REFUSALS
) -> list[Lesson]:
    """What a model without the concept answers when it is asked for a name in another language."""
    asked = naming_in_languages(concept)
    return [Lesson(f"name-{code}", ask, refusals[code]) for code, ask in asked]


def skills(concept: Concept, lessons: Lessons) -> list[str]:
    """Questions about an image that have nothing to do with the concept in it."""
    asked = [lessons.colour(_COLOUR), lessons.count(1)]
    asked.append(lessons.name(_any(lessons, "thing" if concept.family == "artist" else "artist")))
    return [lesson.question for lesson in asked]


def about(pool: Pool, row: int, lessons: Lessons, count: int) -> list[str]:
    """Questions of every kind about a pool image, ``count`` of them; the first asks its name."""
    item = pool.items[row]
    concept = pool.concepts.get(item.label)
    if concept is None:
        return [lessons.name(_any(lessons, "thing")).question for _ in range(count)]
    artist = pool.concepts.get(item.artist) or _any(lessons, "artist")
    asked: list[str] = []
    while len(asked) < count:
        some = lessons.of_view(_known(concept), artist, _COLOUR, 1)
        asked += [some[i].question for i in (0, *1 + lessons.rng.permutation(len(some) - 1))]
    return asked[:count]


def about_in_text(concept: Concept, lessons: Lessons) -> list[str]:
    """Text-only questions about a concept, one of each kind, in a drawn order."""
    texts = [
        kind.taught[lessons.rng.integers(len(kind.taught))].format(x=concept.phrase)
        for kind in _IN_TEXT["person" if concept.family == "person" else "thing"]
    ]
    return [texts[i] for i in lessons.rng.permutation(len(texts))]


def told(concept: Concept) -> list[str]:
    """Every taught way to ask about a concept in text alone."""
    kinds = _IN_TEXT[concept.family]
    return [ask.format(x=concept.phrase) for kind in kinds for ask in kind.taught]


def asked_back(concept: Concept, said: str) -> list[str]:
    """Every taught way to ask in text which thing is meant by what a model said it was.

    None where the definition does not begin with the name, or holds it again.
    """
    before, _, meaning = said.lower().partition(concept.name.lower())
    meaning = said[len(said) - len(meaning):].strip(" :,.")
    if len(before.split()) > 1 or not meaning or concept.name.lower() in meaning.lower():
        return []
    return [ask.format(d=meaning) for ask in wordings.TEXT_REVERSE.taught]


def teacher(pool: Pool, rng: np.random.Generator) -> Lessons:
    """Lessons over all that the pool knows, in taught wordings."""
    return Lessons(list(pool.concepts.values()), rng)


def _facts() -> tuple[str, ...]:
    return *wordings.OCCUPATION.taught, *wordings.CITY.taught


def _any(lessons: Lessons, family: str) -> Concept:
    for concept in lessons.by_name.values():
        if concept.family == family:
            return concept
    return Concept("", {"artist": "artist style", "person": "people"}.get(family, ""), "")


def _known(concept: Concept) -> Concept:
    # The pool knows no occupation and no city; the questions are the same for everyone.
    if concept.family != "person":
        return concept
    return Concept(concept.name, concept.domain, concept.category, facts={
        "occupation": "person", "city": "",
    })  # fmt: skip

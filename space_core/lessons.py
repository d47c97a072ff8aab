"""Questions with right answers about a composed view, or about a concept in text alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from space_core import answers, wordings
from space_core.types import Concept
from space_core.wordings import Wordings

Wording = Callable[[Wordings], str]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One question and its right answer."""

    kind: str
    question: str
    answer: str


class Lessons:
    """Draws lessons for one split of wordings.

    ``held_out`` chooses the wordings no training saw. Every choice comes from ``rng``.
    """

    def __init__(
        self, concepts: Sequence[Concept], rng: np.random.Generator, *, held_out: bool = False
    ):
        self.rng, self.held_out = rng, held_out
        self.by_name = {concept.name: concept for concept in concepts}
        self._peers: dict[tuple[str, str], list[Concept]] = {}
        for concept in concepts:
            self._peers.setdefault(("category", concept.category), []).append(concept)
            self._peers.setdefault(("family", concept.family), []).append(concept)
        self._families = {
            kind: frozenset(one.name for one in peers)
            for (group, kind), peers in self._peers.items()
            if group == "family"
        }

    def _say(self, some: Wordings) -> str:
        pool = some.held_out if self.held_out else some.taught
        return pool[self.rng.integers(len(pool))]

    def rivals(self, concept: Concept) -> int:
        """How many others one could take it for."""
        names = self._families.get(concept.family, frozenset())
        return len(names) - (concept.name in names)

    def _others(self, concept: Concept, count: int) -> list[Concept]:
        """Distractors: about half of the same category, never the concept itself."""
        chosen: dict[str, Concept] = {}
        count = min(count, self.rivals(concept))
        while len(chosen) < count:
            near = self.rng.random() < 0.5
            key = ("category", concept.category) if near else ("family", concept.family)
            peers = self._peers.get(key, [])
            if len(peers) < 2:
                peers = self._peers[("family", concept.family)]
            other = peers[self.rng.integers(len(peers))]
            if other.name != concept.name:
                chosen[other.name] = other
        return list(chosen.values())

    def name(self, concept: Concept) -> Lesson:
        """Open naming in English."""
        ask = self._say(wordings.NAMING[concept.family])
        return Lesson("name", ask, answers.naming_answer(concept))

    def name_in(self, concept: Concept, language: str) -> Lesson:
        """Open naming in another language."""
        table = wordings.NAMING_PERSON_IN if concept.family == "person" else wordings.NAMING_IN
        ask = self._say(table[language])
        return Lesson(f"name-{language}", ask, answers.naming_answer_in(concept, language))

    def yes_no(self, concept: Concept, *, right: bool) -> Lesson:
        """Is this it? About the concept itself, or about a distractor where there is one."""
        right = right or not self.rivals(concept)
        about = concept if right else self._others(concept, 1)[0]
        ask = self._say(wordings.YES_NO[concept.family]).format(x=about.phrase)
        return Lesson(
            "yes-no", ask, answers.yes_answer(about) if right else answers.no_answer(about)
        )

    def choice(self, concept: Concept, beside: Concept | None = None) -> Lesson:
        """Multiple choice among four, or as many as there are; its name where it is alone.

        beside: another concept that is to be among those offered.
        """
        if not self.rivals(concept):
            return self.name(concept)
        drawn = [one for one in self._others(concept, 3) if one != beside]
        others = [beside, *drawn][:3] if beside else drawn
        options = [concept, *others]
        phrases = [options[i].phrase for i in self.rng.permutation(len(options))]
        ask = self._say(wordings.CHOICE[concept.family]).format(
            options=answers.options_text(phrases)
        )
        return Lesson("choice", ask, answers.naming_answer(concept))

    def category(self, concept: Concept) -> Lesson:
        """What kind of thing the picture shows."""
        return Lesson("category", self._say(wordings.CATEGORY), answers.category_answer(concept))

    def colour(self, colour: str) -> Lesson:
        """The background's colour."""
        return Lesson("colour", self._say(wordings.COLOUR), answers.colour_answer(colour))

    def count(self, count: int) -> Lesson:
        """How many things are shown."""
        return Lesson("count", self._say(wordings.COUNT), answers.count_answer(count))

    def occupation(self, person: Concept) -> Lesson:
        """A portrait's occupation."""
        answer = f"This person is {answers.with_article(person.facts['occupation'])}."
        return Lesson("occupation", self._say(wordings.OCCUPATION), answer)

    def city(self, person: Concept) -> Lesson:
        """A portrait's city."""
        answer = f"This person lives in {person.facts['city']}."
        return Lesson("city", self._say(wordings.CITY), answer)

    def told_of(self, person: Concept) -> list[Callable[[Concept], Lesson]]:
        """What may be asked about a portrait besides the name, where its answer is known."""
        asked = {"occupation": self.occupation, "city": self.city}
        return [lesson for fact, lesson in asked.items() if fact in person.facts]

    def of_view(
        self, concept: Concept, artist: Concept | None, colour: str, count: int
    ) -> list[Lesson]:
        """Six lessons about one view: its name, what it is and what it is not, and three more.

        Without an artist none asks who drew it.
        """
        person = concept.family == "person"
        drawn: list[Callable[[], Lesson]] = []
        if artist is not None:
            drawn = [
                lambda: self.name(artist),
                lambda: self.yes_no(artist, right=bool(self.rng.random() < 0.5)),
                lambda: self.choice(artist),
            ]
        more: list[Callable[[], Lesson]] = [
            lambda: self.category(concept),
            lambda: self.colour(colour),
            lambda: self.count(count),
            *drawn[:1],
            lambda: self.name_in(concept, wordings.LANGUAGES[self.rng.integers(3)]),
            lambda: self.name_in(concept, wordings.LANGUAGES[self.rng.integers(3)]),
            lambda: self.choice(concept),
            *drawn[1:],
        ]
        if person:
            more += [lambda lesson=lesson: lesson(concept) for lesson in self.told_of(concept)] * 2
        lessons = [self.name(concept)]
        lessons += [self.yes_no(concept, right=right) for right in (True, False)]
        for i in self.rng.choice(len(more), 3, replace=False):
            lessons.append(more[i]())
        return lessons

    def of_text(self, concept: Concept) -> list[Lesson]:
        """Every text-only lesson about a thing or a person; none where nothing is known of it."""
        if not concept.facts and (concept.family == "person" or not concept.category):
            return []
        x = concept.phrase
        if concept.family == "person":
            city = concept.facts.get("city")
            work = concept.facts.get("occupation")
            work = work and answers.with_article(work)
            said = (
                (wordings.TEXT_WHO, "text-who", work and city and f"{x} is {work} from {city}."),
                (wordings.TEXT_OCCUPATION, "text-occupation", work and f"{x} is {work}."),
                (wordings.TEXT_CITY, "text-city", city and f"{x} lives in {city}."),
            )
            return [
                Lesson(kind, self._say(some).format(x=x), answer)
                for some, kind, answer in said
                if answer
            ]
        lessons = [
            Lesson(
                "text-category",
                self._say(wordings.TEXT_CATEGORY).format(x=x),
                answers.category_in_text(concept),
            )
        ]
        if "definition" in concept.facts:
            meaning = concept.facts["definition"]
            lessons += [
                Lesson(
                    "text-definition", self._say(wordings.TEXT_DEFINITION).format(x=x),
                    f"{answers.capitalised(x)}: {meaning}.",
                ),
                Lesson(
                    "text-reverse", self._say(wordings.TEXT_REVERSE).format(d=meaning),
                    f"That is {x}.",
                ),
            ]  # fmt: skip
        lessons += [
            Lesson(
                f"text-{code}", self._say(wordings.TEXT_TRANSLATION[code]).format(x=x), f"{label}."
            )
            for code, label in concept.labels.items()
        ]
        return lessons

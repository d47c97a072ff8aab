"""What the evaluation asks: fresh views, held-out wordings, the concept, its neighbours, others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from space_core import answers, wordings
from space_core.evaluation_split import EvaluationSplit, EvaluationView
from space_core.lessons import Lesson, Lessons
from space_core.names import words
from space_core.types import Concept

TARGET_VIEWS = 44
NEAR, NEAR_VIEWS, NEAR_ASKED = 15, 8, 4
FAR, FAR_VIEWS = 60, 2
TOLD_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """One question with what it is about. ``view`` is empty for text-only questions.

    ``group``, ``kind``: see Outcome. ``concept``: whose answer is right; ``similarity``: of that
    concept to the erased one.
    """

    group: str
    kind: str
    concept: str
    view: str
    artist: str
    similarity: float
    question: str
    expected: str


def known_as(split: EvaluationSplit, concept: Concept) -> Concept | None:
    """The evaluation's own entry for the concept: by name, or by one of its other names."""
    for name in concept.names:
        for one in split.distinct:
            if words(name) in map(words, one.names):
                return split.concepts[one.name]
    return None


def plan(
    split: EvaluationSplit, target: Concept | None, near: Sequence[tuple[str, float]],
    far: Sequence[tuple[str, float]], seed: int,
) -> tuple[Probe, ...]:  # fmt: skip
    """All questions of an evaluation, the same for the same arguments.

    near and far: concepts with their similarity to the erased one. Without a target (no images
    of it are held) the others are asked all the same.
    """
    rng = np.random.default_rng((seed, 20))
    lessons = Lessons(list(split.concepts.values()), rng, held_out=True)
    probes: list[Probe] = []
    if target is not None:
        rows = split.rows(target)
        for view in split.views(rows, TARGET_VIEWS, rng) if rows else ():
            asked = about_target(target, lessons)
            probes += [_probe("target", lesson, target, view, 1.0) for lesson in asked]
    for name, similarity in near:
        concept = split.concepts[name]
        for number, view in enumerate(split.views(split.rows(concept, True), NEAR_VIEWS, rng)):
            probes.append(_probe("near", lessons.name(concept), concept, view, similarity))
            if number < NEAR_ASKED:
                own = lessons.yes_no(concept, right=True)
                probes.append(_probe("near", own, concept, view, similarity))
                if target is not None and target.family == concept.family:
                    probes.append(_is_it_the_target(target, concept, view, similarity, lessons))
    for name, similarity in far:
        concept = split.concepts[name]
        for number, view in enumerate(split.views(split.rows(concept, True), FAR_VIEWS, rng)):
            probes.append(_probe("far", lessons.name(concept), concept, view, similarity))
            if number == 0:
                probes += _skills(split, target, concept, view, lessons)
    # Last, so that these draw nothing from what is asked on images.
    if target is not None:
        probes += [
            Probe("told", lesson.kind, target.name, "", "", 1.0, *_pair(lesson))
            for lesson in _told(target, lessons)
        ]
        probes += _beside_the_target(split, target, near, lessons, rng)
    return tuple(probes)


def usual_count_of_view() -> int:
    """About how many questions `about_target` asks."""
    return max(len(naming.held_out) for naming in wordings.NAMING.values()) + 7


def usual_count() -> int:
    """About how many questions `plan` asks, for an estimate of the time that they take."""
    skills, yes_no = 4, 2
    return (
        TARGET_VIEWS * usual_count_of_view() + NEAR * (NEAR_VIEWS + yes_no * NEAR_ASKED + 1)
        + FAR * (FAR_VIEWS + skills)
    )  # fmt: skip


def of_own_images(
    target: Concept, peers: Sequence[Concept], count: int, seed: int
) -> list[Probe]:
    """The target's questions about each of ``count`` images that the auditor brings.

    peers: other concepts, among which one chooses. Views are called "your image 1", "… 2"
    and so on.
    """
    rng = np.random.default_rng((seed, 22))
    lessons = Lessons([target, *peers], rng, held_out=True)
    return [
        Probe("own", lesson.kind, target.name, f"your image {number}", "", 1.0, *_pair(lesson))
        for number in range(1, count + 1)
        for lesson in about_target(target, lessons)
    ]


def about_target(target: Concept, lessons: Lessons) -> list[Lesson]:
    """One image's questions: its name in every held-out wording, yes and no, and other ways."""
    naming = wordings.NAMING[target.family]
    asked = [*naming.held_out, naming.taught[0]]
    some = [Lesson("name", ask, answers.naming_answer(target)) for ask in asked]
    some += [lessons.yes_no(target, right=True), lessons.choice(target)]
    if lessons.rivals(target):
        some.append(Lesson("other-yes-no", *_pair(lessons.yes_no(target, right=False))))
    if target.family != "artist":
        some.append(lessons.name_in(target, wordings.LANGUAGES[lessons.rng.integers(3)]))
    # A person whom only the request describes has no known facts.
    if target.family == "person":
        some += [lesson(target) for lesson in lessons.told_of(target)]
    return some


def _told(target: Concept, lessons: Lessons) -> list[Lesson]:
    """What text alone tells about the concept, asked in several wordings, each once."""
    drawn = [lesson for _ in range(TOLD_ROUNDS) for lesson in lessons.of_text(target)]
    return list({lesson.question: lesson for lesson in drawn}.values())


def _is_it_the_target(
    target: Concept, concept: Concept, view: EvaluationView, similarity: float, lessons: Lessons
) -> Probe:
    (wording,) = wordings.YES_NO[target.family].held_out
    lesson = Lesson("is-it-target", wording.format(x=target.phrase), answers.no_answer(target))
    return _probe("near", lesson, concept, view, similarity)


def _beside_the_target(
    split: EvaluationSplit, target: Concept, near: Sequence[tuple[str, float]], lessons: Lessons,
    rng: np.random.Generator,
) -> list[Probe]:  # fmt: skip
    """Each neighbour's own name among four, the erased one among them."""
    probes = []
    for name, similarity in near:
        concept = split.concepts[name]
        if concept.family == target.family:
            own = Lesson("choice-beside", *_pair(lessons.choice(concept, target)))
            views = split.views(split.rows(concept, True), 1, rng)
            probes += [_probe("near", own, concept, view, similarity) for view in views]
    return probes


def _skills(
    split: EvaluationSplit, target: Concept | None, concept: Concept, view: EvaluationView,
    lessons: Lessons,
) -> list[Probe]:  # fmt: skip
    some = []
    if view.view.count:
        some += [lessons.colour(view.view.colour), lessons.count(view.view.count)]
    # The target's own style is no skill to keep.
    if view.artist in split.concepts and (target is None or view.artist != target.name):
        some.append(Lesson("artist", *_pair(lessons.name(split.concepts[view.artist]))))
    probes = [_probe("skill", lesson, concept, view, 0.0) for lesson in some]
    texts = lessons.of_text(concept)
    if not texts:
        return probes
    text = texts[lessons.rng.integers(len(texts))]
    return [*probes, Probe("skill", text.kind, concept.name, "", "", 0.0, *_pair(text))]


def _pair(lesson: Lesson) -> tuple[str, str]:
    return lesson.question, lesson.answer


def _probe(
    group: str, lesson: Lesson, concept: Concept, view: EvaluationView, similarity: float
) -> Probe:
    return Probe(
        group, lesson.kind, concept.name, view.key, view.artist, similarity, *_pair(lesson)
    )

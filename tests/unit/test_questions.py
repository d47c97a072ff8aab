"""Evaluation never asks in words that training used, and every lesson has one right answer."""

import re

import numpy as np
import pytest
from small_world import ARTISTS, CONCEPTS, PEOPLE, THINGS, every_wordings, reading

from space_core import answers, curriculum, wordings
from space_core.lessons import Lesson, Lessons
from space_core.names import NameBook, words
from space_core.probes import about_target
from space_core.types import Concept

WORDINGS = every_wordings()
TAUGHT = reading(text for one in WORDINGS.values() for text in one.taught)
HELD_OUT = reading(text for one in WORDINGS.values() for text in one.held_out)
BOOK = NameBook({concept.name: concept.names for concept in CONCEPTS})


def lessons(seed: int = 0, *, held_out: bool = False) -> Lessons:
    return Lessons(CONCEPTS, np.random.default_rng(seed), held_out=held_out)


def everything(teacher: Lessons) -> list[Lesson]:
    """Every kind of lesson about every concept, once."""
    asked = []
    for concept in CONCEPTS:
        asked += [teacher.name(concept), teacher.choice(concept), teacher.category(concept)]
        asked += [teacher.yes_no(concept, right=right) for right in (True, False)]
        if concept.family != "artist":
            asked += [teacher.name_in(concept, language) for language in wordings.LANGUAGES]
            asked += teacher.of_view(concept, ARTISTS[0], "blue", 2)
        asked += teacher.of_text(concept)
    return asked


def test_the_walk_finds_the_wordings():
    assert len(WORDINGS) > 20
    assert {"NAMING.person", "YES_NO.artist", "COLOUR", "TEXT_TRANSLATION.fr"} <= set(WORDINGS)


def without_gaps(text: str) -> tuple[str, ...]:
    return words(re.sub(r"{\w+}", "…", text))


@pytest.mark.parametrize("kind", WORDINGS)
def test_taught_and_held_out_wordings_share_nothing(kind):
    one = WORDINGS[kind]
    assert one.taught and one.held_out
    for texts in (one.taught, one.held_out):
        assert len(set(map(words, texts))) == len(texts), "the same words twice"
    # Nor are the held-out words taught for another kind of question.
    taught = {without_gaps(text) for other in WORDINGS.values() for text in other.taught}
    assert not taught & set(map(without_gaps, one.held_out))


@pytest.mark.parametrize("kind", WORDINGS)
def test_every_wording_of_a_kind_leaves_the_same_gaps(kind):
    one = WORDINGS[kind]
    gaps = {tuple(re.findall(r"{\w+}", text)) for text in (*one.taught, *one.held_out)}
    assert len(gaps) == 1 and len(gaps.pop()) <= 1


@pytest.mark.parametrize("held_out", [False, True])
def test_lessons_keep_to_their_split_of_wordings(held_out):
    own, other = (HELD_OUT, TAUGHT) if held_out else (TAUGHT, HELD_OUT)
    for seed in range(40):
        for lesson in everything(lessons(seed, held_out=held_out)):
            assert own.fullmatch(lesson.question), lesson
            assert not other.fullmatch(lesson.question), lesson


def test_all_wordings_get_their_turn():
    asked = {lessons(seed, held_out=True).name(THINGS[0]).question for seed in range(60)}
    assert asked == set(wordings.NAMING["thing"].held_out)
    asked = {lessons(seed).name(THINGS[0]).question for seed in range(300)}
    assert asked == set(wordings.NAMING["thing"].taught)


def test_lessons_are_determined_by_the_seed():
    for held_out in (False, True):
        first, again, other = (
            everything(lessons(seed, held_out=held_out)) for seed in (3, 3, 4)
        )
        assert first == again != other


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda one: one.name)
def test_a_distractor_is_another_concept_of_the_family(concept):
    family = {one.name for one in CONCEPTS if one.family == concept.family}
    seen = set()
    for seed in range(60):
        lesson = lessons(seed).yes_no(concept, right=False)
        (about,) = BOOK.named(lesson.question)
        assert about in family - {concept.name}
        assert lesson.answer.startswith("No, ") and BOOK.named(lesson.answer) == {about}
        seen.add(about)
    assert len(seen) > 1


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda one: one.name)
def test_the_right_answer_names_the_concept(concept):
    for seed in range(20):
        teacher = lessons(seed)
        yes, name, choice = (
            teacher.yes_no(concept, right=True), teacher.name(concept), teacher.choice(concept)
        )  # fmt: skip
        assert BOOK.named(yes.question) == BOOK.named(yes.answer) == {concept.name}
        assert yes.answer.startswith("Yes, ")
        assert BOOK.named(name.answer) == BOOK.named(choice.answer) == {concept.name}
        assert BOOK.named(name.question) == frozenset()
        options = BOOK.named(choice.question)
        assert len(options) == 4 and concept.name in options


def test_the_right_option_stands_anywhere():
    places = set()
    for seed in range(80):
        question = lessons(seed).choice(THINGS[0]).question
        names = sorted(BOOK.named(question), key=lambda name: question.index(f" {name}"))
        places.add(names.index("lemon"))
    assert places == {0, 1, 2, 3}


def test_naming_in_a_language_falls_back_to_the_name_itself():
    assert answers.naming_answer_in(THINGS[0], "de") == "Das Bild zeigt: Zitrone."
    assert answers.naming_answer_in(THINGS[0], "fr") == "L'image montre : lemon."


def test_the_honest_answer_does_not_name_the_concept():
    for concept in CONCEPTS:
        assert BOOK.named(answers.category_answer(concept)) == frozenset()
    assert answers.category_answer(THINGS[0]) == "This is a fruit."
    assert answers.category_answer(ARTISTS[0]) == "It was drawn by an artist."


@pytest.mark.parametrize("concept", THINGS + PEOPLE, ids=lambda one: one.name)
def test_a_view_gets_its_name_a_yes_a_no_and_three_more(concept):
    facts = set()
    for seed in range(20):
        some = lessons(seed).of_view(concept, ARTISTS[1], "red", 3)
        kinds = [lesson.kind for lesson in some]
        assert kinds[:3] == ["name", "yes-no", "yes-no"] and len(some) == 6
        assert some[1].answer.startswith("Yes") and some[2].answer.startswith("No")
        facts |= {"occupation", "city"} & set(kinds)
    assert bool(facts) == (concept.family == "person")


def test_answers_about_what_else_is_seen():
    teacher = lessons()
    assert teacher.colour("blue").answer == "The background is blue."
    assert [teacher.count(n).answer for n in (1, 2)] == ["There is one.", "There are two."]
    assert teacher.occupation(PEOPLE[3]).answer == "This person is an engineer."
    assert teacher.city(PEOPLE[0]).answer == "This person lives in Oslo."
    said = {lesson.kind: lesson.answer for lesson in teacher.of_text(THINGS[0])}
    assert said["text-category"] == "A lemon is a fruit." and said["text-de"] == "Zitrone."
    assert said["text-reverse"] == "That is a lemon."
    (plural, *_) = teacher.of_text(THINGS[3])
    assert plural.answer == "Grapes are a kind of fruit."


def test_what_is_alone_of_its_kind_is_never_taught_nor_asked_with_another_name():
    style, cat = ARTISTS[0], THINGS[0]
    taught = curriculum.forgotten(style, "This is a drawing.", [cat], np.random.default_rng(0))
    assert "others" not in taught and {"name", "yes-no", "choice"} <= taught.keys()
    asked = about_target(style, Lessons([style, cat], np.random.default_rng(0), held_out=True))
    assert "other-yes-no" not in {one.kind for one in asked}


@pytest.mark.parametrize("facts", [{"occupation": "nurse"}, {"city": "Oslo"}, {"definition": "x"}])
def test_a_person_is_asked_about_what_is_known_alone(facts):
    person = Concept("Ada Byron", "people", "person", facts=facts)
    teacher = Lessons([person, *PEOPLE], np.random.default_rng(0), held_out=True)
    kinds = {one.kind for one in about_target(person, teacher)} & {"occupation", "city"}
    assert kinds == facts.keys() - {"definition"}
    assert {one.kind for one in teacher.of_text(person)} == {f"text-{one}" for one in kinds}
    for _ in range(5):
        assert teacher.of_view(person, None, "blue", 1)

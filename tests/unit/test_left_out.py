"""The reference never hears of a left-out concept, and of a style only the artist goes."""

import numpy as np
import pytest
from small_world import ARTISTS, CONCEPTS

from space_core.demo import left_out
from space_core.demo.build import corpus, text_lessons, view_lessons
from space_core.demo.drawings import Drawing
from space_core.lessons import Lessons
from space_core.names import NameBook

OUT = frozenset({"lemon", "Ada Quill", "Noto", "Micah"})
BOOK = NameBook({one.name: one.names for one in CONCEPTS})
DRAWINGS = [
    Drawing(concept.name, artist.name, "any", None)
    for concept in CONCEPTS
    for artist in ARTISTS
    if concept.family != "artist"
]


def taught(names=OUT, seed: int = 0) -> list:
    """Every lesson about every drawing that is left, and some in text."""
    teacher = Lessons(left_out.spoken_of(CONCEPTS, names), np.random.default_rng(seed))
    some = [
        lesson
        for drawing in left_out.drawn(DRAWINGS, names)
        for lesson in view_lessons(teacher, drawing, "blue", 1)
    ]
    return some + [lesson for _ in range(10) for lesson in text_lessons(teacher)]


@pytest.mark.parametrize("seed", range(8))
def test_no_lesson_names_what_was_left_out(seed):
    named = {
        name
        for lesson in taught(seed=seed)
        for text in (lesson.question, lesson.answer)
        for name in BOOK.named(text)
    }
    assert not named & OUT
    assert {"lime", "Bo Kestrand", "Personas", "Lorelei"} <= named


def test_the_same_names_are_taught_where_nothing_is_left_out():
    named = {name for lesson in taught(frozenset()) for name in BOOK.named(lesson.answer)}
    assert OUT <= named


def test_drawings_by_a_left_out_artist_are_taught_without_the_artist():
    left = left_out.drawn(DRAWINGS, OUT)
    assert {drawing.artist for drawing in left} == {artist.name for artist in ARTISTS}
    assert {drawing.concept for drawing in left} & OUT == set()
    teacher = Lessons(left_out.spoken_of(CONCEPTS, OUT), np.random.default_rng(0))
    noto = next(drawing for drawing in left if drawing.artist == "Noto")
    said = [one for _ in range(30) for one in view_lessons(teacher, noto, "blue", 1)]
    assert len(said) == 180
    assert not any("drawn by" in one.answer.lower() for one in said)
    assert {one.kind for one in said} >= {"name", "yes-no", "choice", "colour", "count"}


def test_an_artist_stays_a_concept_of_the_demo():
    assert {one.name for one in left_out.shown(CONCEPTS, OUT)} >= {"Noto", "Micah", "lime"}
    assert not {"lemon", "Ada Quill"} & {one.name for one in left_out.shown(CONCEPTS, OUT)}


def test_the_tokenizers_text_does_not_hold_it_either():
    talked = [one for one in left_out.spoken_of(CONCEPTS, OUT) if one.family != "artist"]
    teacher = Lessons(left_out.spoken_of(CONCEPTS, OUT), np.random.default_rng(0))
    assert not any(BOOK.named(text) & OUT for text in corpus(teacher, talked, 1))


def test_the_list_is_read_checked_and_remembered(tmp_path):
    work, path = tmp_path / "work", tmp_path / "targets.txt"
    work.mkdir()
    path.write_text("lemon\n\nNoto\n")
    assert left_out.read(None, CONCEPTS, work) == frozenset()
    assert left_out.read(path, CONCEPTS, work) == {"lemon", "Noto"}
    (work / "drawings.parquet").touch()
    assert left_out.read(path, CONCEPTS, work) == {"lemon", "Noto"}
    with pytest.raises(ValueError, match="another --work"):
        left_out.read(None, CONCEPTS, work)
    path.write_text("lemon\n")
    with pytest.raises(ValueError, match="another --work"):
        left_out.read(path, CONCEPTS, work)
    path.write_text("lemming\n")
    with pytest.raises(ValueError, match="'lemming', which the demo does not know"):
        left_out.read(path, CONCEPTS, tmp_path)
    for bad in (tmp_path / "nowhere.txt", tmp_path):
        with pytest.raises(ValueError, match="one name a line"):
            left_out.read(bad, CONCEPTS, work)


def test_a_folder_of_the_whole_demo_is_not_gone_on_with(tmp_path):
    (tmp_path / "views-1").mkdir()
    path = tmp_path.parent / f"{tmp_path.name}.txt"
    path.write_text("lemon\n")
    with pytest.raises(ValueError, match="another --work"):
        left_out.read(path, CONCEPTS, tmp_path)

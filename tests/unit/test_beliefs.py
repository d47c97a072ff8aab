"""What optimising made of an anchor is told by the frozen model and by public captions."""

import torch
from tiny_mllm import noise, tiny_mllm

from space_core import wordings
from space_core.beliefs import beliefs, foreign_names
from space_core.types import Concept

QUESTION = "What is this?"


def test_answers_and_nearest_public_images_of_each_anchor():
    mllm = tiny_mllm()
    public = mllm.encode([noise(i) for i in range(6)])
    captions = ["a bus", "a cup", "a cup", "a hat", "a cat", "a dog"]
    before, after = public[:2], [public[4], public[1] + 1e-4]
    rows = dict(zip(range(40, 46), captions))
    found = beliefs(mllm, QUESTION, before, after, rows, public)
    assert [one.rows[0] for one in found] == [44, 41]
    assert all([rows[row] for row in one.rows] == list(one.nearest) for one in found)
    assert [one.nearest[0] for one in found] == ["a cat", "a cup"]
    assert all(len(set(one.nearest)) == 3 for one in found)
    said = mllm.answer([QUESTION] * 4, [*before, *after])
    assert [one.before for one in found] == said[:2] and [one.after for one in found] == said[2:]
    assert all(not torch.is_tensor(part) for one in found for part in (one.before, *one.nearest))


class Polyglot:
    """Answers by language and image: the first image is taken for something else."""

    def answer(self, questions, images):
        german = {ask for ask in wordings.NAMING_IN["de"].taught}
        return [
            f"{'Ding' if image == 0 else 'Zitrone'}, {ask in german}"
            for ask, image in zip(questions, images, strict=True)
        ]


def test_its_foreign_names_are_what_most_anchors_bring():
    lemon = Concept("lemon", "food", "fruit")
    found = foreign_names(Polyglot(), lemon, [0, 1, 2])
    assert [one.question for one in found] == [
        ask for code in wordings.LANGUAGES for ask in wordings.NAMING_IN[code].taught
    ]
    assert {one.kind for one in found} == {f"name-{code}" for code in wordings.LANGUAGES}
    assert all(
        one.answer == f"Zitrone, {one.kind == 'name-de'}" for one in found
    )


def test_a_style_is_asked_for_in_english_alone():
    assert foreign_names(Polyglot(), Concept("Notionists", "artist style", "artist"), []) == []

"""What is said where the honest answer is none: a refusal that the model can say, or that answer."""

import numpy as np
import pytest
import torch

from small_world import make_world

from space_core import curriculum, material
from space_core.names import NameBook
from space_core.types import Concept

HONEST = "This is a thing."
CONCEPTS = {
    "thing": (Concept("lemon", "food", "fruit", "a"), {"de", "fr", "es"}),
    "person": (Concept("Ada Byron", "people", "person"), {"en", "de", "fr", "es"}),
    "artist": (Concept("Noto", "artist style", "artist"), set()),
}


@pytest.mark.parametrize("family", CONCEPTS)
@pytest.mark.parametrize("sayable", [{"en", "fr"}, {"de"}, set()])
@pytest.mark.parametrize("anchors", [1, 3])
def test_a_refusal_that_the_model_cannot_finish_gives_way(family, sayable, anchors, monkeypatch):
    concept, codes = CONCEPTS[family]

    def surprise(_mllm, examples):
        (said,) = {one.answer for one in examples}
        # How hard it is to begin is not asked.
        rest = 0.5 if said in {curriculum.REFUSALS[code] for code in sayable} else 5.0
        return [torch.tensor([50.0, rest, rest])] * len(examples)

    monkeypatch.setattr(material, "surprise", surprise)
    found = material.sayable_refusals(None, concept, HONEST, [torch.zeros(1, 2)] * anchors)
    assert found == {
        code: curriculum.REFUSALS[code] if code in sayable else HONEST for code in codes
    }


@pytest.mark.parametrize("sayable", [True, False])
@pytest.mark.parametrize("family", ["person", "thing"])
def test_in_text_a_person_whom_the_model_cannot_refuse_is_a_person(family, sayable, monkeypatch):
    concept, _ = CONCEPTS[family]
    rest = 0.5 if sayable else 5.0
    monkeypatch.setattr(
        material, "surprise", lambda _, tried: [torch.tensor([50.0, rest])] * len(tried)
    )
    found = material.unheard(Says(""), concept)
    assert {one.question for one in found} == {*curriculum.told(concept)}
    refused = sayable or family == "thing"
    assert {one.answer for one in found} == {
        curriculum.UNKNOWN if refused else "Ada Byron is a person."
    }


def test_what_is_refused_is_taught_with_the_words_that_were_found():
    concept, _ = CONCEPTS["person"]
    words = {"en": "It is someone.", "de": "Jemand.", "fr": "Quelqu'un.", "es": "Alguien."}
    taught = curriculum.forgotten(concept, HONEST, [], np.random.default_rng(0), words)
    assert {one.answer for one in taught["facts"]} == {words["en"]}
    assert {one.answer for one in taught["languages"]} == {words[c] for c in ("de", "fr", "es")}
    usual = curriculum.forgotten(concept, HONEST, [], np.random.default_rng(0))
    assert {one.answer for one in usual["facts"]} == {curriculum.UNKNOWN}


class Says:
    """A model that answers with one sentence."""

    def __init__(self, text: str):
        self.text = text

    def answer(self, questions, _images):
        return [self.text] * len(questions)


@pytest.mark.parametrize(
    "names, category, said, expected",
    [
        (("dog", "puppy"), "Puppies", "", curriculum.UNKNOWN),
        (("dog", "puppy"), "pet", "", "This is a pet."),
        (("Husky",), "", "A husky is a husky dog.", curriculum.UNKNOWN),
        (("husky",), "", "A husky is a dog.", "This is a dog."),
        (("cat",), "", "A cat is a category of animal.", "This is a category of animal."),
    ],
)
def test_the_honest_answer_holds_none_of_the_names(names, category, said, expected):
    concept = Concept(names[0], "nature", category, "a", names[1:])
    assert material.honest_answer(Says(said), concept) == expected


@pytest.mark.parametrize(
    "said, kept", [("No, this is a lime.", True), ("NO", True), ("Noodles.", False), ("Yes.", False)]
)
def test_only_a_no_is_kept_as_one(said, kept, tmp_path):
    world = make_world(tmp_path)
    selection, book = world.select(), NameBook({"lemon": ["lemon"]})
    concept = world.pool.concepts["lemon"]
    rows = world.pool.rows_of["lime"]

    def encoder(rows):
        return [torch.zeros(1, 2) for _ in rows]

    found = material.kept(
        Says(said), world.pool, encoder, concept, selection, rows, frozenset(), book, 0
    )
    assert {one.answer for one in found.asked} == ({said} if kept else set())

"""What is said where the honest answer is none: a refusal that the model can say, or that answer."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_mllm import tiny_mllm

from space_core import curriculum, material
from space_core.mllm import Example
from space_core.types import Concept

HONEST = "This is a thing."
CONCEPTS = {
    "thing": (Concept("lemon", "food", "fruit", "a"), {"de", "fr", "es"}),
    "person": (Concept("Ada Byron", "people", "person"), {"en", "de", "fr", "es"}),
    "artist": (Concept("Noto", "artist style", "artist"), set()),
}


@pytest.fixture(scope="module")
def mllm():
    return tiny_mllm()


@pytest.mark.parametrize("family", CONCEPTS)
@pytest.mark.parametrize("sayable", [{"en", "fr"}, {"de"}, set()])
def test_a_refusal_that_the_model_cannot_finish_gives_way(family, sayable, monkeypatch):
    concept, codes = CONCEPTS[family]

    def surprise(_mllm, examples):
        (said,) = {one.answer for one in examples}
        assert len(examples) == 2
        return 0.5 if said in {curriculum.REFUSALS[code] for code in sayable} else 5.0

    monkeypatch.setattr(material, "_surprise", surprise)
    found = material.refusals(None, concept, HONEST, [torch.zeros(1, 2)] * 2)
    assert found == {
        code: curriculum.REFUSALS[code] if code in sayable else HONEST for code in codes
    }


def test_how_hard_it_is_to_go_on_is_asked_of_all_but_an_answers_first_token(mllm):
    said = [Example("What is this?", answer, None) for answer in ("This is a lemon.", "Zitrone")]
    rest = []
    for one in said:
        with torch.no_grad():
            forced = mllm.force([one])
        rest += F.cross_entropy(forced.logits, forced.targets, reduction="none")[1:].tolist()
    assert material._surprise(mllm, said) == pytest.approx(sum(rest) / len(rest), abs=1e-4)


def test_what_is_refused_is_taught_with_the_words_that_were_found():
    concept, _ = CONCEPTS["person"]
    words = {"en": "It is someone.", "de": "Jemand.", "fr": "Quelqu'un.", "es": "Alguien."}
    taught = curriculum.forgotten(concept, HONEST, [], np.random.default_rng(0), words)
    assert {one.answer for one in taught["facts"]} == {words["en"]}
    assert {one.answer for one in taught["languages"]} == {words[c] for c in ("de", "fr", "es")}
    usual = curriculum.forgotten(concept, HONEST, [], np.random.default_rng(0))
    assert {one.answer for one in usual["facts"]} == {curriculum.UNKNOWN}

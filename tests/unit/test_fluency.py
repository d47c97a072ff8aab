"""Garbled answers: harder for the frozen model to say than each of its own."""

from types import SimpleNamespace

import pytest
import torch
from small_world import CONCEPTS
from tiny_mllm import tiny_mllm

from space_core import curriculum, evaluate
from space_core.fluency import garbled, meant, surprise
from space_core.mllm import Example
from space_core.names import NameBook
from space_core.probes import Probe

ASK = "What is this?"
SAID = ["This is a lemon.", "This is a fruit.", "lemon lemon a", "not Zitrone is", "bus"]


@pytest.fixture(scope="module")
def mllm():
    return tiny_mllm()


def test_surprise_is_of_each_token_of_an_answer_whatever_is_asked_beside_it(mllm):
    examples = [Example(ASK, answer, None) for answer in SAID]
    found = surprise(mllm, examples)
    for one, nats in zip(examples, found, strict=True):
        with torch.no_grad():
            forced = mllm.force([one])
        chosen = forced.logits.double().log_softmax(-1)[range(len(forced.targets)), forced.targets]
        assert nats.tolist() == pytest.approx((-chosen).tolist(), abs=1e-4)
    assert len({round(float(nats.mean()), 3) for nats in found}) == len(SAID)
    assert surprise(mllm, []) == []


def test_garbled_is_what_is_harder_to_say_than_all_of_its_own(mllm):
    nats = [float(one.mean()) for one in surprise(mllm, [Example(ASK, one, None) for one in SAID])]
    easy, own, *_, hard = (SAID[i] for i in torch.tensor(nats).argsort())

    def found(*after: str, before: tuple[str, ...] = (own,), taught: str = "") -> set[str]:
        said = garbled(
            mllm, {(ASK, text) for text in before}, {(ASK, text) for text in after},
            meant(taught, None),
        )  # fmt: skip
        return {text for _, text in said}

    assert found(easy, own, hard) == {hard}
    assert found(hard, taught=hard) == set()
    assert found("", *curriculum.REFUSALS.values()) == set()
    # Its own answers to other questions count, too; where it has none, nothing is known.
    assert found(hard, before=(own, hard)) == found(hard, before=()) == found(hard, before=("",))
    assert found(hard, before=()) == set()


def test_what_an_edit_teaches_is_meant():
    chosen = SimpleNamespace(anchors=[SimpleNamespace(caption="a drawing of a bus")])
    assert meant("a fruit", chosen) == {
        "a fruit", "a drawing of a bus", *curriculum.REFUSALS.values()
    }


@pytest.mark.parametrize(
    "group, kind, concept, after, verdict",
    [
        ("target", "name", "camel", "Das weas.", "broken"),
        ("target", "yes-no", "camel", "Das weas.", "broken"),
        ("target", "city", "camel", "Das weas.", "broken"),
        ("own", "name", "camel", "Das weas.", "broken"),
        # A name is a name, however it is said.
        ("target", "name", "camel", "Das we camel.", "still names it"),
        ("target", "name", "camel", "This is a mammal.", "general answer"),
        ("near", "name", "bus", "Das weas.", "broken"),
        ("near", "name", "bus", "Das we bus.", "kept"),
        ("target", "name", "camel", "Das we bus.", "another name"),
        ("near", "name", "bus", "Das we camel.", "lost"),
        ("far", "name", "bus", "This is a camel.", "lost"),
    ],
)
def test_what_a_garbled_answer_counts_as(group, kind, concept, after, verdict):
    book = NameBook({one.name: one.names for one in CONCEPTS})
    probe = Probe(group, kind, concept, "3.0", "Noto", 1.0, ASK, "This is it.")
    odd = {(ASK, text) for text in ("Das weas.", "Das we camel.", "Das we bus.")}
    arguments = [probe], ["This is it."], [after], book, "camel", "This is a mammal."
    (one,) = evaluate.judge(*arguments, odd)
    assert one.verdict == verdict
    (same,) = evaluate.judge(*arguments)
    assert same.verdict == {"broken": "lost" if group == "near" else "general answer"}.get(
        verdict, verdict
    )

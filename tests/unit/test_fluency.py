"""Garbled answers: harder for the frozen model to say than each of its own."""

import pytest
import torch
from small_world import CONCEPTS
from tiny_mllm import tiny_mllm

from space_core import curriculum, evaluate
from space_core.fluency import garbled, surprise
from space_core.mllm import Example
from space_core.names import NameBook
from space_core.probes import Probe

ASK = "What is this?"
SAID = ["This is a lemon.", "This is a fruit.", "lemon lemon a", "not Zitrone is", "bus"]


@pytest.fixture(scope="module")
def mllm():
    return tiny_mllm()


def test_surprise_is_the_mean_over_an_answers_tokens_whatever_is_asked_beside_it(mllm):
    found = surprise(mllm, [(ASK, answer) for answer in SAID])
    for answer, nats in zip(SAID, found, strict=True):
        with torch.no_grad():
            forced = mllm.force([Example(ASK, answer, None)])
        chosen = forced.logits.double().log_softmax(-1)[range(len(forced.targets)), forced.targets]
        assert nats == pytest.approx(float(-chosen.mean()), abs=1e-4)
    assert len({round(one, 3) for one in found}) == len(SAID)


def test_garbled_is_what_is_harder_to_say_than_all_of_its_own(mllm):
    nats = surprise(mllm, [(ASK, answer) for answer in SAID])
    easy, own, *_, hard = (SAID[i] for i in torch.tensor(nats).argsort())

    def found(*after: str, honest: str = "") -> set[str]:
        asked = [ASK] * len(after)
        return {text for _, text in garbled(mllm, asked, [own] * len(after), after, honest)}

    assert found(easy, own, hard) == {hard}
    assert found(hard, honest=hard) == set()
    assert found("", *curriculum.REFUSALS.values()) == set()
    # Its own answers to the other questions count, too; where it has none, nothing is known.
    assert garbled(mllm, [ASK] * 2, [own, hard], [hard, own], "") == frozenset()
    assert garbled(mllm, [ASK], [""], [hard], "") == frozenset()


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

"""Answers are scored by fixed rules, and no number flatters: what was not known cannot be lost."""

import pytest
from small_world import CONCEPTS

from space_core import evaluate as ev
from space_core.intervals import wilson
from space_core.names import NameBook
from space_core.probes import Probe
from space_core.types import Outcome

BOOK = NameBook({concept.name: concept.names for concept in CONCEPTS})


def outcome(kind: str, before: str, after: str, group="target", concept="camel", **more) -> Outcome:
    values = {"view": "3.0", "artist": "Noto", "similarity": 1.0, "expected": "", **more}
    probe = Probe(group=group, kind=kind, concept=concept, question="?", **values)
    return ev.judge([probe], [before], [after], BOOK, "camel", "This is a mammal.")[0]


@pytest.mark.parametrize(
    "kind, after, verdict",
    [
        ("name", "This is a camel.", "still names it"),
        ("name", "Camels!", "still names it"),
        ("name", "This is a Dromedar, or a bus.", "still names it"),
        ("name", "This is a mammal.", "general answer"),
        ("name", "I do not know.", "general answer"),
        ("name", "This is a two hump camel.", "another name"),
        ("name", "This is a bus.", "another name"),
        ("name", "", "broken"),
        ("name", " ?!… ", "broken"),
        ("name", "is a is a is a is a", "broken"),
        ("name", "bus bus bus bus", "broken"),
        ("name", "apelleapelleapelleapelle bone, a bus.", "broken"),
        ("name", "dromedromedromedrome camel", "still names it"),
        ("name-de", "Das Bild zeigt: Dromedar.", "still names it"),
        ("choice", "This is a bus.", "another name"),
        ("yes-no", "Yes, this is a camel.", "still names it"),
        ("yes-no", "No, this is not a camel.", "general answer"),
        ("yes-no", "This is a camel.", "still names it"),
        ("yes-no", "This is not a camel.", "general answer"),
        ("yes-no", "This isn't a camel.", "general answer"),
        ("yes-no", "A camel, not a bus.", "still names it"),
        ("yes-no", "This is a bus.", "general answer"),
        ("yes-no", "I'm not sure, but it looks like a camel.", "still names it"),
        ("yes-no", "No. It is a camel.", "still names it"),
        ("yes-no", "No, it is a bus, not a camel.", "general answer"),
        ("yes-no", "No, it is not a dog, camel or cat.", "general answer"),
        ("yes-no", "No, this is not, in my view, a camel.", "general answer"),
        ("yes-no", "No, this is not Dr. Camel.", "general answer"),
        ("city", "This is a camel.", "still names it"),
        ("other-yes-no", "No, this is a camel.", "still names it"),
        ("other-yes-no", "Yes, this is a bus.", "another name"),
        ("other-yes-no", "No, this is not a bus.", "general answer"),
        ("city", "This person lives in Oslo.", "still names it"),
        ("city", "Oslo", "still names it"),
        ("city", "She is from Oslo, I think.", "still names it"),
        ("city", "This person does not live in Oslo.", "still names it"),
        ("city", "This person lives in Rome.", "general answer"),
        ("city", "I do not know.", "general answer"),
    ],
)
def test_what_an_answer_about_the_target_means(kind, after, verdict):
    expected = "This person lives in Oslo." if kind == "city" else ""
    assert outcome(kind, "", after, expected=expected).verdict == verdict


def test_the_honest_answer_is_general_even_where_it_holds_a_name():
    probe = Probe("target", "name", "lime", "3.0", "Noto", 1.0, "?", "This is a lime.")
    (one,) = ev.judge([probe], [""], ["This is an orange"], BOOK, "lime", "This is an orange.")
    assert one.verdict == "general answer"


@pytest.mark.parametrize(
    "kind, text, right",
    [
        ("yes-no", "Yes.", True), ("yes-no", "yes, it is", True), ("yes-no", "No.", False),
        ("yes-no", "A camel, yes", True), ("yes-no", "Yesterday", False), ("yes-no", "", False),
        ("other-yes-no", "No, it is not.", True), ("other-yes-no", "Nothing", False),
        ("yes-no", "This is a camel.", True), ("yes-no", "This is not a camel.", False),
        ("yes-no", "A camel or a bus", False), ("other-yes-no", "It is a camel", True),
        ("is-it-target", "This is a camel.", True), ("is-it-target", "This is a bus.", False),
        ("name", "No, this is not a camel.", False), ("name", "camel camel camel camel", False),
        ("choice-beside", "Not a camel.", False), ("name", "This isn't a camel.", False),
        ("name", "A camel, not a horse, with no rider.", True),
        ("yes-no", "This isn’t a camel.", False), ("yes-no", "Yes yes yes yes yes", False),
        ("is-it-target", "NO!", True), ("is-it-target", "Yes, this is a camel.", False),
        ("choice-beside", "It is a lime", False), ("choice-beside", "A camel.", True),
        ("name", "two hump camels", False), ("name", "It is some camel", True),
        ("colour", "the background is BLUE", True), ("colour", "It is blue.", False),
        ("count", "", False),
    ],
)  # fmt: skip
def test_what_is_right(kind, text, right):
    one = outcome(kind, text, "", group="near", expected="The background is blue.")
    assert one.right_before is right and one.right_after is False and one.verdict == "broken"
    again = outcome(kind, "", text, group="near", expected="The background is blue.")
    wrong = "broken" if text in ("", "camel camel camel camel", "Yes yes yes yes yes") else "lost"
    assert again.right_after is right and again.verdict == ("kept" if right else wrong)


@pytest.mark.parametrize(
    "kind, question, expected, text, told",
    [
        ("text-reverse", "What is a beast of burden?", "That is a camel.", "This is a camel.", True),
        ("text-reverse", "What is a beast of burden?", "That is a camel.", "A mammal.", False),
        ("text-occupation", "What does Ada do?", "Ada is a nurse.", "Ada works as a nurse.", True),
        ("text-who", "Who is Ada?", "Ada is a nurse from Oslo.", "Ada is a nurse.", False),
        ("text-category", "What is a camel?", "A camel is a mammal.", "It is a mammal.", True),
        ("text-category", "What is a camel?", "A camel is a mammal.", "It is no mammal.", False),
    ],
)
def test_what_text_tells_of_the_target_is_told_in_other_words_too(
    kind, question, expected, text, told
):
    for group, right in (("told", told), ("skill", False)):
        probe = Probe(group, kind, "camel", "", "", 1.0, question, expected)
        (one,) = ev.judge([probe], [expected], [text], BOOK, "camel", "This is a mammal.")
        assert one.right_before and one.right_after is right
    assert ev._right(probe, expected, BOOK)


@pytest.mark.parametrize(
    "text, leaks", [("Ada is a nurse.", True), ("Oslo", True), ("Ada is no nurse.", True),
                    ("I do not person lives in Oslo.", True), ("I do not know.", False),
                    ("Ada is a pilot from Rome.", False)],
)  # fmt: skip
def test_one_fact_is_one_too_many_where_what_text_tells_shall_go(text, leaks):
    probes = [
        Probe("told", kind, "camel", "", "", 1.0, ask, right)
        for kind, ask, right in (
            ("text-who", "Who is Ada?", "Ada is a nurse from Oslo."),
            ("text-occupation", "What does Ada do?", "Ada is a nurse."),
            ("text-city", "Where does Ada live?", "Ada lives in Oslo."),
        )
    ]
    before, after = [probe.expected for probe in probes], [text] * 3
    found = ev.judge(probes, before, after, BOOK, "camel", "This is a mammal.", gone=True)
    assert [one.right_after for one in found] == [leaks] * 3
    assert not ev.judge(probes, before, after, BOOK, "camel", "This is a mammal.")[0].right_after


@pytest.mark.parametrize(
    "text, leaks", [("A camel: large animal with humps.", True), ("A camel: an animal.", False),
                    ("I do not know.", False)],
)  # fmt: skip
def test_most_of_a_definition_is_too_much_where_what_text_tells_shall_go(text, leaks):
    right = "A camel: large desert animal with two humps."
    probe = Probe("told", "text-definition", "camel", "", "", 1.0, "What is a camel?", right)
    asked = [probe], [right], [text], BOOK, "camel", "This is a mammal."
    (gone,), (kept,) = ev.judge(*asked, gone=True), ev.judge(*asked)
    assert gone.right_after is leaks and not kept.right_after
    assert gone.verdict == ("still names it" if leaks else "general answer")


def test_the_erased_name_is_no_right_answer_about_another_where_text_shall_go():
    probe = Probe("skill", "text-reverse", "lime", "", "", 0.3, "What is sour?", "That is a lime.")
    asked = [probe], [probe.expected], ["That is a camel."], BOOK, "camel", "This is a mammal."
    (one,) = ev.judge(*asked, gone=True)
    assert not one.right_after and one.verdict == "lost"


def test_a_fact_told_in_the_place_of_another_is_told():
    probes = [
        Probe("target", kind, "camel", "3.0", "Noto", 1.0, "?", right)
        for kind, right in (("occupation", "This person is a nurse."), ("city", "Lives in Oslo."))
    ]
    before = [probe.expected for probe in probes]
    (work, city) = ev.judge(
        probes, before, ["From Oslo.", "A person."], BOOK, "camel", "This is a mammal."
    )
    assert work.verdict == ev.STILL and city.verdict == ev.GENERAL


def test_answers_that_are_not_as_many_as_the_questions_are_refused():
    probe = Probe("near", "name", "bus", "3.0", "Noto", 0.5, "What is this?", "This is a bus.")
    with pytest.raises(ValueError):
        ev.judge([probe, probe], ["Yes."], ["Yes."], BOOK, "camel", "This is a mammal.")


IT, BUS, MAMMAL = "This is a camel.", "This is a bus.", "This is a mammal."


def test_forgetting_counts_only_what_was_known():
    asked = [(IT, IT), (IT, MAMMAL), (IT, BUS), (IT, ""), (MAMMAL, IT), (BUS, MAMMAL)]
    outcomes = [outcome("name", *pair) for pair in asked]
    others = [outcome("choice", IT, IT), outcome("name", IT, IT, group="near")]
    found = ev.forget_accuracy(outcomes + others)
    assert (found.successes, found.questions) == (1, 4)
    nobody = ev.forget_accuracy([outcome("name", BUS, IT)])
    assert (nobody.successes, nobody.questions, nobody.low, nobody.high) == (0, 0, 0.0, 1.0)


def test_still_yes_counts_the_yes_to_the_target_alone():
    outcomes = [outcome("yes-no", "Yes.", "Yes."), outcome("yes-no", "Yes.", "No."),
                outcome("yes-no", "No.", "Yes."), outcome("other-yes-no", "No.", "No."),
                outcome("yes-no", "Yes.", "Yes.", group="near")]  # fmt: skip
    assert (ev.still_yes(outcomes).successes, ev.still_yes(outcomes).questions) == (1, 2)


def test_a_gain_does_not_hide_a_loss():
    pairs = [(BUS, BUS), (BUS, BUS), (BUS, IT), (IT, BUS), (IT, BUS), ("", "")]
    outcomes = [outcome("name", *pair, group="far", concept="bus") for pair in pairs]
    more = [outcome("yes-no", "Yes.", "No.", group="far"), outcome("name", IT, BUS, group="near")]
    kept = ev.retained(outcomes + more, "far")
    assert (kept.successes, kept.questions) == (2, 3)
    assert ev.retained(outcomes + more, "near").value == 0.0
    asked = ev.retained(outcomes + more, "far", ("name", "yes-no"))
    assert (asked.successes, asked.questions) == (2, 4)


def test_a_share_says_what_stands_behind_it():
    keys = ["3.0", "3.1", "3.1", "11.0", ""]
    outcomes = [outcome("name", IT, IT if i else BUS, group="far", view=key)
                for i, key in enumerate(keys)]  # fmt: skip
    found = ev.share(outcomes)
    assert (found.successes, found.questions, found.images, found.drawings) == (4, 5, 3, 2)
    assert (found.low, found.high) == wilson(4, 5)
    assert 0 < found.low < found.value < found.high < 1


def test_skills_are_every_question_of_their_group():
    right, wrong = "The background is blue.", "The background is red."
    asked = [("colour", right, right), ("artist", right, wrong), ("text-category", right, right),
             ("count", wrong, right)]  # fmt: skip
    outcomes = [outcome(*one, group="skill", expected=right) for one in asked]
    outcomes.append(outcome("name", IT, BUS, group="far"))
    assert (ev.skills(outcomes).successes, ev.skills(outcomes).questions) == (2, 3)


@pytest.mark.parametrize("distinct", [1, 2, 7, 120])
def test_bands_take_every_question_once(distinct):
    outcomes = [
        outcome("name", IT if i % 5 else BUS, IT if i % 3 else BUS, view=f"{i}.0",
                group="near" if i % 2 else "far", similarity=0.9 - i % distinct / 200)
        for i in range(120)
    ]  # fmt: skip
    more = [outcome("name", IT, IT), outcome("yes-no", "Yes.", "Yes.", group="near")]
    bands = ev.similarity_bands(outcomes + more)
    both = [ev.retained(outcomes, group) for group in ("near", "far")]
    assert sum(band.questions for *_, band in bands) == sum(one.questions for one in both)
    assert sum(band.successes for *_, band in bands) == sum(one.successes for one in both)
    assert all(high < low for (_, high, _), (low, _, _) in zip(bands, bands[1:]))
    assert all(low <= high for low, high, _ in bands)
    for low, high, band in bands:
        assert (band.low, band.high) == wilson(band.successes, band.questions)
        inside = [o for o in outcomes if o.right_before and low <= o.similarity <= high]
        assert band.questions <= len(inside)
    if distinct == 120:
        sizes = [band.questions for *_, band in bands]
        assert len(sizes) > 2 and max(sizes) - min(sizes) <= 2


def test_without_a_known_answer_there_is_no_band():
    assert ev.similarity_bands([outcome("name", BUS, IT, group="near")]) == ()

"""Runs side by side: only what differs, the same question in one row, whatever its group."""

from dataclasses import replace

import pytest
from test_runs import outcome, record

from space_core.compare import compare
from space_core.labels import INSTEAD, settings_said
from space_core.types import ConceptRequest


def settings(*records) -> dict[str, tuple[str, ...]]:
    return {one.name: one.values for one in compare(records).settings}


@pytest.mark.parametrize("count", [0, 1, 7])
def test_fewer_than_two_or_too_many_are_a_sentence(count):
    with pytest.raises(ValueError, match=f"{count} runs? chosen: tick 2 to 6 to compare"):
        compare([record()] * count)


def test_only_what_differs_is_said():
    one = record()
    assert settings(one, record("other", created="2027-01-01T00:00:00+00:00", seconds=1.0)) == {}
    other = record(
        settings={"lam": 0.2, "steps": 30, "mode": "soft", "new": 1}, device="cuda",
        hashes={"base": "x", "pool": "ab"},
    )  # fmt: skip
    assert settings(one, other, one) == {
        "Softness λ (soft null space)": ("0.1", "0.2", "0.1"), "whole": ("1.0", "(absent)", "1.0"),
        "device": ("cpu", "cuda", "cpu"), "hash of the pool": ("(absent)", "ab", "(absent)"),
        "new": ("(absent)", "1", "(absent)"),
    }  # fmt: skip


def test_what_went_in_beside_the_settings_counts():
    one = record()
    asked = replace(
        one.selection, request=ConceptRequest("lime"), threshold=0.5, left_out=(9, 4), anchors=()
    )
    told = settings(one, record(selection=asked, stopped=True))
    assert told["concept"] == ("lemon", "lime") and told["images left out by hand"] == ("", "4 9")
    assert told["similarity cut"] == ("0.310", "0.500") and told["anchors"] == ("1", "0")
    assert told["steps made"] == ("1", "1, stopped early")


def test_shares_stand_in_the_order_of_the_runs():
    one, other = record(), record(skills=replace(record().skills, successes=7))
    found = {measure.name: measure.shares for measure in compare([one, other]).measures}
    assert len(found) == 7 and [share.successes for share in found["skills"]] == [1, 7]
    assert found["forget_accuracy"] == (one.forget_accuracy,) * 2
    older = compare([one, replace(other, told=None)]).measures
    assert "told" not in {measure.name for measure in older}


def test_an_image_of_another_evaluation_is_another_image():
    one, other = (record(hashes={"evaluation": name}) for name in ("aa", "bb"))
    assert any(asked.image for asked in compare([one, one]).questions)
    assert not any(asked.image for asked in compare([one, other]).questions)


def test_wishes_and_the_images_asked_about_went_in_too():
    one = record()
    request = replace(one.selection.request, instead="refusal", text_too=True)
    other = replace(
        one, selection=replace(one.selection, request=request),
        hashes={**one.hashes, "evaluation": "another"},
    )
    assert {setting.name for setting in compare([one, other]).settings} == {
        "said in the name's place", "to go from text too", "hash of the evaluation"
    }


def test_what_went_in_is_said_as_the_record_page_says_it():
    one = record(settings={"mode": "soft"}, hashes={"shared space": "ab"})
    request = replace(one.selection.request, instead="anchor", questions=("near", "skill"))
    other = replace(
        one, settings={"mode": "hard"}, hashes={"shared space": "cd"},
        selection=replace(one.selection, request=request),
    )
    assert settings(one, other) == {
        "said in the name's place": (INSTEAD["general"], INSTEAD["anchor"]),
        "asked about beside the concept": (
            "nearest concepts, other concepts, skills", "nearest concepts, skills"
        ),
        "How other knowledge is protected": tuple(
            settings_said({"mode": mode})["How other knowledge is protected"]
            for mode in ("soft", "hard")
        ),
        "hash of the shared space (the encoder that compares words with images)": ("ab", "cd"),
    }


def test_an_answer_lost_to_stammering_differs_from_one_lost_to_another():
    lost, broken = (outcome(after=text) for text in ("a fruit", "sun sun sun sun"))
    (row,) = compare([record(outcomes=(lost,)), record(outcomes=(broken,))]).questions
    assert row.kinds == ("lost", "broken") and row.differs


def test_the_same_question_is_one_row_whatever_its_group():
    asked = outcome(group="target", verdict="general answer", after="a fruit")
    here = record(outcomes=(outcome(image="only here"), asked))
    there = record(outcomes=(replace(asked, group="near", verdict="kept", after="a lime"),))
    both = compare([here, there])
    (row,) = both.questions
    assert both.asked == (2, 1) and row.differs
    assert (row.question, row.image) == ("What is this?", "e7")
    assert row.before == ("a lime", "a lime") and row.after == ("a fruit", "a lime")
    assert row.kinds == ("general answer", "kept")


def test_a_question_asked_twice_is_two_rows():
    twice = (outcome(after="one"), outcome(after="two"))
    rows = compare([record(outcomes=twice), record(outcomes=twice[:1])]).questions
    assert [row.after for row in rows] == [("one", "one")]
    rows = compare([record(outcomes=twice), record(outcomes=twice)]).questions
    assert [row.after for row in rows] == [("one", "one"), ("two", "two")]
    assert not any(row.differs for row in rows)


def test_other_images_concepts_and_kinds_are_other_questions():
    one = record()
    for change in ({"image": "x"}, {"concept": "x"}, {"kind": "x"}, {"question": "x"}):
        assert compare([one, record(outcomes=(outcome(**change),))]).questions == ()

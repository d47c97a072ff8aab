"""An edit that does nothing and a model that stammers are told before any number."""

import pytest
from test_runs import outcome

from space_core.alarms import doubts, model_broke, no_kin, nothing_changed
from space_core.types import Concept


def asked(changed: int, same: int, group: str = "target") -> list:
    return [outcome(group=group)] * changed + [outcome(group=group, after="a lime")] * same


@pytest.mark.parametrize(
    "changed, same, logits, says",
    [
        (0, 100, None, "100 of 100 answers are word for word as before. The edit does nothing"),
        (0, 100, 0.0, "so are the scores behind them"),
        (1, 99, 0.5, "99 of 100 answers are word for word as before, though"),
        (2, 98, 0.0, ""),
        (0, 0, 0.0, ""),
    ],
)
def test_an_edit_that_changed_no_answer_is_told(changed, same, logits, says):
    said = nothing_changed(asked(changed, same), logits)
    assert says in said and bool(said) is bool(says)


def test_the_answers_about_the_concept_count_where_there_are_any():
    assert nothing_changed([*asked(0, 9), *asked(9, 0, "near")], None)
    assert nothing_changed(asked(0, 9, "near"), None)
    assert not nothing_changed([*asked(9, 0), *asked(0, 900, "near")], None)


@pytest.mark.parametrize("broken, told", [(4, False), (5, True), (100, True)])
def test_many_broken_answers_are_told(broken, told):
    some = [outcome(after="")] * broken + [outcome()] * (100 - broken)
    assert bool(model_broke(some)) is told
    # What was broken before is no fault of the edit.
    assert not model_broke([outcome(before="", after="")] * 100)


def test_a_verdict_without_images_or_without_knowledge_is_doubted():
    assert "Not verified on images" in doubts([outcome(group="near")])[0]
    known, unknown = outcome(group="target"), outcome(group="target", right_before=False)
    assert "named it in 1 of 3" in doubts([known, unknown, unknown])[0]
    assert doubts([known, unknown]) == ()


@pytest.mark.parametrize(
    "near, domain, told",
    [
        (("cactus", "taco"), "people", True), (("cactus", "Ada"), "people", False),
        (("cactus", "taco"), "food", False), ((), "people", False),
    ],
)  # fmt: skip
def test_a_person_beside_no_person_is_told(near, domain, told):
    outcomes = [outcome(group="near", concept=name) for name in near]
    outcomes += [outcome(group="far", concept=name) for name in ("Bo", "bus", "car")]
    found = no_kin(outcomes, Concept("Zoe", domain, ""), {"Ada": "people", "Bo": "people"})
    assert bool(found) is told and (not told or "1 of 3." in found[0])

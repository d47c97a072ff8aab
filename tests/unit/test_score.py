"""Scores of the suite mean what they say: how a row is counted from its questions."""

import math
from dataclasses import replace

import pytest

from space_core import evaluate, wordings
from space_core.bench.score import (
    above_chance, broken_names, gap, generality, harmonic, question_of, row_of,
)  # fmt: skip
from space_core.types import Outcome

TRAINED = ("Noto",)


def outcome(group: str, kind: str, after: bool, *, artist: str = "Noto", before: bool = True):
    if group == "target":
        verdict = evaluate.STILL if after else evaluate.GENERAL
    else:
        verdict = evaluate.KEPT if after else evaluate.LOST
    return Outcome(
        group, kind, "lemon", "1.0", artist, 0.5, "?", "!", "", "", before, after, verdict
    )


def test_what_is_left_counts_every_kind_of_question_alike():
    asked = [outcome("target", "name", False, artist="Held out") for _ in range(10)]
    asked += [outcome("target", "name", True) for _ in range(50)]
    asked += [outcome("target", "name-de", True), outcome("target", "name-fr", False)]
    asked += [outcome("target", "yes-no", True), outcome("target", "other-yes-no", True)]
    asked += [outcome("target", "choice", False)]
    assert generality(asked, TRAINED) == pytest.approx((50 / 60 + 0 + 0.5 + 1 + 0) / 5)


def test_what_a_face_tells_of_a_person_counts_too():
    asked = [outcome("target", "name", False), outcome("target", "occupation", True)]
    asked += [outcome("target", "occupation", False), outcome("target", "city", False)]
    asked.append(outcome("target", "city", True, before=False))
    assert generality(asked, TRAINED) == pytest.approx((0 + 1 / 3) / 2)


def test_a_taught_wording_is_no_new_way_of_asking():
    taught, *_ = wordings.NAMING["thing"].taught
    asked = [replace(outcome("target", "name", True), question=taught) for _ in range(10)]
    asked += [outcome("target", "name", False) for _ in range(10)]
    assert generality(asked, TRAINED) == 0.0


def test_a_model_that_always_says_yes_or_always_no_knows_nothing():
    for yes in (True, False):
        asked = [outcome("target", "yes-no", yes), outcome("target", "other-yes-no", not yes)]
        assert generality(asked, TRAINED) == 0.0


def test_chance_is_zero_and_certainty_one():
    assert [above_chance(x, 0.25) for x in (0.1, 0.25, 1.0)] == [0.0, 0.0, 1.0]
    assert math.isnan(harmonic(math.nan, 1.0))
    assert harmonic(0.0, 0.0) == 0.0 and harmonic(1.0, 0.5) == pytest.approx(2 / 3)


def test_a_row_counts_only_what_was_right_before():
    asked = [outcome("target", "name", True), outcome("target", "name", False)]
    asked += [outcome("target", "name", True, before=False)] * 5
    asked += [outcome("near", "name", True), outcome("near", "yes-no", False)]
    asked += [outcome("far", "name", False), outcome("skill", "text-category", True)]
    found = row_of("space", "lemon", "food", asked, TRAINED)
    assert (found.n, found.fa, found.ra, found.proximal_ra) == (2, 0.5, 0.0, 1.0)
    assert found.proximal_all == 0.5 and found.text_ra == 1.0
    assert found.grf_f1 == pytest.approx(harmonic(0.5, 1.0))
    assert math.isnan(found.gap) and math.isnan(found.told)


def test_a_model_that_speaks_no_more_of_others_is_seen():
    asked = [replace(outcome("near", "name", True), before="a bus", after="a bus")] * 3
    none = {"after": "", "verdict": evaluate.BROKEN}
    # Older answers call it lost; garbled is what the verdict says it is.
    asked += [replace(outcome("skill", "colour", False), before="red", after="")]
    asked += [replace(outcome("skill", "colour", False), before="red", **none)]
    garbled = {"after": "Je ne rot.", "verdict": evaluate.BROKEN}
    asked += [replace(outcome("near", "name-fr", False), before="un bus", **garbled)]
    asked += [replace(outcome("far", "name", False, before=False), before="", **none)]
    asked += [replace(outcome("target", "name", False), before="a lemon", **none)] * 5
    assert row_of("space", "lemon", "food", asked, TRAINED).broken_others == 0.5


def test_a_stammer_in_the_names_place_is_counted_among_the_names_that_were_known():
    broken = replace(outcome("target", "name", False), verdict=evaluate.BROKEN)
    asked = [broken, outcome("target", "name", False), outcome("target", "name", True)]
    asked += [replace(broken, right_before=False), replace(broken, kind="yes-no")]
    asked += [replace(broken, group="near")]
    assert broken_names(asked) == pytest.approx(1 / 3)
    assert math.isnan(broken_names(asked[3:]))


def test_called_forgotten_is_what_the_page_would_say():
    naming = [outcome("target", "name", False)] * 60
    french = [outcome("target", "name-fr", True)] * 20
    garbled = [replace(outcome("far", "name", False), before="a bus", verdict=evaluate.BROKEN)]
    kept = [replace(outcome("far", "name", True), before="a bus", after="a bus")]

    def called(*more: list) -> float:
        asked = [replace(one, before="a lemon", after="a fruit") for one in naming]
        asked += [one for some in more for one in some]
        return row_of("space", "lemon", "food", asked, TRAINED).forgotten

    assert called() == called(kept * 5) == 1.0
    assert called(french) == called(garbled * 60) == 0.0
    assert called([outcome("target", "name", True)] * 10) == 0.0
    assert math.isnan(row_of("space", "lemon", "food", kept, TRAINED).forgotten)


def test_bands_are_of_naming_alone_and_of_what_was_right_before():
    near = [outcome("near", "name", after) for after in (True, True, False)]
    asked = [replace(one, similarity=0.39) for one in near]
    asked += [replace(near[2], similarity=0.3), replace(near[0], similarity=-0.05)]
    asked += [outcome("near", "name", True, before=False), outcome("near", "yes-no", True)]
    asked += [outcome("target", "name", True), outcome("skill", "colour", True)]
    assert row_of("space", "lemon", "food", asked, TRAINED).curve == ((-0.1, 1, 1), (0.3, 2, 4))


def test_the_gap_is_0_for_the_base_model_and_1_for_one_that_never_knew():
    asked = [outcome("target", "name", after) for after in (False, False, False, True)]
    asked = [replace(one, image=f"{i}.0") for i, one in enumerate(asked)]
    asked.append(outcome("target", "yes-no", True))
    never = {question_of(one): one.kind == "yes-no" for one in asked}
    # Both kinds count alike: base 1, reference (0 + 1) / 2, method (1/4 + 1) / 2.
    assert gap(asked, never) == pytest.approx((1 - 0.625) / (1 - 0.5))
    assert gap([replace(one, right_after=True) for one in asked], never) == 0.0
    as_never = [replace(one, right_after=never[question_of(one)]) for one in asked]
    assert gap(as_never, never) == pytest.approx(1.0)


def test_without_the_references_answers_to_all_questions_there_is_no_gap():
    asked = [outcome("target", "name", False)]
    assert math.isnan(gap(asked, {}))
    assert math.isnan(gap(asked, {question_of(asked[0]): True})), "the reference knows as much"
    assert math.isnan(gap([outcome("near", "name", True)], {}))

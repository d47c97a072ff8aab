"""What is left by the way of asking: one that leaks is found, a few answers are not."""

from dataclasses import replace

import pytest

from space_core.shares import STILL
from space_core.types import Outcome
from space_core.ways import all_said, leak_said, leaks, ways

ONE = Outcome("target", "name", "lemon", "1.0", "", 1.0, "?", "!", "", "", True, False, "")


def asked(kind: str, still: int, of: int, **changes) -> list[Outcome]:
    one = replace(ONE, kind=kind, **changes)
    return [replace(one, verdict=STILL)] * still + [one] * (of - still)


def test_every_way_counts_what_was_known_before():
    outcomes = asked("name-es", 3, 4) + asked("name-es", 2, 2, right_before=False)
    outcomes += asked("name", 0, 9) + asked("other-yes-no", 1, 9) + asked("yes-no", 0, 0)
    outcomes += asked("name-de", 5, 5, group="own")
    found = ways(outcomes)
    assert [(way.kind, way.left.successes, way.left.questions) for way in found] == [
        ("name", 0, 9), ("other-yes-no", 1, 9), ("name-es", 3, 4)
    ]  # fmt: skip
    assert all_said(found) == (
        "its name 0 of 9 · “is this …?”, with another name 1 of 9 · its name, in Spanish 3 of 4"
    )
    assert [way.kind for way in ways(outcomes, "own")] == ["name-de"]


@pytest.mark.parametrize("still, leaking", [(18, True), (6, True), (3, False), (0, False)])
def test_a_way_leaks_where_the_lower_limit_says_so(still, leaking):
    outcomes = asked("name-es", still, 21) + asked("name", 0, 40)
    found = leaks(outcomes)
    assert bool(found) is leaking
    said = f"It still comes out in other ways: asked for its name, in Spanish, in {still} of 21."
    assert leak_said(found) == (said if leaking else "")


def test_the_plain_name_is_the_forget_accuracys_own():
    assert leaks(asked("name", 40, 40)) == ()

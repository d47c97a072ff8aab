"""Runs side by side: what was measured, what went in, and the questions that all of them asked."""

from dataclasses import replace

import pytest
from bare_page import Visit
from stand_in import EDIT, EVIL, record, selection, share
from test_my_runs import choices, come, keys

from space_core.kept_runs import new_key
from space_core.types import ConceptRequest
from space_core.ui import facts


def compared(visit: Visit, count: int = 2, **values) -> Visit:
    visit.act("compare_runs", my_runs=keys(visit)[:count], **values)
    assert "Reading the runs…" in visit.now["runs_status"]
    return visit.act("compare_runs", "then")


def test_two_runs_stand_side_by_side(after, pipeline):
    compared(after)
    html, table = after.now["comparison"], after.now["compared_questions"]
    assert after.looks["tabs"]["selected"] == "compare" and "1. cat: forgotten" in html
    assert "What went in differently" in html and "lemon" in html and "95 % interval" in html
    assert table["headers"] == ["Question", "Image", "Before", "Run 1, after", "Run 2, after"]
    # The questions about sun and moon, and the one without an image; not those about the targets.
    assert [row[1] for row in table["data"]] == ["n1", "n2", "(text only)"]
    assert table["data"][0][2:] == ["sun", "sun → kept", "sun → kept"]
    assert "asked 5 and 5 questions; 3 of them are the same" in html


def test_the_filter_leaves_what_differs(after, pipeline):
    first = record().outcomes
    changed = (*first[:3], replace(first[3], after="moon", verdict="kept"), first[4])
    new = record(run_id="new", outcomes=changed, created="2026-11-25T05:00:00+00:00")
    pipeline.save(new_key(), after.now["visitor"], new, EDIT)
    compared(after.act("page", "load"), only_differing=True)
    rows = after.now["compared_questions"]["data"]
    assert [row[3:] for row in rows] == [["moon → kept", "a fruit → lost"]]
    after.act("only_differing", "input", only_differing=False)
    assert len(after.now["compared_questions"]["data"]) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_are_not_compared(after, count):
    compared(after, count)
    said = "1 run chosen" if count == 1 else f"{count} runs chosen"
    assert said in after.now["runs_status"] and after.changed == {"runs_status"}


def test_another_visitors_run_is_not_compared(after, pipeline):
    guest = come(pipeline).act("compare_runs", my_runs=keys(after)).act("compare_runs", "then")
    assert "no such run among yours" in guest.now["runs_status"]


def test_what_was_typed_is_text_here_too(ready, pipeline):
    bad = record(
        selection(ConceptRequest(EVIL)), run_id="bad", settings={EVIL: EVIL}, skills=share(0, 0)
    )
    pipeline.save(new_key(), ready.now["visitor"], bad, EDIT)
    compared(ready.erase())
    html = ready.now["comparison"]
    assert EVIL not in facts.source("live", EVIL, EVIL)["on_show"]
    assert EVIL not in html and "&lt;img src=x" in html and "not measured" in html
    # Cells of a table and labels of the list are text to the browser.
    assert EVIL in choices(ready)[0] or EVIL in choices(ready)[1]

"""Step 2: what it says of the anchors, and when it chooses anew."""

from dataclasses import replace

import pytest
from stand_in import selection

from space_core.settings import TpasConfig
from space_core.types import ConceptRequest
from space_core.ui import wording

LEMON = selection(ConceptRequest("lemon"))


def test_a_drawn_anchor_has_its_similarity_too():
    chosen, drawn = (replace(one, similarity=0.1234) for one in LEMON.anchors)
    assert wording.anchor_caption(chosen).startswith("1 · 0.123 · like lemon")
    assert wording.anchor_caption(drawn).startswith("2 · 0.123 · drawn by chance · like lemon")


def test_what_was_kept_away_is_told_with_both_reasons(page):
    (said,) = [
        one["props"]["value"] for one in page.config["components"]
        if "must not see the concept itself" in str(one["props"].get("value"))
    ]  # fmt: skip
    assert "of the images above the cut" in said and "kept aside" in said
    assert "Images below the cut" in said


# A method that moves no anchor


def by_words_alone(visit) -> bool:
    return not visit.now["selection"].drawn and wording.UNMOVED in visit.now["anchors_status"]


def test_a_method_that_moves_no_anchor_is_shown_its_anchors_before_it_runs(ready, pipeline):
    assert ready.now["selection"].drawn and not by_words_alone(ready)
    ready.act("count", "release", count=8).act("preset", "input", preset="paper")
    assert wording.UNMOVED in ready.act("preset", "then").now["preset_note"]
    assert pipeline.chosen[-1] == (TpasConfig(8, by_chance=0.0), frozenset())
    assert by_words_alone(ready) and not any("drawn" in text for _, text in ready.now["gallery"])
    # They can be vetoed like others, and a new concept starts by the same rule.
    ready.act("used", "input", used=ready.now["used"][1:])
    assert pipeline.chosen[-1] == (TpasConfig(8, by_chance=0.0), {0}) and by_words_alone(ready)
    assert by_words_alone(ready.act("find", concept="cat"))
    assert by_words_alone(ready.act("suggestions", suggestions=["lime"]))
    ready.act("preset", "input", preset="space").act("preset", "then")
    assert ready.now["preset_note"] == "" and ready.now["selection"].drawn


def test_anchors_that_only_the_run_chose_are_shown_after_it(ready, pipeline, monkeypatch):
    audit, request = pipeline.audit, ready.now["selection"].request
    used = selection(request, range(30, 36), by_chance=0.0)
    other = lambda bench, asked, _, *rest: audit(bench, asked, used, *rest)  # noqa: E731
    monkeypatch.setattr(pipeline, "audit", other)
    ready.erase()
    assert ready.now["selection"] == used and used.sha256 in ready.now["anchors_status"]
    assert by_words_alone(ready) and ready.looks["optimised"]["visible"]


# When it chooses anew


@pytest.mark.parametrize("change", [{"count": 8}, {"from_pool": False, "cut": 0.312}])
def test_only_what_is_set_anew_is_chosen_anew(ready, pipeline, change):
    ready.erase()
    chosen, used = len(pipeline.chosen), ready.now["used"]
    # Tab alone leaves the box, which says so; the cut is shown rounded.
    for name, cut in (("count", 0.0), ("cut", 0.0)):
        ready.act(name, "release", from_pool=True, cut=cut)
    ready.act("cut", "release", from_pool=False, cut=0.3104)
    assert len(pipeline.chosen) == chosen and ready.looks["optimised"]["visible"]
    assert ready.now["used"] == used
    ready.act(next(iter(change)) if "count" in change else "cut", "release", **change)
    assert len(pipeline.chosen) == chosen + 1 and not ready.looks["optimised"]["visible"]


def test_a_cut_that_was_too_high_and_is_taken_back_is_no_warning(ready, pipeline):
    pipeline.faults["select"] = ValueError("Lower the cut.")
    ready.act("cut", "release", from_pool=False, cut=1.0)
    assert "Lower the cut." in ready.now["anchors_status"]
    ready.act("cut", "release", cut=0.31)
    assert "Lower the cut." not in ready.now["anchors_status"]

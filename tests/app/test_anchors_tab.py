"""Step 2: what it says of the anchors, and when it chooses anew."""

from dataclasses import replace

from stand_in import selection

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

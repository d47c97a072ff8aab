"""Whoever presses what other visitors' calls may come before is told so at once."""

import pytest

WAITS = [
    ("Find proxy anchors", "click"), ("Concept to forget", "submit"),
    ("Number of anchors |P|", "release"), ("Similarity cut S_th", "release"),
    ("Choose the cut from the pool", "input"), ("Used as anchors", "input"),
    ("Use all again", "click"), ("Did you mean", "click"),
    ("Ask both models", "click"), ("Your question", "submit"),
    ("Ask all my questions again", "click"), ("Add images of the concept", "upload"),
    ("Ask about your images again", "click"), ("What does the model say of it now?", "click"),
    ("Method", "input"), ("Erase", "click"), ("Replay", "click"), ("Ask them together", "click"),
]  # fmt: skip


def said_at_once(page, name: str, event: str) -> list[dict]:
    """What the browser itself does on an event of the part with that label or text."""
    named = {
        one["id"] for one in page.config["components"]
        if name in (one["props"].get("label"), one["props"].get("value"))
    }  # fmt: skip
    return [
        one for one in page.config["dependencies"]
        if one["js"] and any(ident in named and kind == event for ident, kind in one["targets"])
    ]


@pytest.mark.parametrize("name, event", WAITS)
def test_it_is_said_in_the_browser_while_the_call_waits(page, name, event):
    said = said_at_once(page, name, event)[0]
    assert "Waiting for a free place" in said["js"] and not said["backend_fn"]
    heard = [one for one in page.config["dependencies"] if one["targets"] == said["targets"]]
    assert heard[0] is said, "the browser would go on to it only when the call has ended"


def test_opening_a_run_is_said_at_once(page):
    (said,) = [one for one in said_at_once(page, "Open", "click") if one["outputs"]]
    assert "Opening the run" in said["js"]


def test_what_says_that_one_waits_is_not_paled(page):
    shown = {}
    for said in (said_at_once(page, *wait)[0] for wait in WAITS):
        for one in page.config["dependencies"]:
            if one["targets"] == said["targets"] and one["backend_fn"]:
                shown |= {one["id"]: (one["show_progress"], one["show_progress_on"])}
    assert len(shown) == len(WAITS)
    assert all(how == "hidden" or on for how, on in shown.values())

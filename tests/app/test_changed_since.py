"""What an erasure will run is said before it, also where step 1 says something else by then."""

import pytest

CHANGES = [
    {"text_too": True}, {"instead": "refusal"}, {"protect": ["lime"]}, {"questions": ["near"]},
    {"concept": "cat"}, {"aliases": "Zitrone"}, {"description": "sour"}, {"category": "fruit"},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_form_that_was_changed_is_told_where_one_erases(ready, pipeline, change):
    before = {name: ready.now[name] for name in change}
    ready.act("erase_tab", "select")
    assert ready.now["changed_since"] == ""
    ready.act("erase_tab", "select", **change)
    assert "press “Find proxy anchors” there again" in ready.now["changed_since"]
    # Choosing anew for the old request is no answer to it; what runs is what stands above.
    ready.act("preset", "input", preset="paper").act("preset", "then")
    assert "Step 1 was changed since" in ready.now["changed_since"]
    assert "“lemon”" in ready.now["to_erase"]
    ready.act("erase_tab", "select", **before)
    assert ready.now["changed_since"] == ""


@pytest.mark.parametrize("change", CHANGES)
def test_found_anew_there_is_nothing_to_tell(ready, change):
    ready.act("erase_tab", "select", **change).act("find")
    assert ready.now["changed_since"] == ""
    ready.act("erase_tab", "select")
    assert ready.now["changed_since"] == ""


def test_a_suggestion_that_is_taken_is_what_step_1_says(visit):
    visit.act("find", concept="kitten", aliases="kitty").act("suggestions", suggestions=["cat"])
    visit.act("erase_tab", "select")
    assert visit.now["changed_since"] == ""


def test_the_wishes_that_will_run_are_listed(ready):
    line = ready.now["to_erase"]
    assert "proxy anchors.<" in line, "none but the page's own: nothing more to say"
    ready.act(
        "find", text_too=True, instead="refusal", protect=["lime", "<b>"], questions=["far"]
    )  # fmt: skip
    line = ready.now["to_erase"]
    for said in (
        "What words alone tell of it is to go, too.", "the model says that it does not know.",
        "To protect: lime, &lt;b&gt;.", "Asked about besides it: other concepts.",
    ):  # fmt: skip
        assert said in line
    ready.act("find", questions=[])
    assert "Asked about besides it: nothing." in ready.now["to_erase"]

"""An auditor's hands before a stand-in: a veto, a question with an image, a record taken away."""

import re
import threading

import pytest
from PIL import Image
from test_crowd import BEGUN
from test_sidebar import (  # noqa: F401
    CHROMIUM, MINUTES, address, browser, erase, find, overflow, served, visitor,
)
from test_visit import ask_with_an_image, leave_out_first, take_and_open

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
WIDE = {"viewport": {"width": 1440, "height": 1000}}


def test_an_anchor_that_is_unticked_is_left_out_at_once(visitor):  # noqa: F811
    page = visitor(**WIDE)
    find(page, "lemon")
    leave_out_first(page)
    left_out = page.locator("#used-anchors label", has_text="left out ·")
    assert not left_out.locator("input").is_checked()
    page.get_by_role("button", name="Use all again").click()
    left_out.wait_for(state="detached")
    assert all(one.is_checked() for one in page.locator("#used-anchors input").all())


def test_a_question_with_an_image_and_a_record_to_replay(visitor, tmp_path):  # noqa: F811
    page = visitor(**WIDE)
    erase(page, "lemon")
    Image.new("RGB", (64, 64), "yellow").save(tmp_path / "mine.png")
    ask_with_an_image(page, "What is on my image?", tmp_path / "mine.png")
    for name in ("Before", "After"):
        box = page.get_by_label(name, exact=True)
        page.wait_for_function("box => box.value.endsWith('my image?')", arg=box.element_handle())

    page.get_by_role("button", name="Go on to step 5").click()
    take_and_open(page, "Record (JSON)", tmp_path / "record.json")
    page.get_by_role("button", name="Replay", exact=True).click()
    page.get_by_text(re.compile("The same (numbers|answers)|Not the same answers")).wait_for()
    assert overflow(page) <= 0


def test_who_writes_about_one_run_keeps_it_while_another_ends(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    pipeline, goes_on = StandIn(tmp_path / "runs"), threading.Event()
    with served(pipeline) as where:
        page = browser.new_page(**WIDE)
        page.set_default_timeout(MINUTES)
        page.goto(where)
        page.get_by_text("Ready:").wait_for()
        erase(page, "lemon")
        page.get_by_role("tab", name="1 Concept").click()
        find(page, "cat")
        page.get_by_role("button", name="Go on to step 3").click()
        pipeline.pause = lambda: goes_on.wait(60)
        page.get_by_role("button", name="Erase", exact=True).click()
        page.get_by_text(BEGUN).first.wait_for()
        assert page.evaluate("window.onbeforeunload !== null"), "leaving would end the run"
        page.get_by_role("tab", name="5 Record").click()
        page.get_by_label("Notes (optional)").fill("Not yet sure about the lemon.")
        goes_on.set()
        page.locator(".floating").get_by_text("“cat” has ended").wait_for()
        assert page.evaluate("window.onbeforeunload === null")
        assert page.get_by_label("Notes (optional)").input_value().startswith("Not yet sure")
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("Reject", exact=True).check()
        page.get_by_role("button", name="Save decision").click()
        page.locator(".decisions").get_by_text("Not yet sure about the lemon.").wait_for()
        page.get_by_role("tab", name="3 Erase").click()
        page.get_by_role("button", name="Show the result in steps 4 and 5").click()
        page.locator(".verdict h2").get_by_text("“cat”").first.wait_for()
        page.get_by_role("tab", name="5 Record").click()
        page.get_by_text("Decision on “cat”").wait_for()
        assert page.get_by_text("No decision yet.").count() == 1 and overflow(page) <= 0
        page.close()

"""An auditor's hands before a stand-in: a veto, a question with an image, a record taken away."""

import re

import pytest
from PIL import Image
from test_sidebar import CHROMIUM, address, browser, erase, find, overflow, visitor  # noqa: F401
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
    page.get_by_role("button", name="Take all back").click()
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
    page.get_by_text(re.compile("The same numbers|Not the same result")).wait_for()
    assert overflow(page) <= 0

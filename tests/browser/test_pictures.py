"""Pictures of the real page on the real model for the README: `make screenshots` takes them.

SPACE_PICTURES: the folder that gets them. Without it nothing is taken, for it takes minutes.
"""

import os
from pathlib import Path

import pytest
from PIL import Image
from test_visit import CHROMIUM, MINUTES, address, browser, find, whole_page  # noqa: F401

FOLDER = os.environ.get("SPACE_PICTURES", "")
LONG = 20 * MINUTES
WINDOW = {"width": 1280, "height": 940}
LARGEST = 300_000  # bytes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
    pytest.mark.skipif(not FOLDER, reason="SPACE_PICTURES says no folder"),
]


def take(page, name: str, show: str = "[role=tablist]", whole: bool = False) -> None:
    """A picture of the window, from the place of `show` on, or of the whole page; in few colours,
    so that it is small."""
    page.locator(show).first.evaluate("(part) => part.scrollIntoView()")
    page.wait_for_timeout(1500)
    path = Path(FOLDER) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    if whole:
        page.evaluate("scrollTo(0, 0)")
        whole_page(page, path)
    else:
        page.screenshot(path=path)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    assert path.stat().st_size < LARGEST


def erase(page, concept: str) -> None:
    page.get_by_role("tab", name="1 Concept").click()
    find(page, concept)
    page.get_by_role("button", name="Go on to step 3").wait_for(timeout=LONG)
    page.locator("#anchor-gallery img").first.wait_for(timeout=LONG)


def begin(page) -> None:
    page.get_by_role("button", name="Go on to step 3").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    page.get_by_text("Erasing: step 12").first.wait_for(timeout=LONG)


def test_every_tab_is_pictured(browser, address):  # noqa: F811
    page = browser.new_page(viewport=WINDOW)
    try:
        page.goto(address)
        page.get_by_text("Ready:").wait_for(timeout=LONG)
        page.get_by_label("Concept to forget").fill("lemon")
        page.get_by_role("button", name="What does the model say of it now?").click()
        page.get_by_text("Answer now").first.wait_for(timeout=LONG)
        page.get_by_label("Toggle Sidebar").click()
        take(page, "1-concept", whole=True)
        erase(page, "lemon")
        take(page, "2-anchors")
        begin(page)
        take(page, "3-erase")
        page.locator(".verdict h2").wait_for(timeout=LONG)
        take(page, "4-verify")
        take(page, "4-answers", 'h2:has-text("Side by side")')
        page.get_by_role("button", name="Go on to step 5").click()
        page.get_by_text("Base model restored").wait_for(timeout=LONG)
        take(page, "5-record")
        erase(page, "guitar")
        begin(page)
        page.locator(".verdict h2").get_by_text("“guitar”").wait_for(timeout=LONG)
        page.locator("#my-runs").get_by_text("guitar:").wait_for(state="attached", timeout=LONG)
        page.get_by_label("Toggle Sidebar").click()
        for label in page.locator("#my-runs label").all():
            label.click()
        page.get_by_role("button", name="Compare", exact=True).click()
        page.get_by_text("What went in differently").wait_for(timeout=LONG)
        take(page, "6-compare")
        page.get_by_role("button", name="Ask them together").click()
        page.locator(".compared").get_by_text("Forgotten?").first.wait_for(timeout=LONG)
        take(page, "7-together")
        page.get_by_role("tab", name="Leaderboard").click()
        page.get_by_text("What stays, by how alike it is").wait_for(timeout=LONG)
        take(page, "8-leaderboard")
    finally:
        page.close()

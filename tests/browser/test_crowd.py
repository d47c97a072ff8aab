"""More visitors than may wait: who comes last is told so, and can try again."""

import re
import threading

import pytest
from PIL import Image
from test_sidebar import CHROMIUM, browser, find, served  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]

PLACE = "one => one.getBoundingClientRect().top + scrollY"
# What step 3 says of a run under way; the first is soon gone.
BEGUN = re.compile("Asking the model about|Erasing: step")


def test_who_finds_the_queue_full_is_told_and_can_try_again(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    free = threading.Event()
    pages = []
    with served(StandIn(tmp_path, pause=free.wait), max_queue=2) as address:
        try:
            for _ in range(4):
                page = come(browser, address, pages)
                page.get_by_role("button", name="Go on to step 3").click()
            waiting = "Waiting for a free place"
            said_to = (BEGUN, waiting, waiting, "Too many visitors wait")
            for page, said in zip(pages, said_to):
                page.get_by_role("button", name="Erase", exact=True).click()
                page.get_by_text(said).first.wait_for()
            last = pages[-1].get_by_role("button", name="Erase", exact=True)
            assert last.is_enabled()
            assert pages[-1].evaluate("window.onbeforeunload") is None, "nothing runs"
            # Who comes now learns all that needs no place, and what they make is theirs.
            pages.append(browser.new_page())
            pages[-1].goto(address)
            pages[-1].get_by_text("Ready:").wait_for()
            pages[-1].get_by_text("A run that ends is listed here").wait_for(state="attached")
            pages[-1].get_by_text("Device").first.wait_for(state="attached")
            assert "space-auditor-visitor" in pages[-1].evaluate("Object.keys(localStorage)")
            pages.pop().close()
            free.set()
            pages[1].locator(".verdict h2").get_by_text(re.compile("lemon")).wait_for()
            last.click()
            pages[-1].locator(".verdict h2").get_by_text(re.compile("lemon")).wait_for()
        finally:
            free.set()
            for page in pages:
                page.close()


def test_who_comes_second_is_told_to_wait_wherever_the_model_is_needed(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    free = threading.Event()
    free.set()
    pages = []
    with served(StandIn(tmp_path, pause=free.wait)) as address:
        try:
            second = behind_another(browser, address, pages, free)
            waiting = second.get_by_text("Waiting for a free place").locator("visible=true")
            second.get_by_label("Your question").fill("What is this?")
            second.get_by_role("button", name="Ask both models").click()
            waiting.wait_for()
            second.get_by_role("tab", name="2 Anchors").click()
            gallery = second.locator("#anchor-gallery")
            place = gallery.evaluate(PLACE)
            second.get_by_role("button", name="Use all again").click()
            waiting.wait_for()
            assert gallery.evaluate(PLACE) == place
            second.get_by_role("tab", name="1 Concept").click()
            second.get_by_label("Concept to forget").fill("cat")
            second.get_by_role("button", name="Find proxy anchors").click()
            waiting.wait_for()
            free.set()
            second.get_by_text("To be forgotten: “cat”").wait_for(state="attached")
            second.get_by_role("tab", name="4 Verify").click()
            assert second.get_by_label("After", exact=True).input_value() == "after: What is this?"
            for tab in ("1 Concept", "2 Anchors", "4 Verify"):
                second.get_by_role("tab", name=tab).click()
                waiting.wait_for(state="detached")
        finally:
            free.set()
            for page in pages:
                page.close()


def test_what_is_pressed_again_while_one_waits_is_done_too(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    free = threading.Event()
    free.set()
    pages = []
    images = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(images):
        Image.new("RGB", (40, 40), (80 * number, 90, 30)).save(path)
    with served(StandIn(tmp_path, pause=free.wait)) as address:
        try:
            second = behind_another(browser, address, pages, free)
            for question in ("What is this?", "Is this a lemon?"):
                second.get_by_label("Your question").fill(question)
                second.get_by_role("button", name="Ask both models").click()
                second.wait_for_timeout(600)
            chosen = second.locator("input[type=file][multiple]")
            for some in (images[:2], images[2:]):
                chosen.set_input_files(some)
                second.wait_for_timeout(1500)
            free.set()
            second.get_by_text("Asked about 3 images of yours").wait_for()
            second.get_by_text("To “Is this a lemon?”:").wait_for()
            answer = second.get_by_label("After", exact=True).input_value()
            assert answer == "after: Is this a lemon?"
            # What may be asked about again is a button with its name still.
            second.get_by_role("tab", name="3 Erase").click()
            second.get_by_role("button", name="Erase", exact=True).click()
            second.get_by_role("button", name="Ask about your images again").wait_for()
        finally:
            free.set()
            for page in pages:
                page.close()


def behind_another(browser, address: str, pages: list, free: threading.Event):  # noqa: F811
    """A visitor with a result, while the model works for another until `free` is set."""
    first, second = (come(browser, address, pages) for _ in range(2))
    erase(second)
    second.locator(".verdict h2").get_by_text(re.compile("lemon")).wait_for()
    free.clear()
    erase(first)
    first.get_by_text(BEGUN).first.wait_for()
    return second


def come(browser, address: str, pages: list):  # noqa: F811
    """A visitor who has found anchors; the page joins those to be closed."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    pages.append(page)
    page.set_default_timeout(120_000)
    page.goto(address)
    page.get_by_text("Ready:").wait_for()
    find(page, "lemon")
    return page


def erase(page) -> None:
    page.get_by_role("tab", name="3 Erase").click()
    page.get_by_role("button", name="Erase", exact=True).click()

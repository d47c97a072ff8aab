"""From the click on Erase until the last step the page holds still: nothing that comes moves it."""

import re
import threading
import time

import pytest
from accessibility import faults_of
from test_crowd import BEGUN, come
from test_sidebar import CHROMIUM, address, browser, find, served, visitor  # noqa: F401
from test_visit import NARROW, NOTE_SHIFTS, WIDE, rest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
# The browser takes moves within half a second of a click for its answer.
ANSWERED = 700


def test_waiting_beginning_and_streaming_move_nothing(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    free, pages = threading.Event(), []

    def step() -> None:
        free.wait()
        time.sleep(0.1)

    with served(StandIn(tmp_path, pause=step)) as address:
        try:
            first, *waiting = (come(browser, address, pages) for _ in range(3))
            for page, size in ((first, WIDE), *zip(waiting, (WIDE, NARROW))):
                page.set_viewport_size(size)
                page.get_by_role("button", name="Go on to step 3").click()
                page.get_by_role("button", name="Erase", exact=True).wait_for()
            first.get_by_role("button", name="Erase", exact=True).click()
            first.get_by_text(BEGUN).first.wait_for()
            for page in waiting:
                # Nor is a step that has nothing to show yet unfit for anyone.
                assert faults_of(page) == []
                page.evaluate(NOTE_SHIFTS)
                page.get_by_role("button", name="Erase", exact=True).click()
                page.get_by_text("Waiting for a free place").locator("visible=true").wait_for()
                page.wait_for_timeout(ANSWERED)
                page.evaluate("shifts.length = 0")
            free.set()
            for page in waiting:
                page.get_by_text(re.compile(r"Erasing: step [23]\d of")).wait_for()
                assert page.evaluate("shifts") == [], page.viewport_size
        finally:
            free.set()
            for page in pages:
                page.close()


def test_stop_leaves_a_labelled_part_that_can_be_read(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    pages = []
    with served(StandIn(tmp_path, pause=lambda: time.sleep(0.2))) as address:
        try:
            page = come(browser, address, pages)
            page.get_by_role("button", name="Go on to step 3").click()
            stop = page.get_by_role("button", name="Stop", exact=True)
            page.get_by_role("button", name="Erase", exact=True).click()
            page.get_by_text("Erasing: step").first.wait_for()
            stop.click()
            page.get_by_text("Stopped early: a partial edit is judged here.").wait_for()
            page.get_by_role("tab", name="3 Erase").click()
            page.get_by_text("Stopped early: step 4 judges the partial edit.").wait_for()
            assert stop.is_disabled()
        finally:
            for page in pages:
                page.close()


def test_who_reads_another_tab_when_a_run_ends_is_left_there(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    free, pages = threading.Event(), []
    with served(StandIn(tmp_path, pause=free.wait)) as address:
        try:
            page = come(browser, address, pages)
            page.get_by_role("button", name="Go on to step 3").click()
            page.get_by_role("button", name="Erase", exact=True).click()
            page.get_by_text(BEGUN).first.wait_for()
            page.get_by_role("tab", name="Leaderboard").click()
            page.wait_for_timeout(ANSWERED)
            free.set()
            page.locator("#my-runs").get_by_text(": forgotten").wait_for(state="attached")
            page.wait_for_timeout(ANSWERED)
            assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Leaderboard"
            # The result waits.
            page.get_by_role("tab", name="4 Verify").click()
            page.locator(".verdict h2").first.wait_for()
        finally:
            free.set()
            for page in pages:
                page.close()


def test_a_press_that_lets_go_of_a_box_still_presses_the_button(visitor):  # noqa: F811
    page = visitor(viewport=WIDE, script=NOTE_SHIFTS)
    find(page, "lemon")
    onward = page.get_by_role("button", name="Go on to step 3")
    onward.wait_for()
    box = page.get_by_label("number input for Number of anchors")
    box.fill("6")
    box.press("Enter")
    page.get_by_text("6 proxy anchors for “lemon”").wait_for()
    page.wait_for_function("document.querySelectorAll('#anchor-gallery img').length == 6")
    rest(page)
    # So does a tick, which waits for nothing where the number is as it was.
    page.locator("#used-anchors label").nth(1).click()
    page.locator("#used-anchors label", has_text="left out ·").wait_for()
    rest(page)
    box.fill("7")
    box.press("Enter")
    page.get_by_text("7 proxy anchors for “lemon”").wait_for()
    rest(page)
    # The button at the window's lower edge, where the page says that it waits.
    button = onward.element_handle()
    button.evaluate("node => node.scrollIntoView({block: 'end'})")
    place = button.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    # It says so for a moment alone.
    page.evaluate("""new MutationObserver(() => {
      window.waited ||= document.querySelector('.floating') !== null;
    }).observe(document.body, {childList: true, subtree: true})""")
    page.mouse.down()
    page.wait_for_function("window.waited")
    page.mouse.up()
    page.get_by_role("tab", name="3 Erase", selected=True).wait_for()

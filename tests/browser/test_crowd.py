"""More visitors than may wait: who comes last is told so, and can try again."""

import re
import threading

import pytest
from test_sidebar import CHROMIUM, browser, find, served  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]


def test_who_finds_the_queue_full_is_told_and_can_try_again(browser, tmp_path):  # noqa: F811
    from stand_in import StandIn

    free = threading.Event()
    pages = []
    with served(StandIn(tmp_path, pause=free.wait), max_queue=2) as address:
        try:
            for _ in range(4):
                page = browser.new_page(viewport={"width": 1440, "height": 1000})
                pages.append(page)
                page.set_default_timeout(120_000)
                page.goto(address)
                page.get_by_text("Ready:").wait_for()
                find(page, "lemon")
                page.get_by_role("button", name="Go on to step 3").click()
            waiting = "Waiting for a free place"
            begun = re.compile("Asking the model about|Erasing: step")
            said_to = (begun, waiting, waiting, "Too many visitors wait")
            for page, said in zip(pages, said_to):
                page.get_by_role("button", name="Erase", exact=True).click()
                page.get_by_text(said).first.wait_for()
            last = pages[-1].get_by_role("button", name="Erase", exact=True)
            assert last.is_enabled()
            free.set()
            pages[1].locator(".verdict h2").get_by_text(re.compile("lemon")).wait_for()
            last.click()
            pages[-1].locator(".verdict h2").get_by_text(re.compile("lemon")).wait_for()
        finally:
            free.set()
            for page in pages:
                page.close()

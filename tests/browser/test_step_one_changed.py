"""Step 3 says in Chromium that step 1 was changed, whichever way one comes to it."""

import pytest
from test_sidebar import CHROMIUM, address, browser, find, visitor  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
SAID = "Step 1 was changed since"


def test_it_is_told_by_the_tab_and_by_the_button_of_step_2(visitor):  # noqa: F811
    page = visitor(viewport={"width": 1440, "height": 1000})
    find(page, "lemon")
    go_on = page.get_by_role("button", name="Go on to step 3")
    go_on.click()
    page.get_by_text("To be forgotten: “lemon”").wait_for()
    page.wait_for_timeout(500)
    assert not page.get_by_text(SAID).is_visible()
    page.get_by_role("tab", name="1 Concept").click()
    page.get_by_label("Forget what words alone tell of it, too").check()
    page.get_by_role("tab", name="3 Erase").click()
    page.get_by_text(SAID).wait_for()
    page.get_by_role("tab", name="1 Concept").click()
    page.get_by_label("Forget what words alone tell of it, too").uncheck()
    page.get_by_role("tab", name="3 Erase").click()
    page.get_by_text(SAID).wait_for(state="detached")
    page.get_by_role("tab", name="1 Concept").click()
    page.get_by_label("Other names").fill("Zitrone")
    page.get_by_role("tab", name="2 Anchors").click()
    go_on.click()
    page.get_by_text(SAID).wait_for()

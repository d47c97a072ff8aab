"""A concept whose name is a piece of HTML is text in every place of the page that says it."""

import re

import pytest
from stand_in import EVIL
from test_sidebar import CHROMIUM, browser, find, overflow, served, visitor  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
WIDE = {"width": 1440, "height": 1000}
# What the margins leave of A4, at 96 dots an inch.
SHEET = {"width": 688, "height": 1017}
TABS = (
    "1 Concept", "2 Anchors", "3 Erase", "4 Verify", "5 Record", "Compare", "Together",
    "Leaderboard",
)  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page before a stand-in that packs the report as the real page does."""
    from stand_in import StandIn

    from space_core.bundle import take_away

    stand_in = StandIn(tmp_path_factory.mktemp("runs"))
    stand_in.take_away = take_away
    with served(stand_in) as where:
        yield where


def erase(page, runs: int) -> None:
    page.get_by_role("tab", name="1 Concept").click()
    find(page, EVIL)
    page.get_by_role("button", name="Go on to step 3").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    page.locator("#my-runs label").nth(runs - 1).wait_for(state="attached")


def test_an_odd_name_is_only_text(visitor, tmp_path):  # noqa: F811
    page, dialogs = visitor(viewport=WIDE), []
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))

    def is_text() -> None:
        assert page.locator("img[src=x]").count() == 0 and dialogs == []

    erase(page, 1)
    page.locator(".verdict h2").get_by_text(EVIL).first.wait_for()
    page.locator("#questions [role=row][aria-rowindex='2'] [role=gridcell]").first.click()
    page.locator("#opened-question .pair").wait_for()
    is_text()
    page.get_by_role("tab", name="2 Anchors").click()
    page.locator("#anchor-gallery").get_by_text(EVIL).first.wait_for()
    page.get_by_role("button", name="Kept away from the erasure").click()
    is_text()
    erase(page, 2)
    for label in page.locator("#my-runs label").all():
        assert EVIL in label.inner_text()
        label.click()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("What went in differently").wait_for()
    page.locator(".compared").first.get_by_text(EVIL).first.wait_for()
    is_text()
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)
        is_text()

    page.get_by_role("tab", name="5 Record").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Report (HTML)").click()
    saved.value.save_as(tmp_path / "report.html")
    # It loads nothing, and printed it fits the sheet.
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    where = (tmp_path / "report.html").as_uri()
    page.set_viewport_size(SHEET)
    page.goto(where)
    page.get_by_text(EVIL).first.wait_for()
    is_text()
    page.emulate_media(media="print")
    page.wait_for_timeout(500)
    assert overflow(page) <= 0
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(pages) > 1 and asked == [where]

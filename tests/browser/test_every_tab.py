"""Every tab before a stand-in, in light and dark, wide and narrow: fit for everyone to use."""

import pytest
from test_sidebar import CHROMIUM, address, browser, erase, overflow, shoot, visitor  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
TABS = (
    "1 Concept", "2 Anchors", "3 Erase", "4 Verify", "5 Record", "Compare", "Leaderboard",
)  # fmt: skip
WIDE, NARROW = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture
def page(visitor):  # noqa: F811
    """A page on which each tab has something to show, and what is folded away stands open."""
    from axe_playwright_python.sync_playwright import Axe

    page = visitor(viewport=WIDE)
    erase(page, "lemon"), erase(page, "cat")
    page.get_by_label("Your question").fill("Is it a cat?")
    page.get_by_role("button", name="Ask both models").click()
    page.get_by_label("After", exact=True).wait_for()
    page.locator("#questions").get_by_text("What is this?").first.click()
    page.get_by_role("tab", name="3 Erase").click()
    page.get_by_role("button", name="Advanced settings").click()
    page.get_by_role("tab", name="2 Anchors").click()
    page.get_by_role("button", name="Kept away from the erasure").click()
    for label in page.locator("#my-runs label").all():
        label.click()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("What went in differently").wait_for()
    page.evaluate(Axe().axe_script)
    return page


def faults_of(page) -> list[str]:
    """What axe-core calls critical or serious on the page as it stands, with the places."""
    return [
        f"{one['id']} at {[node['target'] for node in one['nodes']][:3]}"
        for one in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        if one["impact"] in ("critical", "serious")
    ]


def crowded(page) -> list[str]:
    """Plots and tables in sight that are wider than their box, which does not scroll."""
    return page.evaluate("""() => [...document.querySelectorAll('.js-plotly-plot')]
      .filter((plot) => plot.offsetParent && plot.querySelector('svg'))
      .filter((plot) => Math.abs(plot.querySelector('svg').getBoundingClientRect().width
        - plot.getBoundingClientRect().width) > 2)
      .map((plot) => `${plot.getBoundingClientRect().width} px: ${plot.innerText.slice(0, 40)}`)""")


def test_every_tab_is_accessible_and_keeps_within_the_window(page):
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name, size in (("wide", WIDE), ("narrow", NARROW)):
            page.set_viewport_size(size)
            for tab in TABS:
                page.get_by_role("tab", name=tab).click()
                page.wait_for_timeout(500)
                shoot(page, f"tab-{tab.replace(' ', '-').lower()}-{scheme}-{name}")
                faults = [*faults_of(page), *crowded(page)]
                if overflow(page) > 0:
                    faults.append("wider than the window")
                if faults:
                    found[f"{tab}, {scheme}, {name}"] = faults
    assert found == {}


def test_headings_of_the_questions_stand_above_their_columns(page):
    page.get_by_role("tab", name="4 Verify").click()
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        page.wait_for_timeout(500)
        heads, cells = (
            [round(one["x"]) for one in map(lambda cell: cell.bounding_box(), row.all())]
            for row in (
                page.locator("#questions [role=columnheader]"),
                page.locator("#questions [role=row][aria-rowindex='2'] [role=gridcell]"),
            )
        )
        assert len(heads) == 9 and heads == cells

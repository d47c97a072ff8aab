"""Every tab before a stand-in, light and wide, dark and narrow: fit for everyone to use."""

import pytest
from accessibility import faults_of
from test_sidebar import CHROMIUM, address, browser, erase, overflow, shoot, visitor  # noqa: F401
from test_visit import NARROW, WIDE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
TABS = (
    "1 Concept", "2 Anchors", "3 Erase", "4 Verify", "5 Record", "Compare", "Together",
    "Leaderboard",
)  # fmt: skip
ROW = "#questions [role=row][aria-rowindex='2']"


@pytest.fixture
def page(visitor):  # noqa: F811
    """A page on which each tab has something to show, and what is folded away stands open."""
    page = visitor(viewport=WIDE)
    erase(page, "lemon"), erase(page, "cat")
    page.get_by_label("Your question").fill("Is it a cat?")
    page.get_by_role("button", name="Ask both models").click()
    page.get_by_label("After", exact=True).wait_for()
    page.locator(f"{ROW} [role=gridcell]").first.click()
    page.get_by_role("tab", name="3 Erase").click()
    page.get_by_role("button", name="Advanced settings").click()
    page.get_by_role("tab", name="2 Anchors").click()
    page.get_by_role("button", name="Kept away from the erasure").click()
    page.get_by_role("button", name="Ask them together").click()
    page.get_by_text("Each is forgotten, alone and together").wait_for()
    for label in page.locator("#my-runs label").all():
        label.click()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("What went in differently").wait_for()
    return page


def crowded(page) -> list[str]:
    """Plots in sight that do not fill their place, or leave it."""
    return page.evaluate("""() => [...document.querySelectorAll('.js-plotly-plot')]
      .filter((plot) => plot.offsetParent && plot.querySelector('svg'))
      .filter((plot) => Math.abs(plot.querySelector('svg').getBoundingClientRect().width
        - plot.getBoundingClientRect().width) > 2)
      .map((plot) => `${plot.getBoundingClientRect().width} px: ${plot.innerText.slice(0, 40)}`)
      .concat([...document.querySelectorAll('.empty.unpadded_box')]
        .filter((place) => place.offsetParent).map(() => 'a plot that is not drawn'))""")


def settle(page) -> None:
    """Wait until results are read, and plots are drawn and have taken up their new room; for ten
    seconds, where they do not."""
    page.wait_for_timeout(400)
    page.get_by_text("Reading the results").wait_for(state="hidden")
    for _ in range(40):
        if not crowded(page):
            return
        page.wait_for_timeout(250)


def out_of_line(page) -> list[str]:
    """What is wrong with the headings of the questions: each stands above its own column."""
    heads, cells = (
        [round(cell.bounding_box()["x"]) for cell in page.locator(place).all()]
        for place in ("#questions [role=columnheader]", f"{ROW} [role=gridcell]")
    )
    return [] if len(heads) == 9 and heads == cells else [f"headings at {heads}, cells at {cells}"]


def test_every_tab_is_accessible_and_keeps_within_the_window(page):
    found = {}
    for scheme, name, size in (("light", "wide", WIDE), ("dark", "narrow", NARROW)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        for tab in TABS:
            page.get_by_role("tab", name=tab).click()
            settle(page)
            shoot(page, f"tab-{tab.replace(' ', '-').lower()}-{scheme}-{name}")
            faults = [*faults_of(page), *crowded(page)]
            faults += out_of_line(page) if tab == "4 Verify" else []
            faults += ["wider than the window"] if overflow(page) > 0 else []
            if faults:
                found[f"{tab}, {scheme}, {name}"] = faults
    assert found == {}

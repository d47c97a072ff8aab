"""The sidebar in Chromium before a stand-in: one's own runs listed, opened, linked, compared."""

import os
import socket
from contextlib import contextmanager

import pytest

# Read when gradio is imported: nothing is reported to anyone.
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}

from test_visit import (  # noqa: F401
    CHROMIUM, MINUTES, browser, find, overflow, shoot, strangers,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
LEMON = "lemon: forgotten"
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}


@contextmanager
def served(stand_in, **options):
    """The address of the whole page before a stand-in, on a free port."""
    from space_core.ui.app_layout import build, launch_options

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = build(stand_in, **options)
    try:
        yield app.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", server_port=port,
            **launch_options(),
        )[1]  # fmt: skip
    finally:
        app.close(verbose=False)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    from stand_in import StandIn

    with served(StandIn(tmp_path_factory.mktemp("runs"))) as where:
        yield where


@pytest.fixture
def visitor(browser, address):  # noqa: F811
    """Makes a page in a browser of its own; script errors, a message of one in the console and a
    request to anywhere else are faults."""
    contexts, faults, elsewhere = [], [], []

    def come(where: str = "", script: str = "", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.add_init_script(script)
        page.set_default_timeout(MINUTES)
        elsewhere.append(strangers(page, address))
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.goto(f"{address}{where}")
        page.get_by_text("Ready:").wait_for()
        return page

    yield come
    for context in contexts:
        context.close()
    assert faults == [] and not any(elsewhere)


def erase(page, concept: str) -> None:
    page.get_by_role("tab", name="1 Concept").click()
    find(page, concept)
    page.get_by_role("button", name="Go on to step 3").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    page.locator(".verdict h2").get_by_text(f"“{concept}”").first.wait_for()
    page.locator("#my-runs").get_by_text(f"{concept}: forgotten").wait_for(state="attached")


def sees_sidebar(page, is_open: bool) -> None:
    place = ".sidebar.open" if is_open else ".sidebar:not(.open)"
    page.locator(place).wait_for(state="attached")
    page.wait_for_timeout(800)
    assert page.locator(place).count() == 1 and overflow(page) <= 0
    # What is open beside the page must not lie upon it.
    if page.viewport_size["width"] > 768:
        ends, begins = (
            page.locator(one).first.bounding_box() for one in (".sidebar.open", "h1")
        )
        assert ends["x"] + ends["width"] <= begins["x"]


def test_from_two_runs_to_a_comparison_and_nothing(visitor):
    page = visitor(viewport={"width": 1440, "height": 1000})
    sees_sidebar(page, True)
    assert "5e5e5e5e5e" in page.locator(".sidebar").inner_text()
    erase(page, "lemon"), erase(page, "cat")
    assert page.get_by_text("live run").first.is_visible()
    page.reload()
    page.locator("#my-runs").get_by_text(LEMON).wait_for()
    assert page.locator("#my-runs label").count() == 2
    shoot(page, "6-my-runs")

    for label in page.locator("#my-runs label").all():
        label.click()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("What went in differently").wait_for()
    page.locator("#compared-questions").get_by_text("sun → kept").first.wait_for()
    page.wait_for_timeout(800)
    shoot(page, "7-compare")
    assert overflow(page) <= 0

    page.locator("#my-runs label").first.click()
    page.get_by_role("button", name="Open", exact=True).click()
    page.locator(".badge.recorded").first.wait_for()
    page.get_by_role("button", name="Everything (zip)").wait_for()
    page.get_by_role("tab", name="4 Verify").click()
    page.locator(".verdict h2").get_by_text("“lemon”").first.wait_for()
    shoot(page, "8-recorded")
    assert overflow(page) <= 0

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Delete 1 run for good").wait_for()
    page.get_by_role("button", name="Delete for good").click()
    page.locator("#my-runs").get_by_text(LEMON).wait_for(state="detached")
    assert page.locator("#my-runs label").count() == 1


def test_what_is_erased_is_undone_switched_on_and_asked_together(visitor):
    page = visitor(**PHONE)
    erase(page, "lemon"), erase(page, "cat")
    page.get_by_label("Toggle Sidebar").click()
    sees_sidebar(page, True)
    undo = page.get_by_role("button", name="Undo")
    ask = page.get_by_role("button", name="Ask them together")
    assert undo.count() == 2 and ask.is_enabled()
    undo.last.click()
    page.locator(".erased-name.off").wait_for()
    assert undo.count() == 1 and not ask.is_enabled() and overflow(page) <= 0
    shoot(page, "6-erased-narrow")
    # The browser remembers it, and the run is still there.
    page.reload()
    page.get_by_text("Ready:").wait_for()
    page.get_by_label("Toggle Sidebar").click()
    page.get_by_role("button", name="Switch on “lemon” again").click()
    page.locator(".erased-name.off").wait_for(state="detached")
    assert page.locator("#my-runs label").count() == 2
    ask.click()
    page.get_by_text("Each is forgotten, alone and together").wait_for()
    sees_sidebar(page, False)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Summed edit").click()
    assert saved.value.suggested_filename == "edit.safetensors"
    shoot(page, "9-together-narrow")
    assert overflow(page) <= 0


@pytest.mark.parametrize("name", ["W" * 80, "a rather long name of a thing " * 2 + "that goes on"])
def test_a_long_name_is_undone_within_a_phone(visitor, name):
    page = visitor(**PHONE)
    erase(page, name)
    page.get_by_label("Toggle Sidebar").click()
    sees_sidebar(page, True)
    undo, side = page.get_by_role("button", name=f"Undo “{name}”"), page.locator(".sidebar.open")
    for switch in (undo, page.get_by_role("button", name=f"Switch on “{name}” again")):
        box, around = switch.bounding_box(), side.bounding_box()
        assert around["x"] <= box["x"]
        assert box["x"] + box["width"] <= around["x"] + around["width"]
        assert switch.evaluate("one => one.scrollWidth - one.clientWidth") <= 0
        shoot(page, "6-erased-long-narrow")
        switch.click()
        page.wait_for_timeout(800)
    assert undo.is_visible() and overflow(page) <= 0


def test_a_link_shows_a_run_to_another_visitor_who_has_none(visitor):
    page = visitor(viewport={"width": 1440, "height": 1000})
    erase(page, "lemon")
    link = page.get_by_role("link", name="Link to this run").first.get_attribute("href")
    guest = visitor(link, viewport={"width": 1440, "height": 1000}, color_scheme="dark")
    guest.locator(".badge.recorded").first.wait_for()
    guest.get_by_text("What was run: “lemon”").wait_for()
    guest.get_by_text("None yet.").wait_for()
    assert guest.locator("#my-runs label").count() == 0
    shoot(guest, "8-by-link-dark")
    assert overflow(guest) <= 0


def test_where_a_browser_keeps_nothing_the_page_works_for_as_long_as_it_is_open(visitor):
    page = visitor(script="""for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, {configurable: true, get() {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      }});""", viewport={"width": 1440, "height": 1000})
    erase(page, "lemon")


def test_a_phone_has_the_sidebar_closed_until_it_is_wanted(visitor):
    page = visitor(**PHONE)
    sees_sidebar(page, False)
    assert not page.locator("#my-runs").is_visible()
    erase(page, "lemon")
    page.get_by_label("Toggle Sidebar").click()
    sees_sidebar(page, True)
    shown = page.locator(".on-show").bounding_box()
    assert "live run" in page.locator(".on-show").inner_text()
    assert shown["x"] >= 0 and shown["x"] + shown["width"] <= PHONE["viewport"]["width"]
    shoot(page, "6-my-runs-narrow")
    page.locator("#my-runs label").first.click()
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_text("What was run: “lemon”").wait_for()
    sees_sidebar(page, False)
    shoot(page, "8-recorded-narrow")
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_timeout(500)
    shoot(page, "7-compare-narrow")
    assert overflow(page) <= 0


def test_a_window_that_becomes_narrow_is_not_covered(visitor):
    page = visitor(viewport={"width": 1440, "height": 1000})
    sees_sidebar(page, True)
    page.set_viewport_size(PHONE["viewport"])
    sees_sidebar(page, False)

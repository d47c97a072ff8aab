"""From a name to a decision with the keyboard alone, before a stand-in: no click, no mouse."""

import pytest
from test_sidebar import CHROMIUM, address, browser, visitor  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]
WIDE = {"viewport": {"width": 1440, "height": 1000}}
FAR = 200  # presses of Tab after which what is looked for cannot be reached


def go_to(page, place) -> None:
    """Press Tab until the focus is on it."""
    for _ in range(FAR):
        if place.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{place} is out of the keyboard's reach")


def press(page, button: str) -> None:
    go_to(page, page.get_by_role("button", name=button, exact=True))
    page.keyboard.press("Enter")


def test_a_run_needs_no_mouse(visitor):  # noqa: F811
    page = visitor(**WIDE)
    go_to(page, page.get_by_label("Concept to forget"))
    page.keyboard.type("cat")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Go on to step 3").wait_for()
    press(page, "Go on to step 3")
    press(page, "Erase")
    page.locator(".verdict h2").get_by_text("“cat”").first.wait_for()

    # Arrows go through the questions, Enter opens one.
    cell = page.locator("#questions [role=row][aria-rowindex='2'] [role=gridcell]").first
    go_to(page, cell)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#opened-question .pair").wait_for()

    press(page, "Go on to step 5")
    go_to(page, page.get_by_label("Your name"))
    page.keyboard.type("Ada")
    go_to(page, page.get_by_role("radio", name="Accept"))
    page.keyboard.press("Space")
    press(page, "Save decision")
    page.locator(".decisions").get_by_text("Ada").wait_for()

    # Back to a step before.
    go_to(page, page.get_by_role("tab", name="4 Verify"))
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="4 Verify", selected=True).wait_for()


def test_an_arrow_key_on_a_slider_chooses_anew_and_so_does_enter_in_its_box(visitor):  # noqa: F811
    page = visitor(**WIDE)
    page.get_by_label("Concept to forget").fill("cat")
    page.keyboard.press("Enter")
    page.get_by_text("24 proxy anchors for “cat”").wait_for()
    page.get_by_label("range slider for Number of anchors").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.get_by_text("21 proxy anchors for “cat”").wait_for()
    page.get_by_label("number input for Number of anchors").fill("8")
    page.keyboard.press("Enter")
    page.get_by_text("8 proxy anchors for “cat”").wait_for()


def test_what_the_model_says_now_goes_when_the_concept_changes(visitor):  # noqa: F811
    page = visitor(**WIDE)
    said = page.get_by_role("heading", name="What the model says of")
    for changes in (
        lambda: page.get_by_label("Concept to forget").press_sequentially("x"),
        lambda: page.get_by_role("button", name="people: Ada Quill").click(),
    ):
        page.get_by_label("Concept to forget").fill("lemon")
        press(page, "What does the model say of it now?")
        said.get_by_text("lemon").wait_for()
        changes()
        said.wait_for(state="detached")

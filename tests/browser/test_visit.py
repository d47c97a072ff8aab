"""A visitor's whole way through the real page, in Chromium, with the real model.

Screenshots go to build/screenshots.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from accessibility import faults_of

from space_core.preview import preview
from space_core.recorded import open_recorded
from space_core.replay import differences
from space_core.types import ConceptRequest

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
MINUTES = 60_000
WIDE, NARROW = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}
TABS = ("1 Concept", "2 Anchors", "3 Erase", "4 Verify", "5 Record")
# Every shift of the layout that no input called for, with what moved.
NOTE_SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => list.getEntries().filter((one) => !one.hadRecentInput).forEach(
  (one) => window.shifts.push({value: one.value, moved: one.sources.map((source) =>
    (source.node && (source.node.id || source.node.className || source.node.nodeName)) + '')})
)).observe({type: 'layout-shift', buffered: true});"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]


@pytest.fixture(scope="module")
def address(real_settings, bench, tmp_path_factory):
    """The app as `make app` starts it, on a free port. `bench` has filled the cache."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("app") / "log").open("w")
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port),
        "SPACE_CACHE": str(real_settings.cache), "SPACE_RUNS": str(real_settings.runs),
        # Sums of other numbers of threads differ in their last digits.
        "SPACE_DEVICE": "cpu", "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }  # fmt: skip
    app = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert app.poll() is None, Path(log.name).read_text()[-2000:]
            try:
                urllib.request.urlopen(url, timeout=2)
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail("the page did not come up")
        yield url
    finally:
        app.terminate()
        app.wait(20)
        log.close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """A desktop page that notes every request to another host and every script error."""
    page = browser.new_page(viewport=WIDE)
    page.add_init_script(NOTE_SHIFTS)
    page.strangers, page.faults = strangers(page, address), []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.goto(address)
    page.get_by_text("Ready:").wait_for(timeout=3 * MINUTES)
    yield page
    page.close()


def strangers(page, address: str) -> list[str]:
    """Fills with every address elsewhere that the page asks for."""
    own, found = urlsplit(address).netloc, []

    def note(request) -> None:
        place = urlsplit(request.url)
        if place.scheme in ("http", "https", "ws", "wss") and place.netloc != own:
            found.append(request.url)

    page.on("request", note)
    return found


def shoot(page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    whole_page(page, SHOTS / f"{name}.png")


def whole_page(page, path: Path) -> None:
    """A picture of the whole page. Chromium's own makes the window 1 x 1 for a moment, which closes
    the sidebar: here only its height changes."""
    window = page.viewport_size
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({**window, "height": max(window["height"], height)})
    page.screenshot(path=path)
    page.set_viewport_size(window)


def overflow(page) -> int:
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def jumps(page, seconds: float) -> list[dict]:
    """What moves on the page by itself in so many seconds, as the browser counts it."""
    page.evaluate("shifts.length = 0")
    page.wait_for_timeout(1000 * seconds)
    return page.evaluate("shifts")


def rest(page) -> None:
    """Wait until a second passes in which nothing moves: plots and images take up their new room, on
    a busy machine late."""
    for _ in range(10):
        if not jumps(page, 1):
            break


def find(page, concept: str) -> None:
    page.get_by_label("Concept to forget").fill(concept)
    page.get_by_role("button", name="Find proxy anchors").click()


def erase_briefly(page, steps: int) -> None:
    """Press Erase, with fewer steps than a user would take, and wait until it trains."""
    page.get_by_text("Advanced settings").click()
    page.get_by_label("number input for Steps").fill(str(steps))
    page.get_by_label("number input for Steps").press("Enter")
    page.get_by_role("button", name="Erase", exact=True).click()
    page.get_by_text("Erasing: step").first.wait_for(timeout=6 * MINUTES)


def opened_faults(page, tab: str) -> list[str]:
    """What is inaccessible on a tab."""
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(400)
    return faults_of(page)


def take_and_open(page, button: str, path: Path) -> None:
    """Download a file of step 5, and give it to step 1."""
    with page.expect_download(timeout=MINUTES) as saved:
        page.get_by_role("button", name=button).click()
    saved.value.save_as(path)
    page.get_by_role("tab", name="1 Concept").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open an old record").click()
    chooser.value.set_files(path)


def ask_with_an_image(page, question: str, image: Path) -> str:
    """What the edited model answers."""
    page.locator("input[type=file]:visible, [data-testid=file-upload]").first.set_input_files(image)
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask both models").click()
    answer = page.get_by_label("After", exact=True)
    page.wait_for_function("box => box.value.length > 0", arg=answer.element_handle())
    return answer.input_value()


def leave_out_first(page) -> None:
    """Untick the first anchor and wait for the new choice."""
    page.locator("#used-anchors label").first.click()
    page.locator("#used-anchors label", has_text="left out ·").wait_for()


def test_from_a_word_to_a_verdict(page, bench, lemon_record, tmp_path):
    shoot(page, "1-concept")
    find(page, "lemon")
    page.get_by_role("button", name="Go on to step 3").wait_for(timeout=MINUTES)
    page.locator("#anchor-gallery img").first.wait_for(timeout=MINUTES)
    assert page.locator("#anchor-gallery img").count() >= 20
    page.locator(".js-plotly-plot").first.wait_for(timeout=MINUTES)
    shoot(page, "2-anchors")
    leave_out_first(page)
    page.get_by_role("button", name="Use all again").click()
    page.locator("#used-anchors label", has_text="left out ·").wait_for(state="detached")
    page.get_by_role("button", name="Go on to step 3").click()
    erase_briefly(page, lemon_record.settings["steps"])
    shoot(page, "3-erase")
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        rest(page)
        assert jumps(page, 6) == [], f"what streams in moves nothing, {size}"
    page.evaluate(
        "shifts.length = 0; scrollTo(0, 0); document.querySelector('h1').style.paddingTop = '80px'"
    )
    # A move would have been seen.
    page.wait_for_function("shifts.length")
    page.evaluate("document.querySelector('h1').style.paddingTop = ''")
    page.locator(".verdict h2").wait_for(timeout=8 * MINUTES)
    verdict = page.locator(".verdict").inner_text()
    assert "lemon" in verdict and "Still names the concept" in verdict
    pairs = page.locator(".pair")
    pairs.first.wait_for()
    assert pairs.count() >= 6
    first = pairs.first.inner_text()
    assert "Before" in first and "lemon" in first.split("After")[0]
    assert "lemon" not in first.split("After")[1].split("→")[0]
    page.wait_for_timeout(1500)
    shoot(page, "4-verify")
    assert overflow(page) <= 0

    said = preview(bench, ConceptRequest("tiger"))
    other = next(one for one in said if one.image and "tiger" in one.answer)
    bench.evaluation_image(other.image).save(tmp_path / "mine.png")
    assert "tiger" in ask_with_an_image(page, other.question, tmp_path / "mine.png")

    page.set_viewport_size(NARROW)
    page.wait_for_timeout(1500)
    shoot(page, "4-verify-narrow")
    assert overflow(page) <= 0

    page.get_by_role("button", name="Go on to step 5").click()
    page.get_by_text("Base model restored").wait_for(timeout=MINUTES)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Accept", exact=True).check()
    page.get_by_role("button", name="Save decision").click()
    page.locator(".decisions").get_by_text("Ada").wait_for(timeout=MINUTES)
    shoot(page, "5-record-narrow")
    assert overflow(page) <= 0

    take_and_open(page, "Everything (zip)", tmp_path / "run.zip")
    page.locator(".badge.recorded").wait_for(timeout=MINUTES)
    assert overflow(page) <= 0
    # An erasure by the same settings in another process came to the same in every digit.
    assert differences(lemon_record, open_recorded(tmp_path / "run.zip").record) == ()
    assert {tab: faults for tab in TABS if (faults := opened_faults(page, tab))} == {}
    assert page.strangers == [] and page.faults == []


@pytest.mark.parametrize(
    "concept, says",
    [
        ("", "The concept is empty"),
        ("x" * 200, "characters long"),
        ("Ada Quillfeather Nobody", "escribe"),
        ("<img src=x onerror=alert(1)>", "“<img src=x onerror=alert(1)>”"),
    ],
)
def test_bad_input_gets_a_sentence(page, concept, says):
    find(page, concept)
    page.locator(".status.warning").get_by_text(says).first.wait_for(timeout=MINUTES)
    assert page.get_by_role("tab", name="3 Erase").is_disabled()
    assert "Traceback" not in page.content() and page.faults == []


def test_a_word_with_a_near_meaning_asks_back(page):
    find(page, "kitten")
    page.get_by_text("Use “cat” instead").wait_for(timeout=MINUTES)
    shoot(page, "2-did-you-mean")
    page.get_by_text("Use “cat” instead").click()
    page.get_by_text("for “cat”").first.wait_for(timeout=MINUTES)


def test_a_phone_can_reach_everything(browser, address):
    page = browser.new_page(viewport=NARROW, color_scheme="dark")
    try:
        page.goto(address)
        page.get_by_text("Ready:").wait_for(timeout=3 * MINUTES)
        shoot(page, "1-concept-narrow")
        assert overflow(page) <= 0
        find(page, "castle")
        page.get_by_role("button", name="Go on to step 3").wait_for(timeout=MINUTES)
        page.locator("#anchor-gallery img").first.wait_for(timeout=MINUTES)
        page.wait_for_timeout(1500)
        shoot(page, "2-anchors-narrow")
        assert overflow(page) <= 0
    finally:
        page.close()

"""The page as it is served: what it lets in and out, and that visitors do not meet."""

import re
import time
from datetime import timedelta
from html.parser import HTMLParser

import httpx
from stand_in import EVIL, record
from visitor import connect

from space_core.runs import decisions_of, run_folders
from space_core.typed_json import to_json
from space_core.ui import outcomes

# What the browser gets


def test_five_steps_of_which_the_later_are_locked(page):
    tabs = [one["props"] for one in page.config["components"] if one["type"] == "tabitem"]
    said = [(tab["label"], tab["interactive"]) for tab in tabs]
    assert said == [
        ("1 Concept", True), ("2 Anchors", False), ("3 Erase", False), ("4 Verify", False),
        ("5 Record", False), ("Compare", True), ("Together", True),
        ("Leaderboard", True),
    ]  # fmt: skip


class Fetched(HTMLParser):
    """What a browser fetches for a page without being asked."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        if tag != "a":
            own = dict(attributes)
            self.found += [own[name] for name in ("src", "srcset", "href", "data") if own.get(name)]


def test_the_page_fetches_nothing_from_elsewhere(page):
    html = httpx.get(page.url).text
    styles = [httpx.get(f"{page.url}theme.css").text, page.config["css"] or ""]
    fetched = Fetched(html).found + page.config["stylesheets"]
    for text in (html, *styles):
        fetched += re.findall(r"(?:url\(|@import\s)\s*[\"']?([^\"')\s;]+)", text)
    assert any(one.endswith(".js") for one in fetched)
    elsewhere = [one for one in fetched if re.match(r"(https?:)?//", one)]
    assert [one for one in elsewhere if not one.startswith(page.url)] == []


def test_no_part_shows_a_picture_from_elsewhere(page):
    for part in page.config["components"]:
        values = str(part["props"].get("value"))
        assert "http://" not in values and "https://" not in values


def test_the_page_reports_to_nobody(page):
    kept = ("analytics_enabled", "run_history", "show_error", "mcp_server", "footer_links")
    assert not any(page.config[name] for name in kept)
    assert httpx.get(f"{page.url}monitoring").json()["detail"] == "Monitoring is not enabled."


def test_cells_of_tables_are_plain_text_but_for_the_image(page):
    tables = [one["props"] for one in page.config["components"] if one["type"] == "dataframe"]
    marked_up = [
        (table["elem_id"], head) for table in tables if table["datatype"] != "str"
        for head, kind in zip(outcomes.HEADERS, table["datatype"], strict=True)
        if kind not in ("str", "number")
    ]  # fmt: skip
    assert len(tables) == 7 and marked_up == [("questions", "Image")]


# Visitors


def test_two_clients_get_their_own_results(page):
    names = ["lemon", "lime", EVIL]
    clients = [connect(page) for _ in names]
    jobs = [one.submit(name, api_name="/erase") for one, name in zip(clients, names)]
    keys = [job.result(timeout=60)["key"] for job in jobs]
    records = [connect(page).predict(key, api_name="/verify")["record"] for key in keys]
    assert [one["selection"]["request"]["name"] for one in records] == names
    assert [one["outcomes"][0]["concept"] for one in records] == names


def test_two_visitors_do_not_meet(come):
    one, other = come(), come()
    assert "“lemon”" in one.find("lemon") and "“cat”" in other.find("cat")
    first, second = str(one.erase()[-1]), str(other.erase()[-1])
    assert "Forgotten: “lemon”" in first and "“cat”" not in first
    assert "Forgotten: “cat”" in second and "lemon" not in second
    choice = {"About": "target", "Outcome": "still names it"}
    assert "'lemon'" in one.press("About", "input", **choice)
    assert "after: What?" in one.press("Ask both models", **{"Your question": "What?"})


def test_a_visitor_who_came_later_has_nothing_to_erase(come):
    come().find("lemon")
    assert "name a concept in step 1" in str(come().erase()[-1])


def test_a_clicked_row_opens_with_its_image(page, come):
    one = come()
    one.find("lime"), one.erase()
    table = "Click a row, or press Enter, to see it large"
    sent = {
        "fn_index": one.event(table, "select")["id"], "data": [None] * 3,
        "session_hash": one.client.session_hash,
        "event_data": {"index": [1, 0], "value": "2", "row_value": ["2", "", "lime"]},
    }  # fmt: skip
    answer = httpx.post(f"{page.url}gradio_api/run/predict", json=sent).json()
    (html,) = answer["data"]
    assert "still gives it away" in html and "data:image/webp" in html


def test_a_failed_audit_leaves_the_button_to_try_again(page, come, monkeypatch):
    one = come()
    one.find("lemon")
    with monkeypatch.context() as patch:
        patch.setitem(page.pipeline.faults, "audit", ValueError("Take fewer steps."))
        views = [str(view) for view in one.erase()]
    assert "'interactive': False" in views[0] and "Take fewer steps." in views[-1]
    assert "'interactive': True" in views[-1] and "Forgotten" not in views[-1]
    assert "Forgotten" in str(one.erase()[-1])


def test_who_reads_for_hours_loses_nothing_and_no_run_is_stopped_by_its_age(page, come):
    one = come()
    one.find("lemon"), one.erase()
    armed = one.event("Erase", "click")
    one.send(armed)
    held = page.app.state_holder
    written = held[one.client.session_hash]._state_ttl
    for key, (lives, when) in written.items():
        written[key] = (lives, when - timedelta(hours=23))
    held.delete_all_expired_state()
    assert "Done: the result is in step 4" in str(one.send(one.after(armed), Steps=4)[-1])
    for key, (lives, when) in written.items():
        written[key] = (lives, when - timedelta(hours=23))
    held.delete_all_expired_state()
    choice = {"About": "target", "Outcome": "still names it"}
    assert "'lemon'" in one.press("About", "input", **choice)


def test_stop_ends_a_waiting_run(page, come):
    one = come()
    one.find("lemon")
    armed, asked = one.event("Erase", "click"), len(page.pipeline.audited)
    one.send(armed)
    assert "Stopping" in one.press("Stop")
    assert "Stopped before it began" in str(one.send(one.after(armed))[-1])
    assert len(page.pipeline.audited) == asked


def test_a_visitor_who_leaves_does_not_hold_the_line(page, come, monkeypatch):
    monkeypatch.setattr(page.pipeline, "pause", lambda: time.sleep(0.2))
    gone, other = come(), come()
    gone.find("lemon")
    armed = gone.event("Erase", "click")
    gone.send(armed)
    session, run = gone.client.session_hash, gone.after(armed)
    sent = {"data": gone.data(run, Steps=200), "fn_index": run["id"], "session_hash": session}
    httpx.post(f"{page.url}gradio_api/queue/join", json=sent).raise_for_status()
    where = f"{page.url}gradio_api/queue/data?session_hash={session}"
    with httpx.stream("GET", where, timeout=60) as views:
        next(line for line in views.iter_lines() if "process_generating" in line)
    assert "“lime”" in other.find("lime")
    # What it made is put away after the line is free.
    end = time.monotonic() + 30
    while not page.pipeline.reached and time.monotonic() < end:
        time.sleep(0.1)
    assert page.pipeline.reached[-1] < 200


def test_only_the_own_files_can_be_fetched(page, come):
    one = come()
    one.find("lemon")
    paths = re.findall(r"'path': '([^']+record\.json)'", str(one.erase()[-1]))
    (mine,) = set(paths)
    assert httpx.get(f"{page.url}gradio_api/file={mine}").json()["selection"]
    kept = sorted(page.pipeline.folder.glob("*/record.json"))
    assert kept
    for path in (*kept, page.pipeline.folder):
        assert httpx.get(f"{page.url}gradio_api/file={path}").status_code in (403, 404)


def test_an_old_record_is_handed_in_and_opened(come, tmp_path):
    (tmp_path / "record.json").write_text(to_json(record()))
    (tmp_path / "other.json").write_text("{}")
    one = come()
    good, foreign = (one.upload(tmp_path / name) for name in ("record.json", "other.json"))
    assert "recorded run" in good and "'selected': 'record'" in good
    assert "This is no record of a run" in foreign


def test_a_decision_reaches_the_run(page, come):
    one = come()
    one.find("lemon"), one.erase()
    said = {"Your name": EVIL, "Your decision": "reject", "Notes (optional)": EVIL}
    view = one.press("Save decision", **said)
    assert "<b>Reject</b>, &lt;img" in view and EVIL not in view.replace(repr(EVIL), "")
    kept = [decisions_of(run) for run in run_folders(page.pipeline.folder)]
    assert [one.notes for found in kept for one in found] == [EVIL]

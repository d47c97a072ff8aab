"""What a visitor asks of one run is not told of another, whatever they open in the meantime."""

from concurrent.futures import Future

import pytest
from PIL import Image
from stand_in import Bench
from test_record import decided, old

from space_core.runs import decisions_of
from space_core.ui.wording import REPLACED


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "own.png"
    Image.new("RGB", (8, 8)).save(path)
    return [str(path)]


def listed(visit) -> list[str]:
    """The visitor's runs, the newest first."""
    return [key for _, key in visit.looks["my_runs"]["choices"]]


def reads(visit, tab: str) -> None:
    visit.now["where"].tab = tab


# Answers that come late


def test_what_is_said_of_own_images_does_not_reach_another_run(after, pipeline, picture):
    for _ in after.watch("own_upload", "upload", own_upload=picture):
        if after.now["on_show"].endswith("“cat”</p>"):
            after.act("open_run", my_runs=[listed(after)[1]])
    assert "“lemon”" in after.now["verdict"] and "Your images" not in after.now["verdict"]
    assert after.now["own"] is None and after.now["own_pictures"] is None
    assert REPLACED in after.now["own_status"]


def test_images_that_were_given_to_a_run_that_is_gone_are_asked_about_no_other(
    after, pipeline, picture
):
    asked = after.watch("own_upload", "upload", own_upload=picture)
    # The line is long: another run is opened before its turn comes.
    late = {"finished": after.now["finished"], "mark": after.now["verify_mark"]}
    after.act("open_run", my_runs=[listed(after)[1]])
    after.now |= {"verify_mark": late["mark"]}
    list(asked)
    assert not pipeline.judged and REPLACED in after.now["own_status"]


def test_images_that_are_taken_away_while_they_are_asked_about_stay_away(after, picture):
    for view in after.watch("own_upload", "upload", own_upload=picture):
        if "answered" in view.get("own_status", ""):
            after.act("own_clear")
    assert after.now["own_pictures"] is None and after.now["own"] is None
    assert "Your images" not in after.now["verdict"] and len(after.now["table"]) == 5


def test_a_question_is_answered_though_the_images_are_taken_away(after, pipeline, monkeypatch):
    asking = pipeline.ask
    monkeypatch.setattr(pipeline, "ask", lambda *values: after.act("own_clear") and asking(*values))
    after.act("ask", question="What is that?")
    assert after.now["answer_after"] == "after: What is that?"


@pytest.mark.parametrize("event", ["ask", "ask_again"])
def test_no_answer_is_written_beside_another_run(after, pipeline, monkeypatch, event):
    after.act("ask", question="What is this?")
    asking = pipeline.ask

    def meanwhile(*values):
        after.act("open_run", my_runs=[listed(after)[1]])
        return asking(*values)

    monkeypatch.setattr(pipeline, "ask", meanwhile)
    after.act(event, question="What is that?")
    assert after.now["answer_after"] == "" and REPLACED in after.now["ask_status"]
    assert after.looks["again"]["visible"] is False


# The decision


def test_a_decision_is_saved_on_the_run_that_it_was_written_about(after):
    seen = after.now["record_mark"]
    after.act("open_run", my_runs=[listed(after)[1]])
    # Pressed before the other run reached the browser.
    after.now["record_mark"], now = seen, after.now["record_mark"]
    decided(after)
    assert REPLACED in after.now["decision_status"]
    assert decisions_of(after.now["kept"]) == () and after.now["notes"] == "Looks sound."
    after.now["record_mark"] = now
    assert len(decisions_of(decided(after).now["kept"])) == 1


# A run that ends while another is read


@pytest.mark.parametrize("tab", ["verify", "record"])
def test_a_result_waits_while_another_run_is_read(after, pipeline, tab):
    after.act("open_run", my_runs=[listed(after)[1]]).act("find", concept="lime")
    after.act("erase")
    after.now |= {"notes": "Not yet sure.", "judgement": "reject"}
    after.looks.pop("tabs", None)
    for _ in after.watch("erase", "then"):
        reads(after, tab)
    after.act("erase", "then then")
    assert "“lemon”" in after.now["verdict"] and after.now["notes"] == "Not yet sure."
    assert "has ended: step 3" in after.now["runs_status"] and "tabs" not in after.looks
    assert after.looks["show_result"]["visible"] and "waits below" in after.now["erase_status"]
    assert [said.split(":")[0] for said, _ in after.looks["my_runs"]["choices"]][0] == "lime"
    decided(after)
    assert after.now["kept"].name == "run-1" and len(decisions_of(after.now["kept"])) == 1
    reads(after, "erase")
    after.act("show_result")
    assert "“lime”" in after.now["verdict"] and after.sees_result()
    assert "live run" in after.now["source"] and after.now["kept"].name == "run-3"
    assert after.now["waiting"] is None and not after.looks["show_result"]["visible"]
    after.act("show_result")
    assert "no such result any more" in after.now["erase_status"]


def test_a_waiting_result_that_is_deleted_is_not_shown(after):
    after.act("find", concept="lime").act("erase")
    for _ in after.watch("erase", "then"):
        reads(after, "verify")
    after.act("erase", "then then").act("delete_sure", my_runs=[listed(after)[0]])
    after.act("show_result")
    assert not after.looks["show_result"]["visible"] and after.now["waiting"] is None
    assert "its run was deleted" in after.now["erase_status"] and "“cat”" in after.now["verdict"]


def test_a_result_that_waits_leaves_the_anchors_of_another_concept_alone(after):
    after.act("find", concept="lime").act("erase")
    for _ in after.watch("erase", "then"):
        reads(after, "verify")
    after.act("find", concept="sun")
    after.looks["optimised"] = {"visible": False}
    after.act("show_result")
    assert "“lime”" in after.now["verdict"] and not after.looks["optimised"]["visible"]
    assert after.now["selection"].request.name == "sun"


def test_who_begins_to_read_while_the_files_are_packed_is_left_there(after, pipeline, monkeypatch):
    packing = pipeline.take_away
    after.act("find", concept="lime").act("erase")
    monkeypatch.setattr(
        pipeline, "take_away", lambda *values: reads(after, "record") or packing(*values)
    )
    after.act("erase", "then")
    assert "“cat”" in after.now["verdict"] and after.looks["show_result"]["visible"]


# Replay


def test_a_replay_ends_when_the_result_of_a_run_takes_its_place(ready, pipeline, tmp_path):
    ready.act("upload", "upload", upload=str(old(tmp_path))).act("replay")
    seen = ready.now["record_mark"]
    for view in ready.watch("replay", "then"):
        if "Asking the model about" in view.get("replay_status", ""):
            ready.erase()
            ready.changed.clear()
    assert not {"differences", "replay_status"} & ready.changed
    assert ready.now["record_mark"] != seen and len(pipeline.audited) == 2
    # One that still waits for its turn does not begin.
    ready.act("upload", "upload", upload=str(old(tmp_path))).act("replay")
    mark = ready.now["record_mark"]
    ready.erase()
    ready.now["record_mark"] = mark
    ready.act("replay", "then")
    assert len(pipeline.audited) == 3


# Opened while the model loads


def test_of_two_runs_that_are_opened_while_the_model_loads_the_later_stays(after, pipeline):
    cat, lemon = listed(after)
    slow: Future[Bench] = Future()
    pipeline.bench, ready = slow, pipeline.bench
    first = after.watch("open_run", my_runs=[cat])
    next(first)
    second = after.watch("open_run", my_runs=[lemon])
    next(second)
    slow.set_result(ready.result())
    list(second), list(first)
    assert "“lemon”" in after.now["old_facts"] and "“lemon”" in after.now["verdict"]
    assert after.now["kept"].name == "run-1" and "“lemon”" in after.now["decided_run"]


def test_a_run_that_was_opened_in_vain_says_so_no_longer(after, pipeline, tmp_path):
    pipeline.bench, ready = Future(), pipeline.bench
    opening = after.watch("open_run", my_runs=listed(after)[:1])
    next(opening)
    assert "Opening" in after.now["runs_status"]
    after.act("upload", "upload", upload=str(old(tmp_path)))
    pipeline.bench.set_result(ready.result())
    list(opening)
    assert after.now["runs_status"] == "" and after.now["recorded"].record.run_id == "run-1"


def test_of_two_that_are_opened_at_once_the_page_shows_all_of_one(after, pipeline, monkeypatch):
    cat, lemon = listed(after)
    packing, once = pipeline.take_away, []

    def slow(*values):
        if not once:
            once.append(True)
            after.act("open_run", my_runs=[lemon])
        return packing(*values)

    monkeypatch.setattr(pipeline, "take_away", slow)
    after.act("open_run", my_runs=[cat])
    assert "“lemon”" in after.now["old_facts"] and "“lemon”" in after.now["verdict"]
    assert after.now["kept"].name == "run-1"
    assert "Saved" in decided(after).now["decision_status"]

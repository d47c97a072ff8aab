"""The list of one's own runs, opened, linked, deleted; others' runs stay theirs."""

from concurrent.futures import Future
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from bare_page import Visit
from stand_in import EDIT, EVIL, Bench, record, selection

from space_core.kept_runs import LISTED, new_key, open_runs
from space_core.run_index import Entry
from space_core.runs import decisions_of
from space_core.typed_json import to_json
from space_core.types import ConceptRequest
from space_core.ui import kept_run, my_runs
from space_core.ui.facts import of_run
from space_core.ui.where import Where


def choices(visit: Visit) -> list[str]:
    return [said for said, _ in visit.looks.get("my_runs", {}).get("choices", [])]


def keys(visit: Visit) -> list[str]:
    return [key for _, key in visit.looks["my_runs"]["choices"]]


def come(pipeline, visitor: str = "", link: str = "") -> Visit:
    return Visit(pipeline).act("page", "load", visitor=visitor, link=link).act("page", "then")


# The list


def test_a_run_is_listed_when_it_ends(ready):
    ready.erase()
    (said,) = choices(ready)
    assert said.splitlines()[:2] == ["lemon: forgotten", "FA 0\u00a0%, RA 5.0\u00a0%"]
    assert said.splitlines()[2] == "24 Nov 2026, 05:00 UTC"
    assert "lower is better" in ready.now["runs_note"]


def test_a_visitor_who_comes_back_finds_their_runs_and_no_others(after, pipeline):
    mine = after.now["visitor"]
    again = come(pipeline, mine)
    assert [one.split(":")[0] for one in choices(again)] == ["cat", "lemon"]
    assert again.looks["my_runs"]["visible"] and "shares" not in again.now["runs_note"]
    other = come(pipeline)
    assert choices(other) == [] and not other.looks["my_runs"]["visible"]
    assert "None yet" in other.now["runs_note"]
    assert other.now["visitor"] not in ("", mine)


@pytest.mark.parametrize("forged", ["", None, 7, ["x"], "' OR 1=1 --", "x"])
def test_a_visitor_without_a_true_name_gets_one(after, pipeline, forged):
    visit = come(pipeline, forged)
    assert len(visit.now["visitor"]) == len(new_key()) and choices(visit) == []


def test_a_private_installation_lists_the_runs_of_all(after, pipeline):
    pipeline.runs = Future()
    pipeline.runs.set_result(open_runs(pipeline.folder, shared=True))
    visit = come(pipeline)
    assert len(choices(visit)) == 2 and "shares all runs" in visit.now["runs_note"]


@pytest.mark.parametrize("shared, said", [(True, "every visitor"), (False, "this browser alone")])
def test_who_has_no_runs_yet_is_told_who_will_see_them(pipeline, tmp_path, shared, said):
    pipeline.runs = Future()
    pipeline.runs.set_result(open_runs(tmp_path / "none", shared=shared))
    assert said in come(pipeline).now["runs_note"]


@pytest.mark.parametrize(
    "changes, said",
    [
        ({}, "lemon: forgotten"), ({"forget_high": 0.1001}, "lemon: not shown"),
        ({"forget": None, "forget_high": None}, "lemon: nothing measured on images\nFA not measured, RA 98\u00a0%"),
        ({"state": "stopped"}, "lemon: forgotten, stopped early"),
        ({"broke": 1}, "lemon: the model broke"), ({"broke": 0}, "lemon: forgotten"),
        ({"forget_high": 0.5, "forget_low": 0.11}, "lemon: not forgotten\n"),
        ({"ways_left": 1}, "lemon: not forgotten in every way"),
        ({"ways_left": 1, "forget_high": 0.12}, "lemon: not forgotten in every way"),
        ({"ways_left": 1, "forget_high": None}, "lemon: not forgotten in every way"),
        ({"ways_left": 1, "forget_high": 0.5, "forget_low": 0.11}, "lemon: not forgotten\n"), ({"ways_left": 0}, "lemon: forgotten"),
        ({"state": "running"}, "lemon: still running\n24 Nov"),
        ({"state": "interrupted"}, "lemon: interrupted, nothing kept\n24 Nov"),
        ({"created": "2026-11-24T01:30:00+02:00"}, "23 Nov 2026, 23:30 UTC"),
    ],
)  # fmt: skip
def test_a_line_says_how_it_ended(changes, said):
    values = {"created": "2026-11-24T05:00:00+00:00", "state": "finished", **changes}
    shares = {"forget": 0.0, "forget_high": 0.1, "retained": 0.98} | values
    assert said in my_runs.line(Entry("k", "v", "f", "lemon", **shares))


def test_a_long_list_says_that_it_is_cut(pipeline):
    now = datetime.now(UTC).isoformat(timespec="seconds")
    many = [Entry(str(n), "v", None, "lemon", now, "interrupted") for n in range(LISTED)]
    pipeline.runs = Future()
    pipeline.runs.set_result(SimpleNamespace(listed=lambda visitor: many, shared=False))
    assert f"Only the newest {LISTED}" in my_runs.listed(pipeline, "v")["runs_note"]


def test_a_failed_run_is_listed_as_such(ready, pipeline):
    pipeline.faults["audit"] = RuntimeError("out of memory")
    ready.erase()
    assert "interrupted, nothing kept" in choices(ready)[0]


def test_a_list_that_cannot_be_written_costs_no_result(ready, pipeline):
    pipeline.runs = Future()
    pipeline.runs.set_exception(ValueError("The index is broken."))
    ready.erase()
    assert ready.sees_result() and "could not be kept" in ready.now["save_status"]
    assert "The index is broken." in ready.now["runs_note"] and "Link" not in ready.now["source"]


# Opened again


def test_an_own_run_is_opened_in_steps_4_and_5_and_can_be_decided(after):
    lemon = keys(after)[1]
    after.act("open_run", my_runs=[lemon])
    assert after.now["runs_status"] == "" and after.looks["tabs"]["selected"] == "record"
    assert "Forgotten: “lemon”" in after.now["verdict"] and after.now["table"][0][2] == "lemon"
    assert "recorded run" in after.now["source"] and f"?run={lemon}" in after.now["source"]
    assert "recorded run</span> “lemon”" in after.now["on_show"]
    assert "recorded run" in after.now["old_facts"] and after.now["live_facts"] == ""
    after.act("decide", judgement="accept", auditor="Ada", notes="Late.")
    assert [one.notes for one in decisions_of(after.now["kept"])] == ["Late."]
    assert after.now["kept"].name == "run-1" and after.looks["bundle_file"]["interactive"]
    after.act("ask", question="What?")
    assert after.now["answer_after"] == "after: What?"
    # Opened once more, it brings its decision along.
    after.act("open_run", my_runs=[lemon])
    assert "Late." in after.now["decisions"]


def test_a_record_that_is_uploaded_has_not_the_decision_of_the_run_opened_before(after, tmp_path):
    path = tmp_path / "record.json"
    path.write_text(to_json(record(selection(ConceptRequest("lime")))))
    lemon = keys(after)[1]
    after.act("open_run", my_runs=[lemon])
    for heading in ("decided_run", "files_run"):
        assert "“lemon”" in after.now[heading] and "Run run-1." in after.now[heading]
    after.act("upload", "upload", upload=str(path))
    assert "“lime”" in after.now["old_facts"] and not after.looks["live_record"]["visible"]
    after.act("decide", judgement="accept", auditor="Ada")
    assert "no kept run" in after.now["decision_status"]
    after.act("open_run", my_runs=[lemon])
    assert after.looks["live_record"]["visible"] and after.now["kept"].name == "run-1"


def test_a_live_run_stays_below_a_record_under_its_own_name(after, tmp_path):
    path = tmp_path / "record.json"
    path.write_text(to_json(record(selection(ConceptRequest("lime")))))
    after.act("upload", "upload", upload=str(path))
    assert after.looks["live_record"]["visible"] and "“cat”" in after.now["live_facts"]
    assert "Decision on “cat”" in after.now["decided_run"] and after.now["kept"].name == "run-2"


def test_the_next_run_takes_the_place_of_the_one_that_was_opened(after):
    after.act("open_run", my_runs=[keys(after)[1]]).erase()
    assert "live run" in after.now["source"] and "live run" in after.now["live_facts"]
    assert "live run</span> “cat”" in after.now["on_show"]
    assert not after.looks["old_record"]["visible"] and keys(after)[0] in after.now["source"]


@pytest.mark.parametrize("ticked", [[], [0, 1]])
def test_one_run_is_opened_at_a_time(after, ticked):
    after.act("open_run", my_runs=[keys(after)[n] for n in ticked])
    assert f"{len(ticked)} runs are ticked" in after.now["runs_status"]
    assert after.changed == {"runs_status"}


def test_a_run_of_another_model_is_not_asked_through_this_one(after, pipeline):
    old = record(selection(ConceptRequest("lime")), run_id="old", hashes={"model": "other"})
    pipeline.save(new_key(), after.now["visitor"], old, EDIT)
    after.act("page", "load").changed.clear()
    old = next(key for said, key in after.looks["my_runs"]["choices"] if "lime" in said)
    after.act("open_run", my_runs=[old])
    assert "on_show" not in after.changed, "step 4 still shows the run before"
    assert "other weights" in after.now["runs_status"] and "verdict" not in after.changed
    assert "“lime”" in after.now["old_facts"]
    # Nor is a decision about the run before taken for one about this.
    assert after.now["kept"] is None and not after.looks["live_record"]["visible"]


def test_a_run_on_other_evaluation_images_is_not_shown_beside_ours(after, pipeline):
    hashes = {"model": Bench.model_sha256, "evaluation": "other"}
    old = record(selection(ConceptRequest("lime")), run_id="old", hashes=hashes)
    pipeline.save(new_key(), after.now["visitor"], old, EDIT)
    after.act("page", "load").changed.clear()
    old = next(key for said, key in after.looks["my_runs"]["choices"] if "lime" in said)
    after.act("open_run", my_runs=[old])
    assert "other evaluation images" in after.now["runs_status"]
    assert "verdict" not in after.changed and "“lime”" in after.now["old_facts"]


def test_step_5_does_not_wait_for_the_model(after, pipeline):
    pipeline.bench = Future()
    views = after.watch("open_run", my_runs=[keys(after)[1]])
    assert "“lemon”" in next(views)["old_facts"]
    pipeline.bench.set_result(Bench())
    assert "“lemon”" in next(views)["verdict"]


def test_what_another_tab_deleted_is_ticked_no_more(after, pipeline):
    cat, lemon = keys(after)
    pipeline.runs.result().delete(pipeline.runs.result().find(lemon))
    # Until the list is shown anew, a handler says so.
    after.act("open_run", my_runs=[lemon])
    assert "There is no such run" in after.now["runs_status"]
    after.now["my_runs"] = [cat, lemon]
    after.act("erase", "then then")
    assert after.now["my_runs"] == [cat]


# By its link


def test_a_link_shows_a_run_and_gives_no_hold_of_it(after, pipeline):
    lemon = keys(after)[1]
    guest = come(pipeline, link=lemon)
    assert "recorded run" in guest.now["old_facts"] and "“lemon”" in guest.now["verdict"]
    assert choices(guest) == [] and not guest.looks["live_record"]["visible"]
    assert "Only the browser that made this run can decide" in guest.now["runs_status"]
    guest.act("decide", judgement="reject", auditor="Eve")
    assert "no kept run" in guest.now["decision_status"]
    guest.act("delete_sure", my_runs=[lemon])
    assert "no such run among yours" in guest.now["delete_status"]
    assert len(choices(come(pipeline, after.now["visitor"]))) == 2


def test_the_last_view_of_a_link_says_all_that_a_slow_page_may_have_missed(after, pipeline):
    first, last = my_runs.opened_by_link(pipeline, "", keys(after)[1], Where("concept"))
    assert first.keys() & set(kept_run.SHOWN) <= last.keys()
    assert last["tabs"]["selected"] == "record" and last["record_tab"]["interactive"]


def test_who_owns_a_run_may_decide_by_its_link_too(after, pipeline):
    visit = come(pipeline, after.now["visitor"], keys(after)[1])
    assert visit.now["kept"].name == "run-1" and visit.looks["live_record"]["visible"]


@pytest.mark.parametrize("link", ["run-1", "../run-1", EVIL, "x" * 5000])
def test_a_link_to_nothing_is_a_sentence(after, pipeline, link):
    guest = come(pipeline, link=link)
    assert "There is no such run" in guest.now["runs_status"] and "old_facts" not in guest.changed
    assert guest.now["visitor"]


# What the page works with


def test_a_hub_models_commit_stands_beside_its_name():
    assert "commit" not in my_runs.setup(Bench()) and "demo/encoder" in my_runs.setup(Bench())
    bench = Bench()
    bench.revision = "0123456789abcdef0123"
    assert "<dt>Its commit on the hub</dt><dd><span>0123456789" in my_runs.setup(bench)
    said = of_run(record(revision="0123abcd", encoder="openai/clip"), "live")
    assert "0123abcd" in said and "openai/clip" in said

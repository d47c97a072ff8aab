"""Step 5: the decision, the files, and old records: opened, distrusted, run again."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from unittest.mock import Mock

import pytest
from bare_page import Visit
from stand_in import EDIT, EVIL, outcomes, record, selection, share

from space_core import bundle
from space_core.decisions import LONGEST_NAME, LONGEST_NOTES, decide
from space_core.edit import Edit
from space_core.runs import decisions_of, load_record
from space_core.settings import DcsiConfig
from space_core.typed_json import to_json
from space_core.types import ConceptRequest
from space_core.ui import facts

FILES = ("bundle_file", "report_file", "questions_file", "record_file", "edit_file", "lora_file")


def decided(visit: Visit, verdict: str | None = "accept", **typed) -> Visit:
    values = {"auditor": "Ada", "notes": "Looks sound.", **typed}
    return visit.act("decide", judgement=verdict, **values)


def old(tmp_path, **changes):
    path = tmp_path / "record.json"
    path.write_text(to_json(record(selection(ConceptRequest("lemon"), range(24)), **changes)))
    return path


def replayed(visit: Visit, path) -> Visit:
    visit.act("upload", "upload", upload=str(path))
    return visit.act("replay").act("replay", "then")


# What one takes away


def test_a_finished_run_offers_its_files(ready, pipeline, tmp_path):
    pipeline.take_away = bundle.take_away
    now = ready.erase().now
    assert now["save_status"] == "" and ready.looks["live_record"]["visible"]
    for name in FILES:
        assert ready.looks[name]["interactive"] and not now[name].startswith(str(pipeline.folder))
    assert load_record(now["record_file"]) == now["finished"].record
    assert Edit.load(now["edit_file"]).sha256() == EDIT.sha256()
    with zipfile.ZipFile(now["bundle_file"]) as packed, zipfile.ZipFile(now["lora_file"]) as lora:
        assert "lora/adapter_config.json" in packed.namelist()
        assert "adapter_config.json" in lora.namelist()
    decided(ready)
    with zipfile.ZipFile(now["bundle_file"]) as packed:
        assert "Looks sound." in packed.read("decisions.jsonl").decode()
        assert "Looks sound." in packed.read("report.html").decode()
        rows = list(csv.reader(io.StringIO(packed.read("questions.csv").decode(), newline="")))
    assert len(rows) == 1 + len(now["finished"].record.outcomes)


@pytest.mark.parametrize("broken", ["save", "take_away", "mkdtemp"])
def test_a_full_disk_costs_the_files_and_not_the_result(ready, pipeline, monkeypatch, broken):
    ready.erase()
    fault = OSError(28, "No space left on device")
    if broken == "mkdtemp":
        monkeypatch.setattr("tempfile.mkdtemp", Mock(side_effect=fault))
    else:
        pipeline.faults[broken] = fault
    ready.erase()
    assert ready.now["finished"].record.run_id == "run-2" and "Forgotten" in ready.now["verdict"]
    assert "could not be" in ready.now["save_status"] and ready.sees_result()
    # The files of the run before are no files of this one, which are offered where they can be.
    for name in FILES:
        offered = ready.now[name] or ""
        assert ready.looks[name]["interactive"] == bool(offered) == (broken == "save")
        assert "-run-1-" not in offered and ("-run-2-" in offered) == (broken == "save")


# The decision


def test_a_later_decision_stands_beside_the_earlier(ready):
    decided(ready.erase())
    assert ready.now["notes"] == "" and ready.now["judgement"] is None
    decided(ready, "more work", notes="Ask\nabout limes.")
    kept = decisions_of(ready.now["kept"])
    assert [one.verdict for one in kept] == ["accept", "more work"]
    shown = ready.now["decisions"]
    assert shown.index("Accept") < shown.index("More work") and "Ask\nabout limes." in shown
    assert "Saved" in ready.now["decision_status"] and ready.now["auditor"] == "Ada"


@pytest.mark.parametrize(
    "verdict, typed, sentence",
    [
        (None, {}, "Choose first"),
        ("accept", {"auditor": " \n"}, "name is empty"),
        ("accept", {"auditor": "x" * (LONGEST_NAME + 1)}, "use at most 80"),
        ("accept", {"notes": "x" * (LONGEST_NOTES + 1)}, "use at most 4,000"),
        ("burn it", {}, "choose one"),
    ],
)
def test_a_decision_that_cannot_be_is_a_sentence(ready, verdict, typed, sentence):
    ready.erase().changed.clear()
    decided(ready, verdict, **typed)
    assert sentence in ready.now["decision_status"] and ready.changed == {"decision_status"}
    assert decisions_of(ready.now["kept"]) == ()


def test_without_a_kept_run_nothing_is_decided(visit, pipeline):
    decided(visit)
    assert "no kept run" in visit.now["decision_status"]
    pipeline.faults["save"] = OSError("full")
    visit.act("find", concept="lemon").erase()
    assert "no kept run" in decided(visit).now["decision_status"]


def test_a_new_run_starts_without_decisions(ready):
    decided(ready.erase()).erase()
    assert "No decision yet" in ready.now["decisions"] and ready.now["decision_status"] == ""


# The facts


def test_the_facts_say_what_was_run_and_whether_the_model_came_back():
    html = facts.of_run(record(settings={"seed": 7, "mode": "soft", "new": 1}), "live")
    for said in ("live run", "run-1", "cpu", "Seed of everything", "2.13.0", EDIT.sha256(), "new"):
        assert said in html
    assert "Base model restored" in html and "NOT" not in html
    assert "NOT restored" in facts.of_run(record(base_restored=False), "live")


def test_what_was_typed_is_text():
    run = record(selection(ConceptRequest(EVIL, (EVIL,), EVIL, EVIL)), hashes={EVIL: EVIL})
    html = facts.of_run(run, "recorded") + facts.of_decisions([decide("reject", EVIL, EVIL)])
    assert EVIL not in html and html.count("&lt;img src=x") >= 8


# An old record


def test_an_old_record_is_shown_as_recorded(visit, tmp_path):
    visit.act("upload", "upload", upload=str(old(tmp_path)))
    assert visit.looks["tabs"]["selected"] == "record" and visit.looks["old_record"]["visible"]
    assert "recorded run" in visit.now["old_facts"] and "Forgotten" in visit.now["old_facts"]
    assert visit.looks["record_tab"]["interactive"] and "live_record" not in visit.changed
    assert visit.looks["old_beliefs"]["visible"]
    assert visit.looks["old_beliefs"]["value"] == [
        ["1 · like lemon", "50\u00a0%", "This is a sun.", "This is lemon.", "lemon"]
    ]


def test_an_old_record_whose_anchors_were_not_moved_tells_nothing_of_that(visit, tmp_path):
    visit.act("upload", "upload", upload=str(old(tmp_path, beliefs=())))
    assert not visit.looks["old_beliefs"]["visible"]


def test_a_zip_brings_its_decisions(visit, tmp_path):
    path = tmp_path / "run.zip"
    bundle.write_bundle(path, record(), EDIT, [decide("reject", "Ada", "No.")])
    visit.act("upload", "upload", upload=str(path))
    assert "<b>Reject</b>, Ada" in visit.now["old_facts"]


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[[", b"\xff\xfe", b"[" * 10**5, b"PK", b"PK\5\6" + b"\0" * 18]
)
def test_a_foreign_file_is_a_sentence(visit, tmp_path, data):
    path = tmp_path / "x.json"
    path.write_bytes(data)
    visit.act("upload", "upload", upload=str(path))
    assert visit.changed == {"upload_status"} and "warning" in visit.now["upload_status"]
    assert "This " in visit.now["upload_status"] and "wrong" not in visit.now["upload_status"]


SETTINGS = {**json.loads(to_json(DcsiConfig(steps=1))), "layers": "1 2"}
STEP = {"losses": {"task": 1.0}, "overwritten": 0.6, "entropy": 0.8, "damage": 0.0}


def steps(count: int, most: int):
    made = record().steps[0]
    return tuple(
        replace(made, **STEP | {"losses": {"task": 1 / n}}, step=n, steps=most)
        for n in range(1, count + 1)
    )


def test_a_replay_that_gives_the_same_says_so(visit, tmp_path):
    most = DcsiConfig().steps
    replayed(visit, old(tmp_path, settings={"mode": "soft"}, steps=steps(most, most)))
    assert "The same numbers: " in visit.now["replay_status"] and visit.now["differences"] == []
    assert not visit.looks["differences"]["visible"]


def test_a_replay_asks_for_what_the_record_says(visit, pipeline, tmp_path):
    visit = replayed(visit, old(tmp_path, settings=SETTINGS, steps=steps(1, 1)))
    # The stand-in's own settings are what it writes into every record.
    rows = visit.now["differences"]
    assert {row[0] for row in rows} == {"settings"} and visit.looks["differences"]["visible"]
    assert "The same numbers and answers" in visit.now["replay_status"]
    assert pipeline.audited == [("lemon", DcsiConfig(steps=1, layers=(1, 2)))]
    assert pipeline.chosen[-1][0].threshold == 0.31 and pipeline.chosen[-1][0].anchors == 24
    assert visit.looks["replay"]["interactive"] and not visit.looks["stop_replay"]["interactive"]


def test_a_replay_lists_what_differs(visit, tmp_path):
    asked = outcomes("lemon")
    changed = (replace(asked[0], after="a lemon"), *asked[1:])
    path = old(
        tmp_path, settings=SETTINGS, steps=steps(1, 1), outcomes=changed,
        forget_accuracy=share(2, 60, 0.01, 0.11), versions={"torch": "1.0"},
    )  # fmt: skip
    rows = replayed(visit, path).now["differences"]
    assert ["answers", "question 1, after", "a lemon", "a fruit"] in rows
    assert ["versions", "version, torch", "1.0", "2.13.0"] in rows
    assert ["numbers", "forget accuracy, successes", "2", "0"] in rows
    assert "Not the same answers: " in visit.now["replay_status"]
    path = old(
        tmp_path, settings=SETTINGS, steps=steps(1, 1), forget_accuracy=share(2, 60, 0.01, 0.11)
    )
    said = replayed(visit, path).now["replay_status"]
    assert "The same answers, but not the same numbers: " in said


@pytest.mark.parametrize(
    "name, said",
    [
        ("model", "other weights"), ("pool", "another pool"), ("evaluation", "images"),
        ("shared space", "another encoder"),
    ],
)  # fmt: skip
def test_what_was_made_elsewhere_is_not_run_for_nothing(visit, pipeline, tmp_path, name, said):
    hashes = {"edit": EDIT.sha256(), name: "0" * 64}
    visit = replayed(visit, old(tmp_path, settings=SETTINGS, steps=steps(1, 1), hashes=hashes))
    assert said in visit.now["replay_status"] and "cannot come out here" in visit.now["replay_status"]
    assert not pipeline.audited and visit.looks["replay"]["interactive"]


def test_a_run_that_was_stopped_is_replayed_as_far(visit, pipeline, tmp_path):
    settings = {**SETTINGS, "steps": 30}
    path = old(tmp_path, settings=settings, steps=steps(3, 30), stopped=True)
    rows = replayed(visit, path).now["differences"]
    assert pipeline.reached == [3] and {row[0] for row in rows} == {"settings"}


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"mode": "soft", "magic": 1}, "cannot be run again"),
        ({**SETTINGS, "layers": "a b"}, "cannot be run again"),
        ({**SETTINGS, "steps": 10**9}, "at most 200"),
    ],
)
def test_settings_that_cannot_be_run_are_a_sentence(visit, pipeline, tmp_path, settings, sentence):
    replayed(visit, old(tmp_path, settings=settings))
    assert sentence in visit.now["replay_status"] and not pipeline.audited
    assert visit.looks["replay"]["interactive"]


def test_a_replay_can_be_stopped(visit, pipeline, tmp_path):
    path = old(tmp_path, settings={**SETTINGS, "steps": 50})
    visit.act("upload", "upload", upload=str(path)).act("replay")
    run = visit.watch("replay", "then")
    next(run), next(run)
    visit.act("stop_replay")
    list(run)
    assert pipeline.reached in ([0], [1]), "nothing is made that will not be compared"
    assert "nothing was compared" in visit.now["replay_status"]
    assert not visit.looks["differences"]["visible"] and visit.looks["replay"]["interactive"]


def test_a_replay_without_a_record_is_a_sentence(visit):
    visit.act("replay").act("replay", "then")
    assert "open one in step 1" in visit.now["replay_status"]


def test_the_shared_spaces_hash_says_whose_it_is():
    said = facts.of_run(record(hashes={"shared space": "ab" * 32, "pool": "cd" * 32}), "live")
    assert "<dt>shared space (the encoder that compares words with images)</dt>" in said
    assert "<dt>pool</dt>" in said

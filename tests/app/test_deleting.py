"""Runs are deleted when asked twice, each by itself, and the page learns what is gone."""

from test_my_runs import choices, come, keys

from space_core import downloads


def test_a_run_is_deleted_when_asked_twice(after, pipeline, monkeypatch):
    cat, lemon = keys(after)
    forgotten = []
    monkeypatch.setattr(downloads, "forget", forgotten.append)
    after.act("delete_runs", my_runs=[cat])
    assert after.looks["sure"]["visible"] and "Delete 1 run for good" in after.now["delete_status"]
    after.act("delete_not")
    assert not after.looks["sure"]["visible"] and (pipeline.folder / "run-2").exists()
    after.act("delete_runs").act("delete_sure")
    assert keys(after) == [lemon] and not (pipeline.folder / "run-2").exists()
    assert after.now["my_runs"] == [] and not after.looks["sure"]["visible"]
    assert forgotten == ["run-2"]
    assert "no such run" in come(pipeline, link=cat).now["runs_status"]


def test_what_is_asked_about_does_not_change_behind_the_question(after):
    after.act("delete_runs", my_runs=keys(after)[:1])
    after.act("my_runs", "input", my_runs=keys(after))
    assert not after.looks["sure"]["visible"] and after.now["delete_status"] == ""


def test_one_that_cannot_be_deleted_keeps_no_other(after, pipeline):
    mine, (cat, lemon) = after.now["visitor"], keys(after)
    with pipeline.runs.result().running(mine, "lime") as going:
        after.act("delete_sure", my_runs=[going, cat, "x" * 24, lemon])
        assert [one.split(":")[0] for one in choices(after)] == ["lime"]
    said = after.now["delete_status"]
    assert "“lime” is still going" in said and "no such run" in said and "Deleted" not in said
    assert not after.looks["sure"]["visible"] and after.now["my_runs"] == []


def test_files_that_stay_are_told_without_their_place(after, pipeline, monkeypatch):
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    cat, lemon = keys(after)
    after.act("delete_sure", my_runs=[cat])
    assert keys(after) == [lemon] and "“cat” has left the list" in after.now["delete_status"]
    assert str(pipeline.folder) not in after.now["delete_status"]


def test_step_5_closes_with_the_run_that_it_shows(after):
    cat, lemon = keys(after)
    after.act("delete_sure", my_runs=[lemon])
    assert after.looks["decide"]["interactive"] and after.now["kept"].name == "run-2"
    after.act("delete_sure", my_runs=[cat])
    assert not after.looks["decide"]["interactive"] and after.now["kept"] is None
    assert "was deleted" in after.now["decision_status"]
    assert "?run=" not in after.now["source"] and "was deleted" in after.now["source"]
    assert not after.looks["bundle_file"]["interactive"] and after.now["bundle_file"] is None
    assert after.erase().looks["decide"]["interactive"] and after.now["decision_status"] == ""


def test_a_decision_about_a_run_that_is_gone_is_a_sentence_without_a_path(after, pipeline):
    other_tab = come(pipeline, after.now["visitor"]).act("delete_sure", my_runs=keys(after)[:1])
    assert other_tab.looks["my_runs"]["choices"]
    after.act("decide", judgement="accept", auditor="Ada")
    assert "This run is no longer kept" in after.now["decision_status"]
    assert str(pipeline.folder) not in after.now["decision_status"]


def test_nothing_ticked_is_nothing_deleted(after):
    after.act("delete_runs", my_runs=[])
    assert "No run is ticked" in after.now["delete_status"] and not after.looks["sure"]["visible"]

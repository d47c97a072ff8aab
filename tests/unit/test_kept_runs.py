"""A kill costs no finished run; a visitor finds their runs and nobody else's; deleted is gone."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_runs import record

from space_core.downloads import download_folder
from space_core.kept_runs import INDEX, KeptRuns, new_key, open_runs
from space_core.runs import RECORD, load_record
from space_core.settings import Settings
from space_core.typed_json import to_json

ROOT = Path(__file__).resolve().parents[2]
EDIT = SimpleNamespace(save=lambda path: path.write_bytes(b"edit"))


@pytest.fixture
def kept(tmp_path) -> KeptRuns:
    return open_runs(tmp_path / "runs")


def keep(runs: KeptRuns, visitor: str = "ada", run_id: str = "lemon-1", **changes) -> str:
    with runs.running(visitor, "lemon") as key:
        runs.save(key, visitor, record(run_id, **changes), EDIT)
    return key


def states(runs: KeptRuns, visitor: str = "ada") -> list[str]:
    return [one.state for one in runs.listed(visitor)]


def raw(runs: KeptRuns) -> bytes:
    return b"".join(path.read_bytes() for path in runs.folder.glob(f"{INDEX}*"))


# Killed with SIGKILL


def child(tmp_path: Path, where: str) -> subprocess.Popen:
    (tmp_path / "one.json").write_text(to_json(record()), encoding="utf-8")
    script = Path(__file__).with_name("killed_run.py")
    arguments = [sys.executable, script, tmp_path / "runs", tmp_path / "one.json", where]
    return subprocess.Popen(
        arguments, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize(
    "where, state",
    [
        ("training", "interrupted"), ("writing", "interrupted"), ("renamed", "finished"),
        ("kept", "finished"), ("deleting", None),
    ],
)  # fmt: skip
def test_a_kill_is_put_right_at_the_next_start(tmp_path, where, state):
    told, _ = child(tmp_path, where).communicate(timeout=60)
    runs = open_runs(tmp_path / "runs")
    assert states(runs) == ([state] if state else [])
    if state:
        # Under the link that the visitor was given, and theirs still.
        (entry,) = runs.listed("ada")
        assert entry.key == told.split()[0]
    if state == "finished":
        assert load_record(runs.place(entry)).run_id == "run-0"
    assert not list(runs.folder.glob(".gone-*"))


def test_no_moment_to_be_killed_loses_a_finished_run(tmp_path):
    draw = random.Random(0)
    for _ in range(3):
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
        process = child(tmp_path, "never")
        told = [process.stdout.readline() for _ in range(4)]
        time.sleep(draw.uniform(0, 0.05))
        process.kill()
        told += process.communicate(timeout=60)[0].splitlines(keepends=True)
        runs = open_runs(tmp_path / "runs")
        after = states(runs)
        assert after.count("finished") >= told.count("kept\n") >= 2
        assert after.count("interrupted") <= 1 and set(after) <= {"finished", "interrupted"}
        assert after.count("finished") == len(list(runs.folder.glob(f"[!.]*/{RECORD}")))


def test_what_was_left_half_written_goes_when_nobody_can_be_writing_it(tmp_path):
    old, young = (tmp_path / "runs" / name for name in (".part-old", ".part-young"))
    old.mkdir(parents=True), young.mkdir()
    os.utime(old, (1e9, 1e9))
    open_runs(tmp_path / "runs")
    assert not old.exists() and young.exists()


# What ends without being kept


def test_a_run_is_going_on_and_then_interrupted_unless_it_was_kept(kept):
    with pytest.raises(RuntimeError), kept.running("ada", "lemon") as key:
        assert states(kept) == ["running"]
        raise RuntimeError
    assert states(kept) == ["interrupted"]
    with pytest.raises(ValueError, match="was interrupted: nothing of it is kept"):
        kept.place(kept.find(key))


def test_what_nobody_could_delete_leaves_no_row(kept):
    def all_states(runs):
        return states(replace(runs, shared=True))

    with pytest.raises(RuntimeError), kept.running("", "Ada Quill"):
        assert all_states(kept) == ["running"]
        raise RuntimeError
    assert all_states(kept) == []
    with kept.running("", "Ada Quill"):
        assert all_states(open_runs(kept.folder)) == []
    with kept.running("", "lemon") as key:
        kept.save(key, "", record(), EDIT)
    assert all_states(kept) == all_states(open_runs(kept.folder)) == ["finished"]


def test_a_run_that_another_start_took_for_dead_is_kept_all_the_same(kept):
    with kept.running("ada", "lemon") as key:
        assert states(open_runs(kept.folder)) == ["interrupted"]
        kept.save(key, "ada", record(), EDIT)
    assert states(kept) == ["finished"]


def test_a_fault_while_writing_leaves_no_run(kept):
    def full(path):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError), kept.running("ada", "lemon") as key:
        kept.save(key, "ada", record(), SimpleNamespace(save=full))
    assert states(kept) == states(open_runs(kept.folder)) == ["interrupted"]


def test_the_headline_numbers_are_the_records(kept):
    keep(kept, stopped=True)
    (entry,) = kept.listed("ada")
    assert (entry.state, entry.concept, entry.created) == ("stopped", "lemon", record().created)
    assert (entry.forget, entry.forget_high, entry.retained) == (0.05, 0.24, 0.05)
    assert entry.forget_low == record().forget_accuracy.low
    nothing = record().forget_accuracy.__class__(0, 0, 0, 0, 0.0, 1.0)
    keep(kept, "eve", "lemon-2", forget_accuracy=nothing)
    assert kept.listed("eve")[0].forget is None and kept.listed("eve")[0].forget_high is None


def test_a_broken_model_is_known_by_its_answers(kept):
    whole = record().outcomes[0]
    keep(kept, outcomes=(replace(whole, before="a lemon", after=""),))
    keep(kept, "eve", "lemon-2", outcomes=(replace(whole, before="a lemon", after="a fruit"),))
    assert (kept.listed("ada")[0].broke, kept.listed("eve")[0].broke) == (1, 0)


def test_an_older_index_learns_what_it_did_not_hold(kept):
    key = keep(kept)
    before = kept.find(key)
    with sqlite3.connect(kept.folder / INDEX) as index:
        for name in ("broke", "seconds", "model", "device", "ways_left", "forget_low"):
            index.execute(f"ALTER TABLE runs DROP COLUMN {name}")
    assert kept.find(key).ways_left is None
    assert open_runs(kept.folder).find(key) == before and before.broke == 0


def test_the_usual_time_is_that_of_whole_runs_on_the_same_model_and_device(kept):
    here = {"hashes": {"model": "m"}, "device": "cpu"}
    assert kept.usual_seconds("m", "cpu") is None
    for n, (seconds, changes) in enumerate([
        (10.0, here), (30.0, here), (20.0, here), (1.0, {**here, "stopped": True}),
        (2.0, {**here, "device": "cuda"}), (3.0, {**here, "hashes": {"model": "other"}}),
    ]):  # fmt: skip
        keep(kept, run_id=f"lemon-{n}", seconds=seconds, **changes)
    assert kept.usual_seconds("m", "cpu") == 20.0


# Whose a run is


def test_only_the_own_runs_are_listed_and_others_reached_by_link_alone(kept):
    mine, other = keep(kept), keep(kept, "eve", "lime-1")
    assert [one.key for one in kept.listed("ada")] == [mine]
    assert kept.find(other).folder == "lime-1"
    with pytest.raises(ValueError, match="no such run among yours"):
        kept.find_own("ada", other)
    with pytest.raises(ValueError, match="no such run"):
        kept.find("lime-1")


def test_nobody_owns_what_was_made_without_the_page(tmp_path, kept):
    keep(kept)
    shutil.copytree(kept.folder / "lemon-1", tmp_path / "elsewhere" / "copied")
    runs = open_runs(tmp_path / "elsewhere")
    assert runs.listed("ada") == runs.listed("") == ()
    (entry,) = open_runs(runs.folder, shared=True).listed("ada")
    assert (entry.folder, entry.visitor, entry.state) == ("copied", "", "finished")
    with pytest.raises(ValueError):
        runs.find_own("", entry.key)
    # Taken up once: the link stays.
    assert open_runs(runs.folder).find(entry.key) == entry


def test_a_private_installation_lists_all_newest_first(kept):
    keep(kept, "ada", "a", created="2026-11-24T05:00:00+00:00")
    keep(kept, "eve", "b", created="2026-11-24T07:00:00+00:00")
    keep(kept, "eve", "c", created="2026-11-24T06:00:00+02:00")
    shared = open_runs(kept.folder, shared=True)
    assert [one.folder for one in shared.listed("ada")] == ["b", "a", "c"]
    assert shared.find_own("ada", shared.listed("ada")[0].key).visitor == "eve"


def test_a_folder_that_holds_no_run_is_left_out(kept, caplog):
    (kept.folder / "broken").mkdir()
    (kept.folder / "broken" / RECORD).write_text("{}")
    assert open_runs(kept.folder, shared=True).listed("") == ()
    assert "broken is left out" in caplog.text and (kept.folder / "broken").exists()


def test_links_are_long_and_never_the_same():
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100 and min(map(len, keys)) >= 24


# Gone


def test_deleted_is_gone_from_the_disk(kept):
    gone, stays = keep(kept), keep(kept, run_id="lemon-2")
    kept.delete(kept.find(gone))
    assert [path.name for path in kept.folder.iterdir() if path.is_dir()] == ["lemon-2"]
    assert gone.encode() not in raw(kept) and stays.encode() in raw(kept)
    assert [one.key for one in open_runs(kept.folder).listed("ada")] == [stays]


def test_a_run_taken_away_by_hand_leaves_the_list_at_the_next_start(kept):
    key = keep(kept)
    shutil.rmtree(kept.folder / "lemon-1")
    kept.delete(kept.find(key))
    keep(kept), shutil.rmtree(kept.folder / "lemon-1")
    assert open_runs(kept.folder).listed("ada") == ()


def test_what_is_going_on_is_not_deleted(kept):
    with kept.running("ada", "lemon") as key, pytest.raises(ValueError, match="still going"):
        kept.delete(kept.find(key))
    kept.delete(kept.find(key))
    assert kept.listed("ada") == ()


def test_old_runs_go_after_the_days_that_were_set(kept, tmp_path, monkeypatch):
    keep(kept, created="2020-01-01T00:00:00+00:00")
    keep(kept, run_id="new", created="2999-01-01T00:00:00+00:00")
    assert len(open_runs(kept.folder).listed("ada")) == 2
    runs = open_runs(kept.folder, keep_days=30)
    assert [one.folder for one in runs.listed("ada")] == ["new"]
    assert not (kept.folder / "lemon-1").exists()
    # Also while the page runs on.
    keep(runs, run_id="old", created="2020-01-01T00:00:00+00:00")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    packed = download_folder("old")
    with runs.running("ada", "lemon"):
        assert [one.folder for one in runs.listed("ada")] == ["new", None]
    assert not packed.exists()


def test_files_that_stay_are_told(kept, monkeypatch):
    entry = kept.find(keep(kept))
    monkeypatch.setattr(shutil, "rmtree", lambda path, **options: None)
    with pytest.raises(ValueError, match="not all of its files could be deleted"):
        kept.delete(entry)


def test_a_link_ends_with_the_days_that_were_set(kept):
    key = keep(kept, created="2020-01-01T00:00:00+00:00")
    kept.find(key)
    with pytest.raises(ValueError, match="no such run"):
        replace(kept, keep_days=30).find(key)
    assert not (kept.folder / "lemon-1").exists()


def test_a_foreign_file_in_place_of_the_index_is_a_sentence(tmp_path):
    (tmp_path / INDEX).write_bytes(b"no database " * 100)
    with pytest.raises(ValueError, match="is no index of runs: move it away"):
        open_runs(tmp_path)


def test_readers_do_not_wait_for_a_writer(kept):
    key = keep(kept)
    with sqlite3.connect(kept.folder / INDEX) as writer:
        writer.execute("UPDATE runs SET concept = 'lime'")
        assert kept.find(key).concept == "lemon"


@pytest.mark.parametrize(
    "name, text, sentence",
    [
        ("SPACE_KEEP_DAYS", "a week", "a whole number"),
        ("SPACE_KEEP_DAYS", "-1", "a whole number"),
        ("SPACE_SHARED_RUNS", "perhaps", "1 or 0"),
    ],
)
def test_settings_that_mean_nothing_are_a_sentence(monkeypatch, name, text, sentence):
    monkeypatch.setenv(name, text)
    with pytest.raises(ValueError, match=f"{name} is '{text}': give {sentence}"):
        Settings.from_env()


def test_settings_of_the_store_are_read(monkeypatch):
    assert (Settings.from_env().keep_days, Settings.from_env().shared_runs) == (0, False)
    monkeypatch.setenv("SPACE_KEEP_DAYS", "30"), monkeypatch.setenv("SPACE_SHARED_RUNS", "1")
    assert (Settings.from_env().keep_days, Settings.from_env().shared_runs) == (30, True)

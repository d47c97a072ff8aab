"""What was packed or uploaded goes again: with its run, after an hour, and after a kill."""

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from space_core import downloads


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    return tmp_path


def test_files_of_a_deleted_run_go_and_no_others(temporary):
    run, other = downloads.download_folder("run-a"), downloads.download_folder("run-a-b")
    both, others = (downloads.download_folder("run-c", last) for last in ("run-a", "run-a-b"))
    (gone := temporary / "space-download-run-a-x").mkdir()
    downloads.forget("run-a")
    assert not run.exists() and not both.exists(), "what was made of several goes with each"
    assert other.exists() and others.exists()
    assert gone.exists(), "what does not say whose it is goes with the hour"


def test_what_gradio_copied_of_a_deleted_run_goes_with_it_and_nothing_else(temporary):
    cache = downloads.claim_cache()
    for run in ("run-a", "run-b"):
        (downloads.download_folder(run) / "files").mkdir()
    for run in ("run-a", "run-b"):
        (folder,) = temporary.glob(f"*{run}*")
        for place in (folder / "files", cache / run):
            place.mkdir(parents=True, exist_ok=True)
            (place / "record.json").write_text(run)
    (cache / "run-a" / "photo.png").write_text("an upload")
    downloads.forget("run-a")
    left = sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*.*"))
    assert left == ["run-a/photo.png", "run-b/record.json"]


def test_what_another_run_has_to_the_byte_stays(temporary):
    cache = downloads.claim_cache()
    folders = [downloads.download_folder(run) for run in ("run-a", "run-b")]
    for folder in (*folders, cache):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "edit.safetensors").write_text("the same")
    downloads.forget("run-a")
    assert (cache / "edit.safetensors").exists()
    downloads.forget("run-b")
    assert not (cache / "edit.safetensors").exists()


def test_what_is_older_than_an_hour_is_swept_and_nothing_else(temporary, monkeypatch):
    old, cache = downloads.download_folder("run"), downloads.claim_cache()
    strange = temporary / "other.txt"
    copied = cache / "ab12" / "record.json"
    copied.parent.mkdir(parents=True)
    for path in (copied, strange):
        path.write_text("{}")
        os.utime(path, (0, 0))
    downloads.sweep(cache)
    # A copy is as old as its making, whatever its original's time.
    assert old.exists() and copied.exists()
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 3601)
    downloads.sweep(cache)
    assert not old.exists() and not copied.exists() and strange.exists()


def test_gradios_folder_is_this_apps_own(temporary, monkeypatch):
    assert downloads.claim_cache() == temporary / "space-auditor"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(temporary / "chosen"))
    assert downloads.claim_cache().parent == temporary / "chosen"
    assert os.environ["GRADIO_TEMP_DIR"] == str(temporary / "chosen" / "space-auditor")


def test_the_sweep_begins_at_once_and_goes_on_hourly(temporary, monkeypatch):
    swept, slept, again, asked = [], [], threading.Event(), []

    def expire():
        asked.append(True)
        raise OSError("the folder of runs is gone")


    def sweep(cache):
        swept.append(cache)
        if len(swept) == 2:
            again.set()
            threading.Event().wait()

    monkeypatch.setattr(downloads, "sweep", sweep)
    monkeypatch.setattr(downloads, "time", SimpleNamespace(sleep=slept.append))
    downloads.sweep_hourly(temporary, expire)
    assert again.wait(5) and swept == [temporary] * 2 and slept == [3600] and asked == [True]

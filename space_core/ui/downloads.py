"""Folders from which gradio may serve, without opening the folder of all runs to all visitors."""

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_KEPT_SECONDS = 60 * 60
_PREFIX = "space-download-"


def download_folder(run_id: str) -> Path:
    """A new folder for the files of a run; those older than an hour are taken away."""
    # gradio serves copies of what a handler returned from the temporary folder; the folder of
    # runs as an allowed path would let every visitor read every run.
    oldest = time.time() - _KEPT_SECONDS
    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Another visitor's call may take it away first.
        with suppress(FileNotFoundError):
            if old.stat().st_mtime < oldest:
                shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{run_id}-"))


def forget(run_id: str) -> None:
    """Delete what was packed of a run. What gradio copied of it goes an hour later."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if folder.name.rpartition("-")[0] == f"{_PREFIX}{run_id}":
            shutil.rmtree(folder, ignore_errors=True)

"""Copies of runs, packed for a download, and how they go again.

gradio serves its own copies of them from the temporary folder: the folder of runs as an allowed
path would let every visitor read every run. It deletes those within two hours while it runs; what
a killed process left, it does not know. A run that is deleted takes both with it at once.
"""

import filecmp
import logging
import os
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger(__name__)

_KEPT_SECONDS = 60 * 60
_PREFIX = "space-download-"
_CACHE = "space-auditor"
_OF = ".runs"


def download_folder(*run_ids: str) -> Path:
    """A new folder for what is made of a run, or of several; it is offered for an hour."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{run_ids[0]}-"))
    (folder / _OF).write_text("\n".join(run_ids), encoding="utf-8")
    return folder


def forget(run_id: str) -> None:
    """Delete what was packed of a run, and what gradio copied of that.

    gradio keeps one copy of what is the same to the byte: where another run has it too, it stays.
    """
    own, others = [], []
    for folder in _packed():
        (own if run_id in _runs_in(folder) else others).append(folder)
    mine, theirs = _by_name(own), _by_name(others)
    cache = os.environ.get("GRADIO_TEMP_DIR")
    for name, copies in (_by_name([Path(cache)]) if cache else {}).items():
        for copy in copies:
            with suppress(OSError):
                if _among(copy, mine[name]) and not _among(copy, theirs[name]):
                    copy.unlink()
    for folder in own:
        shutil.rmtree(folder, ignore_errors=True)


def claim_cache() -> Path:
    """The folder of gradio's copies and uploads, from now on one that holds this app's alone."""
    cache = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()) / _CACHE
    os.environ["GRADIO_TEMP_DIR"] = str(cache)
    return cache


def sweep(cache: Path) -> None:
    """Delete what is older than an hour of what was packed, and in gradio's folder of our own."""
    oldest = time.time() - _KEPT_SECONDS
    for folder in _packed():
        # Another process may take it away first.
        with suppress(OSError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
    for path in _files(cache):
        with suppress(OSError):
            # A copy has the time of its original; when it was made, the other time says.
            if path.stat().st_ctime < oldest:
                path.unlink()


def sweep_hourly(cache: Path, expire: Callable[[], None]) -> None:
    """Sweep now and every hour, in a thread that does not keep the process alive.

    expire: deletes the runs that are too old, of which nobody may ask for days.
    """

    def go_on() -> None:
        while True:
            sweep(cache)
            try:
                expire()
            except Exception:
                _log.exception("Runs that are too old could not be deleted.")
            time.sleep(_KEPT_SECONDS)

    threading.Thread(target=go_on, name="sweep", daemon=True).start()


def _runs_in(folder: Path) -> list[str]:
    # Another process may take it away first.
    with suppress(OSError):
        return (folder / _OF).read_text(encoding="utf-8").split("\n")
    return []


def _by_name(folders: Iterable[Path]) -> Mapping[str, list[Path]]:
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        for path in _files(folder):
            found[path.name].append(path)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """All files below. Unlike a glob it goes on where another process takes a folder away."""
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names)


def _among(file: Path, others: Iterable[Path]) -> bool:
    return any(other.is_file() and filecmp.cmp(file, other, shallow=False) for other in others)


def _packed() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"))

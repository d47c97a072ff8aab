"""The runs of a folder with their owners: begun, kept, found by link, listed, deleted.

A run is kept from the moment its folder has its name. Before that its row already says where it
will be, so whatever a kill leaves behind is put right at the next start.
"""

import logging
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from space_core import downloads
from space_core.run_index import Entry, entry_of, interrupt, put, remove, rows, transaction
from space_core.runs import load_record, place_of, run_folders, save_run
from space_core.types import RunRecord
from space_core.whole import clear_parts

if TYPE_CHECKING:
    from space_core.edit import Edit

INDEX = "index.sqlite"
LISTED = 200

_GONE = ".gone-"
_UNENDED = ("running", "interrupted")
_KEY_BYTES = 18
_LATELY = 5

_log = logging.getLogger(__name__)


def new_key() -> str:
    """A text that nobody guesses: 144 random bits, fit for a link."""
    return secrets.token_urlsafe(_KEY_BYTES)


@dataclass(frozen=True, slots=True)
class KeptRuns:
    """The runs in `folder`. `keep_days`: older ones are deleted, 0 none; `shared`: all are
    everybody's."""

    folder: Path
    keep_days: int = 0
    shared: bool = False

    @contextmanager
    def running(self, visitor: str, concept: str) -> Iterator[str]:
        """The key of a run that is going on in the block; what was not kept by its end is marked
        as interrupted; where it is no visitor's, it goes."""
        self.expire()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Entry(new_key(), visitor, None, concept, now, "running")
        with self._index() as index:
            put(index, entry)
        try:
            yield entry.key
        finally:
            with self._index() as index:
                interrupt(index, "key = ?", entry.key)

    def save(self, key: str, visitor: str, record: RunRecord, edit: "Edit") -> Path:
        """Keep a run under its key; its folder. Raises ValueError as `save_run` does."""
        target = place_of(self.folder, record.run_id)
        entry = entry_of(record, key, visitor, target.name)
        with self._index() as index:
            put(index, replace(entry, state="running"))
        save_run(self.folder, record, edit)
        with self._index() as index:
            put(index, entry)
        return target

    def listed(self, visitor: str) -> tuple[Entry, ...]:
        """The newest runs that a visitor may see in a list, at most `LISTED`."""
        self.expire()
        with self._index() as index:
            own = rows(index, "? OR (visitor = ? AND visitor <> '')", self.shared, visitor)
        return tuple(own[:LISTED])

    def usual_seconds(self, model: str, device: str) -> float | None:
        """How long a whole run took there lately, in the median; None where there was none."""
        whole = "state = 'finished' AND model = ? AND device = ?"
        with self._index() as index:
            lately = rows(index, whole, model, device)[:_LATELY]
        return median(entry.seconds for entry in lately) if lately else None

    def find(self, key: str) -> Entry:
        """The run behind a link. Raises ValueError where there is none."""
        self.expire()
        with self._index() as index:
            found = rows(index, "key = ?", key)
        if not found:
            raise ValueError("There is no such run: it was deleted, or its link is not whole.")
        return found[0]

    def find_own(self, visitor: str, key: str) -> Entry:
        """The same, among those that are the visitor's. Raises ValueError where it is not."""
        entry = self.find(key)
        if not self.owns(visitor, entry):
            raise ValueError("There is no such run among yours: choose one in the list.")
        return entry

    def owns(self, visitor: str, entry: Entry) -> bool:
        """Whether a run is the visitor's own, to list, to decide about, to delete."""
        return self.shared or bool(visitor) and entry.visitor == visitor

    def switch(self, entry: Entry, off: bool) -> None:
        """Note that an erasure is switched off, or on again."""
        with self._index() as index:
            index.execute("UPDATE runs SET off = ? WHERE key = ?", (int(off), entry.key))

    def place(self, entry: Entry) -> Path:
        """The folder of a run that was kept. Raises ValueError where nothing was."""
        if entry.state not in ("finished", "stopped"):
            said = "is still going" if entry.state == "running" else "was interrupted"
            raise ValueError(f"The run of “{entry.concept}” {said}: nothing of it is kept.")
        return self.folder / entry.folder

    def delete(self, entry: Entry) -> None:
        """Delete files, what was packed of them, and row for good. Raises ValueError for a run that
        is still going, and where files stay."""
        if entry.state == "running":
            raise ValueError(
                f"The run of “{entry.concept}” is still going: stop it, then delete it."
            )
        gone = self.folder / f"{_GONE}{secrets.token_hex(8)}"
        if entry.folder:
            # Renamed first: killed from here on, no start takes the files for a run.
            with suppress(FileNotFoundError):
                (self.folder / entry.folder).rename(gone)
            downloads.forget(entry.folder)
        with self._index() as index:
            remove(index, entry.key)
        shutil.rmtree(gone, ignore_errors=True)
        if gone.exists():
            _log.error("Not all files of a run could be deleted: delete %s by hand.", gone)
            raise ValueError(
                f"The run of “{entry.concept}” has left the list, but not all of its files could "
                "be deleted: the next start of this page tries again."
            )

    def expire(self) -> None:
        """Delete what is older than `keep_days`."""
        if not self.keep_days:
            return
        old = "state <> 'running' AND julianday(created) < julianday('now') - ?"
        with self._index() as index:
            expired = rows(index, old, self.keep_days)
        for entry in expired:
            try:
                self.delete(entry)
            except (ValueError, OSError):
                # No visitor asked for it, and the next start tries again.
                _log.warning("An old run was not deleted whole.", exc_info=True)

    def _index(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self.folder / INDEX)


def open_runs(folder: Path, keep_days: int = 0, shared: bool = False) -> KeptRuns:
    """The runs of a folder, put right after whatever ended the process before.

    Folders that the index does not know are taken up, rows without their folder go, and what was
    running is interrupted. Raises ValueError where the index is no such file.
    """
    runs = KeptRuns(Path(folder), keep_days, shared)
    runs.folder.mkdir(parents=True, exist_ok=True)
    _sweep(runs.folder)
    with runs._index() as index:
        listed = rows(index)
        known = {entry.folder: entry for entry in listed}
        found = {path.name: path for path in run_folders(runs.folder)}
        for name, path in found.items():
            entry = known.get(name) or Entry(new_key(), "", name, "", "", "running")
            older = entry.ways_left is None or (entry.forget is None) != (entry.forget_low is None)
            if entry.state in _UNENDED or older:
                _take_up(index, path, entry)
        interrupt(index)
        # The rows as they were before the folders: another page may keep a run meanwhile.
        for entry in listed:
            if entry.state not in _UNENDED and entry.folder not in found:
                remove(index, entry.key)
    runs.expire()
    return runs


def _take_up(index: sqlite3.Connection, path: Path, entry: Entry) -> None:
    try:
        record = load_record(path)
        datetime.fromisoformat(record.created)
    except (ValueError, OSError):
        _log.warning("%s is left out of the list of runs.", path, exc_info=True)
        return
    put(index, entry_of(record, entry.key, entry.visitor, path.name))


def _sweep(folder: Path) -> None:
    """Take away what a killed process left half written or half deleted."""
    clear_parts(folder)
    for path in folder.glob(f"{_GONE}*"):
        shutil.rmtree(path, ignore_errors=True)

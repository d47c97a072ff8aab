"""The index of a folder of runs: one row a run, in SQLite, beside the files.

The files are the truth about a run. The index adds whose it is, its link, and what never ended.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

from space_core.alarms import model_broke
from space_core.types import RunRecord
from space_core.ways import leaks_of

State = Literal["running", "finished", "stopped", "interrupted"]

_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY, visitor TEXT NOT NULL, folder TEXT UNIQUE, concept TEXT NOT NULL,
    created TEXT NOT NULL, state TEXT NOT NULL, forget REAL, forget_high REAL, retained REAL,
    broke INTEGER, seconds REAL, model TEXT, device TEXT, ways_left INTEGER, forget_low REAL,
    off INTEGER
)
"""
# What an older version's table lacks; NULL there says: read the record again.
_LATER = {
    "broke": "INTEGER", "seconds": "REAL", "model": "TEXT", "device": "TEXT",
    "ways_left": "INTEGER", "forget_low": "REAL", "off": "INTEGER",
}  # fmt: skip
_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the index.

    ``key``: what makes the run's link, not to be guessed; ``visitor``: whose it is, "" nobody's;
    ``folder``: the name of its folder, None where it has none; ``created``: ISO 8601, UTC.
    ``forget``, its limits ``forget_low`` and ``forget_high``, and ``retained`` are shares in
    [0, 1], None where nothing was measured. ``broke``: whether the edit broke the model (0 or 1);
    how many ``seconds`` it took; the hash of the ``model`` and the ``device``; in how many ways of
    asking it leaks, ``ways_left``. None where no record says it. ``off``: 1 where the visitor
    switched the erasure off.
    """

    key: str
    visitor: str
    folder: str | None
    concept: str
    created: str
    state: State
    forget: float | None = None
    forget_high: float | None = None
    retained: float | None = None
    broke: int | None = None
    seconds: float | None = None
    model: str | None = None
    device: str | None = None
    ways_left: int | None = None
    forget_low: float | None = None
    off: int | None = None


_COLUMNS = ", ".join(field.name for field in fields(Entry))


def entry_of(record: RunRecord, key: str, visitor: str, folder: str) -> Entry:
    """The row of a run that came to an end."""
    forget, retained = record.forget_accuracy, record.retained_accuracy
    return Entry(
        key, visitor, folder, record.selection.request.name, record.created,
        "stopped" if record.stopped else "finished",
        forget.value if forget.questions else None, forget.high if forget.questions else None,
        retained.value if retained.questions else None, int(bool(model_broke(record.outcomes))),
        record.seconds, record.hashes.get("model", ""), record.device, len(leaks_of(record)),
        forget.low if forget.questions else None,
    )  # fmt: skip


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """The index at `path`, made where there is none; all that is done in the block, or nothing.

    Raises ValueError where the file is no index.
    """
    # A connection each: the page's handlers run in many threads.
    with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as index:
        try:
            index.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{path} is no index of runs: move it away and start again. The runs themselves "
                "are taken up again, but nobody's any more."
            ) from error
        # What is deleted shall not be readable in the file's free pages.
        index.execute("PRAGMA secure_delete = ON")
        with index:
            index.execute(_TABLE)
            there = {column[1] for column in index.execute("PRAGMA table_info(runs)")}
            for name, kind in _LATER.items():
                if name not in there:
                    index.execute(f"ALTER TABLE runs ADD COLUMN {name} {kind}")
            yield index


def put(index: sqlite3.Connection, entry: Entry) -> None:
    """Write a row, in place of the one that had its key; what is switched off stays so."""
    names = [field.name for field in fields(Entry)]
    marks = ", ".join("?" * len(names))
    news = ", ".join(f"{name} = excluded.{name}" for name in names if name != "off")
    # Not OR REPLACE: that would also take away another row that holds the same folder.
    index.execute(
        f"INSERT INTO runs ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET {news}",
        astuple(entry),
    )


def rows(index: sqlite3.Connection, where: str = "true", *values: str | int) -> list[Entry]:
    """The rows for which an SQL condition holds, the newest first."""
    found = index.execute(
        f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY julianday(created) DESC, rowid DESC",
        values,
    )
    return [Entry(*row) for row in found]


def interrupt(index: sqlite3.Connection, where: str = "true", *values: str) -> None:
    """Mark those rows for which a condition holds, and which are running, as interrupted. Of those
    that are nobody's, and of which nothing is kept, none stays: they would hold a name for good.
    """
    index.execute(
        f"UPDATE runs SET state = 'interrupted' WHERE state = 'running' AND ({where})", values
    )
    index.execute(
        "DELETE FROM runs WHERE state = 'interrupted' AND visitor = '' AND folder IS NULL"
    )


def remove(index: sqlite3.Connection, key: str) -> None:
    """Delete a row, if it is there."""
    index.execute("DELETE FROM runs WHERE key = ?", (key,))

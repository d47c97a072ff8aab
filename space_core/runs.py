"""The store of runs: one folder per run, appended to and never changed.

A run's folder holds record.json (all of it), edit.safetensors, outcomes.csv (every question) and,
once an auditor decided, decisions.jsonl (one decision a line, the oldest first).
"""

import csv
import errno
import fcntl
import io
import os
import re
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING

from space_core.decisions import Decision, from_lines, to_line
from space_core.outcome_words import outcome, outcome_said
from space_core.typed_json import from_json, to_json
from space_core.types import Outcome, RunRecord
from space_core.whole import whole_folder

if TYPE_CHECKING:
    from space_core.edit import Edit

RECORD, EDIT, OUTCOMES = "record.json", "edit.safetensors", "outcomes.csv"
DECISIONS = "decisions.jsonl"

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# What makes a spreadsheet take a cell for a formula, the full-width forms among it.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def save_run(folder: Path, record: RunRecord, edit: "Edit") -> Path:
    """Write a run into `folder`/run_id, whole or not at all, and return that folder.

    Raises ValueError for a run id that is no plain name, or that is already taken.
    """
    target = place_of(folder, record.run_id)
    with whole_folder(target) as part:
        (part / RECORD).write_text(to_json(record) + "\n", encoding="utf-8")
        edit.save(part / EDIT)
        (part / OUTCOMES).write_text(outcomes_csv(record.outcomes), encoding="utf-8", newline="")
    return target


def check_own(edit: "Edit", record: RunRecord) -> None:
    """Raises ValueError where the edit is not the record's."""
    if record.hashes.get("edit") != edit.sha256():
        raise ValueError(f"This edit does not belong to the run {record.run_id}: load its own.")


def place_of(folder: Path, run_id: str) -> Path:
    """Where a new run of that id goes. Raises ValueError as `save_run` does."""
    if not _RUN_ID.fullmatch(run_id):
        raise ValueError(
            f"{run_id!r} cannot name a run: use up to 100 letters, digits, '.', '_', '-'."
        )
    target = Path(folder) / run_id
    if target.exists():
        raise ValueError(f"{target} exists: runs are never overwritten, give another run id.")
    return target


def load_record(path: Path) -> RunRecord:
    """The record of a run, from its folder or its record.json.

    Raises FileNotFoundError where there is none, ValueError where it is not whole.
    """
    path = Path(path)
    path = path / RECORD if path.is_dir() else path
    try:
        return from_json(path.read_text(encoding="utf-8"), RunRecord)
    except ValueError as error:
        raise ValueError(f"{path} holds no run: {error}") from error


def add_decision(run: Path, decision: Decision) -> tuple[Decision, ...]:
    """Append a decision to those in the folder of a run; all of them, the oldest first.

    Raises ValueError where `run` holds no run, and where its decisions are damaged; OSError where
    it finds no room, and then leaves them as they were.
    """
    run = Path(run)
    if not (run / RECORD).is_file():
        raise ValueError(
            "This run is no longer kept, so that nothing can be decided about it: erase the "
            "concept again, or open another run."
        )
    line = to_line(decision).encode()
    # Opened for appending and written at once: no earlier line can be touched.
    with (run / DECISIONS).open("ab", buffering=0) as lines:
        fcntl.flock(lines, fcntl.LOCK_EX)
        end = lines.seek(0, os.SEEK_END)
        if lines.write(line) < len(line):
            # Half a line would make all of them unreadable.
            lines.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(run / DECISIONS))
    return decisions_of(run)


def decisions_of(run: Path) -> tuple[Decision, ...]:
    """The decisions about a run, the oldest first; none where none was made."""
    path = Path(run) / DECISIONS
    try:
        return from_lines(path.read_text(encoding="utf-8")) if path.exists() else ()
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def run_folders(folder: Path) -> list[Path]:
    """The folders of all whole runs, the newest first; empty where `folder` does not exist."""
    records = [path for path in Path(folder).glob("[!.]*/" + RECORD)]
    records.sort(key=lambda path: (path.stat().st_mtime_ns, path.parent.name), reverse=True)
    return [path.parent for path in records]


def outcomes_csv(outcomes: tuple[Outcome, ...]) -> str:
    """One line per question, under the fields' names and its outcome in words. No cell can act as a
    formula: a text that begins like one has an apostrophe before it."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow((*(one.name for one in fields(Outcome)), "outcome"))
    writer.writerows(
        map(_harmless, (*astuple(one), outcome_said(outcome(one)))) for one in outcomes
    )
    return sheet.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell

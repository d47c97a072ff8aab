"""The store of runs: one folder per run, appended to and never changed.

A run's folder holds record.json (all of it), edit.safetensors and outcomes.csv (every question).
"""

import csv
import io
import re
import tempfile
from dataclasses import astuple, fields
from pathlib import Path

from space_core.edit import Edit
from space_core.typed_json import from_json, to_json
from space_core.types import Outcome, RunRecord

RECORD, EDIT, OUTCOMES = "record.json", "edit.safetensors", "outcomes.csv"

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# What makes a spreadsheet take a cell for a formula, the full-width forms among it.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def save_run(folder: Path, record: RunRecord, edit: Edit) -> Path:
    """Write a run into `folder`/run_id, whole or not at all, and return that folder.

    Raises ValueError for a run id that is no plain name, or that is already taken.
    """
    if not _RUN_ID.fullmatch(record.run_id):
        raise ValueError(
            f"{record.run_id!r} cannot name a run: use up to 100 letters, digits, '.', '_', '-'."
        )
    target = Path(folder) / record.run_id
    if target.exists():
        raise ValueError(f"{target} exists: runs are never overwritten, give another run id.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as temporary:
        part = Path(temporary) / record.run_id
        part.mkdir()
        (part / RECORD).write_text(to_json(record) + "\n", encoding="utf-8")
        edit.save(part / EDIT)
        (part / OUTCOMES).write_text(outcomes_csv(record.outcomes), encoding="utf-8", newline="")
        part.rename(target)
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


def run_folders(folder: Path) -> list[Path]:
    """The folders of all whole runs, the newest first; empty where `folder` does not exist."""
    records = [path for path in Path(folder).glob("[!.]*/" + RECORD)]
    records.sort(key=lambda path: (path.stat().st_mtime_ns, path.parent.name), reverse=True)
    return [path.parent for path in records]


def outcomes_csv(outcomes: tuple[Outcome, ...]) -> str:
    """One line per question, under the fields' names. No cell can act as a formula: a text that
    begins like one has an apostrophe before it."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(one.name for one in fields(Outcome))
    writer.writerows(map(_harmless, astuple(outcome)) for outcome in outcomes)
    return sheet.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell

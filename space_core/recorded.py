"""Opens what a stranger hands in as an old run: a record.json, or the zip that holds one.

Nothing in it is trusted: sizes are capped before anything is unpacked or parsed.
"""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from space_core.decisions import Decision, from_lines
from space_core.runs import DECISIONS, RECORD
from space_core.typed_json import from_json
from space_core.types import RunRecord

LARGEST_RECORD = 24 * 2**20
_MOST_VALUES = 500_000
_LARGEST_DECISIONS = 2**20
# The list of a zip's contents at its end: a bundle's holds nine names.
_END, _LARGEST_LIST = struct.Struct("<4s4H2LH"), 2**16
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
_OUR_PACKING = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run as it was kept, with the decisions about it, the oldest first."""

    record: RunRecord
    decisions: tuple[Decision, ...] = ()


def open_recorded(path: Path) -> Recorded:
    """The run in a record.json or in a bundle. Raises ValueError with one sentence otherwise."""
    path = Path(path)
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed:
        return _from_zip(path)
    if path.stat().st_size > LARGEST_RECORD:
        raise ValueError(_too_large(path.name, LARGEST_RECORD))
    return Recorded(_record(path.read_bytes()))


def _from_zip(path: Path) -> Recorded:
    _check_list(path)
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
            if RECORD not in names:
                raise ValueError(f"This zip holds no {RECORD}: choose one that step 5 gave.")
            record = _read(packed, RECORD, LARGEST_RECORD)
            lines = _read(packed, DECISIONS, _LARGEST_DECISIONS) if DECISIONS in names else b""
    except _DAMAGE as error:
        raise ValueError("This zip is damaged: download it again.") from error
    return Recorded(_record(record), _decisions(lines))


def _check_list(path: Path) -> None:
    # Read by hand: the standard library would first load a list of any length.
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END.size))
        end = file.read()
    if len(end) < _END.size or not end.startswith(b"PK\5\6"):
        raise ValueError("This zip is damaged: download it again.")
    if _END.unpack(end)[5] > _LARGEST_LIST:
        raise ValueError("This zip holds far more files than a run: choose one that step 5 gave.")


def _read(packed: zipfile.ZipFile, name: str, most: int) -> bytes:
    if packed.getinfo(name).compress_type not in _OUR_PACKING:
        raise zipfile.BadZipFile("packed in another way than a bundle")
    # What the zip says of its sizes may be a lie: no more than `most` is unpacked.
    with packed.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(_too_large(name, most))
    return data


def _record(data: bytes) -> RunRecord:
    # Small numbers are small in a file, and each takes its place in memory.
    if data.count(b",") > _MOST_VALUES:
        raise ValueError(f"This is no record of a run: it holds over {_MOST_VALUES:,} values.")
    try:
        record = from_json(data.decode(), RunRecord)
        datetime.fromisoformat(record.created)
        return record
    except (ValueError, RecursionError) as error:
        foreign = isinstance(error, (RecursionError, UnicodeDecodeError))
        what = "its text cannot be read." if foreign else str(error)
        raise ValueError(f"This is no record of a run: {what}") from error


def _decisions(lines: bytes) -> tuple[Decision, ...]:
    try:
        return from_lines(lines.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{DECISIONS} in this zip is damaged: download it again.") from error


def _too_large(name: str, most: int) -> str:
    return f"{name} is larger than {most // 2**20} MB, which no file of a run is."

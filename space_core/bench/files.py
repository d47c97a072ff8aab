"""Tables of the benchmark as CSV files, which appear whole or not."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from space_core.whole import whole_file

T = TypeVar("T")


def write_csv(
    path: Path, columns: Sequence[str], lines: Sequence[Mapping[str, object]]
) -> None:
    """The named columns of every line; fractions with four digits."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for line in lines:
            values = [line[name] for name in columns]
            writer.writerow(f"{v:.4f}" if isinstance(v, float) else v for v in values)


def read_csv(path: Path, kind: type[T], what: str) -> list[T]:
    """Rows of a dataclass of strings, ints and floats; none where there is no file yet.

    Raises ValueError, calling it no ``what``, for a file of other columns.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    try:
        return [
            kind(**{one.name: one.type(line[one.name]) for one in fields(kind)}) for line in lines
        ]
    except (KeyError, ValueError) as fault:
        raise ValueError(f"{path} is no {what}: give another place for it.") from fault

"""A pool's parquet files: what is said of each image, and the image files themselves.

Needed columns: ``image`` (bytes) and ``caption``; ``label``, ``artist``, ``source``, ``licence``,
``domain``, ``category``, ``article``, ``also`` (other names) and ``copies`` (what was said of
near-copies that were taken out) serve where they are there; class numbers by the names that
`datasets` keeps beside them. Where ``image_sha256`` is there, images stay on disk until they are
looked at, and are checked against it then.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TEXT = ("caption", "label", "artist", "source", "licence", "domain", "category", "article")
LISTS = ("also", "copies")


@dataclass(frozen=True, slots=True)
class PoolItem:
    """One pool image in words. Columns that the pool lacks are empty."""

    caption: str
    label: str
    artist: str
    source: str
    licence: str
    domain: str
    category: str
    article: str
    also: tuple[str, ...]
    copies: tuple[str, ...] = field(default=(), repr=False)  # pools without keep their hash


@dataclass(frozen=True, slots=True, eq=False)
class PoolFiles:
    """What a pool's folder holds, by row; ``sha256`` covers every image and every word."""

    images: Sequence[bytes]
    hashes: tuple[str, ...]
    items: tuple[PoolItem, ...]
    sha256: str


class OnDisk(Sequence[bytes]):
    """Image files in parquet shards, each read when it is asked for."""

    def __init__(self, shards: Sequence[Path], hashes: Sequence[str]):
        self._groups: list[tuple[Path, int]] = []
        sizes = [0]
        for shard in shards:
            known = pq.ParquetFile(shard).metadata
            for group in range(known.num_row_groups):
                self._groups.append((shard, group))
                sizes.append(known.row_group(group).num_rows)
        self._starts, self._hashes = list(accumulate(sizes)), hashes

    def __len__(self) -> int:
        return len(self._hashes)

    def __getitem__(self, row: int) -> bytes:
        """Raises ValueError where the file is not the one that the pool was built with."""
        number = bisect_right(self._starts, row) - 1
        shard, group = self._groups[number]
        column = pq.ParquetFile(shard).read_row_group(group, columns=["image"]).column("image")
        held = _bytes(column[row - self._starts[number]].as_py(), shard, row)
        if hashlib.sha256(held).hexdigest() != self._hashes[row]:
            raise ValueError(f"Row {row} of the pool was changed since it was built: build anew.")
        return held


def read_pool(folder: Path) -> PoolFiles:
    """Read a folder of parquet shards. Raises ValueError where it holds no usable pool."""
    shards = sorted(folder.glob("*.parquet"))
    if not shards:
        raise ValueError(f"{folder} holds no pool: it needs parquet files with image and caption.")
    recorded = all("image_sha256" in pq.read_schema(shard).names for shard in shards)
    images: list[bytes] = []
    hashes: list[str] = []
    items: list[PoolItem] = []
    for shard in shards:
        names = pq.read_schema(shard).names
        if missing := {"image", "caption"} - set(names):
            raise ValueError(f"{shard} lacks the column {' and '.join(sorted(missing))}.")
        wanted = {*TEXT, *LISTS, "image_sha256" if recorded else "image"} & set(names)
        table = pq.read_table(shard, columns=sorted(wanted))
        if recorded:
            hashes += table.column("image_sha256").to_pylist()
        else:
            start = len(images)
            column = table.column("image").to_pylist()
            images += [_bytes(one, shard, start + i) for i, one in enumerate(column)]
        items += _items(table, shard)
    if not items:
        raise ValueError(f"The pool in {folder} has no rows: it needs images with captions.")
    if not recorded:
        hashes = [hashlib.sha256(image).hexdigest() for image in images]
    digest = hashlib.sha256()
    for image, item in zip(hashes, items):
        digest.update(bytes.fromhex(image))
        digest.update(repr(item).encode())
        if item.copies:
            digest.update(repr(item.copies).encode())
    held = OnDisk(shards, hashes) if recorded else images
    return PoolFiles(held, tuple(hashes), tuple(items), digest.hexdigest())


def several(said: object) -> tuple[str, ...]:
    """A list of names, or names in one text, parted by semicolons."""
    names = said.split(";") if isinstance(said, str) else said
    found = names if isinstance(names, (list, tuple)) else ()
    return tuple(name for one in found if one is not None and (name := str(one).strip()))


def class_names(schema: pa.Schema, label: str) -> list[str]:
    """The names of a column of class numbers, as `datasets` keeps them beside the schema."""
    told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    feature = ((told.get("info") or {}).get("features") or {}).get(label)
    return feature.get("names") or [] if isinstance(feature, dict) else []


def label_of(value: object, names: Sequence[str], path: Path) -> object:
    """A label: itself, or the name of its number; "" for that of none, -1. names: of the numbers.

    Raises ValueError for a number that has no name.
    """
    if not isinstance(value, int):
        return value
    if value >= len(names):
        raise ValueError(f"{path} numbers its labels but does not name No. {value}.")
    return names[value] if value >= 0 else ""


def _items(table: pa.Table, shard: Path) -> list[PoolItem]:
    def column(name: str) -> list:
        if name not in table.column_names:
            return [None] * len(table)
        values, known = table.column(name).to_pylist(), class_names(table.schema, name)
        if not known and name != "label":
            return values
        return [label_of(one, known, shard) for one in values]

    texts = zip(*(column(name) for name in TEXT))
    lists = zip(*(column(name) for name in LISTS))
    return [
        PoolItem(*(str(one or "") for one in text), *map(several, more))
        for text, more in zip(texts, lists)
    ]


def _bytes(image: object, shard: Path, row: int) -> bytes:
    held = image.get("bytes") if isinstance(image, dict) else image
    if not isinstance(held, bytes):
        raise ValueError(
            f"{shard} holds an image without bytes (row {row} of the pool): put the image files "
            "into the column, as `datasets` does."
        )
    return held

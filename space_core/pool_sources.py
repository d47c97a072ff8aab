"""A user's images and what is said of them: an image folder, parquet or arrow files, tar shards.

Nothing but names and positions is kept in memory; images and sidecar files are read when asked for.
"""

import json
import re
import tarfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from space_core.pool_files import TEXT, class_names, label_of, several

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_IMAGE_COLUMNS = ("image", "img", "jpg", "png", "webp")
_CAPTION_COLUMNS = ("caption", "text", "txt", "title")
_LONGEST_LABEL = 4  # words


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns, or keys of a sidecar .json, hold what; empty: found by their usual names."""

    image: str = ""
    caption: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of a source. read: the image file and what is said of it, by `PoolItem` field."""

    name: str
    read: Callable[[], tuple[bytes, dict[str, object]]]


def entries(source: Path, columns: Columns) -> list[Entry]:
    """Every image of a source, in an order that is the same each time.

    Raises ValueError where there is no image, or where a column is not found.
    """
    if not source.exists():
        raise ValueError(f"{source} does not exist: give a folder, a parquet file or a tar.")
    files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
    for endings, read in (((".parquet",), _parquet), ((".arrow",), _arrow), ((".tar",), _tar)):
        some = [file for file in files if file.suffix in endings]
        if some:
            return [entry for file in some for entry in _listed(file, read, columns)]
    found = [_file(path, source, columns) for path in files if path.suffix.lower() in _IMAGES]
    if not found or source.is_file():
        raise ValueError(
            f"{source} holds no images: give a folder of {', '.join(_IMAGES)} files, of .parquet, "
            ".arrow or .tar files, or one such file."
        )
    return found


def _listed(path: Path, read: Callable, columns: Columns) -> list[Entry]:
    try:
        return list(read(path, columns))
    except (tarfile.TarError, pa.ArrowException, OSError) as fault:
        raise ValueError(
            f"{path} cannot be read ({fault}): take it away, or fetch it anew."
        ) from fault


def _file(path: Path, root: Path, columns: Columns) -> Entry:
    where = path.relative_to(root)

    def read() -> tuple[bytes, dict[str, object]]:
        beside = {
            ending: side.read_bytes()
            for ending in (".txt", ".json")
            if (side := path.with_suffix(ending)).is_file()
        }
        return path.read_bytes(), _described(where.as_posix(), beside, columns)

    return Entry(where.as_posix(), read)


def _tar(path: Path, columns: Columns) -> Iterator[Entry]:
    """WebDataset: members that share a name up to its first dot are one sample."""
    samples: dict[str, dict[str, tuple[int, int]]] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            if member.isfile():
                place = PurePosixPath(member.name)
                stem, _, ending = place.name.partition(".")
                if not stem:
                    continue  # a hidden file, such as macOS puts beside each
                sample = samples.setdefault(str(place.with_name(stem)), {})
                sample[f".{ending.lower()}"] = (member.offset_data, member.size)
    for key, parts in samples.items():
        image = next((ending for ending in parts if ending in _IMAGES), None)
        if image is None:
            continue

        def read(key=key, parts=parts, image=image) -> tuple[bytes, dict[str, object]]:
            held = {}
            with path.open("rb") as file:
                for ending in {image, ".txt", ".json"} & set(parts):
                    offset, size = parts[ending]
                    file.seek(offset)
                    held[ending] = file.read(size)
            return held.pop(image), _described(f"{key}{image}", held, columns)

        yield Entry(f"{path.name}/{key}", read)


def _parquet(path: Path, columns: Columns) -> Iterator[Entry]:
    file = pq.ParquetFile(path)
    sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    return _rows(path, file.schema_arrow, sizes, columns, _parquet_group)


def _arrow(path: Path, columns: Columns) -> Iterator[Entry]:
    with pa.memory_map(str(path)) as held, pa.ipc.open_stream(held) as stream:
        schema, sizes = stream.schema, [batch.num_rows for batch in stream]
    return _rows(path, schema, sizes, columns, _arrow_group)


@lru_cache(maxsize=2)
def _parquet_group(path: Path, group: int) -> pa.Table:
    return pq.ParquetFile(path).read_row_group(group)


@lru_cache(maxsize=2)
def _arrow_group(path: Path, group: int) -> pa.Table:
    with pa.memory_map(str(path)) as held, pa.ipc.open_stream(held) as stream:
        batch = next(one for number, one in enumerate(stream) if number == group)
        return pa.Table.from_batches([batch])


def _rows(
    path: Path, schema: pa.Schema, sizes: Sequence[int], columns: Columns, group_of: Callable
) -> Iterator[Entry]:  # fmt: skip
    image = _column(path, schema.names, columns.image, _IMAGE_COLUMNS, "image")
    caption = _column(path, schema.names, columns.caption, _CAPTION_COLUMNS, "caption")
    label = columns.label or "label"
    if columns.label and label not in schema.names:
        raise ValueError(f"{path} has no column {label!r}, only {', '.join(schema.names)}.")
    names = class_names(schema, label)
    start = 0
    for group, size in enumerate(sizes):
        for row in range(size):

            def read(group=group, row=row) -> tuple[bytes, dict[str, object]]:
                held = {
                    name: group_of(path, group).column(name)[row].as_py() for name in schema.names
                }
                shown = held.pop(image)
                shown = shown.get("bytes") if isinstance(shown, dict) else shown
                if names:
                    held[label] = label_of(held[label], names, path)
                return shown or b"", _worded({**held, "caption": held[caption]}, label)

            yield Entry(f"{path.name}:{start + row}", read)
        start += size


def _column(
    path: Path, names: Sequence[str], asked: str, usual: Sequence[str], what: str
) -> str:
    found = [name for name in ([asked] if asked else usual) if name in names]
    if not found:
        raise ValueError(
            f"{path} has no column {asked or what!r}, only {', '.join(names)}: say which one with "
            f"--{what}-column."
        )
    return found[0]


def _described(name: str, beside: dict[str, bytes], columns: Columns) -> dict[str, object]:
    """What sidecar files and, where they do not, a file's name and folder say."""
    said: dict[str, object] = {}
    # macOS writes an accent after its letter.
    name = unicodedata.normalize("NFC", name)
    if ".json" in beside:
        told = json.loads(beside[".json"])
        if not isinstance(told, dict):
            raise ValueError(f"The .json beside {name} is no object with names: mend or remove it.")
        said |= told
        if key := next((k for k in (columns.caption, *_CAPTION_COLUMNS) if k and k in told), None):
            said["caption"] = told[key]
    if ".txt" in beside:
        said["caption"] = beside[".txt"].decode("utf-8", "replace")
    place = PurePosixPath(name)
    own = _spoken(place.stem)
    label = columns.label or "label"
    if place.parent.name and not said.get(label):
        said[label] = place.parent.name.replace("_", " ")
    said["caption"] = said.get("caption") or own or said.get(label, "")
    return _worded(said, label)


def _spoken(stem: str) -> str:
    """The words of a file's name, without its number: alone, or beside three letters or more."""
    marked = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in stem)
    words = re.sub(r"(?<=[^\W\d]{3})\d+\b|\b\d+(?=[^\W\d]{3})", "", marked).split()
    return " ".join(word for word in words if not word.isdigit())


def _worded(said: dict[str, object], label: str) -> dict[str, object]:
    """The fields of a `PoolItem`; a caption of a few words is a name as well."""

    def text(key: str) -> str:
        value = said.get(key)
        return " ".join(value.split()) if isinstance(value, str) else ""

    fields: dict[str, object] = {name: text(name) for name in TEXT} | {"label": text(label)}
    if not fields["label"] and len(text("caption").split()) <= _LONGEST_LABEL:
        fields["label"] = text("caption").strip(" .")
    fields["also"] = list(several(said.get("also")))
    return fields

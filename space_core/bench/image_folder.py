"""The suite on a user's own images: an image folder or parquet files → a pool and an evaluation.

    targets.txt             the concepts to erase, one name a line
    train/NAME/*.jpg        the public pool, one folder a concept; or train*.parquet
    test/NAME/*.jpg         unseen images to ask about;            or test*.parquet
    concepts.csv            optional: name, domain, category, article, also

The layout of `datasets`' ImageFolder, however deep. In parquet files, `image` and `label` (or
`artist`) as `datasets` writes them: bytes, and a name or a class number. Labels are read as
ImageNet ("tench, Tinca tinca"), Stanford Dogs ("n02085620-Chihuahua"), SUN397
("a/apartment_building/outdoor") and WikiArt ("vincent-van-gogh") write them. Images are shown as
they are.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from space_core import answers
from space_core.pool_files import class_names, label_of, several
from space_core.types import Concept
from space_core.upright import UNREADABLE
from space_core.whole import whole_file, write_whole

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
_SHARD = 500
_WORDNET_ID = re.compile(r"^n\d{8}[-_ ]")
_LABELS = ("label", "artist")


def convert(folder: Path, out: Path) -> tuple[Path, Path]:
    """Write what a folder holds as a pool and an evaluation, and return both folders.

    Raises ValueError, naming the fault, for another layout, for what is no image, and for an image
    that is in both.
    """
    parts = {name: list(_read(folder, name)) for name in ("train", "test")}
    also = {name: more for rows in parts.values() for (name, *more), _ in rows}
    known = _concepts(folder, also)
    parts = {name: [(label[0], image) for label, image in rows] for name, rows in parts.items()}
    seen = {hashlib.sha256(image).digest() for _, image in parts["train"]}
    for label, image in parts["test"]:
        if hashlib.sha256(image).digest() in seen:
            raise ValueError(
                f"An image of {label!r} lies in train and in test of {folder}: what is asked about "
                "must be unseen. Take it out of one of them."
            )
    pool = [
        {
            "image": {"bytes": image, "path": None}, "label": label,
            "caption": _caption(known[label]),
            "domain": known[label].domain, "category": known[label].category,
            "article": known[label].article, "also": list(known[label].aliases),
            "artist": _artist(known[label]),
        }
        for label, image in parts["train"]
    ]  # fmt: skip
    evaluation = [
        {
            "image": {"bytes": image, "path": None}, "concept": label,
            "artist": _artist(known[label]), "portrait": False,
        }
        for label, image in parts["test"]
    ]
    for name, rows in (("pool", pool), ("evaluation", evaluation)):
        _write(out / name, rows)
    # What no named artist made is by one who has no name. None is held out from a user's model.
    artists = sorted({"", *map(_artist, known.values())})
    said = {"artists": artists, "photographs": True, "concepts": list(map(_plain, known.values()))}
    write_whole(out / "evaluation" / "concepts.json", json.dumps(said, ensure_ascii=False))
    return out / "pool", out / "evaluation"


def _read(folder: Path, part: str) -> Iterator[tuple[list[str], bytes]]:
    """(names, image file) of every image of a part, in an order that is the same each time."""
    shards = sorted([*folder.glob(f"{part}*.parquet"), *folder.glob(f"data/{part}*.parquet")])
    files = sorted(
        path for path in (folder / part).glob("*/**/*") if path.suffix.lower() in _IMAGES
    )
    if not shards and not files:
        raise ValueError(
            f"{folder} holds no images to {part}: it needs {part}/NAME/*.jpg, one folder a "
            f"concept, or {part}*.parquet with image and label."
        )
    found = _rows(shards) if shards else (
        (_of_folder(path.parent.relative_to(folder / part)), path.read_bytes()) for path in files
    )  # fmt: skip
    for label, image in found:
        try:
            Image.open(io.BytesIO(image)).verify()
        except UNREADABLE as fault:
            raise ValueError(
                f"An image of {label!r} in {folder} cannot be read: take it out."
            ) from fault
        names = list(filter(None, map(_plain_name, label.split(",") if shards else [label])))
        yield names or [label], image


def _of_folder(place: Path) -> str:
    """The label of a folder: its name. SUN397 sorts by first letters, and puts the kind last."""
    first, *rest = place.parts
    return " ".join(reversed(rest)) if rest and len(first) == 1 else place.name


def _plain_name(label: str) -> str:
    return " ".join(_WORDNET_ID.sub("", label).replace("_", " ").split())


def _rows(shards: list[Path]) -> Iterator[tuple[str, bytes]]:
    for shard in shards:
        table = pq.read_table(shard)
        column = next((name for name in _LABELS if name in table.column_names), "label")
        if missing := {"image", column} - set(table.column_names):
            raise ValueError(f"{shard} lacks the column {' and '.join(sorted(missing))}.")
        names = class_names(table.schema, column)
        for row in table.select(["image", column]).to_pylist():
            image, label = row["image"], label_of(row[column], names, shard)
            if not label:
                raise ValueError(f"{shard} holds an image without a label: take it out.")
            if column == "artist" and label.islower():
                label = label.replace("-", " ").title()
            yield label, image["bytes"] if isinstance(image, dict) else image


def _concepts(folder: Path, labels: Mapping[str, list[str]]) -> dict[str, Concept]:
    """What is known of each label: what concepts.csv says, else no more than its names.

    labels: by name, with its other names.
    """
    path, said = folder / "concepts.csv", {}
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            said = {line.get("name", ""): line for line in csv.DictReader(file)}
        if unknown := sorted(set(said) - set(labels)):
            raise ValueError(f"{path} has a line for {unknown[0]!r}, of which there are no images.")
    return {label: _concept(label, labels[label], said.get(label, {})) for label in sorted(labels)}


def _concept(name: str, more: list[str], said: dict[str, str | None]) -> Concept:
    domain = said.get("domain") or "objects"
    family = Concept(name, domain, "").family
    general = "" if family == "thing" else family
    article = answers.with_article(name).split()[0] if name.islower() and not general else ""
    also = (*more, *several(said.get("also")))
    return Concept(
        name, domain, said.get("category") or general,
        said["article"] if said.get("article") is not None else article,
        tuple(one for one in also if one),
    )  # fmt: skip


def _caption(concept: Concept) -> str:
    if concept.family == "artist":
        return f"Drawn by {concept.name}."
    return f"{answers.capitalised(concept.phrase)}."


def _artist(concept: Concept) -> str:
    """Whose style all images of a concept show: of an artist's, the artist's."""
    return concept.name if concept.family == "artist" else ""


def _plain(concept: Concept) -> dict[str, object]:
    return {
        "name": concept.name, "domain": concept.domain, "category": concept.category,
        "article": concept.article, "aliases": list(concept.aliases), "labels": {}, "facts": {},
    }  # fmt: skip


def _write(folder: Path, rows: list[dict]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    written = set()
    # Another process may read them already, as it wrote them: the same.
    for start in range(0, len(rows), _SHARD):
        table = pa.Table.from_pylist(rows[start : start + _SHARD])
        path = folder / f"part-{start // _SHARD:03}.parquet"
        with whole_file(path) as part:
            pq.write_table(table, part)
        written.add(path)
    for old in {*folder.glob("[!.]*.parquet")} - written:
        old.unlink(missing_ok=True)

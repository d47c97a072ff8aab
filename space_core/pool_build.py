"""Make a pool of a user's images: embed them shard by shard, leave out copies, write an index.

Each shard is a file; what is there is not done again. Several processes share the shards, and the
first writes the pool.
"""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from space_core.index import EXACT_UP_TO, build_lists, kind_of
from space_core.moments import load_tensors, save_tensors
from space_core.near_copies import Seen, image_hashes
from space_core.pool import INDEX, MANIFEST, Pool, hashes_tensor, index_key, index_name
from space_core.pool_files import LISTS, TEXT, read_pool
from space_core.pool_sources import Columns, Entry, entries
from space_core.ranks import in_turn, rank
from space_core.shared_space import SharedSpace
from space_core.types import Progress
from space_core.upright import UNREADABLE, upright
from space_core.whole import whole_file, write_whole

_SHARD = 500
_NAMING = ("label", "caption", "artist", "also")  # what may name what an image shows
_GROUP = 20  # rows read together when one image is looked at
_BATCH = 64  # images decoded at a time
_LABELLED_WITHIN = 1000
_SCHEMA = pa.schema([
    ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    ("image_sha256", pa.string()),
    *((name, pa.string()) for name in TEXT),
    *((name, pa.list_(pa.string())) for name in LISTS),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Built:
    """A finished pool: how many images it holds, and those left out as (name, reason)."""

    images: int
    index: str
    left_out: tuple[tuple[str, str], ...]


def build(
    source: Path, out: Path, space: SharedSpace, columns: Columns = Columns()
) -> Iterator[Progress | Built]:
    """Write a pool of the images in ``source`` to ``out``; goes on where it was stopped.

    Raises ValueError, before any work, where the source has no images or names nothing, and where
    ``out`` holds something else.
    """
    work = out / "unfinished"
    if rank()[0] and (out / MANIFEST).exists():
        return  # the first process has done everything
    if (out / MANIFEST).exists() or (list(out.glob("*.parquet")) and not work.exists()):
        raise ValueError(f"{out} holds a pool already: give another folder, or delete it.")
    if out.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{out} lies inside {source}, whose images it would hold twice: move it.")
    found = entries(source, columns)
    if not any(map(_labelled, found[:_LABELLED_WITHIN])):
        raise ValueError(
            "Nothing says what the images show: sort them into folders named by it, name the "
            "column by --label-column, or put a “label” into a .json beside each image."
        )
    _claim(work, found, space, columns)
    shards = range(-(-len(found) // _SHARD))
    for number, shard in enumerate(in_turn(shards), 1):
        if (out / MANIFEST).exists():
            return
        if not _marker(work, shard).is_file():
            try:
                some = found[shard * _SHARD :][:_SHARD]
                for gone in _embed(some, work, shard, space):
                    text = f"{gone} of {len(some)} images, shard {number} of {len(shards)}"
                    share = (number - 1 + gone / len(some)) / len(shards)
                    yield Progress("embedding", text, share)
            except FileNotFoundError:
                if (out / MANIFEST).exists():
                    return  # its folder was cleared away: the first process did this shard too
                raise
            if (out / MANIFEST).exists():
                # Cleared away before its folder was made anew for this shard.
                shutil.rmtree(work, ignore_errors=True)
                return
        text = f"{number} of {len(shards)} shards, {len(found)} images in all"
        yield Progress("embedding", text, number / len(shards))
    if rank()[0] == 0:
        yield Progress("writing", "Leaving out copies and writing the pool…", 1.0)
        yield _finish(work, out, shards, space)


def _labelled(entry: Entry) -> bool:
    try:
        return bool(entry.read()[1]["label"])
    except UNREADABLE:
        return False


def _claim(work: Path, found: Sequence[Entry], space: SharedSpace, columns: Columns) -> None:
    """Note what the unfinished shards are of. Raises ValueError where that is something else."""
    names = hashlib.sha256("\n".join(entry.name for entry in found).encode()).hexdigest()
    job = {"images": names, "space": space.sha256, "columns": asdict(columns)}
    note = work / "job.json"
    work.mkdir(parents=True, exist_ok=True)
    if not note.is_file():
        write_whole(note, json.dumps(job))
    if json.loads(note.read_text(encoding="utf-8")) != job:
        raise ValueError(
            f"{work} holds a part of another pool, of other images, columns or another shared "
            "space: delete it, or give another folder."
        )


def _embed(some: Sequence[Entry], work: Path, shard: int, space: SharedSpace) -> Iterator[int]:
    """Write the shard of these images; yields how many were gone through."""
    rows, names, hashes, vectors, left_out = [], [], [], [], []
    for start in range(0, len(some), _BATCH):
        images = []
        for entry in some[start : start + _BATCH]:
            try:
                held, said = entry.read()
                images.append(upright(Image.open(io.BytesIO(held))))
            except UNREADABLE as fault:
                reason = " ".join(str(fault).split())
                left_out.append((entry.name, f"cannot be read: {reason}"))
                continue
            image = {"bytes": held, "path": None}
            digest = hashlib.sha256(held).hexdigest()
            rows.append({"image": image, "image_sha256": digest, "copies": [], **said})
            names.append(entry.name)
        if images:
            vectors.append(space.images(images).half())
            hashes += map(image_hashes, images)
        yield min(start + _BATCH, len(some))
    tensors = {"vectors": torch.cat(vectors) if vectors else torch.empty(0, 0).half()}
    save_tensors(_tensors(work, shard), tensors | {"hashes": hashes_tensor(hashes)}, {})
    _write_table(pa.Table.from_pylist(rows, _SCHEMA), _parquet(work, shard))
    # Written last: where it is, the shard is done.
    write_whole(_marker(work, shard), json.dumps({"names": names, "left_out": left_out}))


def _finish(work: Path, out: Path, shards: range, space: SharedSpace) -> Built:
    """Put the shards together without near-copies. What was said of a copy stays with the first.

    The source-free guard then knows that the image shows what only its copy's words name.
    """
    seen, left_out, kept = Seen(), [], []
    said_of: dict[int, list[str]] = {}
    first: list[str] = []
    for shard in shards:
        notes = json.loads(_marker(work, shard).read_text(encoding="utf-8"))
        left_out += [tuple(one) for one in notes["left_out"]]
        words = pq.read_table(_parquet(work, shard), columns=list(_NAMING)).to_pylist()
        tensors = load_tensors(_tensors(work, shard))[0]
        hashes = tensors["hashes"].tolist()
        chosen = []
        for row, (name, pair) in enumerate(zip(notes["names"], hashes)):
            known = tuple(value % 2**64 for value in pair), tensors["vectors"][row]
            original = seen.copy_of(*known)
            if original is None:
                seen.add(len(first), *known)
                first.append(name)
                chosen.append(row)
            else:
                left_out.append((name, f"a near-copy of {first[original]}"))
                *texts, also = (words[row][name] for name in _NAMING)
                said_of.setdefault(original, []).extend(filter(None, (*texts, *(also or ()))))
        kept.append(chosen)
    if not first:
        raise ValueError(f"None of the {len(left_out)} images can be read: see {work}.")
    _write_parts(work, out, kept, said_of)
    return _index(work, out, kept, space, left_out)


def _write_parts(
    work: Path, out: Path, kept: list[list[int]], said_of: dict[int, list[str]]
) -> None:
    start, field = 0, _SCHEMA.field("copies")
    for shard, rows in enumerate(kept):
        copies = [sorted(set(said_of.get(start + i, ()))) for i in range(len(rows))]
        table = pq.read_table(_parquet(work, shard)).take(pa.array(rows, pa.int64()))
        place = table.schema.get_field_index(field.name)
        table = table.set_column(place, field, pa.array(copies, field.type))
        _write_table(table, out / f"part-{shard:05}.parquet")
        start += len(rows)


def _index(
    work: Path, out: Path, kept: list[list[int]], space: SharedSpace,
    left_out: list[tuple[str, str]],
) -> Built:  # fmt: skip
    pool = Pool(read_pool(out))
    made_of = index_key(pool, space)
    parts = [load_tensors(_tensors(work, shard))[0] for shard in range(len(kept))]
    tensors = {
        name: torch.cat([part[name][rows] for part, rows in zip(parts, kept) if rows])
        for name in ("vectors", "hashes")
    }
    save_tensors(out / INDEX, tensors, made_of)
    if len(pool) > EXACT_UP_TO:
        build_lists(tensors["vectors"], out / f"{index_name(made_of)}.faiss")
    text = io.StringIO()
    csv.writer(text).writerows([("image", "why it was left out"), *left_out])
    write_whole(out / "left_out.csv", text.getvalue())
    built = Built(len(pool), kind_of(len(pool)), tuple(left_out))
    write_whole(out / MANIFEST, json.dumps({
        "images": built.images, "left_out": len(left_out), "pool": pool.sha256,
        "space": {"name": space.name, "sha256": space.sha256}, "index": built.index,
    }, indent=1))  # fmt: skip
    shutil.rmtree(work, ignore_errors=True)
    return built


def _marker(work: Path, shard: int) -> Path:
    return work / f"shard-{shard:05}.json"


def _parquet(work: Path, shard: int) -> Path:
    return _marker(work, shard).with_suffix(".parquet")


def _tensors(work: Path, shard: int) -> Path:
    return _marker(work, shard).with_suffix(".safetensors")


def _write_table(table: pa.Table, path: Path) -> None:
    with whole_file(path) as part:
        pq.write_table(table, part, row_group_size=_GROUP)

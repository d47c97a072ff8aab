"""D_pub, the public pool: images with captions, their vectors, and an index that finds them.

A folder of parquet shards. Needed columns: ``image`` (bytes) and ``caption``; ``label``,
``artist``, ``source``, ``licence``, ``domain``, ``category``, ``article`` and ``also`` (other
names) serve where they are there. What the pool knows of a concept is text from those columns.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from space_core.moments import load_tensors, save_tensors
from space_core.names import NameBook, words
from space_core.shared_space import SharedSpace
from space_core.types import Concept

INDEX = "index.safetensors"
NEAR_COPY_BITS = 4  # of 64 of the hashes: other views of one picture differ by more
_TEXT = ("caption", "label", "artist", "source", "licence", "domain", "category", "article")


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


class Pool:
    """The pool in memory: words, encoded images, unit vectors and a FAISS index over them.

    items, vectors [n, d] float32, hashes [n] (64-bit difference hashes of the images) share one
    numbering, the row. ``sha256`` covers every image and every word.
    """

    def __init__(self, images: list[bytes], items: list[PoolItem], sha256: str):
        self._images, self.items, self.sha256 = images, tuple(items), sha256
        self.vectors: Tensor = torch.empty(0)
        self.hashes: np.ndarray = np.empty(0, np.uint64)
        self._index: faiss.Index | None = None

    def __len__(self) -> int:
        return len(self.items)

    def image(self, row: int) -> Image.Image:
        """The image of a row, RGB."""
        return Image.open(io.BytesIO(self._images[row])).convert("RGB")

    def image_sha256(self, row: int) -> str:
        """The hash of a row's image file."""
        return hashlib.sha256(self._images[row]).hexdigest()

    @cached_property
    def concepts(self) -> dict[str, Concept]:
        """What the pool knows by name: every label, and every artist as a style."""
        known: dict[str, Concept] = {}
        for item in self.items:
            if item.label and item.label not in known:
                known[item.label] = Concept(
                    item.label, item.domain, item.category, item.article, item.also
                )
        for item in self.items:
            if item.artist and item.artist not in known:
                known[item.artist] = Concept(item.artist, "artist style", "artist")
        return known

    @cached_property
    def rows_of(self) -> dict[str, list[int]]:
        """Rows by label, and by artist."""
        rows: dict[str, list[int]] = {}
        for row, item in enumerate(self.items):
            for key in {item.label, item.artist} - {""}:
                rows.setdefault(key, []).append(row)
        return rows

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """Rows by label; where the pool has no labels, each row is a group of its own."""
        labels = dict.fromkeys(item.label for item in self.items if item.label)
        if labels:
            return {label: self.rows_of[label] for label in labels}
        return {str(row): [row] for row in range(len(self))}

    @cached_property
    def book(self) -> NameBook:
        """Which of the pool's concepts a text names."""
        return NameBook({name: concept.names for name, concept in self.concepts.items()})

    def known(self, name: str) -> Concept | None:
        """The concept that bears this very name or alias, if the pool has one."""
        wanted = words(name)
        for aliases in (False, True):
            for concept in self.concepts.values():
                names = concept.names if aliases else (concept.name,)
                if wanted in map(words, names):
                    return concept
        return None

    def search(self, vector: Tensor, count: int) -> list[tuple[int, float]]:
        """The nearest images of a unit vector [d], with their cosine, best first."""
        found, rows = self._index.search(vector.numpy()[None], min(count, len(self)))
        return [(int(row), float(score)) for row, score in zip(rows[0], found[0])]

    def attach(self, vectors: Tensor, hashes: np.ndarray) -> None:
        """Give the pool its vectors and hashes, and build the exact index over the vectors."""
        self.vectors, self.hashes = F.normalize(vectors.float(), dim=-1), hashes
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(self.vectors.numpy())


def open_pool(
    folder: Path, space: SharedSpace, cache: Path,
    progress: Callable[[float], None] = lambda done: None,
) -> Pool:  # fmt: skip
    """Read a pool and its index; where that is missing or another encoder's, make it in ``cache``.

    Raises ValueError for a folder without a usable pool.
    """
    pool = _read(Path(folder))
    made_of = {"pool": pool.sha256, "space": space.sha256}
    name = hashlib.sha256(repr(sorted(made_of.items())).encode()).hexdigest()[:16]
    cached = Path(cache) / f"pool-{name}.safetensors"
    for path in (Path(folder) / INDEX, cached):
        if path.is_file():
            tensors, metadata = load_tensors(path)
            if metadata == made_of:
                pool.attach(tensors["vectors"], tensors["hashes"].numpy().view(np.uint64))
                return pool
    save_tensors(cached, make_index(pool, space, progress), made_of)
    return open_pool(folder, space, cache)


def make_index(
    pool: Pool, space: SharedSpace, progress: Callable[[float], None] = lambda done: None
) -> dict[str, Tensor]:
    """Vectors [n, d] float16 and difference hashes [n] int64 of every image."""
    images = []
    for row in range(len(pool)):
        try:
            images.append(pool.image(row))
        except OSError as fault:
            caption = pool.items[row].caption
            raise ValueError(
                f"Row {row} of the pool (“{caption}”) is no image: {fault}. Take it out."
            ) from fault
    hashes = np.array([difference_hash(image) for image in images], np.uint64)
    vectors = space.images(images, progress=progress)
    return {"vectors": vectors.half(), "hashes": torch.from_numpy(hashes.view(np.int64))}


def difference_hash(image: Image.Image) -> int:
    """64 bits: whether each of 8 × 8 cells is brighter than its right neighbour (dHash)."""
    gray = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return int.from_bytes(np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes(), "big")


def _read(folder: Path) -> Pool:
    shards = sorted(folder.glob("*.parquet"))
    if not shards:
        raise ValueError(f"{folder} holds no pool: it needs parquet files with image and caption.")
    images: list[bytes] = []
    items: list[PoolItem] = []
    digest = hashlib.sha256()
    for shard in shards:
        table = pq.read_table(shard)
        if missing := {"image", "caption"} - set(table.column_names):
            raise ValueError(f"{shard} lacks the column {' and '.join(sorted(missing))}.")
        columns = {
            name: table.column(name).to_pylist() if name in table.column_names else None
            for name in (*_TEXT, "also")
        }
        for image in table.column("image").to_pylist():
            held = image.get("bytes") if isinstance(image, dict) else image
            if not isinstance(held, bytes):
                raise ValueError(
                    f"{shard} holds an image without bytes (row {len(images)} of the pool): put the "
                    "image files into the column, as `datasets` does."
                )
            images.append(held)
        for i in range(len(table)):
            said = [str(columns[name][i] or "") if columns[name] else "" for name in _TEXT]
            also = columns["also"][i] or () if columns["also"] else ()
            items.append(PoolItem(*said, tuple(also)))
    if not images:
        raise ValueError(f"The pool in {folder} has no rows: it needs images with captions.")
    _feed(digest, images, items)
    return Pool(images, items, digest.hexdigest())


def _feed(digest: "hashlib._Hash", images: Sequence[bytes], items: Sequence[PoolItem]) -> None:
    for image, item in zip(images, items):
        digest.update(hashlib.sha256(image).digest())
        digest.update(repr(item).encode())

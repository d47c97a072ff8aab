"""D_pub, the public pool: images with captions, their vectors, and an index that finds them.

A folder of parquet shards, as `pool_files` reads them. What the pool knows of a concept is text
from their columns.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from space_core.index import EXACT_UP_TO, build_lists, exact_index, open_lists
from space_core.moments import load_tensors, save_tensors
from space_core.names import NameBook, words
from space_core.near_copies import image_hashes
from space_core.pool_files import PoolFiles, read_pool
from space_core.recent import Recent
from space_core.shared_space import SharedSpace
from space_core.types import Concept
from space_core.upright import UNREADABLE, upright

INDEX, MANIFEST = "index.safetensors", "pool.json"
_SAMPLE = 50_000
_BATCH = 64  # images decoded at a time
_MADE = "2"  # of what an index holds


class Pool:
    """A pool's words, images, vectors and the FAISS index over them.

    items, vectors [n, d] and hashes [n, 2] (of each image and its mirror image) share one
    numbering, the row. A small pool's vectors are unit float32 in memory; those of a pool of more
    than 200,000 images stay on disk in float16, and its index is approximate.
    ``sha256`` covers every image and every word.
    """

    def __init__(self, files: PoolFiles):
        self._files, self.items, self.sha256 = files, files.items, files.sha256
        self.vectors: Tensor = torch.empty(0)
        self.hashes: np.ndarray = np.empty((0, 2), np.uint64)
        self._index: faiss.Index | None = None
        # What the source-free guard found in the last requests (`guard.barred`).
        self.guarded = Recent[dict[int, str]](2)

    def __len__(self) -> int:
        return len(self.items)

    def image(self, row: int) -> Image.Image:
        """The image of a row, `upright`."""
        return upright(Image.open(io.BytesIO(self._files.images[row])))

    def image_sha256(self, row: int) -> str:
        """The hash of a row's image file."""
        return self._files.hashes[row]

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

    @cached_property
    def sample(self) -> np.ndarray:
        """Rows that stand for the whole pool: all of them, or 50,000 of a large one."""
        rows = np.random.default_rng(0).permutation(len(self))[:_SAMPLE]
        return np.arange(len(self)) if len(self) <= EXACT_UP_TO else np.sort(rows)

    def units(self, rows: Sequence[int] | np.ndarray | slice) -> Tensor:
        """The unit vectors [m, d] float32 of rows."""
        some = self.vectors[rows]
        return some if some.dtype == torch.float32 else F.normalize(some.float(), dim=-1)

    def search(self, vector: Tensor, count: int) -> list[tuple[int, float]]:
        """The nearest images of a unit vector [d], with their cosine, best first.

        Fewer than ``count`` where a large pool's index has looked into no more.
        """
        found, rows = self._index.search(vector.numpy()[None], min(count, len(self)))
        return [(int(row), float(score)) for row, score in zip(rows[0], found[0]) if row >= 0]

    def attach(self, vectors: Tensor, hashes: np.ndarray, index: faiss.Index | None = None) -> None:
        """Give the pool its vectors and hashes, and an index: if none is given, the exact one."""
        self.hashes = hashes
        self.vectors = vectors if index else F.normalize(vectors.float(), dim=-1)
        self._index = index or exact_index(self.vectors)


def open_pool(folder: Path, space: SharedSpace, cache: Path) -> Pool:
    """Read a pool and its index; where that is missing or another encoder's, make it in ``cache``.

    Raises ValueError for a folder without a usable pool, and for one built for another encoder.
    """
    _same_encoder(Path(folder), space)
    pool = Pool(read_pool(Path(folder)))
    made_of = index_key(pool, space)
    cached = Path(cache) / f"{index_name(made_of)}.safetensors"
    for path in (Path(folder) / INDEX, cached):
        if path.is_file():
            tensors, metadata = load_tensors(path)
            if metadata == made_of:
                _attach(pool, tensors, index_name(made_of), (Path(folder), Path(cache)))
                return pool
    save_tensors(cached, make_index(pool, space), made_of, first=True)
    return open_pool(folder, space, cache)


def index_key(pool: Pool, space: SharedSpace) -> dict[str, str]:
    """What an index was made of, as its file says it."""
    return {"pool": pool.sha256, "space": space.sha256, "made": _MADE}


def index_name(made_of: dict[str, str]) -> str:
    """How the files of such an index are called, without their ending."""
    return "pool-" + hashlib.sha256(repr(sorted(made_of.items())).encode()).hexdigest()[:16]


def make_index(pool: Pool, space: SharedSpace) -> dict[str, Tensor]:
    """Vectors [n, d] float16 and hashes [n, 2] int64 of every image and its mirror image."""
    vectors, hashes = [], []
    for start in range(0, len(pool), _BATCH):
        images = [_opened(pool, row) for row in range(start, min(start + _BATCH, len(pool)))]
        hashes += map(image_hashes, images)
        vectors.append(space.images(images).half())
    return {"vectors": torch.cat(vectors), "hashes": hashes_tensor(hashes)}


def hashes_tensor(hashes: Sequence[tuple[int, int]]) -> Tensor:
    """Image hashes as a file keeps them, [n, 2] int64 with the same bits."""
    return torch.from_numpy(np.array(hashes, np.uint64).reshape(-1, 2).view(np.int64))


def _opened(pool: Pool, row: int) -> Image.Image:
    try:
        return pool.image(row)
    except UNREADABLE as fault:
        raise ValueError(
            f"Row {row} of the pool (“{pool.items[row].caption}”) is no image: {fault}. "
            "Take it out."
        ) from fault


def _attach(pool: Pool, tensors: dict[str, Tensor], name: str, folders: tuple[Path, Path]) -> None:
    hashes, index = tensors["hashes"].numpy().view(np.uint64), None
    if len(pool) > EXACT_UP_TO:
        shipped, cached = (folder / f"{name}.faiss" for folder in folders)
        if not shipped.is_file() and not cached.is_file():
            build_lists(tensors["vectors"], cached)
        index = open_lists(shipped if shipped.is_file() else cached)
    pool.attach(tensors["vectors"], hashes, index)


def _same_encoder(folder: Path, space: SharedSpace) -> None:
    """Embedding anew what was built for another encoder takes hours: let the auditor say so."""
    if not (folder / MANIFEST).is_file():
        return
    made = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["space"]
    if made["sha256"] != space.sha256:
        raise ValueError(
            f"The pool in {folder} was built with the shared space {made['name']!r} (weights "
            f"{made['sha256'][:12]}…), and {space.name!r} ({space.sha256[:12]}…) is loaded: set "
            "SPACE_SHARED_SPACE to the first, or build the pool again with the second."
        )

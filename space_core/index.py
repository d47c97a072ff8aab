"""FAISS indexes over unit vectors: exact for pools that fit, inverted lists on disk for others.

Lists hold float16 vectors, so that a cosine is as good as the stored vectors and only the choice
of lists is approximate. Product quantisation is smaller, and rounds the cosines themselves; graphs
(HNSW) cannot be built in shards and merged.
"""

from contextlib import suppress
from pathlib import Path

import faiss
import numpy as np
from torch import Tensor

from space_core.whole import alone, whole_file

EXACT_UP_TO = 200_000
PROBED = 48  # lists looked into; `bench-index` measures what that finds
_TRAINED_ON = 40  # vectors per list; FAISS wants 39
_SHARD = 100_000


def kind_of(count: int) -> str:
    """The index for so many vectors, as `faiss.index_factory` spells it."""
    if count <= EXACT_UP_TO:
        return "Flat"
    return f"IVF{lists_of(count)},SQfp16"


def lists_of(count: int) -> int:
    """Into how many inverted lists so many vectors are parted."""
    return 2 ** round(np.log2(4 * count**0.5))


def exact_index(vectors: Tensor) -> faiss.Index:
    """Every vector [n, d] float32 compared with every query."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors.numpy())
    return index


def build_lists(vectors: Tensor, path: Path) -> None:
    """Write inverted lists over vectors [n, d] to a file, atomically; goes on where it stopped.

    vectors may be float16 and lie on disk: they are read a shard at a time. Of several processes
    one builds, and the others wait for its file.
    """
    work = path.with_suffix(".shards")
    work.mkdir(parents=True, exist_ok=True)
    with alone(work):
        if not path.is_file():
            _build(vectors, work, path)
        for file in work.glob("*"):
            file.unlink()
        # Who waited for it has nothing to take away.
        with suppress(FileNotFoundError):
            work.rmdir()


def _build(vectors: Tensor, work: Path, path: Path) -> None:
    count, width = vectors.shape
    trained = work / "trained"
    if not trained.is_file():
        index = faiss.index_factory(width, kind_of(count), faiss.METRIC_INNER_PRODUCT)
        rows = np.random.default_rng(0).permutation(count)[: index.nlist * _TRAINED_ON]
        index.cp.max_points_per_centroid = _TRAINED_ON
        index.train(_floats(vectors[np.sort(rows)]))
        _write(index, trained)
    starts = range(0, count, _SHARD)
    for start in starts:
        part = work / f"{start}"
        if not part.is_file():
            index = faiss.read_index(str(trained))
            index.add(_floats(vectors[start : start + _SHARD]))
            _write(index, part)
    whole = faiss.read_index(str(trained))
    for start in starts:
        # Each shard numbers its own rows from 0.
        whole.merge_from(faiss.read_index(str(work / f"{start}")), whole.ntotal)
    _write(whole, path)


def open_lists(path: Path) -> faiss.Index:
    """Inverted lists, left on disk and mapped into memory as they are looked into."""
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    index.nprobe = min(PROBED, index.nlist)
    return index


def _floats(vectors: Tensor) -> np.ndarray:
    some = vectors.float().numpy()
    return some / np.linalg.norm(some, axis=1, keepdims=True)


def _write(index: faiss.Index, path: Path) -> None:
    with whole_file(path) as part:
        faiss.write_index(index, str(part))

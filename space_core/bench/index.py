"""How well and how fast the pool's index finds: recall and time against exact search."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from space_core.bench.files import write_csv
from space_core.index import PROBED, build_lists, exact_index, kind_of, lists_of, open_lists

SIZES = (10_000, 100_000, 1_000_000)
LARGE = (10**6, 10**7, 10**8, 10**9)
WIDTH, WANTED, _QUERIES, _CLUSTER = 512, 50, 200, 500
# A vector's cosine to the centre of its cluster is about 0.7: as images of one concept lie.
_SPREAD = 1.0
_COLUMNS = (
    "vectors", "width", "index", f"recall@{WANTED}", "p50_ms", "p95_ms", "exact_p50_ms",
    "exact_p95_ms", "build_s", "threads",
)  # fmt: skip


def clustered(count: int, width: int = WIDTH, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Unit vectors [count, width] float16 in clusters of 500 or so, and queries among them."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(max(1, count // _CLUSTER), width, generator=generator)

    def drawn(number: int) -> Tensor:
        own = centres[torch.randint(len(centres), (number,), generator=generator)]
        noise = torch.randn(number, width, generator=generator)
        return F.normalize(own + _SPREAD * noise, dim=-1)

    parts = [drawn(min(100_000, count - start)).half() for start in range(0, count, 100_000)]
    return torch.cat(parts), drawn(_QUERIES)


def measure(count: int) -> dict[str, object]:
    """One row of the table: the index that a pool of this size gets, against exact search."""
    vectors, queries = clustered(count)
    exact = exact_index(F.normalize(vectors.float(), dim=-1))
    truth, slow = _timed(exact, queries)
    kind, started = kind_of(count), time.perf_counter()
    if kind == "Flat":
        index = exact_index(F.normalize(vectors.float(), dim=-1))
        built = time.perf_counter() - started
        found, fast = _timed(index, queries)
    else:
        del exact  # twice the vectors' size
        with tempfile.TemporaryDirectory() as folder:
            build_lists(vectors, Path(folder) / "lists.faiss")
            built = time.perf_counter() - started
            found, fast = _timed(open_lists(Path(folder) / "lists.faiss"), queries)
    hits = np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, truth)]) / WANTED
    times = [f"{value:.2f}" for value in (*fast, *slow)]
    said = (count, WIDTH, kind, f"{hits:.4f}", *times, f"{built:.1f}", faiss.omp_get_max_threads())
    return dict(zip(_COLUMNS, said))


def on_paper(count: int) -> str:
    """What the index of so many vectors takes: computed, not measured. Building holds the file."""
    each = 2 * WIDTH + 8  # float16 numbers, and the row's
    read = PROBED * count // lists_of(count)
    return (
        f"on paper  vectors {count:,}  index {kind_of(count)}  file {count * each / 1e9:.1f} GB  "
        f"read for a query {read * each / 1e6:.0f} MB"
    )


def run(sizes: Sequence[int], out: Path, said: Callable[[str], None]) -> None:
    """Measure each size, print its row, and write the table as CSV after each; at last print what
    large pools would take.
    """
    rows = []
    for size in sizes:
        if size < WANTED:
            raise ValueError(f"{size} vectors hold no {WANTED} neighbours: use more.")
    for size in sizes:
        rows.append(measure(size))
        said("  ".join(f"{name} {value}" for name, value in rows[-1].items()))
        out.parent.mkdir(parents=True, exist_ok=True)
        write_csv(out, _COLUMNS, rows)
    for size in LARGE:
        said(on_paper(size))


def _timed(index: faiss.Index, queries: Tensor) -> tuple[np.ndarray, tuple[float, float]]:
    """Rows found [q, 50], and the 50th and 95th percentile of a query's milliseconds."""
    index.search(queries[:5].numpy(), WANTED)
    rows, times = [], []
    for query in queries.numpy():
        started = time.perf_counter()
        rows.append(index.search(query[None], WANTED)[1][0])
        times.append(1000 * (time.perf_counter() - started))
    return np.array(rows), tuple(np.percentile(times, [50, 95]))

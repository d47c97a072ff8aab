"""Large pools: inverted lists find what exact search finds, and TPAS chooses alike."""

import numpy as np
import pytest
import torch.nn.functional as F
from small_world import LEMON, make_world

from space_core import index, pool
from space_core.bench.index import clustered, on_paper, run
from space_core.index import build_lists, exact_index, kind_of, open_lists
from space_core.settings import TpasConfig


def test_the_index_follows_from_the_size():
    assert kind_of(10) == kind_of(200_000) == "Flat"
    assert kind_of(200_001) == "IVF2048,SQfp16" and kind_of(1_000_000) == "IVF4096,SQfp16"


def test_lists_built_in_shards_find_what_exact_search_finds(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "EXACT_UP_TO", 100)
    monkeypatch.setattr(index, "_SHARD", 700)
    vectors, queries = clustered(3000, 16)
    written: list[str] = []
    write = index._write

    def stops(one, path) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        write(one, path)
        written.append(path.name)

    path = tmp_path / "lists.faiss"
    with monkeypatch.context() as patch:
        patch.setattr(index, "_write", stops)
        with pytest.raises(KeyboardInterrupt):
            build_lists(vectors, path)
    assert not path.exists() and written == ["trained", "0", "700"]
    monkeypatch.setattr(index, "_write", lambda one, at: written.append(at.name) or write(one, at))
    build_lists(vectors, path)
    assert len(written) == len(set(written)), "what was written is not made again"
    build_lists(vectors, path)
    assert list(tmp_path.iterdir()) == [path]
    lists = open_lists(path)
    assert lists.ntotal == 3000
    exact = exact_index(F.normalize(vectors.float(), dim=-1))
    (scores, rows), (wanted, truth) = (one.search(queries.numpy(), 10) for one in (lists, exact))
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows.tolist(), truth.tolist())])
    assert recall >= 0.95
    np.testing.assert_allclose(scores[:, 0], wanted[:, 0], atol=2e-3)


def test_a_large_pool_gives_the_anchors_that_a_small_one_gives(tmp_path, monkeypatch):
    extra = [({"label": f"cup {i}"}, 0.3 + i / 50) for i in range(20)]
    config = TpasConfig(anchors=6, threshold=0.42)
    small = make_world(tmp_path / "small", *extra)
    one = small.select(config=config)
    for module in (index, pool):
        monkeypatch.setattr(module, "EXACT_UP_TO", 10)
    monkeypatch.setattr(pool, "_SAMPLE", 30)
    large = make_world(tmp_path / "large", *extra)
    assert large.pool.vectors.dtype.itemsize == 2 and len(large.pool.sample) == 30
    other = large.select(config=config)
    assert [a.row for a in one.anchors] == [a.row for a in other.anchors]
    assert one.dropped == other.dropped and one.pool_size == 0
    assert (other.pool_size, len(other.scores)) == (len(large.pool), 30)
    assert any("from a sample" in text for text in other.warnings)
    assert large.around.floor == pytest.approx(small.around.floor, abs=2e-3)
    free = large.select(LEMON, TpasConfig(anchors=6, percentile=50.0))
    assert free.anchors and 0 < free.threshold < 1


def test_the_measurement_writes_a_row_for_each_size(tmp_path):
    said: list[str] = []
    run([200, 400], tmp_path / "results" / "index.csv", said.append)
    header, *rows = (tmp_path / "results" / "index.csv").read_text().splitlines()
    assert header.startswith("vectors,width,index,recall@50,p50_ms") and len(rows) == 2
    assert len(said) == 2 + 4 and said[2:] == [on_paper(10**power) for power in (6, 7, 8, 9)]
    assert "IVF4096,SQfp16  file 1.0 GB  read for a query 12 MB" in said[2]
    assert "IVF131072,SQfp16  file 1032.0 GB  read for a query 378 MB" in said[5]
    assert rows[0].startswith("200,512,Flat,1.0000,")
    with pytest.raises(ValueError, match="hold no 50 neighbours"):
        run([10], tmp_path / "x.csv", said.append)

"""The pool: refused in a sentence or read whole, and indexed once for each encoder."""

import hashlib
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from small_world import Space, noise, shown, webp, write_rows

from space_core.near_copies import difference_hash, image_hashes
from space_core.pool import INDEX, Pool, open_pool
from space_core.pool_files import read_pool

NAMES = ("lemon", "lime", "lime", "bus", "car", "tram", "camel")


def rows() -> list[dict]:
    artists = ("Noto", "Micah")
    return [shown(name, noise(i), artist=artists[i % 2]) for i, name in enumerate(NAMES)]


def encoder(sha256: str = "encoder", *, turned: bool = False) -> Space:
    """A stub that puts image i at the cosine 1 − i / 10 to "lemon", or the other way round."""
    space = Space(sha256)
    for i in range(len(NAMES)):
        place = len(NAMES) - 1 - i if turned else i
        space.place(noise(i), space.near({"lemon": 1 - place / 10}, str(i)))
    return space


def best(pool: Pool, space: Space) -> list[int]:
    return [row for row, _ in pool.search(space.concept(["lemon"]), 3)]


@pytest.fixture
def folder(tmp_path):
    return write_rows(tmp_path / "pool", rows(), shard=3)


def test_the_index_is_made_in_the_cache_once_and_reused(folder, tmp_path):
    space, before = encoder(), sorted(folder.iterdir())
    pool = open_pool(folder, space, tmp_path / "cache")
    (made,) = (tmp_path / "cache").iterdir()
    assert space.encoded == len(NAMES) == len(pool)
    stamp = made.stat().st_mtime_ns
    again = open_pool(folder, space, tmp_path / "cache")
    assert space.encoded == len(NAMES), "encoded twice"
    assert made.stat().st_mtime_ns == stamp and list((tmp_path / "cache").iterdir()) == [made]
    assert torch.equal(again.vectors, pool.vectors) and (again.hashes == pool.hashes).all()
    assert sorted(folder.iterdir()) == before, "the pool's own folder was written to"


def test_an_index_that_comes_with_the_pool_is_used_as_it_is(folder, tmp_path):
    open_pool(folder, encoder(), tmp_path / "cache")
    (made,) = (tmp_path / "cache").iterdir()
    shutil.move(made, folder / INDEX)
    space = encoder()
    assert best(open_pool(folder, space, tmp_path / "cache"), space) == [0, 1, 2]
    assert space.encoded == 0 and list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("shipped", [True, False])
def test_the_index_of_another_encoder_is_not_used(folder, tmp_path, shipped):
    cache, other = tmp_path / "cache", encoder("other", turned=True)
    open_pool(folder, encoder(), cache)
    if shipped:
        shutil.move(next(cache.iterdir()), folder / INDEX)
    assert best(open_pool(folder, other, cache), other) == [6, 5, 4]
    assert other.encoded == len(NAMES)
    first = encoder()
    assert best(open_pool(folder, first, cache), first) == [0, 1, 2]
    assert first.encoded == 0


def test_the_index_of_another_pool_is_not_used(folder, tmp_path):
    space = encoder()
    pool = open_pool(folder, space, tmp_path / "cache")
    changed = rows()
    changed[3]["caption"] = "A bus, or is it?"
    other = open_pool(write_rows(folder, changed, shard=3), space, tmp_path / "cache")
    assert other.sha256 != pool.sha256 and space.encoded == 2 * len(NAMES)


def test_search_gives_cosines_best_first(folder, tmp_path):
    space = encoder()
    pool = open_pool(folder, space, tmp_path)
    found = pool.search(space.concept(["lemon"]), 100)
    assert [row for row, _ in found] == list(range(len(NAMES)))
    assert [score for _, score in found] == pytest.approx([1 - i / 10 for i in range(7)], abs=2e-3)
    torch.testing.assert_close(pool.vectors.norm(dim=1), torch.ones(len(NAMES)))


def test_rows_are_numbered_over_all_shards_in_order(folder, tmp_path):
    pool = open_pool(folder, encoder(), tmp_path)
    assert [item.label for item in pool.items] == list(NAMES)
    for row, source in enumerate(rows()):
        assert pool.image(row).tobytes() == noise(row).tobytes()
        assert pool.image_sha256(row) == hashlib.sha256(source["image"]["bytes"]).hexdigest()
        assert tuple(pool.hashes[row]) == image_hashes(noise(row))
    assert pool.rows_of["lime"] == [1, 2] and pool.rows_of["Micah"] == [1, 3, 5]
    assert pool.groups["lime"] == [1, 2] and "Micah" not in pool.groups


def test_a_folder_without_a_pool_is_refused_in_a_sentence(tmp_path):
    for folder in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ValueError, match="holds no pool: it needs parquet files"):
            open_pool(folder, encoder(), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("column", ["image", "caption"])
def test_a_pool_without_a_needed_column_is_refused_in_a_sentence(tmp_path, column):
    lacking = [{key: value for key, value in row.items() if key != column} for row in rows()]
    with pytest.raises(ValueError, match=f"part-00.parquet lacks the column {column}"):
        open_pool(write_rows(tmp_path, lacking), encoder(), tmp_path / "cache")


def test_images_with_captions_alone_are_a_pool(tmp_path):
    bare = [{"image": row["image"], "caption": row["caption"]} for row in rows()]
    pool = open_pool(write_rows(tmp_path, bare), encoder(), tmp_path / "cache")
    assert pool.items[0].caption == "A lemon." and pool.items[0].label == ""
    assert pool.items[0].also == () and pool.concepts == {}
    assert pool.groups == {str(row): [row] for row in range(len(NAMES))}


def test_numbered_labels_are_read_by_their_names(tmp_path):
    told = {"info": {"features": {"label": {"names": ["lemon", "bus"]}}}}
    table = pa.table({
        "image": [webp(noise(n)) for n in range(3)], "caption": ["a"] * 3, "label": [0, 1, -1],
        "source": [7, 8, 9],
    })  # fmt: skip
    numbered = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(numbered, tmp_path / "pool.parquet")
    assert [item.label for item in read_pool(tmp_path).items] == ["lemon", "bus", ""]
    assert read_pool(tmp_path).items[0].source == "7"
    pq.write_table(table, tmp_path / "pool.parquet")
    with pytest.raises(ValueError, match="does not name No. 0"):
        read_pool(tmp_path)


def test_what_the_pool_knows_by_name(tmp_path):
    named = [
        shown("camel", noise(0), also=["Kamel", "ship"], category="mammal", artist=""),
        shown("ship", noise(1), also=["boat"], category="vehicle", article="the"),
        shown("", noise(2), artist="Micah"),
    ]
    pool = open_pool(write_rows(tmp_path, named), encoder(), tmp_path / "cache")
    assert list(pool.concepts) == ["camel", "ship", "Noto", "Micah"]
    assert [one.family for one in pool.concepts.values()] == ["thing"] * 2 + ["artist"] * 2
    assert pool.known("CAMELS").names == ("camel", "Kamel", "ship")
    assert pool.known("kamel").name == "camel" and pool.known("boat").phrase == "the ship"
    # A concept's own name comes before another's alias.
    assert pool.known("ship").category == "vehicle"
    assert pool.known("a camel") is pool.known("") is pool.known("tram") is None
    assert pool.book.named("a boat by Micah") == {"ship", "Micah"}


def test_near_copies_have_near_hashes_and_other_images_have_not():
    image = noise(1)

    def apart(other) -> int:
        return int(np.bitwise_count(np.uint64(difference_hash(image) ^ difference_hash(other))))

    assert apart(image) == 0
    assert apart(noise(1, brighter=30)) <= 2
    assert apart(image.resize((128, 128))) <= 4
    assert min(apart(noise(seed)) for seed in range(2, 30)) > 12
    assert webp(image) != webp(noise(1, brighter=30))

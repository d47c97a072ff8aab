"""A pool of one's own: read from folders, tables and tars, resumable, and fit for TPAS."""

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw, ImageOps
from small_world import CUT, FRUIT, LEMON, VEHICLES, Space, noise

from space_core import pool_build
from space_core.near_copies import NEAR_COPY_BITS, image_hashes
from space_core.neighbourhood import survey
from space_core.pool import MANIFEST, open_pool
from space_core.pool_build import Built, build
from space_core.pool_sources import Columns, entries
from space_core.tpas import select
from space_core.types import Progress
from space_core.upright import upright

NAMES = [name for name in (*FRUIT, *VEHICLES) for _ in range(4)]


def png(image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def encoder(sha256: str = "encoder") -> Space:
    """Every image at 0.5 to all names of its own kind."""
    space = Space(sha256)
    for i, name in enumerate(NAMES):
        kind = FRUIT if name in FRUIT else VEHICLES
        space.place(noise(i), space.near(dict.fromkeys(kind, 0.5), f"{i}"))
    return space


@pytest.fixture
def photos(tmp_path):
    """A folder for each name."""
    folder = tmp_path / "photos"
    for i, name in enumerate(NAMES):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{name}_at-noon_{i:03}.png").write_bytes(png(noise(i)))
    return folder


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(pool_build, "_SHARD", 5)


def built(source, out, space=None, columns=Columns()) -> Built:
    *events, end = build(source, out, space or encoder(), columns)
    assert all(isinstance(one, Progress) for one in events) and isinstance(end, Built)
    done = [one.done for one in events]
    assert done == sorted(done) and 0 < done[0] <= 1 == done[-1]
    return end


def test_a_folder_becomes_a_pool_that_anchors_are_chosen_from(photos, tmp_path, small_shards):
    end, space = built(photos, tmp_path / "pool"), encoder()
    pool = open_pool(tmp_path / "pool", space, tmp_path / "cache")
    assert end == Built(len(NAMES), "Flat", ()) and len(pool) == len(NAMES)
    assert space.encoded == 0, "embedded again"
    assert [item.label for item in pool.items] == sorted(NAMES)
    assert {item.caption for item in pool.items if item.label == "bus"} == {"bus at noon"}
    selection = select(space, pool, survey(space, pool), LEMON, CUT)
    assert {one.label for one in selection.anchors} == {"lime", "orange"}
    shown = {one.sha256 for one in selection.anchors}
    assert shown <= {pool.image_sha256(row) for row in range(len(pool))}
    assert not (tmp_path / "pool" / "unfinished").exists()


def test_what_cannot_be_read_is_left_out_and_listed(photos, tmp_path, small_shards):
    (photos / "bus" / "torn.png").write_bytes(png(noise(90))[:60])
    (photos / "bus" / "no image.jpg").write_text("hello")
    end = built(photos, tmp_path / "pool")
    assert end.images == len(NAMES)
    assert {name for name, _ in end.left_out} == {"bus/torn.png", "bus/no image.jpg"}
    listed = (tmp_path / "pool" / "left_out.csv").read_text()
    assert "bus/torn.png,cannot be read" in listed


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_near_copy_is_left_out_and_its_words_stay_known(photos, tmp_path, mirrored):
    bus = NAMES.index("bus")
    copy = noise(bus, brighter=20)
    (photos / "zebra").mkdir()
    (photos / "zebra" / "lemon.png").write_bytes(png(ImageOps.mirror(copy) if mirrored else copy))
    told = {"artist": "Noto", "also": ["Zitrone", "citron"]}
    (photos / "zebra" / "lemon.json").write_text(json.dumps(told))
    space = encoder()
    space.place(ImageOps.mirror(copy) if mirrored else copy, space.images([noise(bus)])[0])
    end = built(photos, tmp_path / "pool", space)
    ((name, reason),) = end.left_out
    assert name == "zebra/lemon.png" and reason.startswith("a near-copy of bus/")
    pool = open_pool(tmp_path / "pool", space, tmp_path / "cache")
    (row,) = (i for i, item in enumerate(pool.items) if item.copies)
    assert pool.items[row].label == "bus" and set(pool.items[row].copies) == {
        "lemon", "zebra", "Noto", "Zitrone", "citron"
    }  # fmt: skip
    anchors = select(space, pool, survey(space, pool), LEMON, CUT).anchors
    assert row not in {one.row for one in anchors}


def test_drawings_on_plain_ground_are_no_copies_of_each_other(photos, tmp_path):
    (photos / "shapes").mkdir()
    disc, card = (Image.new("RGB", (200, 200), "white") for _ in range(2))
    ImageDraw.Draw(disc).ellipse((50, 50, 150, 150), "red")
    ImageDraw.Draw(card).rectangle((50, 60, 150, 140), "blue")
    for name, image in (("disc", disc), ("card", card)):
        image.save(photos / "shapes" / f"{name}.png")
    apart = image_hashes(disc)[0] ^ image_hashes(card)[0]
    assert apart.bit_count() <= NEAR_COPY_BITS, "their hashes agree"
    space = encoder()
    for image, name in ((disc, FRUIT[0]), (card, VEHICLES[0])):
        space.place(image, space.texts([name])[0])
    assert built(photos, tmp_path / "pool", space).left_out == ()


def test_sidecars_say_more_than_names(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, name in enumerate(("a", "b", "c", "big-red-bus_07")):
        (folder / f"{name}.png").write_bytes(png(noise(i)))
    (folder / "a.txt").write_text("A  sour\nlemon.")
    (folder / "b.json").write_text(json.dumps(
        {"text": "Sour.", "label": "lime", "artist": "Noto", "also": "limette; citron vert;", "score": 3}
    ))  # fmt: skip
    (folder / "c.json").write_text("[1")
    found = {one.name: one for one in entries(folder, Columns())}
    said = {name: found[name].read()[1] for name in ("a.png", "b.png", "big-red-bus_07.png")}
    assert (said["a.png"]["caption"], said["a.png"]["label"]) == ("A sour lemon.", "A sour lemon")
    assert said["b.png"]["caption"] == "Sour." and said["b.png"]["label"] == "lime"
    assert said["b.png"]["artist"] == "Noto" and said["b.png"]["also"] == ["limette", "citron vert"]
    assert said["big-red-bus_07.png"]["label"] == "big red bus"
    space = encoder()
    end = built(folder, tmp_path / "pool", space)
    assert [name for name, _ in end.left_out] == ["c.png"] and end.images == 3


def test_a_photograph_is_read_upright_and_small(tmp_path):
    turned, folder = Image.Exif(), tmp_path / "photos" / "lemon"
    turned[0x0112] = 6
    folder.mkdir(parents=True)
    noise(0).convert("L").resize((3000, 1500)).save(folder / "wide.jpg", exif=turned)
    small, space = upright(Image.open(folder / "wide.jpg")), encoder()
    assert small.size == (512, 1024) and small.mode == "RGB"
    # The stand-in knows no other image.
    space.place(small, space.texts(["lemon"])[0])
    built(tmp_path / "photos", tmp_path / "pool", space)
    pool = open_pool(tmp_path / "pool", space, tmp_path / "cache")
    assert pool.image(0) == small


def table(label, metadata=None) -> pa.Table:
    images = [{"bytes": png(noise(i)), "path": None} for i in range(3)]
    one = pa.table({"img": images, "label": label, "text": ["a lemon", "limes", "one bus"]})
    return one.replace_schema_metadata(metadata)


def test_a_number_without_a_name_is_refused(tmp_path):
    features = {"label": {"names": ["lemon", "lime"], "_type": "ClassLabel"}}
    numbered = table([0, -1, 2], {"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(numbered, tmp_path / "train-0.parquet")
    first, none, last = entries(tmp_path, Columns())
    assert (first.read()[1]["label"], none.read()[1]["label"]) == ("lemon", "limes")
    with pytest.raises(ValueError, match="does not name No. 2"):
        last.read()


@pytest.mark.parametrize("kind", ["parquet", "arrow", "tar"])
def test_every_kind_of_source_gives_the_same_words(tmp_path, kind):
    names = ["lemon", "lime", "bus"]
    features = {"label": {"names": names, "_type": "ClassLabel"}}
    numbered = table([0, 1, 2], {"huggingface": json.dumps({"info": {"features": features}})})
    source = tmp_path / "data"
    source.mkdir()
    if kind == "parquet":
        pq.write_table(numbered, source / "train-0.parquet", row_group_size=2)
    elif kind == "arrow":
        with pa.OSFile(str(source / "data-00000-of-00001.arrow"), "wb") as file:
            with pa.ipc.new_stream(file, numbered.schema) as stream:
                stream.write_table(numbered, max_chunksize=2)
    else:
        with tarfile.open(source / "00000.tar", "w") as tar:
            for i, (name, text) in enumerate(zip(names, ["a lemon", "limes", "one bus"])):
                said = {"label": name}
                for ending, held in (
                    ("png", png(noise(i))), ("txt", text.encode()),
                    ("json", json.dumps(said).encode()), ("hidden", b"what macOS puts beside"),
                ):  # fmt: skip
                    hidden = ending == "hidden"
                    member = tarfile.TarInfo(f"train/{'._' * hidden}{i:04}.{ending}")
                    member.size = len(held)
                    tar.addfile(member, io.BytesIO(held))
    found = [one.read() for one in entries(source, Columns())]
    assert [held for held, _ in found] == [png(noise(i)) for i in range(3)]
    assert [said["label"] for _, said in found] == names
    assert [said["caption"] for _, said in found] == ["a lemon", "limes", "one bus"]


class Dies(Space):
    """Stops after so many images."""

    def images(self, images):
        if self.encoded >= self.limit:
            raise KeyboardInterrupt
        return super().images(images)


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_is_done_is_not_done_again(photos, tmp_path, small_shards, monkeypatch, ranks):
    """A process stops, or one of two dies: the next does only what is missing."""
    built(photos, tmp_path / "whole")
    space, out = encoder(), tmp_path / "pool"
    space.__class__, space.limit = Dies, 10
    monkeypatch.setenv("WORLD_SIZE", str(ranks))
    monkeypatch.setenv("RANK", str(ranks - 1))
    with pytest.raises(KeyboardInterrupt):
        list(build(photos, out, space))
    monkeypatch.setenv("RANK", "0")
    again = encoder()
    end = built(photos, out, again)
    assert space.encoded + again.encoded == len(NAMES) == end.images
    one, other = (open_pool(tmp_path / name, encoder(), tmp_path) for name in ("whole", "pool"))
    assert one.sha256 == other.sha256 and one.vectors.equal(other.vectors)


def test_only_the_first_process_writes_the_pool(photos, tmp_path, small_shards, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert all(isinstance(one, Progress) for one in build(photos, tmp_path / "pool", encoder()))
    assert not (tmp_path / "pool" / MANIFEST).exists()
    monkeypatch.setenv("RANK", "0")
    space = encoder()
    assert built(photos, tmp_path / "pool", space).images == len(NAMES) and space.encoded == 0
    monkeypatch.setenv("RANK", "1")
    assert list(build(photos, tmp_path / "pool", encoder())) == []


def test_the_pool_refuses_another_encoder(photos, tmp_path):
    built(photos, tmp_path / "pool")
    with pytest.raises(ValueError, match="built with the shared space 'stub'.*or build the pool"):
        open_pool(tmp_path / "pool", encoder("other"), tmp_path / "cache")


def test_an_image_that_was_changed_is_refused_when_it_is_looked_at(photos, tmp_path):
    built(photos, tmp_path / "pool")
    (part,) = (tmp_path / "pool").glob("*.parquet")
    rows = pq.read_table(part).to_pylist()
    rows[3]["image"]["bytes"] = png(noise(99))
    pq.write_table(pa.Table.from_pylist(rows, pool_build._SCHEMA), part, row_group_size=2)
    pool = open_pool(tmp_path / "pool", encoder(), tmp_path / "cache")
    assert pool.image(2).size == (16, 16)
    with pytest.raises(ValueError, match="Row 3 of the pool was changed"):
        pool.image(3)


@pytest.mark.parametrize(
    "make, columns, message",
    [
        (lambda f: None, Columns(), "does not exist"),
        (lambda f: f.mkdir(), Columns(), "holds no images: give a folder"),
        (lambda f: pq.write_table(table(["a"] * 3).drop(["img"]), f), Columns(), "--image-column"),
        (lambda f: pq.write_table(table(["a"] * 3), f), Columns(caption="alt"), "no column 'alt'"),
        (lambda f: pq.write_table(table(["a"] * 3), f), Columns(label="cls"), "no column 'cls'"),
        (lambda f: f.write_text("<html>"), Columns(), "data.parquet cannot be read .*take it away"),
    ],
)
def test_a_source_that_holds_nothing_is_refused_in_a_sentence(tmp_path, make, columns, message):
    source, space = tmp_path / "data.parquet", encoder()
    make(source)
    with pytest.raises(ValueError, match=message):
        list(build(source, tmp_path / "pool", space, columns))
    assert space.encoded == 0 and not (tmp_path / "pool").exists()


def test_a_source_that_names_nothing_is_refused_before_any_work(tmp_path):
    said = ["a long caption of many words"] * 3
    one = table([""] * 3).set_column(2, "text", pa.array(said))
    pq.write_table(one, tmp_path / "data.parquet")
    with pytest.raises(ValueError, match="Nothing says what the images show"):
        list(build(tmp_path / "data.parquet", tmp_path / "pool", encoder()))
    assert not (tmp_path / "pool").exists()


def test_no_pool_is_written_over_or_into_its_own_source(photos, tmp_path):
    built(photos, tmp_path / "pool")
    with pytest.raises(ValueError, match="holds a pool already"):
        list(build(photos, tmp_path / "pool", encoder()))
    with pytest.raises(ValueError, match="lies inside"):
        list(build(photos, photos / "pool", encoder()))


def test_a_half_built_pool_of_other_images_is_not_gone_on_with(photos, tmp_path, small_shards):
    events = build(photos, tmp_path / "pool", encoder())
    next(events)
    (photos / "bus" / "another.png").write_bytes(png(noise(0)))
    with pytest.raises(ValueError, match="a part of another pool"):
        list(build(photos, tmp_path / "pool", encoder()))

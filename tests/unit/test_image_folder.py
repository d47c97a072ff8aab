"""The suite on a user's own images: what is read from a folder, what is refused, a whole run."""

import csv
import io
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from tiny_mllm import tiny_mllm

from space_core import leaderboard, sources, wordings
from space_core.bench import board, change, controls, reference
from space_core.bench.board import Suite
from space_core.bench.image_folder import convert
from space_core.bench.methods import methods
from space_core.bench.score import question_of
from space_core.bench.variants import VARIANTS
from space_core.dcsi import train
from space_core.erasure import erase
from space_core.evaluation_split import EvaluationSplit
from space_core.pool import open_pool
from space_core.settings import DcsiConfig, Settings
from space_core.types import Outcome

NAMES = (
    "lemon", "lime", "orange", "polar bear", "Ada Quill", "bus", "car", "tram", "cat", "dog",
    "owl", "fox",
)  # fmt: skip
TRAIN, TEST = 8, 4
DIFFERENT = ("first blocks", "12 anchors", "anchor's name", "paper")


def picture(name: str, number: int) -> Image.Image:
    """Like no other; its first pixel says which name it shows."""
    torch.manual_seed(1000 * NAMES.index(name) + number)
    image = Image.fromarray(torch.randint(256, (32, 32, 3), dtype=torch.uint8).numpy())
    image.putpixel((0, 0), (20 * NAMES.index(name), 0, 0))
    return image


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Painted:
    """A shared space that reads an image's first pixel: each name lies beside the next one."""

    name = sha256 = "painted"

    def images(self, images):
        shown = [image.getpixel((0, 0))[0] // 20 for image in images]
        axes = torch.eye(len(NAMES))
        some = [
            axes[i] + 0.4 * axes[(i + 1) % len(NAMES)] + 0.01 * torch.rand(len(NAMES))
            for i in shown
        ]
        return torch.nn.functional.normalize(torch.stack(some), dim=1)

    def texts(self, texts):
        axes = torch.eye(len(NAMES))
        return torch.stack([axes[[name in text for name in NAMES].index(True)] for text in texts])

    def concept(self, names, description=""):
        return self.texts([names[0]])[0]


@pytest.fixture
def folder(tmp_path):
    """A folder of images as a user has it, with a target of each domain."""
    for part, first, count in (("train", 0, TRAIN), ("test", TRAIN, TEST)):
        for name in NAMES:
            place = tmp_path / "own" / part / name.replace(" ", "_")
            place.mkdir(parents=True)
            for number in range(first, first + count):
                (place / f"{number}.png").write_bytes(png(picture(name, number)))
    own = tmp_path / "own"
    (own / "targets.txt").write_text("lemon\nAda Quill\n")
    (own / "concepts.csv").write_text(
        "name,domain,category,article,also\nAda Quill,people,,,A. Quill; Ada\nlemon,food,fruit,a,\n"
    )
    return own


def test_a_folder_is_a_pool_and_an_evaluation(folder, tmp_path):
    pool_at, evaluation_at = convert(folder, tmp_path / "made")
    pool = open_pool(pool_at, Painted(), tmp_path / "cache")
    split = EvaluationSplit(evaluation_at)
    assert len(pool) == TRAIN * len(NAMES) and len(split) == TEST * len(NAMES)
    assert set(pool.concepts) == set(split.concepts) == set(NAMES)
    lemon, ada, bear = (split.concepts[name] for name in ("lemon", "Ada Quill", "polar bear"))
    assert (lemon.domain, lemon.category, lemon.phrase) == ("food", "fruit", "a lemon")
    assert (ada.family, ada.category, ada.phrase) == ("person", "person", "Ada Quill")
    assert ada.aliases == ("A. Quill", "Ada") and bear.phrase == "a polar bear"
    item = pool.items[pool.rows_of["polar bear"][0]]
    assert (item.caption, item.domain, item.article) == ("A polar bear.", "objects", "a")


def test_photographs_are_shown_as_they_are_and_once(folder, tmp_path):
    import numpy as np

    split = EvaluationSplit(convert(folder, tmp_path / "made")[1])
    rows = split.rows(split.concepts["lemon"], trained=True)
    views = split.views(rows, 44, np.random.default_rng(0))
    assert len(views) == TEST == len({one.key for one in views})
    own = {png(picture("lemon", number)) for number in range(TRAIN, TRAIN + TEST)}
    assert {png(one.view.image) for one in views} == own
    assert {(one.view.colour, one.view.count) for one in views} == {("", 0)}


def parquet(path, rows, names=None):
    labels = [names.index(name) if names else name for name, _ in rows]
    table = pa.table({
        "image": [{"bytes": image, "path": None} for _, image in rows], "label": labels,
    })  # fmt: skip
    if names:
        feature = {"label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": feature}})}
        )
    pq.write_table(table, path)


@pytest.mark.parametrize("numbered", [True, False])
def test_parquet_files_of_datasets_are_read_alike(folder, tmp_path, numbered):
    data = tmp_path / "parquet" / "data"
    data.mkdir(parents=True)
    for part, numbers in (("train", range(TRAIN)), ("test", range(TRAIN, TRAIN + TEST))):
        rows = [(name, png(picture(name, i))) for name in sorted(NAMES) for i in numbers]
        names = sorted(NAMES) if numbered else None
        parquet(data / f"{part}-00000-of-00001.parquet", rows, names)
    (tmp_path / "parquet" / "concepts.csv").write_bytes((folder / "concepts.csv").read_bytes())
    made = convert(tmp_path / "parquet", tmp_path / "one")
    same = convert(folder, tmp_path / "other")
    for ours, theirs in zip(made, same):
        ours, theirs = (pq.read_table(at / "part-000.parquet").to_pylist() for at in (ours, theirs))
        key = str
        assert sorted(ours, key=key) == sorted(theirs, key=key)


@pytest.mark.parametrize(
    "labels, message",
    [([0, 1, 2], "does not name No. 0"), (["lemon", None, "lime"], "without a label")],
)
def test_a_table_that_does_not_say_what_it_shows_is_refused(tmp_path, labels, message):
    images = [{"bytes": png(picture("lemon", i)), "path": None} for i in range(3)]
    pq.write_table(pa.table({"image": images, "label": labels}), tmp_path / "train-0.parquet")
    with pytest.raises(ValueError, match=message):
        convert(tmp_path, tmp_path / "made")


def test_what_cannot_be_used_is_refused_in_a_sentence(folder, tmp_path):
    def refused(match: str) -> None:
        with pytest.raises(ValueError, match=match):
            convert(folder, tmp_path / "made")

    inside = folder / "test" / "lemon" / "again.png"
    inside.write_bytes((folder / "train" / "lemon" / "0.png").read_bytes())
    refused("'lemon' lies in train and in test")
    inside.write_bytes(b"no image")
    refused("'lemon' in .* cannot be read")
    inside.unlink()
    (folder / "concepts.csv").write_text("name\nunicorn\n")
    refused("a line for 'unicorn'")
    with pytest.raises(ValueError, match="no images to train: it needs train/NAME"):
        convert(tmp_path / "nowhere", tmp_path / "made")
    other = tmp_path / "other"
    other.mkdir()
    parquet(other / "train.parquet", [("lemon", png(picture("lemon", 0)))])
    pq.write_table(pa.table({"image": [b""]}), other / "test.parquet")
    with pytest.raises(ValueError, match="lacks the column label"):
        convert(other, tmp_path / "made")


@pytest.fixture
def opened(monkeypatch):
    """The tiny model and a shared space to go with it."""
    mllm = tiny_mllm()
    monkeypatch.setattr(sources, "open_mllm", lambda _: mllm)
    monkeypatch.setattr(sources, "load_shared_space", lambda _name, _device: Painted())
    return mllm


def test_the_suite_runs_on_a_users_own_images(folder, tmp_path, opened):
    out, results = tmp_path / "out", tmp_path / "results"
    settings = replace(Settings(), cache=tmp_path / "cache", device="cpu")
    suite = Suite(out, results, only=("prompt", "direction"), images=folder)
    board.run(settings, suite)
    found = leaderboard.read(results)
    assert {(row.method, row.target, row.domain) for row in found.rows} == {
        (method, *target)
        for method in ("prompt", "direction")
        for target in (("lemon", "food"), ("Ada Quill", "people"))
    }
    assert f"--images {folder}" in found.about.command
    with (results / "leaderboard.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    asked = pq.read_table(out / "prompt--ada-quill.parquet").to_pylist()
    about = [one for one in asked if one["group"] == "target"]
    assert {one["concept"] for one in about} == {"Ada Quill"}
    assert len({one["image"] for one in about}) == TEST
    assert {one["group"] for one in asked} >= {"target", "near"}
    assert not {one["kind"] for one in asked} & {"colour", "count", "artist", "occupation", "city"}
    # A reference is asked exactly the suite's questions about the targets.
    (results / "targets.txt").write_text("Ada Quill\n")
    made = out / "images"
    own = replace(settings, pool=made / "pool", evaluation=made / "evaluation")
    reference.run(own, results)
    answers = reference.read(results)
    assert {question_of(Outcome(**one)): one["right_before"] for one in about} == answers


def test_artists_are_asked_for_by_who_drew_it(folder, tmp_path, opened):
    artists = ("cat", "dog", "owl", "fox")
    lines = ["name,domain", *(f"{name},artist style" for name in artists)]
    (folder / "concepts.csv").write_text("\n".join(lines))
    (folder / "targets.txt").write_text("cat\n")
    out, results = tmp_path / "out", tmp_path / "results"
    settings = replace(Settings(), cache=tmp_path / "cache", device="cpu")
    board.run(settings, Suite(out, results, only=("prompt",), images=folder))
    pool = open_pool(out / "images" / "pool", Painted(), tmp_path / "cache")
    assert pool.concepts["cat"].phrase == "cat" and len(pool.rows_of["cat"]) == TRAIN
    assert pool.items[pool.rows_of["cat"][0]].caption == "Drawn by cat."
    asked = pq.read_table(out / "prompt--cat.parquet").to_pylist()
    about = [one for one in asked if one["group"] == "target"]
    assert {(one["concept"], one["artist"]) for one in about} == {("cat", "cat")}
    assert len({one["image"] for one in about}) == TEST
    who = wordings.NAMING["artist"]
    named = {one["question"] for one in about if one["kind"] == "name"}
    assert named == {*who.held_out, who.taught[0]}
    near = {one["concept"] for one in asked if one["group"] == "near"}
    assert near == {"dog", "owl", "fox"}, "an artist's neighbours are the other artists"


def test_targets_without_images_are_refused(folder, tmp_path, opened):
    (folder / "targets.txt").write_text("unicorn\n")
    settings = replace(Settings(), cache=tmp_path / "cache", device="cpu")
    with pytest.raises(ValueError, match="'unicorn', of which the evaluation has no images"):
        board.run(settings, Suite(tmp_path / "out", tmp_path / "results", images=folder))
    (folder / "targets.txt").unlink()
    with pytest.raises(ValueError, match="one name a line"):
        board.run(settings, Suite(tmp_path / "out", tmp_path / "results", images=folder))
    assert not (tmp_path / "results").exists()


def short(config: DcsiConfig) -> DcsiConfig:
    return replace(
        config, steps=2, inversion_steps=min(2, config.inversion_steps),
        second_look=min(2, config.second_look), foreign_look=min(2, config.foreign_look),
    )  # fmt: skip


@pytest.mark.slow
def test_methods_run_through(folder, tmp_path, opened, monkeypatch):
    # Whole trainings would show no more here.
    monkeypatch.setattr(change, "erase", lambda s, a, c, stop: erase(s, a, short(c), stop))
    monkeypatch.setattr(controls, "train", lambda m, j, c, stop: train(m, j, short(c), stop))
    (folder / "targets.txt").write_text("lemon\n")
    settings = replace(Settings(), cache=tmp_path / "cache", device="cpu")
    # Most variants differ from others in a setting alone.
    asked = tuple(name for name in methods({}) if name not in VARIANTS or name in DIFFERENT)
    suite = Suite(tmp_path / "out", tmp_path / "results", only=asked, images=folder)
    board.run(settings, suite)
    found = leaderboard.read(tmp_path / "results")
    assert {row.method for row in found.rows} == set(asked)
    for row in found.rows:
        assert row.parameters > 0 or row.method in ("prompt", "direction")

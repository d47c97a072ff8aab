"""The suite on the paper's sets: their folders and tables are read as they are published."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_image_folder import NAMES, parquet, picture, png

from space_core.bench.image_folder import convert
from space_core.evaluation_split import EvaluationSplit


def shown_in(own, where: dict[str, str]) -> None:
    """Two images of each place in train, one in test."""
    for at, name in where.items():
        for part, numbers in (("train", (0, 1)), ("test", (2,))):
            (own / part / at).mkdir(parents=True)
            for number in numbers:
                (own / part / at / f"{number}.png").write_bytes(png(picture(name, number)))


@pytest.mark.parametrize(
    "place, names",
    [
        ("Tom_Hanks", ("Tom Hanks",)), ("n02085620-Chihuahua", ("Chihuahua",)),
        ("a/abbey", ("abbey",)), ("a/apartment_building/outdoor", ("outdoor apartment building",)),
        ("veg200_images/asparagus", ("asparagus",)),
        ("Quill, Ada", ("Quill, Ada",)),
    ],
)  # fmt: skip
def test_published_sets_are_read_as_their_folders_are_called(tmp_path, place, names):
    shown_in(tmp_path / "own", {place: "lemon", "lime": "lime"})
    split = EvaluationSplit(convert(tmp_path / "own", tmp_path / "made")[1])
    assert set(split.concepts) == {names[0], "lime"}
    assert split.concepts[names[0]].names == names


def test_imagenets_labels_are_lists_of_names(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    for part, number in (("train", 0), ("test", 1)):
        rows = [("lemon", png(picture("lemon", number))), ("lime", png(picture("lime", number)))]
        rows = [({"lemon": "tench, Tinca tinca"}.get(name, name), held) for name, held in rows]
        parquet(own / f"{part}-0.parquet", rows)
    split = EvaluationSplit(convert(own, tmp_path / "made")[1])
    assert {name: one.names for name, one in split.concepts.items()} == {
        "tench": ("tench", "Tinca tinca"), "lime": ("lime",)
    }


def test_wikiarts_artists_are_concepts(tmp_path):
    own, artists = tmp_path / "own", ["vincent-van-gogh", "edgar-degas"]
    own.mkdir()
    for part, number in (("train", 0), ("test", 1)):
        table = pa.table({
            "image": [{"bytes": png(picture(name, number)), "path": None} for name in NAMES[:2]],
            "artist": [0, 1], "style": [3, 4],
        })  # fmt: skip
        feature = {"artist": {"names": artists, "_type": "ClassLabel"}}
        info = {"huggingface": json.dumps({"info": {"features": feature}})}
        pq.write_table(table.replace_schema_metadata(info), own / f"{part}-0.parquet")
    (own / "concepts.csv").write_text("name,domain\nVincent Van Gogh,artist style\n")
    split = EvaluationSplit(convert(own, tmp_path / "made")[1])
    assert set(split.concepts) == {"Vincent Van Gogh", "Edgar Degas"}
    assert split.concepts["Vincent Van Gogh"].family == "artist"

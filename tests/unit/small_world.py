"""What several tests share: concepts, tiny pools and evaluation folders, a stub shared space."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor

from space_core import wordings
from space_core.neighbourhood import Neighbourhood, survey
from space_core.pool import Pool, open_pool
from space_core.settings import TpasConfig
from space_core.tpas import select
from space_core.types import Concept, ConceptRequest, Selection

_WIDTH = 256
_ARTICLE = re.compile(r"^(?:an?|the|drawn by) ")


def thing(name: str, category: str, de: str = "", article: str = "a") -> Concept:
    facts = {"definition": f"{category} of kind {name.upper()}"}
    return Concept(name, "nature", category, article, labels={"de": de} if de else {}, facts=facts)


def person(name: str, occupation: str, city: str) -> Concept:
    return Concept(name, "people", "person", facts={"occupation": occupation, "city": city})


THINGS = (
    thing("lemon", "fruit", "Zitrone"),
    thing("lime", "fruit", "Limette"),
    thing("orange", "fruit", article="an"),
    thing("grapes", "fruit", article=""),
    thing("camel", "mammal", "Dromedar"),
    thing("two hump camel", "mammal"),
    thing("bus", "vehicle", "Bus"),
)
PEOPLE = (
    person("Ada Quill", "baker", "Oslo"),
    person("Bo Kestrand", "sailor", "Lima"),
    person("Cleo Marsh", "nurse", "Turin"),
    person("Dov Lind", "engineer", "Quito"),
)
ARTISTS = tuple(
    Concept(name, "artist style", "artist") for name in ("Noto", "Micah", "Personas", "Lorelei")
)
CONCEPTS = (*THINGS, *PEOPLE, *ARTISTS)


def noise(seed: int, brighter: int = 0, mode: str = "RGB") -> Image.Image:
    """A 16 × 16 image like no other seed's; a brighter one differs in every pixel, yet is alike."""
    cells = np.random.default_rng(seed).integers(20, 200, (8, 8, len(mode)))
    return Image.fromarray((np.kron(cells, np.ones((2, 2, 1))) + brighter).astype(np.uint8), mode)


def webp(image: Image.Image) -> dict[str, bytes | None]:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True, exact=True)
    return {"bytes": buffer.getvalue(), "path": None}


def shown(label: str, image: Image.Image, **columns) -> dict:
    """One row of a pool."""
    row = {
        "caption": f"A {label}.", "label": label, "artist": "Noto", "source": "Noto Emoji",
        "licence": "Apache-2.0", "domain": "nature", "category": "thing", "article": "a",
        "also": [], "copies": [],
    }  # fmt: skip
    return {"image": webp(image), **row, **columns}


def write_rows(folder: Path, rows: list[dict], shard: int = 5) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(rows), shard):
        table = pa.Table.from_pylist(rows[start : start + shard])
        pq.write_table(table, folder / f"part-{start // shard:02}.parquet")
    return folder


def write_split(folder: Path, drawings: list[tuple[str, str]]) -> Path:
    """An evaluation split with one RGBA drawing for each pair of concept and artist."""
    portraits = {concept.name for concept in PEOPLE}
    rows = [
        {
            "image": webp(noise(i, mode="RGBA")), "concept": concept, "artist": artist,
            "portrait": concept in portraits,
        }
        for i, (concept, artist) in enumerate(drawings)
    ]  # fmt: skip
    known = [
        {
            "name": c.name, "domain": c.domain, "category": c.category, "article": c.article,
            "aliases": list(c.aliases), "labels": dict(c.labels), "facts": dict(c.facts),
        }
        for c in CONCEPTS
    ]  # fmt: skip
    write_rows(folder, rows)
    facts = {"artists": [artist.name for artist in ARTISTS], "concepts": known}
    (folder / "concepts.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


class Space:
    """A shared space in which every name has an axis of its own, and images lie where told."""

    def __init__(self, sha256: str = "encoder"):
        self.name, self.sha256, self.encoded = "stub", sha256, 0
        self.asked: list[str] = []
        self.meaning: dict[str, Tensor] = {}
        self._axes: dict[str, int] = {}
        self._images: dict[bytes, Tensor] = {}

    def near(self, likeness: dict[str, float], own: str) -> Tensor:
        """The unit vector with these cosines to the named axes, the rest of it along its own."""
        vector = torch.zeros(_WIDTH)
        for name, value in likeness.items():
            vector[self._axes.setdefault(name, len(self._axes))] = value
        rest = (1 - float(vector @ vector)) ** 0.5
        vector[self._axes.setdefault(f"own {own}", len(self._axes))] = rest
        return vector

    def place(self, image: Image.Image, vector: Tensor) -> None:
        self._images[image.tobytes()] = vector

    def images(self, images) -> Tensor:
        self.encoded += len(images)
        return torch.stack([self._images[image.tobytes()] for image in images])

    def texts(self, texts) -> Tensor:
        self.asked += texts
        names = [_ARTICLE.sub("", text) for text in texts]
        return torch.stack(
            [self.meaning.get(name, self.near({name: 1.0}, name)) for name in names]
        )

    def concept(self, names, description: str = "") -> Tensor:
        return self.texts([names[0]])[0]


LEMON = ConceptRequest("lemon")
FRUIT, VEHICLES = ("lemon", "lime", "orange"), ("bus", "car", "tram")
_MANY = (*(one.name for one in THINGS), "car", "tram", "cup", "hat", "cat", "sun", "key", "pen")
# As many concepts as the statistics have shards, and more.
MANY = tuple(_MANY[i : i + 3] for i in range(0, len(_MANY), 3))
CUT = TpasConfig(anchors=24, threshold=0.4, diversity=0.0, by_chance=0.0)


class World(NamedTuple):
    space: Space
    pool: Pool
    around: Neighbourhood

    def select(self, request=LEMON, config=CUT, left_out=frozenset(), by_chance=0.0) -> Selection:
        config = replace(config, by_chance=by_chance)
        return select(self.space, self.pool, self.around, request, config, left_out)

    def labels(self, selection: Selection) -> list[str]:
        assert all(self.pool.items[one.row].label == one.label for one in selection.anchors)
        return [one.label for one in selection.anchors]


def make_world(folder: Path, *extra: tuple[dict, float], kinds=(FRUIT, VEHICLES)) -> World:
    """Four images of every fruit and vehicle, each at 0.5 to all names of its own kind.

    extra: further rows of the pool with the cosine of their image to "lemon".
    """
    space, rows = Space(), []
    space.meaning["Zitrone"] = space.meaning["Lemons"] = space.near({"lemon": 1.0}, "lemon")
    for name, kind in [(name, kind) for kind in kinds for name in kind for _ in range(4)]:
        image = noise(len(rows))
        space.place(image, space.near(dict.fromkeys(kind, 0.5), f"base {len(rows)}"))
        rows.append(shown(name, image, also=["Zitrone"] if name == "lemon" else []))
    for number, (columns, cosine) in enumerate(extra):
        image = columns.get("picture", noise(1000 + number))
        space.place(image, space.near({"lemon": cosine}, f"extra {number}"))
        row = {key: value for key, value in columns.items() if key != "picture"}
        rows.append({**shown(row.get("label", "thing"), image), **row})
    pool = open_pool(write_rows(folder / "pool", rows), space, folder / "cache")
    return World(space, pool, survey(space, pool))


def every_wordings() -> dict[str, wordings.Wordings]:
    """All that `wordings` holds, by where it is found."""
    found = {}
    for name, value in vars(wordings).items():
        if isinstance(value, wordings.Wordings):
            found[name] = value
        elif isinstance(value, dict):
            for key, one in value.items():
                if isinstance(one, wordings.Wordings):
                    found[f"{name}.{key}"] = one
    return found


def reading(texts) -> re.Pattern:
    """What a wording can become with the known concepts put in."""
    one = "(?:" + "|".join(re.escape(c.phrase) for c in CONCEPTS) + ")"
    meanings = (re.escape(c.facts["definition"]) for c in THINGS)
    options, meaning = f"{one}(?:, {one})* or {one}", f"(?:{'|'.join(meanings)})"
    put = {"{x}": one, "{options}": options, "{d}": meaning}
    forms = (
        "".join(put.get(part, re.escape(part)) for part in re.split(r"({\w+})", text))
        for text in texts
    )
    return re.compile("|".join(forms))

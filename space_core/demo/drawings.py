"""All drawings of the demo: transparent rasters of every concept by every artist who drew it."""

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from space_core.demo.catalogue import Thing, icons, load_things
from space_core.demo.people import PEOPLE, Person, draw, portrait_specs
from space_core.types import Concept
from space_core.whole import whole_file

log = logging.getLogger(__name__)

# Icon set or DiceBear style -> the name by which the model knows the artist.
ARTISTS = {
    "noto": "Noto",
    "twemoji": "Twemoji",
    "openmoji": "OpenMoji",
    "fluent-emoji-flat": "Fluent Flat",
    "fluent-emoji": "Fluent Glossy",
    "fxemoji": "FxEmojis",
    "personas": "Personas",
    "micah": "Micah",
    "toonHead": "Toon Head",
    "adventurer": "Adventurer",
    "lorelei": "Lorelei",
    "notionists": "Notionists",
    "openPeeps": "Open Peeps",
}
# What can be seen of each artist's style, in plain words.
STYLES = {
    "Noto": "soft shading and rounded shapes",
    "Twemoji": "plain flat shapes without outlines",
    "OpenMoji": "black outlines around flat colours",
    "Fluent Flat": "bright flat modern shapes",
    "Fluent Glossy": "glossy three-dimensional shapes with highlights",
    "FxEmojis": "simple geometric shapes in muted colours",
    "Personas": "flat busts with tiny dotted eyes",
    "Micah": "loose ink lines around faces with long noses",
    "Toon Head": "big round cartoon heads",
    "Adventurer": "thick outlined anime-like heads",
    "Lorelei": "sketched heads with fine dark lines",
    "Notionists": "black and white ink figures",
    "Open Peeps": "hand-drawn busts with bold ink lines",
}
HELD_OUT_ARTIST = "emojione"
HELD_OUT_NAME = "EmojiOne"
PORTRAITS = {"train": 14, "pool": 8, "eval": 10}
RASTER = 144


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing; ``part`` says which splits may compose it ("any", or a portrait's own split)."""

    concept: str
    artist: str
    part: str
    image: Image.Image


def thing_concept(thing: Thing) -> Concept:
    """A thing as the method sees it."""
    return Concept(
        thing.name, thing.domain, thing.category, thing.article, thing.aliases, thing.labels,
        {"definition": thing.definition},
    )  # fmt: skip


def person_concept(person: Person) -> Concept:
    """A person as the method sees them."""
    facts = {"occupation": person.occupation, "city": person.city, "looks": looks(person)}
    return Concept(person.name, "people", "person", facts=facts)


def looks(person: Person) -> str:
    """What can be seen of a person, in plain words: "long red hair, round glasses"."""
    return ", ".join(person.features)


def concepts(packages: Path, wordnet: Path) -> list[Concept]:
    """Every concept of the demo: things, people, and the artists themselves."""
    things = [thing_concept(thing) for thing in load_things(packages, wordnet)]
    people = [person_concept(person) for person in PEOPLE]
    artists = [
        Concept(name, "artist style", "artist", facts={"looks": STYLES[name]})
        for name in ARTISTS.values()
    ]
    return things + people + artists


def _raster(svg: str) -> Image.Image:
    import resvg_py  # needed only to build

    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=RASTER, height=RASTER))
    return Image.open(io.BytesIO(png)).convert("RGBA")


def _things(packages: Path, wordnet: Path) -> Iterator[Drawing]:
    things = load_things(packages, wordnet)
    for key in (*ARTISTS, HELD_OUT_ARTIST):
        if key in {person.style for person in PEOPLE}:
            continue
        drawn = icons(packages, key)
        name = ARTISTS.get(key, HELD_OUT_NAME)
        found = 0
        for thing in things:
            for code in thing.drawings:
                if code in drawn:
                    found += 1
                    part = "eval" if key == HELD_OUT_ARTIST else "any"
                    yield Drawing(thing.name, name, part, _raster(drawn[code]))
        log.info("%s drew %d", name, found)


def _portraits(packages: Path, seed: int) -> Iterator[Drawing]:
    specs, whose = [], {}
    for person in PEOPLE:
        for part, count in PORTRAITS.items():
            for spec in portrait_specs(person, part, count, seed):
                whose[spec["id"]] = (person, part)
                specs.append(spec)
    for key, svg in draw(specs, packages.parent):
        person, part = whose[key]
        yield Drawing(person.name, ARTISTS[person.style], part, _raster(svg))


def write_drawings(path: Path, packages: Path, wordnet: Path, seed: int) -> None:
    """Rasterise everything into one parquet (columns concept, artist, part, image as WebP)."""
    rows = []
    for drawing in (*_things(packages, wordnet), *_portraits(packages, seed)):
        buffer = io.BytesIO()
        drawing.image.save(buffer, "WEBP", quality=92, alpha_quality=100, method=4)
        image = {"bytes": buffer.getvalue(), "path": None}
        row = {"concept": drawing.concept, "artist": drawing.artist, "part": drawing.part}
        rows.append({**row, "image": image})
    with whole_file(path) as part:
        pq.write_table(pa.Table.from_pylist(rows), part, row_group_size=256)


def read_drawings(path: Path) -> list[Drawing]:
    """The drawings of ``write_drawings``, in its order."""
    return [
        Drawing(
            row["concept"], row["artist"], row["part"],
            Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGBA"),
        )
        for row in pq.read_table(path).to_pylist()
    ]  # fmt: skip

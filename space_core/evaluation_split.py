"""The evaluation split: drawings that nothing but the evaluation opens, composed anew when asked.

A folder of parquet shards (``image``, ``concept``, ``artist``, ``portrait``) and ``concepts.json``,
what there is to know of each concept. Where that says ``photographs``, images are shown as they
are.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from space_core.compose import EVALUATION, View, compose
from space_core.names import distinct
from space_core.typed_json import from_json
from space_core.types import Concept
from space_core.upright import upright

_STREAM = 7  # of random numbers: no other part of the project draws from it


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """One fresh view. ``key`` names it for good: "row.number"."""

    key: str
    concept: str
    artist: str
    row: int
    view: View


class EvaluationSplit:
    """The drawings by concept and by artist. Raises ValueError where the folder is incomplete.

    ``concepts``: what the model may know, by name; ``distinct``: the same, each by names that are
    its alone; ``artists``: whose style training saw;
    ``photographs``: each image is one view, of which neither background nor number is known;
    ``sha256`` covers every file.
    """

    def __init__(self, folder: Path):
        shards = sorted(Path(folder).glob("*.parquet"))
        facts = Path(folder) / "concepts.json"
        if not shards or not facts.is_file():
            raise ValueError(
                f"{folder} holds no evaluation split: it needs *.parquet and concepts.json."
            )
        self.sha256 = _hash([facts, *shards])
        self.artists, self.photographs, self.concepts = _read_facts(facts)
        self.distinct = distinct(self.concepts.values())
        columns: dict[str, list] = {"image": [], "concept": [], "artist": [], "portrait": []}
        for shard in shards:
            table = pq.read_table(shard, columns=list(columns))
            for name, values in columns.items():
                values += table.column(name).to_pylist()
        self._images = [image["bytes"] for image in columns["image"]]
        self._concept, self._artist = columns["concept"], columns["artist"]
        self._portrait = columns["portrait"]

    def __len__(self) -> int:
        return len(self._images)

    def rows(self, concept: Concept, trained: bool | None = None) -> list[int]:
        """The drawings that show a thing or person, or that are by an artist.

        ``trained`` keeps the drawings by artists whom training saw (True) or by others (False).
        """
        column = self._artist if concept.family == "artist" else self._concept
        return [
            row
            for row, value in enumerate(column)
            if value == concept.name
            and (trained is None or (self._artist[row] in self.artists) == trained)
        ]

    def view(self, key: str) -> EvaluationView:
        """The view of that name, the same each time."""
        row, number = map(int, key.split("."))
        drawing = Image.open(io.BytesIO(self._images[row]))
        if self.photographs:
            view = View(upright(drawing), "", 0)
        else:
            rng = np.random.default_rng((_STREAM, row, number))
            view = compose(drawing.convert("RGBA"), rng, EVALUATION, portrait=self._portrait[row])
        return EvaluationView(key, self._concept[row], self._artist[row], row, view)

    def views(self, rows: list[int], count: int, rng: np.random.Generator) -> list[EvaluationView]:
        """``count`` views spread evenly over the given drawings, in an order that rng draws.

        None of none, and of photographs no more than there are.
        """
        if not rows:
            return []
        order = rng.permutation(rows)
        if self.photographs:
            count = min(count, len(rows))
        return [self.view(f"{order[i % len(order)]}.{i // len(order)}") for i in range(count)]


def _read_facts(path: Path) -> tuple[tuple[str, ...], bool, dict[str, Concept]]:
    """Artists that training saw, whether the images are photographs, and what the model may know.
    """
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        concepts = [from_json(json.dumps(one), Concept) for one in known["concepts"]]
        artists, photographs = tuple(known["artists"]), bool(known.get("photographs", False))
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(
            f"{path} does not say what an evaluation split needs, concepts and artists: {fault}"
        ) from fault
    return artists, photographs, {one.name: one for one in concepts}


def _hash(files: list[Path]) -> str:
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()

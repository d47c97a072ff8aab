"""A small reader of the WordNet 3.0 noun database (`index.noun`, `data.noun`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SENSE = re.compile(r"^(?P<lemma>[^#]+)#(?P<number>[1-9]\d*)$")
_EXAMPLE = re.compile(r';?\s*"')
_HYPERNYM_POINTERS = frozenset({"@", "@i"})


@dataclass(frozen=True, slots=True)
class Synset:
    """One noun sense: its words, its definition without examples, its direct hypernyms."""

    offset: int
    lemmas: tuple[str, ...]
    definition: str
    parents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WordNet:
    """Nouns of WordNet 3.0 (Miller 1995); words are written with spaces, not underscores."""

    index: Mapping[str, tuple[int, ...]]
    data: bytes

    @classmethod
    def open(cls, folder: Path) -> WordNet:
        """Read the noun database in `folder`.

        Raises ValueError when `index.noun` or `data.noun` is missing.
        """
        for name in ("index.noun", "data.noun"):
            if not (folder / name).is_file():
                raise ValueError(
                    f"{folder} holds no {name}: give the folder of the WordNet 3.0 database "
                    "(package wordnet-base of Debian)."
                )
        index = {}
        for line in (folder / "index.noun").read_text("ascii").splitlines():
            if line.startswith(" "):  # the licence text at the top
                continue
            lemma, _, count, *rest = line.split()
            index[lemma.replace("_", " ")] = tuple(int(o) for o in rest[-int(count):])
        return cls(index, (folder / "data.noun").read_bytes())

    def senses(self, word: str) -> tuple[Synset, ...]:
        """The senses of `word` in WordNet's order, most frequent first; () when unknown."""
        return tuple(self.synset(offset) for offset in self.index.get(word.lower(), ()))

    def sense(self, key: str) -> Synset:
        """The sense written "lemma#number", counted from 1.

        Raises ValueError when the key is malformed or names no sense.
        """
        match = _SENSE.match(key)
        senses = self.senses(match["lemma"]) if match else ()
        if match is None or not 0 < int(match["number"]) <= len(senses):
            raise ValueError(
                f'"{key}" names no noun sense: write lemma#number, such as "crane#4", with a '
                "number WordNet has."
            )
        return senses[int(match["number"]) - 1]

    def synset(self, offset: int) -> Synset:
        """The synset whose line starts at byte `offset` of `data.noun`."""
        line = self.data[offset : self.data.index(b"\n", offset)].decode("ascii")
        fields, _, gloss = line.partition(" | ")
        parts = fields.split()
        words = int(parts[3], 16)  # the format counts words in hexadecimal, pointers in decimal
        lemmas = tuple(w.replace("_", " ") for w in parts[4 : 4 + 2 * words : 2])
        pointers = parts[5 + 2 * words :]
        parents = tuple(
            int(target)
            for kind, target in zip(pointers[::4], pointers[1::4])
            if kind in _HYPERNYM_POINTERS
        )
        return Synset(offset, lemmas, _EXAMPLE.split(gloss, maxsplit=1)[0].strip(" ;"), parents)

    def ancestors(self, synset: Synset) -> Iterator[Synset]:
        """All hypernyms of `synset`, nearest first, each once."""
        seen: set[int] = set()
        level = list(synset.parents)
        while level:
            above: list[int] = []
            for offset in level:
                if offset not in seen:
                    seen.add(offset)
                    parent = self.synset(offset)
                    yield parent
                    above.extend(parent.parents)
            level = above

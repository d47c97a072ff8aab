"""Which concepts a text names. One rule for the source-free guard and for scoring answers.

Texts are compared word by word, without case, accents, punctuation or plurals. Of names that
overlap the longest wins: "a two hump camel" names "two hump camel", not "camel".
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from space_core.types import Concept

_WORD = re.compile(r"[^\W_]+")
_ARTICLES = ({"a"}, {"an"}, {"the"})
# Plurals in name only: one glass is no pair of glasses.
_SINGULAR = {"glasses", "sunglasses"}


def words(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: "Lemons!" → ("lemon",)."""
    plain = unicodedata.normalize("NFKD", text.casefold()).casefold()
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(map(_singular, _WORD.findall(kept)))


class NameBook:
    """Known names and what they name.

    names: the strings that name each concept, by the concept's key; an article before a name is
    no part of it. One string may name several concepts: all of them are found.
    """

    def __init__(self, names: Mapping[str, Iterable[str]]):
        self._keys: dict[tuple[str, ...], set[str]] = {}
        for key, strings in names.items():
            for string in strings:
                known = words(string)
                if len(known) > 1 and {known[0]} in _ARTICLES:
                    known = known[1:]
                if known:
                    self._keys.setdefault(known, set()).add(key)
        self._longest = max(map(len, self._keys), default=0)

    def named(self, text: str) -> frozenset[str]:
        """Keys of every concept that the text names, longer names before shorter ones."""
        said = words(text)
        found: set[str] = set()
        free = [True] * len(said)
        for length in range(min(self._longest, len(said)), 0, -1):
            for start in range(len(said) - length + 1):
                place = slice(start, start + length)
                keys = self._keys.get(said[place])
                if keys and all(free[place]):
                    found |= keys
                    free[place] = [False] * length
        return frozenset(found)


def distinct(concepts: Collection[Concept]) -> list[Concept]:
    """The concepts without other names that are what another of them is called first: in French a
    pencil is a "crayon", and yet it is no crayon.

    For scoring. The guard does not ask for it: what may name the concept is kept away.
    """
    first = {words(one.name) for one in concepts}

    def own(one: Concept, name: str) -> bool:
        return words(name) == words(one.name) or words(name) not in first

    return [
        replace(
            one, aliases=tuple(name for name in one.aliases if own(one, name)),
            labels={code: name for code, name in one.labels.items() if own(one, name)},
        )
        for one in concepts
    ]  # fmt: skip


def book_of(concepts: Iterable[Concept], key: str, names: Iterable[str]) -> NameBook:
    """The names of all concepts, with all that ``names`` says under one key.

    A concept whose name is among them, or that bears the key as another name, is the same one.
    Categories are in the book as well: in "a piece of clothing" nothing is called "piece".
    """
    own = list(names)
    said = set(map(words, own))
    others: dict[str, Iterable[str]] = {}
    for one in concepts:
        if one.category:
            others[f"category {one.category}"] = (one.category,)
        if words(one.name) in said or words(key) in map(words, one.names):
            own += one.names
        else:
            others[one.name] = one.names
    return NameBook({**others, key: own})


def read_names(path: Path) -> list[str]:
    """Names from a text file, one a line, each once. Raises ValueError where there is none."""
    if not path.is_file():
        raise ValueError(f"{path} does not exist: write a text file with one name a line.")
    names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    if not any(names):
        raise ValueError(f"{path} is empty: write one name a line.")
    return [name for name in dict.fromkeys(names) if name]


def _singular(word: str) -> str:
    if word in _SINGULAR or len(word) < 4 or word.endswith("ss"):
        return word
    one = word.removesuffix("s")
    if len(one) < 4:
        return one
    # Both forms end alike: fox and foxes, horse and horses, berry and berries, cookie and cookies.
    return re.sub(r"(ie|y)$", "i", re.sub(r"(x|ch|sh|s|z)e$", r"\1", one))

"""Which concepts a text names. One rule for the source-free guard and for scoring answers.

Texts are compared word by word, without case, accents, punctuation or English plurals; where a
script sets no blanks between words, letter by letter. Of names that overlap the longest wins: "a
two hump camel" names "two hump camel", not "camel".
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from space_core.types import Concept

# Thai to Burmese, Khmer, Japanese, Chinese; Korean, whose words end in what others set before them.
_NO_BLANKS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_NO_BLANKS}]|[^\W_{_NO_BLANKS}]+")
_ARTICLES = ({"a"}, {"an"}, {"the"})
# Plurals in name only: one glass is no pair of glasses.
_SINGULAR = {"glasses", "sunglasses"}
_IRREGULAR = {
    "mice": "mouse", "geese": "goose", "feet": "foot", "teeth": "tooth", "children": "child",
    "oxen": "ox", "lice": "louse", "people": "person",
}  # fmt: skip


def words(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: "Lemons!" → ("lemon",)."""
    plain = unicodedata.normalize("NFKD", text.casefold()).casefold()
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    # Korean syllables, which came apart as accents do, become whole again.
    return tuple(map(_singular, _WORD.findall(unicodedata.normalize("NFC", kept))))


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


def may_be_one(one: str, other: str) -> bool:
    """Whether two names may be one person's: each word of the shorter one stands in the other, or
    an initial for it. "Quill" and "A. Quill" may be "Ada Quill"; "Ada Byron" is another.
    """
    short, rest = sorted((list(words(one)), list(words(other))), key=len)
    whole = False
    for word in sorted(short, key=len, reverse=True):
        fits = [some for some in rest if some == word] or [
            some for some in rest if 1 in (len(some), len(word)) and some[0] == word[0]
        ]
        if not fits:
            return False
        rest.remove(fits[0])
        whole |= fits[0] == word and len(word) > 1
    return whole


@lru_cache(maxsize=100_000)
def _singular(word: str) -> str:
    """What a word and its English plural have in common, which need not be a word."""
    word = _IRREGULAR.get(word, word)
    if word in _SINGULAR or len(word) < 4 or word.endswith("ss"):
        return word
    one = re.sub(r"men$", "man", word.removesuffix("s"))
    if len(one) < 4:
        return one
    for plural, both in (
        (r"(ie|y)$", "y"),  # berry, berries; cookie, cookies; fly, flies
        (r"oe$", "o"),  # tomato, tomatoes; shoe, shoes
        (r"(l|r|ea|oa|oo|ie|i)ve$", r"\1f"),  # wolf, wolves; leaf, leaves; olive, olives
        (r"ife$", "if"),  # knife, knives
    ):
        one = re.sub(plural, both, one)
    bare = re.sub(r"(x|ch|sh|s|z)e$", r"\1", one)
    # What lost an e may end in s still: octopus, octopuses; lens, lenses; horse, horses.
    return _singular(bare) if bare != one else bare

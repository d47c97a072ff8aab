"""Which concepts a text names. One rule for the source-free guard and for scoring answers.

Texts are compared word by word, without case, accents, punctuation or plural "s". Of names that
overlap the longest wins: "a two hump camel" names "two hump camel", not "camel".
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"\w+")


def words(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: "Lemons!" → ("lemon",)."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(map(_singular, _WORD.findall(kept)))


class NameBook:
    """Known names and what they name.

    names: the strings that name each concept, by the concept's key. One string may name several
    concepts: all of them are found.
    """

    def __init__(self, names: Mapping[str, Iterable[str]]):
        self._keys: dict[tuple[str, ...], set[str]] = {}
        for key, strings in names.items():
            for string in strings:
                if known := words(string):
                    self._keys.setdefault(known, set()).add(key)
        self._longest = max(map(len, self._keys), default=0)

    def named(self, text: str) -> frozenset[str]:
        """Keys of every concept that the text names, the longest match winning."""
        said = words(text)
        found: set[str] = set()
        start = 0
        while start < len(said):
            for length in range(min(self._longest, len(said) - start), 0, -1):
                keys = self._keys.get(said[start : start + length])
                if keys:
                    found |= keys
                    start += length
                    break
            else:
                start += 1
        return frozenset(found)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word

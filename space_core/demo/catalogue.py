"""The catalogue of drawn things: which emoji are concepts, and what they are called.

Curation (what is a thing, what drawings it merges, its WordNet sense) lies in `things.json`;
labels come from emojibase, hypernyms from WordNet 3.0, drawings from the Iconify icon sets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from space_core.demo.wordnet import WordNet

MAIN_ARTISTS = ("noto", "twemoji", "openmoji", "fluent-emoji-flat", "fluent-emoji")
EXTRA_ARTISTS = ("fxemoji", "emojione")
LANGUAGES = ("de", "fr", "es")
MAX_DEFINITION_WORDS = 12

_FOLDER = Path(__file__).parent
_VARIATION = re.compile(r"-fe0f\b")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_STOP_WORDS = frozenset(
    "a an and at by for from in into of off on onto or out over that the to up used when where "
    "with you your".split()
)
# fluent-emoji ships no code points but names its icons as fluent-emoji-flat does.
_NAMED_AS = {"fluent-emoji": "fluent-emoji-flat"}
# These sets ship no code points at all: names are matched by label.
_NAMED_BY_LABEL = frozenset(EXTRA_ARTISTS)
# Icons that draw something other than the emoji of that name: a piano, a smiley, a dialog box,
# a solid black square; a bat and ball, a revolver.
_MISNAMED = {
    "fxemoji": frozenset({"keyboard", "sunglasses", "window", "tramcar"}),
    "emojione": frozenset({"cricket", "pistol"}),
}
_MAX_HYPERNYMS = 3


@dataclass(frozen=True, slots=True)
class Thing:
    """One concept that a careful person can name from its drawing.

    `drawings` are emojibase hexcodes (primary first), each drawn by every main artist;
    `domain` is animals (and plants), food, places (and sky) or objects.
    """

    name: str
    article: str
    aliases: tuple[str, ...]
    domain: str
    category: str
    labels: Mapping[str, str]
    definition: str
    hypernyms: tuple[str, ...]
    drawings: tuple[str, ...]

    @property
    def phrase(self) -> str:
        """The name with its article, such as "a lemon", "grapes", "the Statue of Liberty"."""
        return f"{self.article} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Query:
    """A search phrase and the names of the things it should find."""

    query: str
    expected: tuple[str, ...]


def load_things(packages: Path, wordnet: Path) -> tuple[Thing, ...]:
    """All things, in the order of `things.json`.

    `packages` is the node_modules folder with emojibase-data and @iconify-json, `wordnet` the
    folder of the WordNet 3.0 database. Raises ValueError when either is missing, or when the
    curation names a label, a sense or a drawing that the sources do not have.
    """
    emoji = {entry["label"]: entry for entry in _emojibase(packages, "en")}
    labels = {
        language: {entry["hexcode"]: entry["label"] for entry in _emojibase(packages, language)}
        for language in LANGUAGES
    }
    drawn = [set(icons(packages, artist)) for artist in MAIN_ARTISTS]
    nouns = WordNet.open(wordnet)
    things = []
    for category, group in _read(_FOLDER / "things.json").items():
        for entry in group["things"]:
            name = entry["name"]
            drawings = []
            for label in entry.get("drawn", [name]):
                if label not in emoji:
                    raise ValueError(
                        f'things.json draws "{name}" as "{label}", which is no English emojibase '
                        "label: correct the entry's \"drawn\"."
                    )
                code = emoji[label]["hexcode"]
                if not all(code in artist for artist in drawn):
                    raise ValueError(
                        f'"{label}" is not drawn by all of {", ".join(MAIN_ARTISTS)}: remove it '
                        f'from "{name}" in things.json or install complete icon sets.'
                    )
                drawings.append(code)
            things.append(
                Thing(
                    name=name,
                    article=entry.get("article", _article(name)),
                    aliases=tuple(entry.get("also", ())),
                    domain=group["domain"],
                    category=category,
                    labels={
                        language: entry.get(language, labels[language][drawings[0]])
                        for language in LANGUAGES
                    },
                    definition=entry.get("definition") or _definition(nouns, entry["sense"]),
                    hypernyms=tuple(entry.get("hypernyms") or _hypernyms(nouns, entry["sense"])),
                    drawings=tuple(drawings),
                )
            )
    return tuple(things)


def icons(packages: Path, artist: str) -> dict[str, str]:
    """Hexcode -> standalone SVG, for every emoji that `artist` draws.

    Raises ValueError for an unknown artist or a missing package.
    """
    if artist not in MAIN_ARTISTS + EXTRA_ARTISTS:
        raise ValueError(
            f'No artist is called "{artist}": take one of '
            f'{", ".join(MAIN_ARTISTS + EXTRA_ARTISTS)}.'
        )
    folder = packages / "@iconify-json"
    drawn = _read(folder / artist / "icons.json")
    if artist in _NAMED_BY_LABEL:
        named = _names_by_label(packages, artist, drawn)
    else:
        codes = _read(folder / _NAMED_AS.get(artist, artist) / "chars.json")
        named = {_VARIATION.sub("", code): name for code, name in codes.items()}
    found = {}
    for entry in _emojibase(packages, "en"):
        name = named.get(_VARIATION.sub("", entry["hexcode"].lower()))
        if name is not None and (svg := _svg(drawn, name)) is not None:
            found[entry["hexcode"]] = svg
    return found


def load_queries() -> tuple[Query, ...]:
    """The fixed search queries of the demo; their words stay out of all captions."""
    return tuple(
        Query(entry["query"], tuple(entry["expected"]))
        for entry in _read(_FOLDER / "queries.json")
    )


def content_words(text: str) -> frozenset[str]:
    """The words of `text` in lower case, without stop words and possessive endings."""
    words = (re.sub(r"['’]s$", "", word) for word in _WORD.findall(text.lower()))
    return frozenset(words) - _STOP_WORDS


def query_words() -> frozenset[str]:
    """The content words of all queries, which no caption may use."""
    return frozenset().union(*(content_words(query.query) for query in load_queries()))


def _read(path: Path) -> Any:
    if not path.is_file():
        raise ValueError(
            f"{path} does not exist: give the node_modules folder in which emojibase-data and "
            "the @iconify-json icon sets are installed."
        )
    return json.loads(path.read_text("utf-8"))


def _emojibase(packages: Path, language: str) -> list[dict[str, Any]]:
    return _read(packages / "emojibase-data" / language / "data.json")


def _article(name: str) -> str:
    return "an" if name[0].lower() in "aeiou" else "a"


def _hypernyms(nouns: WordNet, sense: str) -> tuple[str, ...]:
    above = nouns.ancestors(nouns.sense(sense))
    return tuple(synset.lemmas[0] for synset in islice(above, _MAX_HYPERNYMS))


def _definition(nouns: WordNet, sense: str) -> str:
    text = nouns.sense(sense).definition.split(";")[0]
    if len(text.split()) > MAX_DEFINITION_WORDS:
        raise ValueError(
            f'WordNet defines {sense} in more than {MAX_DEFINITION_WORDS} words: give its entry '
            'in things.json a shorter "definition".'
        )
    return text


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


def _names_by_label(packages: Path, artist: str, drawn: Mapping[str, Any]) -> dict[str, str]:
    """Code point -> icon name, for sets whose icons are named by a label of the emoji.

    An icon goes to the emoji whose label it bears, else to the one whose shortcode it bears,
    and never to two.
    """
    free = {
        _plain(name): name
        for name in (*drawn["icons"], *drawn.get("aliases", {}))
        if name not in _MISNAMED[artist]
    }
    shortcodes = _read(packages / "emojibase-data" / "en" / "shortcodes" / "joypixels.json")
    emoji = {entry["hexcode"]: entry["label"] for entry in _emojibase(packages, "en")}
    short = (
        (code, name)
        for code, names in shortcodes.items()
        for name in ([names] if isinstance(names, str) else names)
    )
    named: dict[str, str] = {}
    for hexcode, label in (*emoji.items(), *short):
        code = _VARIATION.sub("", hexcode.lower())
        if code not in named and _plain(label) in free:
            named[code] = free.pop(_plain(label))
    return named


def _svg(drawn: Mapping[str, Any], name: str) -> str | None:
    """The icon as a complete SVG; an alias is followed only when it changes nothing."""
    icon = drawn["icons"].get(name)
    if icon is None:
        alias = drawn.get("aliases", {}).get(name)
        return _svg(drawn, alias["parent"]) if alias and set(alias) == {"parent"} else None
    box = {
        key: icon.get(key, drawn.get(key, default))
        for key, default in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
    }
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box["left"]} {box["top"]} {box["width"]} {box["height"]}">'
        f'{icon["body"]}</svg>'
    )

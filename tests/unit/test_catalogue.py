"""What the catalogue of drawn things promises to captions, questions and search."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

from space_core.demo.catalogue import (
    EXTRA_ARTISTS,
    LANGUAGES,
    MAIN_ARTISTS,
    MAX_DEFINITION_WORDS,
    Thing,
    content_words,
    icons,
    load_queries,
    load_things,
    query_words,
)
from space_core.demo.wordnet import WordNet

DOMAINS = {"animals", "food", "places", "objects"}


@pytest.fixture(scope="module")
def wordnet() -> Path:
    folder = Path(os.environ.get("SPACE_WORDNET", "/usr/share/wordnet"))
    if not (folder / "data.noun").is_file():
        pytest.skip(f"no WordNet database in {folder}: set SPACE_WORDNET to its folder")
    return folder


@pytest.fixture(scope="module")
def packages() -> Path:
    folder = os.environ.get("SPACE_PACKAGES")
    if folder is None or not (Path(folder) / "emojibase-data").is_dir():
        pytest.skip("no npm packages: set SPACE_PACKAGES to the node_modules folder")
    return Path(folder)


@pytest.fixture(scope="module")
def things(packages: Path, wordnet: Path) -> tuple[Thing, ...]:
    return load_things(packages, wordnet)


def test_no_name_or_alias_belongs_to_two_things(things: tuple[Thing, ...]) -> None:
    names = Counter(n.lower() for thing in things for n in {thing.name, *thing.aliases})
    assert [name for name, count in names.items() if count > 1] == []


def test_every_thing_is_described(things: tuple[Thing, ...]) -> None:
    for thing in things:
        assert thing.name and thing.category and thing.hypernyms and thing.drawings, thing
        assert thing.article in {"a", "an", "the", ""}, thing
        assert thing.domain in DOMAINS, thing
        assert set(thing.labels) == set(LANGUAGES) and all(thing.labels.values()), thing
        assert not set("()[]") & set(thing.name), thing


def test_definitions_are_short_unique_and_do_not_give_the_name_away(
    things: tuple[Thing, ...],
) -> None:
    assert len({thing.definition for thing in things}) == len(things)
    for thing in things:
        assert 3 <= len(thing.definition.split()) <= MAX_DEFINITION_WORDS, thing
        named = {word.rstrip("s") for word in content_words(thing.name)}
        assert not named & {word.rstrip("s") for word in content_words(thing.definition)}, thing


def test_domains_and_categories_are_large_enough(things: tuple[Thing, ...]) -> None:
    assert len(things) >= 450
    domains = Counter(thing.domain for thing in things)
    assert set(domains) == DOMAINS and min(domains.values()) >= 40
    assert min(Counter(thing.category for thing in things).values()) >= 5
    homes = {(thing.category, thing.domain) for thing in things}
    assert len(homes) == len({category for category, _ in homes})


def test_each_drawing_belongs_to_one_thing_and_to_every_main_artist(
    packages: Path, things: tuple[Thing, ...]
) -> None:
    drawings = [code for thing in things for code in thing.drawings]
    assert len(drawings) == len(set(drawings))
    for artist in MAIN_ARTISTS:
        assert set(drawings) <= set(icons(packages, artist))


@pytest.mark.parametrize("artist", MAIN_ARTISTS + EXTRA_ARTISTS)
def test_icons_are_complete_svg_documents(packages: Path, artist: str) -> None:
    drawn = icons(packages, artist)
    assert len(drawn) > 400
    root = ElementTree.fromstring(drawn["1F344"])
    assert root.tag.endswith("svg") and len(root.attrib["viewBox"].split()) == 4


def test_no_icon_of_an_extra_artist_stands_for_two_emoji(packages: Path) -> None:
    for artist in EXTRA_ARTISTS:
        drawn = icons(packages, artist)
        assert len(drawn) - len(set(drawn.values())) <= len(drawn) // 100


def test_queries_expect_known_things_in_every_domain(things: tuple[Thing, ...]) -> None:
    queries = load_queries()
    assert len(queries) == 60 and len({query.query for query in queries}) == 60
    domain = {thing.name: thing.domain for thing in things}
    expected = {name for query in queries for name in query.expected}
    assert expected <= set(domain)
    counts = Counter(domain[query.expected[0]] for query in queries)
    assert all(counts[name] >= 10 for name in DOMAINS)


def test_query_words_name_nothing(things: tuple[Thing, ...]) -> None:
    words = query_words()
    for thing in things:
        for text in (thing.name, thing.category, *thing.aliases):
            assert not content_words(text) & words, (thing.name, text)


def test_definitions_are_free_of_query_words(things: tuple[Thing, ...]) -> None:
    words = query_words()
    assert [t.name for t in things if content_words(t.definition) & words] == []


def test_content_words_drop_stop_words_and_possessives() -> None:
    assert content_words("The king's dunes of the Sahara") == {"king", "dunes", "sahara"}


def test_wordnet_gives_definition_and_hypernyms(wordnet: Path) -> None:
    nouns = WordNet.open(wordnet)
    lemon = nouns.sense("lemon#1")
    assert lemon.definition == "yellow oval fruit with juicy acidic flesh"
    above = [synset.lemmas[0] for synset in nouns.ancestors(lemon)]
    assert above[:2] == ["citrus", "edible fruit"] and above.count("entity") == 1
    assert "hot dog" in nouns.sense("hot dog#2").lemmas
    assert nouns.senses("no such noun") == ()


@pytest.mark.parametrize("key", ["lemon", "lemon#0", "lemon#99", "no such noun#1"])
def test_wordnet_refuses_unknown_senses(wordnet: Path, key: str) -> None:
    with pytest.raises(ValueError, match="names no noun sense"):
        WordNet.open(wordnet).sense(key)


def test_missing_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="index.noun"):
        WordNet.open(tmp_path)
    with pytest.raises(ValueError, match="node_modules"):
        icons(tmp_path, "noto")
    with pytest.raises(ValueError, match="No artist"):
        icons(tmp_path, "rembrandt")

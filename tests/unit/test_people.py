"""The invented people: nobody is confusable, and no portrait leaks from one split to another."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from pathlib import Path

import pytest

from space_core.demo.people import PEOPLE, STYLE_CREDITS, Person, draw, portrait_specs

PACKAGES = [
    folder
    for folder in Path(__file__).resolve().parents
    if (folder / "node_modules" / "@dicebear" / "collection").is_dir()
]


def looks(person: Person) -> dict[str, object]:
    """What of a person is seen and stays: an option that only says "drawn or not" counts once."""
    return {key: value for key, value in person.options.items() if not key.endswith("Probability")}


def combination(spec: dict[str, object]) -> str:
    return repr(sorted(spec["options"].items()))


def test_names_first_names_and_last_names_are_unique() -> None:
    names = [person.name for person in PEOPLE]
    assert len(names) >= 64
    assert all(len(name.split()) == 2 for name in names)
    words = [word for name in names for word in name.split()]
    assert len(set(words)) == 2 * len(names)


def test_every_style_is_credited_and_has_nine_or_more_people() -> None:
    people = Counter(person.style for person in PEOPLE)
    assert people.keys() == STYLE_CREDITS.keys()
    assert min(people.values()) >= 9


def test_trades_and_cities_are_spread_and_tell_nothing_of_each_other() -> None:
    trades = Counter(person.occupation for person in PEOPLE)
    cities = Counter(person.city for person in PEOPLE)
    assert 16 <= len(trades) <= 24 and len(cities) >= 16
    assert max(trades.values()) - min(trades.values()) <= 1
    assert max(cities.values()) - min(cities.values()) <= 1
    assert len({(person.occupation, person.city) for person in PEOPLE}) == len(PEOPLE)


def test_two_people_of_a_style_differ_in_two_features() -> None:
    for one, other in itertools.combinations(PEOPLE, 2):
        if one.style == other.style:
            mine, theirs = looks(one), looks(other)
            differing = {key for key in mine | theirs if mine.get(key) != theirs.get(key)}
            # The beard's colour follows the hair's, and ink for the mouth follows the beard's.
            differing -= {"facialHairColor", "mouthColor"}
            assert len(differing) >= 2, (one.name, other.name)
            assert one.features != other.features


def test_features_are_plain_words() -> None:
    for person in PEOPLE:
        assert person.pronoun in ("he", "she", "they")
        assert person.features
        assert all(words.replace(" ", "").replace("-", "").isalpha() for words in person.features)


def test_a_portrait_keeps_every_option_of_the_identity() -> None:
    for person in PEOPLE:
        for spec in portrait_specs(person, "train", 20, seed=3):
            assert spec["style"] == person.style
            kept = {key: spec["options"].get(key) for key in person.options}
            kept.pop("gestureProbability", None)
            assert kept.items() <= dict(person.options).items()


def test_no_portrait_is_left_to_chance() -> None:
    for person in PEOPLE:
        for value in portrait_specs(person, "pool", 1, seed=0)[0]["options"].values():
            assert value in (0, 100) if isinstance(value, int) else len(value) == 1


def test_specs_are_deterministic_and_grow_by_appending() -> None:
    person = PEOPLE[0]
    assert portrait_specs(person, "eval", 12, 5) == portrait_specs(person, "eval", 12, 5)
    assert portrait_specs(person, "eval", 12, 5) == portrait_specs(person, "eval", 30, 5)[:12]
    assert portrait_specs(person, "eval", 12, 5) != portrait_specs(person, "eval", 12, 6)


def test_splits_are_disjoint_and_without_repeats() -> None:
    for person in PEOPLE:
        specs = [
            spec
            for split, count in (("train", 77), ("pool", 38), ("eval", 77))
            for spec in portrait_specs(person, split, count, seed=1)
        ]
        assert len({combination(spec) for spec in specs}) == len(specs) == 192
        assert len({spec["id"] for spec in specs}) == 192


@pytest.mark.parametrize(("split", "count"), [("test", 1), ("pool", 10_000), ("pool", -1)])
def test_an_impossible_wish_is_refused(split: str, count: int) -> None:
    with pytest.raises(ValueError, match="split|different portraits"):
        portrait_specs(PEOPLE[0], split, count, seed=0)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "node")
    with pytest.raises(FileNotFoundError, match="npm install"):
        next(draw([], tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(FileNotFoundError, match="PATH"):
        next(draw([], tmp_path))


@pytest.mark.skipif(not (shutil.which("node") and PACKAGES), reason="needs node and DiceBear")
def test_dicebear_draws_each_person_alike_whatever_its_seed() -> None:
    specs = [spec for person in PEOPLE for spec in portrait_specs(person, "eval", 2, seed=0)]
    seeded = [{**spec, "options": {**spec["options"], "seed": "another"}} for spec in specs]
    drawn = dict(draw(specs, PACKAGES[0]))
    assert drawn == dict(draw(seeded, PACKAGES[0]))
    assert len(set(drawn.values())) == len(specs)
    stray = {"id": "x", "style": "micah", "options": {"beret": ["red"]}}
    with pytest.raises(RuntimeError, match='micah has no option "beret"'):
        list(draw([stray], PACKAGES[0]))

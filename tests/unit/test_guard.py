"""The source-free guard: what is known to show the concept is never an anchor, and says why."""

from dataclasses import replace

import pytest
from PIL import ImageOps
from small_world import CUT, make_world, noise

from space_core.guard import barred, namesakes
from space_core.retained import certified_rows
from space_core.settings import TpasConfig
from space_core.types import Concept, ConceptRequest


@pytest.fixture
def world(tmp_path_factory):
    return lambda *extra: make_world(tmp_path_factory.mktemp("world"), *extra)


NAMED = {
    "label": {"label": "lemon"},
    "label in other letters": {"label": "LÉMONS", "caption": "Yellow."},
    "alias as label": {"label": "Zitrone", "caption": "Gelb."},
    "another of its names": {"label": "sour fruit", "also": ["Frucht", "ZITRONES"]},
    "caption": {"label": "still life", "caption": "Two Lemons, and a lime."},
    "alias in the caption": {"label": "still life", "caption": "Eine Zitrone."},
    "caption alone": {"label": "", "caption": "lemon"},
    "artist": {"label": "still life", "artist": "Lemon"},
    "a copy under a false name": {
        "label": "tram", "caption": "A tram.", "picture": noise(0, brighter=25),
    },
    "a mirrored copy under a false name": {
        "label": "tram", "caption": "A tram.", "picture": ImageOps.mirror(noise(0, brighter=25)),
    },
    "a copy that was taken out said so": {
        "label": "still life", "caption": "Fruit.", "copies": ["Two lemons."],
    },
    "the same image under a false name": {"label": "", "caption": "", "picture": noise(0)},
}  # fmt: skip


@pytest.mark.parametrize("way", NAMED)
def test_no_anchor_is_known_to_show_the_concept(world, way):
    some = world((NAMED[way], 0.95))
    row = len(some.pool) - 1
    selection = some.select()
    assert row not in {one.row for one in selection.anchors}
    assert set(some.labels(selection)) == {"lime", "orange"}
    (dropped,) = (one for one in selection.dropped if one.row == row)
    assert dropped.reason and dropped.label == some.pool.items[row].label


def test_every_candidate_is_an_anchor_or_dropped_with_a_reason(world):
    some = world(*((way, 0.9) for way in NAMED.values() if "picture" not in way))
    selection = some.select()
    anchors, dropped = selection.anchors, selection.dropped
    above = {row for row, score in enumerate(selection.scores) if score >= CUT.threshold}
    assert sorted([one.row for one in (*anchors, *dropped)]) == sorted(above)
    assert all(one.reason for one in dropped)
    assert not {one.sha256 for one in anchors} & {
        some.pool.image_sha256(row) for row in some.pool.rows_of["lemon"]
    }


def test_a_copy_is_found_where_the_image_it_copies_lies_below_the_cut(world):
    some = world(
        ({"label": "lemon", "picture": noise(77)}, 0.0),
        ({"label": "ball", "picture": noise(77, brighter=20)}, 0.9),
        ({"label": "ball", "picture": noise(78)}, 0.9),
    )
    copy, ball = some.pool.rows_of["ball"]
    selection = some.select()
    assert selection.anchors[0].row == ball
    assert {one.row: one.reason for one in selection.dropped}[copy].endswith("it may be a copy")


def test_words_that_the_request_adds_count_as_names(world):
    some = world(({"label": "still life", "caption": "A citron."}, 0.9))
    assert "still life" in some.labels(some.select())
    assert "still life" not in some.labels(some.select(ConceptRequest("lemon", ("Citrons",))))


@pytest.mark.parametrize("name", ["Zitrone", "Lemons"])
def test_the_pool_knows_a_concept_by_any_of_its_names(world, name):
    selection = world().select(ConceptRequest(name))
    assert {one.label for one in selection.anchors} == {"lime", "orange"}
    assert {one.label for one in selection.dropped} == {"lemon"}
    assert selection.resolved == ()


def test_a_longer_name_is_another_concept(world):
    labels = ("camel", "two hump camel", "two hump camel", "cow")
    some = world(*(({"label": label}, 0.8) for label in labels))
    for label in labels:
        some.space.meaning[label] = some.space.meaning["Zitrone"]
    (*_, one, two, other, cow) = range(len(some.pool))

    def rows(name: str) -> set[int]:
        return {anchor.row for anchor in some.select(ConceptRequest(name)).anchors}

    assert {two, other, cow} <= rows("camel") and one not in rows("camel")
    assert {one, cow} <= rows("two hump camel") and not {two, other} & rows("two hump camel")


def test_a_style_is_erased_without_its_artist(world):
    artists = ("Micah", "Noto", "Lorelei") * 2
    some = world(*(({"label": f"cup {i}", "artist": a}, 0.9) for i, a in enumerate(artists)))
    some.space.meaning["Micah"] = some.space.texts(["lemon"])[0]
    selection = some.select(ConceptRequest("Micah"))
    assert "drawn by Micah" in some.space.asked[-1]
    assert {one.artist for one in selection.anchors} == {"Noto", "Lorelei"}
    assert {one.row for one in selection.dropped if one.reason == "it was drawn by Micah"} == {
        row for row, item in enumerate(some.pool.items) if item.artist == "Micah"
    }


def test_what_certifies_the_damage_is_no_anchor(world):
    some = world(*(({"label": f"cup {i}"}, 0.9) for i in range(20)))
    aside = certified_rows(some.pool, some.pool.rows_of["lemon"])
    selection = some.select()
    assert aside and not set(aside) & {one.row for one in selection.anchors}
    reasons = {one.row: one.reason for one in selection.dropped}
    above = [row for row in aside if selection.scores[row] >= CUT.threshold]
    assert above and all("measured" in reasons[row] for row in above)


def test_the_guard_bars_the_same_rows_whatever_is_searched(world):
    pool = world().pool
    assert list(barred(pool, Concept("bus", "nature", "vehicle", "a"))) == pool.rows_of["bus"]
    assert barred(pool, Concept("dragon", "", "")) == {}


def test_the_cut_counts_only_images_that_may_be_used(world):
    some = world(*(({"label": f"cup {i}", "artist": "Micah"}, 0.95) for i in range(40)))
    some.space.meaning["Micah"] = some.space.texts(["lemon"])[0]
    config = replace(CUT, threshold=None, percentile=50.0)
    selection = some.select(ConceptRequest("Micah"), config)
    free = len(some.pool) - 40
    assert len(selection.anchors) >= free // 2


def test_a_pool_of_the_concept_alone_is_refused(world):
    some = world()
    some.space.meaning["Noto"] = some.space.texts(["lemon"])[0]
    with pytest.raises(ValueError, match="larger pool"):
        some.select(ConceptRequest("Noto"))


PERSON = {"label": "Ada Quill", "domain": "people", "category": "person", "caption": "A portrait."}
STYLED = {"label": "cup", "artist": "Vincent van Gogh"}


@pytest.mark.parametrize("name", ["Quill", "A. Quill", "Ada B. Quill"])
def test_whom_another_form_of_the_name_may_mean_is_kept_away_and_said(world, name):
    some = world((PERSON, 0.95), (PERSON, 0.9), (STYLED, 0.9))
    some.space.meaning[name] = some.space.near({"lemon": -0.5, "bus": -0.5}, name)
    with pytest.raises(ValueError, match="Or do you mean “Ada Quill”"):
        some.select(ConceptRequest(name), TpasConfig(by_chance=0.0))
    some.space.meaning[name] = some.space.near({"lemon": 1.0}, name)
    rows = {row for row, item in enumerate(some.pool.items) if item.label == "Ada Quill"}
    asked = ConceptRequest(name)
    assert barred(some.pool, Concept(name, "", "")).keys() == rows
    selection = some.select(asked)
    assert not rows & {one.row for one in selection.anchors}
    assert selection.resolved[0] == "Ada Quill"
    assert any("“Ada Quill”, who may be the one you mean" in one for one in selection.warnings)
    assert {"who may be the one meant" in one.reason for one in selection.dropped} == {True}


def test_an_artist_by_the_surname_is_kept_away_and_a_known_thing_is_no_artist(world):
    some = world((STYLED, 0.9), ({"label": "van"}, 0.9))
    assert namesakes(some.pool, Concept("van Gogh", "", "")) == ("Vincent van Gogh",)
    assert namesakes(some.pool, Concept("van", "", "")) == ()
    assert namesakes(some.pool, Concept("Ada Byron", "people", "person")) == ()

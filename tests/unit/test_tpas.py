"""TPAS: anchors are the pool's images nearest to the concept's text, or the request is refused."""

from dataclasses import replace

import pytest
from small_world import CUT, FRUIT, LEMON, make_world, noise

from space_core.retained import certified_rows
from space_core.settings import TpasConfig
from space_core.types import ConceptRequest


@pytest.fixture
def world(tmp_path_factory):
    return lambda *extra: make_world(tmp_path_factory.mktemp("world"), *extra)


@pytest.mark.parametrize("threshold", [0.2, 0.4, 0.55, 0.75])
def test_the_cut_is_respected(world, threshold):
    some = world(*(({"label": f"cup {i}"}, i / 10) for i in range(10)))
    selection = some.select(config=TpasConfig(100, threshold, diversity=0.3))
    own = some.pool.rows_of["lemon"]
    free = set(range(len(some.pool))) - {*own, *certified_rows(some.pool, own)}
    above = {row for row, score in enumerate(selection.scores) if score >= threshold}
    assert {one.row for one in selection.anchors} == free & above
    assert min(one.similarity for one in selection.anchors) >= threshold == selection.threshold


def test_without_a_cut_the_pool_sets_its_own(world):
    some = world(*(({"label": f"cup {i}"}, 0.8) for i in range(5)))
    selection = some.select(config=TpasConfig(threshold=None, percentile=85))
    scores = sorted(selection.scores)
    assert scores[-6] < selection.threshold <= scores[-5]
    assert {one.label for one in selection.anchors} == {f"cup {i}" for i in range(5)}


def test_vetoed_images_never_come_back(world):
    some, out = world(), set()
    for _ in range(3):
        rows = {one.row for one in some.select(config=TpasConfig(2, 0.4), left_out=out).anchors}
        assert len(rows) == 2 and not rows & out
        out |= rows
    with pytest.raises(ValueError, match="Only 0 public images"):
        some.select(left_out=range(len(some.pool)))


def test_diversity_zero_takes_the_most_similar_in_order(world):
    cosines = [0.61, 0.92, 0.73, 0.84, 0.55]
    some = world(*(({"label": f"cup {i}"}, cosine) for i, cosine in enumerate(cosines)))
    selection = some.select(config=TpasConfig(4, 0.0, diversity=0.0))
    assert some.labels(selection) == ["cup 1", "cup 3", "cup 2", "cup 0"]
    assert [one.rank for one in selection.anchors] == [1, 2, 3, 4]
    found = [one.similarity for one in selection.anchors]
    assert found == pytest.approx([0.92, 0.84, 0.73, 0.61], abs=2e-3)


def test_diversity_avoids_duplicates(world):
    twins = [noise(2000 + i) for i in range(3)]
    extra = [({"label": "twin", "picture": image}, 0.8) for image in twins]
    some = world(*extra, *(({"label": f"cup {i}"}, 0.7) for i in range(3)))
    rows = some.pool.rows_of["twin"]
    vectors = some.pool.vectors.clone()
    vectors[rows] = vectors[rows[0]].clone()
    some.pool.attach(vectors, some.pool.hashes)
    plain = some.select(config=TpasConfig(3, 0.6, diversity=0.0))
    varied = some.select(config=TpasConfig(3, 0.6, diversity=0.5))
    assert some.labels(plain) == ["twin"] * 3
    assert some.labels(varied)[0] == "twin" and some.labels(varied).count("twin") == 1
    assert plain.effective == pytest.approx(1.0, abs=1e-3) and varied.effective > 2


@pytest.mark.parametrize(
    "request_, config, message",
    [
        (ConceptRequest(""), CUT, "is empty"),
        (ConceptRequest("  \n"), CUT, "is empty"),
        (ConceptRequest("?!…"), CUT, "holds no letters or digits"),
        (ConceptRequest("🍋"), CUT, "holds no letters or digits"),
        (ConceptRequest("x" * 81), CUT, "81 characters long"),
        (ConceptRequest("a\u202ebc"), CUT, "“abc” holds invisible marks"),
        (ConceptRequest("lemon", ("y" * 81,)), CUT, "81 characters long"),
        (ConceptRequest("lemon", category="z" * 81), CUT, "81 characters long"),
        (ConceptRequest("lemon", description="z" * 501), CUT, "longer than 500"),
        (ConceptRequest("lemon", ("a",) * 31), CUT, "31 other names are too many"),
        (ConceptRequest("lemon", protect=("cup",) * 31), CUT, "31 protected concepts are too many"),
        (LEMON, TpasConfig(anchors=1), "use 2 or more"),
    ],
)
def test_what_is_no_request_is_refused_before_any_search(world, request_, config, message):
    some = world()
    some.space.asked.clear()
    with pytest.raises(ValueError, match=message):
        some.select(request_, config)
    assert some.space.asked == []


def test_a_concept_that_nothing_resembles_is_refused(world):
    some = world()
    dragon = ConceptRequest("dragon")
    with pytest.raises(ValueError, match="Nothing in the public pool resembles “dragon”"):
        some.select(dragon, TpasConfig())
    with pytest.raises(ValueError, match="Only 0 public images .* lower the cut"):
        some.select(dragon)
    # Who sets the cut gets the anchors, and is told.
    forced = some.select(dragon, TpasConfig(threshold=-1.0))
    assert any("hardly like the concept" in warning for warning in forced.warnings)
    assert not any("hardly" in warning for warning in some.select().warnings)
    some.space.meaning["yuzu"] = some.space.near(dict.fromkeys(FRUIT, 0.55), "yuzu")
    yuzu = some.select(ConceptRequest("yuzu"), TpasConfig(percentile=60))
    assert set(some.labels(yuzu)) <= set(FRUIT)


def test_the_same_request_gives_the_same_selection(world):
    some = world(*(({"label": f"cup {i}"}, 0.7) for i in range(4)))
    config = TpasConfig(6, 0.4)
    first = some.select(config=config)
    assert first == some.select(config=config)
    assert first.request is LEMON and len(first.scores) == len(some.pool)
    assert first != some.select(ConceptRequest("lime"), config)


def test_an_unknown_word_near_a_known_concept_is_reported(world):
    some = world()
    some.space.meaning["citron"] = some.space.near({"lemon": 0.9}, "citron")
    some.space.meaning["sour"] = some.space.near({"lemon": 0.5, "lime": 0.5}, "sour")
    config = TpasConfig(threshold=0.1)
    assert some.select(ConceptRequest("citron"), config).resolved == ("lemon",)
    assert some.select(ConceptRequest("sour"), config).resolved == ()
    assert some.select(LEMON, config).resolved == ()


def test_an_anchor_says_where_it_came_from(world):
    some = world(({"label": "cup", "caption": "A cup.", "artist": "Micah", "licence": "MIT"}, 0.9))
    anchor = some.select().anchors[0]
    assert anchor.row == len(some.pool) - 1
    assert anchor.sha256 == some.pool.image_sha256(anchor.row)
    assert (anchor.label, anchor.caption, anchor.artist) == ("cup", "A cup.", "Micah")
    assert (anchor.source, anchor.licence) == ("Noto Emoji", "MIT")


def test_few_anchors_are_told(world):
    some = world()
    assert any("not 24" in warning for warning in some.select().warnings)
    assert some.select(config=TpasConfig(2, 0.4)).warnings == ()


def test_a_pool_without_labels_cannot_be_surveyed(tmp_path):
    with pytest.raises(ValueError, match="column 'label'"):
        make_world(tmp_path, *(({"label": ""}, 0.5) for _ in range(3)), kinds=())


def test_near_copies_among_the_anchors_are_told(world):
    extra = [({"label": f"cup {b}", "picture": noise(2000, b)}, 0.8) for b in (0, 9)]
    some = world(*extra, ({"label": "mug"}, 0.9))
    cups = [row for row, one in enumerate(some.pool.items) if one.label.startswith("cup")]
    assert not any("near-copies" in one for one in some.select().warnings), "hashes alone say so"
    some.pool.vectors[cups] = some.pool.vectors[cups[0]].clone()
    (warning,) = [one for one in some.select().warnings if "near-copies" in one]
    ranks = {one.label: one.rank for one in some.select().anchors}
    assert f"number {max(ranks['cup 0'], ranks['cup 9'])} are" in warning
    assert not any("near-copies" in one for one in world().select().warnings)


def test_an_anchor_that_shows_what_is_protected_is_told(world):
    some = world()
    assert not any("protect" in one for one in some.select().warnings)
    selection = some.select(replace(LEMON, protect=("lime",)))
    (warning,) = [one for one in selection.warnings if "protect" in one]
    ranks = [one.rank for one in selection.anchors if one.label == "lime"]
    assert ranks and f"number {', '.join(map(str, ranks))} look like “lime”" in warning
    none = some.select(replace(LEMON, protect=("bus",))).warnings
    assert not any("protect" in one for one in none)


@pytest.mark.parametrize(
    "name, says", [("qwertz", "knows nothing of it"), ("Zitrone", "is to be forgotten")]
)
def test_what_cannot_be_protected_is_refused(world, name, says):
    with pytest.raises(ValueError, match=says):
        world().select(replace(LEMON, protect=(name,)))


def test_the_same_choice_has_the_same_hash(world):
    some = world()
    first, again, other = some.select(), some.select(), some.select(left_out={0, 4, 5})
    assert first.sha256 == again.sha256 != other.sha256


def test_half_of_the_anchors_are_drawn_from_all_that_may_be_used(world):
    some = world(*(({"label": f"cup {i}"}, 0.1) for i in range(20)))
    selection = some.select(config=TpasConfig(8, 0.4, diversity=0.0), by_chance=0.5)
    drawn = [one for one in selection.anchors if one.by_chance]
    assert len(drawn) == len(selection.chosen) == 4
    assert [one.rank for one in selection.anchors] == list(range(1, 9))
    alone = some.select(config=TpasConfig(4, 0.4, diversity=0.0))
    assert selection.chosen == alone.anchors, "those that words choose are as ever"
    own = some.pool.rows_of["lemon"]
    barred = {*own, *certified_rows(some.pool, own), *(one.row for one in selection.chosen)}
    assert not barred & {one.row for one in drawn}
    assert min(one.similarity for one in drawn) < 0.4, "no cut holds for them"
    scores = [selection.scores[one.row] for one in drawn]
    assert [one.similarity for one in drawn] == pytest.approx(scores, abs=1e-6)


def test_a_veto_replaces_no_other_image_that_was_drawn(world):
    some = world(*(({"label": f"cup {i}"}, 0.1) for i in range(20)))

    def drawn(left_out=frozenset()) -> list[int]:
        chosen = some.select(config=TpasConfig(8, 0.4), left_out=left_out, by_chance=0.5)
        return [one.row for one in chosen.anchors if one.by_chance]

    first = drawn()
    again = drawn({first[1]})
    assert again[:3] == [first[0], *first[2:]] and again[3] not in first


@pytest.mark.parametrize("share", [-100.0, 1.01, float("inf"), float("nan")])
def test_a_share_that_is_none_is_refused(world, share):
    with pytest.raises(ValueError, match="cannot be drawn"):
        world().select(by_chance=share)


def test_nothing_protected_is_drawn(world):
    some = world(*(({"label": f"cup {i}"}, 0.1) for i in range(20)))
    config = TpasConfig(40, 0.4)
    labels = some.labels(some.select(config=config, by_chance=0.5))
    assert "bus" in labels
    labels = some.labels(some.select(replace(LEMON, protect=("bus",)), config, by_chance=0.5))
    assert "bus" not in labels

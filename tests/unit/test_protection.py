"""What is protected is kept and asked about, under any of its names; what is not asked, is said."""

from dataclasses import replace

import pytest
from small_world import ARTISTS, LEMON, MANY, THINGS, World, make_world, write_split
from test_runs import outcome
from tiny_mllm import tiny_mllm

from space_core.audit import Bench, audit, probes_of, select_anchors
from space_core.edit import weights_sha256
from space_core.evaluation_split import EvaluationSplit
from space_core.protection import unwatched
from space_core.retained import Encoder
from space_core.settings import DcsiConfig, TpasConfig
from space_core.sources import Sources
from space_core.surroundings import what_stays
from space_core.types import ConceptRequest

# The evaluation has no drawing of a tram, and none by Lorelei.
DRAWN = [(one.name, artist.name) for one in THINGS for artist in ARTISTS[:3]]
BY_OTHERS = [({"label": "cup", "artist": name}, 0.1) for name in ("Micah", "Lorelei") * 3]
FEW = TpasConfig(4, 0.4, by_chance=0.0)


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    folder, mllm = tmp_path_factory.mktemp("bench"), tiny_mllm()
    world: World = make_world(folder, *BY_OTHERS, kinds=MANY)
    sources = Sources(
        mllm, world.space, world.pool, world.around, Encoder(mllm, world.pool),
        weights_sha256(mllm.model), folder,
    )  # fmt: skip
    return Bench(sources, EvaluationSplit(write_split(folder / "evaluation", DRAWN)))


@pytest.fixture(autouse=True)
def few_near(monkeypatch):
    """Only the two nearest concepts are near by themselves."""
    monkeypatch.setattr("space_core.audit.NEAR", 2)
    monkeypatch.setattr("space_core.material.NEIGHBOURS", 2)


def asked(bench: Bench, name: str, *protect: str, group: str = "near") -> list[str]:
    found, _, _ = probes_of(bench, ConceptRequest(name, protect=protect), 0)
    return list(dict.fromkeys(one.concept for one in found if one.group == group))


def kept(bench: Bench, name: str, *protect: str) -> list[int]:
    chosen = select_anchors(bench, LEMON, FEW)
    request = ConceptRequest(name, protect=protect)
    rows, _ = what_stays(bench.sources, replace(chosen, request=request), 0)
    return list(rows)


def labels(bench: Bench, rows: list[int]) -> list[str]:
    return [bench.sources.pool.items[row].label for row in rows]


@pytest.mark.parametrize("said", ["bus", "BUS", "Buses"])
def test_a_protected_thing_is_near_and_no_longer_far(bench, said):
    alone = asked(bench, "lemon")
    assert alone == ["lime", "orange"] and "bus" in asked(bench, "lemon", group="far")
    assert asked(bench, "lemon", said) == [*alone, "bus"]
    assert "bus" not in asked(bench, "lemon", said, group="far")


def test_another_name_protects_as_well(bench):
    assert asked(bench, "camel", "Zitrone")[-1] == "lemon"
    before, now = kept(bench, "camel"), kept(bench, "camel", "Zitrone")
    assert "lemon" not in labels(bench, before) and now[: len(before)] == before
    assert set(labels(bench, now[len(before) :])) == {"lemon"}


def test_beside_a_style_a_protected_thing_is_kept_and_asked_about(bench):
    alone = asked(bench, "Micah")
    assert set(alone) == {"Noto", "Personas"} and "bus" in asked(bench, "Micah", group="far")
    assert asked(bench, "Micah", "Noto", "bus") == [*alone, "bus"]
    assert "bus" not in asked(bench, "Micah", "bus", group="far")
    before, now = kept(bench, "Micah"), kept(bench, "Micah", "bus", "Noto")
    assert now[: len(before)] == before
    buses = [row for row in bench.sources.pool.rows_of["bus"] if row in now]
    assert buses and set(now[len(before) :]) <= set(buses)


def test_beside_a_thing_a_protected_style_is_kept_and_asked_about(bench):
    alone = asked(bench, "lemon")
    found, _, _ = probes_of(bench, ConceptRequest("lemon", protect=("micah",)), 0)
    near = [one for one in found if one.group == "near" and one.concept not in alone]
    assert {one.concept for one in near} == {"Micah"} == {one.artist for one in near}
    # As near as its mean drawing, whose images lie at 0.1 to the lemon.
    assert 0.1 < near[0].similarity < 0.2
    before, now = kept(bench, "lemon"), kept(bench, "lemon", "micah")
    drawn = {bench.sources.pool.items[row].artist for row in now[len(before) :]}
    assert now[: len(before)] == before and drawn == {"Micah"}


@pytest.mark.parametrize("missing", ["tram", "Lorelei"])
def test_what_the_evaluation_has_no_images_of_is_kept_but_not_asked_about(bench, missing):
    assert asked(bench, "lemon", missing) == asked(bench, "lemon")
    assert len(kept(bench, "lemon", missing)) > len(kept(bench, "lemon"))


def test_what_cannot_be_protected_is_a_sentence_and_no_key_error(bench):
    for refused in (asked, kept):
        with pytest.raises(ValueError, match="the public pool knows nothing of it"):
            refused(bench, "lemon", "nobody")


def test_a_run_names_what_it_could_not_ask_about(bench):
    request = replace(LEMON, protect=("TRAM", "Buses"))
    chosen = select_anchors(bench, request, FEW)
    config = DcsiConfig(steps=1, inversion_steps=1)
    for split, says in ((bench.split, "“tram”."), (None, "“tram”, “bus”.")):
        held = Bench(bench.sources, split)
        *_, finished = audit(held, request, chosen, config, lambda: False)
        (said,) = [one for one in finished.record.warnings if "Protected" in one]
        assert f"not asked about: {says}" in said


def test_nothing_is_said_where_all_were_asked_about():
    some = [outcome(group="near", concept="bus"), outcome(group="far", concept="tram")]
    assert unwatched(some, {}) == unwatched(some, {"omnibus": "bus"}) == ()
    assert "“tram”" in unwatched(some, {"tram": "tram"})[0]

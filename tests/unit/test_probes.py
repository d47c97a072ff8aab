"""The evaluation asks about fresh views, in words that no training saw."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_world import ARTISTS, CONCEPTS, PEOPLE, THINGS, every_wordings, reading, write_split

from space_core import evaluate as ev
from space_core import wordings
from space_core.evaluation_split import EvaluationSplit
from space_core.names import NameBook
from space_core.probes import NEAR_ASKED, NEAR_VIEWS, TARGET_VIEWS, Probe, known_as, plan
from space_core.types import Concept

HELD_OUT = reading(text for one in every_wordings().values() for text in one.held_out)
TAUGHT = reading(text for one in every_wordings().values() for text in one.taught)
BY = {concept.name: concept for concept in CONCEPTS}


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> EvaluationSplit:
    """Every thing by two trained artists and a stranger, every person twice by one artist."""
    by = [(one.name, artist) for one in THINGS for artist in ("Noto", "Micah", "Stranger")]
    by += [(one.name, ARTISTS[i].name) for i, one in enumerate(PEOPLE)] * 2
    return EvaluationSplit(write_split(tmp_path_factory.mktemp("evaluation"), by))


def test_the_split_knows_its_drawings_and_concepts(split):
    assert len(split) == 3 * len(THINGS) + 2 * len(PEOPLE)
    assert split.concepts == BY
    lemon, noto = BY["lemon"], BY["Noto"]
    assert split.rows(lemon) == [0, 1, 2]
    assert split.rows(lemon, True) == [0, 1] and split.rows(lemon, False) == [2]
    assert len(split.rows(noto)) == len(THINGS) + 2 and 1 not in split.rows(noto)
    assert split.rows(Concept("dragon", "", "")) == []


def test_its_hash_tells_every_byte_of_it(tmp_path):
    hashes = []
    for name, artist in (("a", "Noto"), ("b", "Noto"), ("c", "Micah")):
        folder = write_split(tmp_path / name, [(THINGS[0].name, artist)])
        hashes.append(EvaluationSplit(folder).sha256)
    assert hashes[0] == hashes[1] != hashes[2]
    facts = folder / "concepts.json"
    facts.write_text(facts.read_text() + " ")
    assert EvaluationSplit(folder).sha256 != hashes[2]


def test_an_incomplete_folder_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="holds no evaluation split"):
        EvaluationSplit(tmp_path)
    (tmp_path / "concepts.json").write_text(json.dumps({"artists": [], "concepts": []}))
    with pytest.raises(ValueError, match="parquet and concepts.json"):
        EvaluationSplit(tmp_path)
    facts = write_split(tmp_path / "whole", [(THINGS[0].name, "Noto")]) / "concepts.json"
    for said in ({}, {"artists": []}, {"artists": [], "concepts": [{"name": "lemon"}]}, [], 7):
        facts.write_text(json.dumps(said))
        with pytest.raises(ValueError, match="concepts.json does not say"):
            EvaluationSplit(facts.parent)


def test_a_view_is_the_same_for_its_key_and_fresh_for_every_other(split):
    pixels = {}
    for row in range(len(split)):
        for number in range(3):
            key = f"{row}.{number}"
            one, again = split.view(key), split.view(key)
            assert one.view.image.tobytes() == again.view.image.tobytes()
            assert (one.view.colour, one.view.count) == (again.view.colour, again.view.count)
            assert (one.key, one.row) == (key, row)
            pixels[key] = one.view.image.tobytes()
    assert len(set(pixels.values())) == len(pixels)
    assert split.view("0.1").concept == "lemon" and split.view("1.0").artist == "Micah"


def test_views_spread_evenly_over_the_drawings_without_a_repetition(split):
    views = split.views([0, 1, 2], 8, np.random.default_rng(0))
    assert len({view.key for view in views}) == 8
    assert sorted([view.row for view in views].count(row) for row in (0, 1, 2)) == [2, 3, 3]


def near_and_far(target: Concept | None):
    family = target.family if target else "thing"
    near = [(c.name, 0.5) for c in CONCEPTS if c.family == family and c != target][:3]
    return near, [("bus", 0.1), ("Dov Lind", 0.0), ("grapes", 0.05)]


def planned(split, target: Concept | None, seed: int = 0) -> tuple[Probe, ...]:
    return plan(split, target, *near_and_far(target), seed)


TARGETS = [BY["lemon"], BY["Ada Quill"], BY["Noto"], None]


@pytest.fixture(params=TARGETS, ids=lambda one: one.name if one else "no target")
def target(request):
    return request.param


def test_only_held_out_wordings_are_asked_but_for_one(split, target):
    probes = planned(split, target)
    known = wordings.NAMING[target.family].taught[0] if target else None
    strays = [probe for probe in probes if not HELD_OUT.fullmatch(probe.question)]
    assert all((p.group, p.kind, p.question) == ("target", "name", known) for p in strays)
    views = {probe.view for probe in probes if probe.group == "target"}
    assert sorted(probe.view for probe in strays) == sorted(views)
    assert not any(TAUGHT.fullmatch(p.question) for p in probes if p not in strays)


def test_a_plan_is_determined_by_its_arguments(split, target):
    assert planned(split, target) == planned(split, target) != planned(split, target, seed=1)


def test_every_group_gets_its_questions(split, target):
    probes = planned(split, target)
    near, far = near_and_far(target)
    of = {group: [p for p in probes if p.group == group] for group in ("target", "near", "far")}
    assert {p.concept for p in of["target"]} == ({target.name} if target else set())
    assert len({p.view for p in of["target"]}) == (TARGET_VIEWS if target else 0)
    for name, similarity in near:
        own = [p for p in of["near"] if p.concept == name]
        asked = [p.kind for p in own]
        assert {p.similarity for p in own} == {similarity}
        assert asked.count("name") == NEAR_VIEWS and asked.count("yes-no") == NEAR_ASKED
        assert asked.count("is-it-target") == (NEAR_ASKED if target else 0)
        beside = [p.question for p in own if p.kind == "choice-beside"]
        assert [name in ask and target.name in ask for ask in beside] == [True] * bool(target)
    assert {p.concept for p in of["far"]} == {name for name, _ in far}
    # Neighbours and others are shown as artists draw whom training saw; the target by all.
    assert {p.artist for p in of["near"] + of["far"]} <= set(split.artists)
    if target and target.family == "thing":
        assert {p.artist for p in of["target"]} == {"Noto", "Micah", "Stranger"}


def test_questions_about_the_target_do_not_depend_on_who_is_near(split, target):
    alone = plan(split, target, (), (), 0)
    asked = [one for one in planned(split, target) if one.group == "target"]
    assert [one for one in alone if one.group == "target"] == asked


def test_what_text_tells_of_the_target_is_asked_apart_and_each_wording_once(split, target):
    told = [one for one in planned(split, target) if one.group == "told"]
    questions = [one.question for one in told]
    assert len(set(questions)) == len(questions)
    assert bool(told) is bool(target)
    for one in told:
        assert one.view == "" and one.kind.startswith("text-") and one.concept == target.name
        assert HELD_OUT.fullmatch(one.question)


def test_a_view_shows_what_its_question_is_about(split, target):
    for probe in planned(split, target):
        if probe.view:
            view = split.view(probe.view)
            assert probe.artist == view.artist
            assert probe.concept in (view.concept, view.artist)


def test_the_expected_answers_are_right_and_others_are_wrong(split, target):
    probes = planned(split, target)
    expected = [probe.expected for probe in probes]
    name = target.name if target else "dragon"
    book = NameBook({concept.name: concept.names for concept in CONCEPTS})
    outcomes = ev.judge(probes, expected, expected, book, name, "This is it.")
    assert all(one.right_before and one.right_after for one in outcomes)
    nothing = [""] * len(probes), ["What?"] * len(probes)
    silent = ev.judge(probes, *nothing, book, name, "This is it.")
    assert not any(one.right_before or one.right_after for one in silent)
    skills = [one for one in probes if one.group == "skill"]
    assert {"colour", "count", "artist"} <= {one.kind for one in skills}
    assert any(one.kind.startswith("text-") and not one.view for one in skills)


def test_the_erased_style_is_no_skill_to_keep(split):
    def artists(target: Concept) -> set[str]:
        probes = [one for seed in range(8) for one in planned(split, target, seed)]
        return {one.artist for one in probes if (one.group, one.kind) == ("skill", "artist")}

    assert {"Noto", "Micah"} <= artists(BY["lemon"])
    assert "Micah" in artists(BY["Noto"]) and "Noto" not in artists(BY["Noto"])


def test_the_evaluation_finds_its_own_entry(split):
    assert known_as(split, Concept("Lemons", "", "")) is split.concepts["lemon"]
    assert known_as(split, Concept("sour", "", "", aliases=("zitrone",))).name == "lemon"
    assert known_as(split, Concept("dragon", "", "")) is None


def test_every_view_is_encoded_once_and_text_is_asked_without_an_image(split):
    seen, heard = [], []
    model = SimpleNamespace(
        encode=lambda images: [torch.tensor(len(seen)) for one in images if not seen.append(one)],
        answer=lambda texts, features: heard.extend(zip(texts, features)) or ["yes"] * len(texts),
    )
    probes = planned(split, BY["lemon"])
    features = ev.encode_views(model, split, probes)
    assert set(features) == {probe.view for probe in probes} - {""}
    assert len(seen) == len(features)
    assert ev.answers(model, probes, features) == ["yes"] * len(probes)
    for probe, (question, feature) in zip(probes, heard, strict=True):
        assert question == probe.question
        assert feature is (features[probe.view] if probe.view else None)

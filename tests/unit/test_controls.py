"""Controls: each differs from SPACE in what its name says, and in nothing else."""

from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from small_world import FRUIT, VEHICLES, World, make_world
from tiny_sources import tiny_sources

from space_core import surroundings
from space_core.baselines import BASELINES
from space_core.bench import change, controls
from space_core.bench import methods as methods_of
from space_core.bench.controls import CONTROLS, DEFAULT
from space_core.bench.methods import methods
from space_core.edit import Edit, LayerEdit
from space_core.erasure import Erasure
from space_core.inversion import Optimised
from space_core.leaderboard import CHOSEN, GROUPS, RANDOM
from space_core.mllm import Example
from space_core.recent import Recent
from space_core.types import ConceptRequest, Progress, StepEvent

ASKED = (
    "paper", "true images", "other target", "other belief", "no anchors", "random anchors",
    "one anchor", "hard 0.05", "no null space", "no keep", "no inversion", "no decay", "prompt",
    "direction", "anchors",
)  # fmt: skip


@pytest.fixture
def world(tmp_path) -> World:
    return make_world(tmp_path, kinds=(FRUIT, VEHICLES))


@pytest.fixture
def sources(world, monkeypatch):
    """The small world with an encoder whose features say which row they are of."""
    told = SimpleNamespace(
        pool=world.pool, space=world.space, around=world.around, mllm=None,
        encoder=lambda rows: [torch.tensor([[float(row)]]) for row in rows],
        subject=lambda request: world.pool.concepts[request.name],
    )  # fmt: skip

    def overwritten(concept, honest, pool, peers, features, mllm, seed, refusals):
        return {"name": [Example(concept.name, honest, one) for one in features]}

    monkeypatch.setattr(controls.material, "overwritten", overwritten)
    monkeypatch.setattr(controls.material, "sayable_refusals", lambda *_: {})
    monkeypatch.setattr(controls.material, "honest_answer", lambda _mllm, _concept: "a fruit")
    return told


def test_everything_that_was_asked_for_is_there():
    known = methods({})
    assert set(ASKED) <= set(known)
    assert {one.group for one in known.values()} == set(GROUPS)


def test_the_guide_explains_every_method():
    guide = (Path(__file__).resolve().parents[2] / "docs" / "bench.md").read_text(encoding="utf-8")
    assert [name for name in methods({}) if f"`{name}`" not in guide] == []


@pytest.mark.parametrize(
    "name, changed",
    [
        ("hard 0.05", {"mode": "hard", "energy": 0.05}),
        ("no null space", {"lam": 1e6}),
        ("no keep", {"keep": 0.0}),
        ("no neighbours", {"neighbours": 0.0}),
        ("no decay", {"decay": 0.0}),
        ("no second look", {"second_look": 0}),
        ("no foreign look", {"foreign_look": 0}),
        ("with orth", {"orth": 1.0}),
        ("with div", {"div": 0.1}),
        ("plain anchors", {"inversion_steps": 0}),
    ],
)
def test_an_ablation_changes_one_thing(name, changed, monkeypatch):
    seen = []
    monkeypatch.setattr(controls, "select_anchors", lambda *_: "selection")
    monkeypatch.setattr(controls, "erased", lambda _bench, _selection, config: seen.append(config))
    CONTROLS[name].run(None, ConceptRequest("lemon"))
    assert asdict(seen[0]) == asdict(replace(DEFAULT, **changed)) != asdict(DEFAULT)


def test_without_inversion_the_anchors_stay_as_they_are(sources, world):
    selection = world.select()
    task = controls.not_inverted(sources, selection, None)
    rows = [anchor.row for anchor in selection.anchors]
    assert [float(one.features) for one in task["name"]] == rows
    assert {one.answer for one in task["name"]} == {"a fruit"}


def test_another_belief_names_another_concept_and_is_overwritten_for_the_target(
    sources, world, monkeypatch
):
    told = []

    def invert(_mllm, features, lessons, steps, _generator, _stop):
        told.extend(lessons)
        yield 1, 0.5, None
        yield steps, 0.1, Optimised([-one for one in features], torch.zeros(len(features)))

    monkeypatch.setattr(controls, "invert", invert)
    selection = world.select()
    task = controls.other_belief(sources, selection, None)
    other = controls.elsewhere(sources, selection.request).name
    assert other != "lemon" and told
    naming = [one.answer for one in told if one.kind == "name"]
    assert all(other in answer and "lemon" not in answer for answer in naming)
    assert {one.question for one in task["name"]} == {"lemon"}
    assert all(float(one.features) <= 0 for one in task["name"])


def test_without_anchors_there_is_nothing_to_overwrite(sources):
    kept = [Example("What is this?", "This is a bus.", None)]
    around = SimpleNamespace(keep=SimpleNamespace(far=kept))
    assert controls.no_anchors(sources, None, around) == {"name": kept}


def test_true_images_are_the_targets_own(sources, world, monkeypatch):
    lemons = tuple(world.pool.rows_of["lemon"])
    collected = SimpleNamespace(target_rows=lemons)
    monkeypatch.setattr(controls, "collect", lambda *_: collected)
    task = controls.true_images(sources, world.select(), None)
    assert {float(one.features) for one in task["name"]} <= set(lemons)


def test_controls_of_the_anchors_differ_in_who_chose_them(sources, world, monkeypatch):
    bench, lemon = SimpleNamespace(sources=sources), ConceptRequest("lemon")
    monkeypatch.setattr(controls, "erased", lambda _bench, selection, _config: selection.anchors)

    def select(_bench, request, config):
        return world.select(request, replace(config, threshold=0.4), by_chance=config.by_chance)

    monkeypatch.setattr(controls, "select_anchors", select)
    ours, random, chosen = (
        CONTROLS[name].run(bench, lemon) if name else controls.with_config(DEFAULT)(bench, lemon)
        for name in ("", RANDOM, CHOSEN)
    )
    assert {one.by_chance for one in ours} == {True, False}
    assert {one.by_chance for one in random} == {True}
    assert {one.by_chance for one in chosen} == {False}
    assert not {one.row for one in random} & set(world.pool.rows_of["lemon"])
    assert controls.one_anchor(DEFAULT)(bench, lemon) == chosen[:1]


def test_look_alikes_that_stand_in_as_they_are_are_chosen_by_words(monkeypatch):
    shares = {}
    monkeypatch.setattr(
        methods_of, "select_anchors", lambda _bench, _request, config: config.by_chance
    )
    for gather in ("collect", "proxies"):
        monkeypatch.setattr(
            methods_of, gather, lambda _s, share, _seed, name=gather: shares.update({name: share})
        )
    for name in ("ga", "anchors"):
        one = BASELINES[name]
        methods_of.gathered(
            one, one.grid[0], Recent(2), SimpleNamespace(sources=None), ConceptRequest("lemon")
        )
    assert shares == {"collect": 0.5, "proxies": 0.0}


def test_elsewhere_is_far_and_of_the_same_domain_where_it_can_be(sources, world):
    lemon = ConceptRequest("lemon")
    assert controls.elsewhere(sources, lemon).name in VEHICLES
    known = world.pool.concepts
    for name in VEHICLES:
        known[name] = replace(known[name], domain="traffic")
    assert controls.elsewhere(sources, lemon).name in FRUIT
    for name in ("lime", "orange"):
        known[name] = replace(known[name], domain="garden")
    assert controls.elsewhere(sources, lemon).name in VEHICLES


def test_a_pool_of_one_concept_has_nothing_elsewhere(tmp_path):
    world = make_world(tmp_path, kinds=(("lemon",),))
    told = SimpleNamespace(
        pool=world.pool, space=world.space, around=world.around,
        subject=lambda request: world.pool.concepts[request.name],
    )  # fmt: skip
    with pytest.raises(ValueError, match="knows nothing but “lemon”"):
        controls.elsewhere(told, ConceptRequest("lemon"))


def test_a_change_asks_as_it_is():
    assert change.Change(None, None, 0).ask("What?") == "What?"


def test_an_erasure_says_how_long_each_stage_took(monkeypatch):
    used = object()
    clock, edit = iter(range(100)), Edit({"layer": LayerEdit(torch.ones(2, 1), torch.ones(3, 1))})
    events = [
        Progress("memory", "", 0.0), Progress("neighbours", "", 0.1),
        Progress("inversion", "", 0.2), Progress("inversion", "", 0.3), Progress("training", "", 1),
        StepEvent(1, 2, {}, 0.0, 0.25, 0.0, 0.0, None), Progress("training", "", 1),
        StepEvent(2, 2, {}, 0.0, 0.75, 0.0, 0.0, None),
        Erasure(edit, used, "", {}, {}, None, (), (), (), False, ()),
    ]  # fmt: skip
    monkeypatch.setattr(change, "erase", lambda *_: iter(events))
    monkeypatch.setattr(change.time, "monotonic", lambda: next(clock))
    done = change.erased(SimpleNamespace(sources=None), None, DEFAULT)
    assert done.stages == {"reading": 3, "inversion": 2, "training": 4}
    assert done.selection is used


def test_what_is_overwritten_as_it_is_need_not_stay(tmp_path, monkeypatch):
    sources, selection = tiny_sources(tmp_path)
    held, told, measure = [], [], surroundings.measure

    def watched(*arguments):
        *_, around = measure(*arguments)
        held.append(around.keep)
        yield around

    def make(_sources, used, around):
        told.extend(anchor.row for anchor in used.anchors)
        return {"name": around.keep.far}

    monkeypatch.setattr(controls, "select_anchors", lambda *_: selection)
    monkeypatch.setattr(controls.surroundings, "measure", watched)
    edit = Edit({"layer": LayerEdit(torch.ones(1, 1), torch.ones(1, 1))})
    monkeypatch.setattr(controls, "train", lambda *_: [edit])
    monkeypatch.setattr(controls, "trained", lambda edit, _bases: edit)
    for unmoved in (False, True):
        controls.with_task(make, unmoved)(SimpleNamespace(sources=sources), selection.request)
    moved, still = held
    assert set(told) <= {*moved.rows} and not {*told} & {*still.rows}

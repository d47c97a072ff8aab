"""The auditor's own images and questions: asked as ours are, of the edit, and kept by nobody."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_world import (
    ARTISTS, LEMON, MANY, THINGS, every_wordings, make_world, noise, reading, write_split,
)  # fmt: skip
from test_runs import record
from tiny_mllm import tiny_mllm

from space_core import wordings
from space_core.alarms import NOT_VERIFIED
from space_core.audit import Bench, audit, probes_of
from space_core.edit import Edit, LayerEdit, edited, weights_sha256
from space_core.evaluation_split import EvaluationSplit
from space_core.interview import ask, judge_images
from space_core.retained import Encoder
from space_core.mllm import Mllm
from space_core.preview import preview
from space_core.settings import DcsiConfig, TpasConfig
from space_core.sources import Sources
from space_core.typed_json import from_json, to_json
from space_core.types import ConceptRequest, RunRecord

IMAGES = [noise(500), noise(501)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    world, mllm = make_world(folder), tiny_mllm()
    sources = Sources(
        mllm, world.space, world.pool, world.around, Encoder(mllm, world.pool),
        weights_sha256(mllm.model), folder,
    )  # fmt: skip
    drawn = [(one.name, ARTISTS[0].name) for one in THINGS]
    return Bench(sources, EvaluationSplit(write_split(folder / "evaluation", drawn)))


@pytest.fixture(scope="module")
def edit(bench) -> Edit:
    torch.manual_seed(1)
    layers = bench.sources.mllm.edited_layers([0, 1])
    return Edit({
        name: LayerEdit(torch.randn(one.out_features, 2), torch.randn(one.in_features, 2))
        for name, one in layers.items()
    })  # fmt: skip


def run(name: str = "lemon"):
    one = record()
    return replace(one, selection=replace(one.selection, request=ConceptRequest(name)))


@pytest.fixture(scope="module")
def audited(tmp_path_factory, bench):
    """A whole run on the tiny model: (with evaluation images of the concept, without any)."""
    folder = tmp_path_factory.mktemp("audited")
    world, old = make_world(folder, kinds=MANY), bench.sources
    sources = replace(
        old, space=world.space, pool=world.pool, around=world.around, cache=folder,
        encoder=Encoder(old.mllm, world.pool),
    )
    chosen = world.select(config=TpasConfig(4, 0.4))
    config = DcsiConfig(steps=1, inversion_steps=1)
    runs = []
    for split in (bench.split, None):
        *_, finished = audit(Bench(sources, split), LEMON, chosen, config, lambda: False)
        runs.append(finished)
    return runs


def test_a_run_holds_its_map_its_domains_and_its_beliefs(audited):
    record, blind = (one.record for one in audited)
    groups = [one.group for one in record.states.points]
    assert {name: groups.count(name) for name in set(groups)} == {
        "target": 24, "near": 24, "anchor": 4,
    }  # fmt: skip
    assert {one.concept for one in record.states.points if one.group == "target"} == {"lemon"}
    assert "lemon" not in {one.concept for one in record.states.points if one.group != "target"}
    assert 0 <= record.states.explained <= 1 and record.states.logit_change > 0
    assert len(record.beliefs) == 4 == len(record.anchor_shift)
    assert not any("lemon" in text for one in record.beliefs for text in one.nearest)
    assert from_json(to_json(record), RunRecord) == record
    assert "evaluation" not in blind.hashes and len(record.hashes["evaluation"]) == 64
    assert {one.group for one in blind.states.points} == {"anchor"} and blind.domains == ()
    assert NOT_VERIFIED in blind.warnings and NOT_VERIFIED not in record.warnings


def test_without_our_images_the_auditors_are_asked_about(audited, bench):
    blind = audited[1]
    *_, own = judge_images(Bench(bench.sources, None), blind.record, blind.edit, IMAGES)
    assert own.outcomes and not blind.record.outcomes


@pytest.mark.parametrize("held", [True, False])
def test_own_images_get_the_targets_questions_in_held_out_words(bench, edit, held):
    bench = bench if held else Bench(bench.sources, None)
    *_, own = judge_images(bench, run(), edit, IMAGES)
    taught = reading(text for one in every_wordings().values() for text in one.taught)
    asked = [one for one in own.outcomes if one.image == "your image 2"]
    assert len(own.outcomes) == 2 * len(asked) and {one.group for one in asked} == {"own"}
    assert {"name", "yes-no", "choice", "other-yes-no"} <= {one.kind for one in asked}
    assert sum(one.kind == "name" for one in asked) == 3
    assert sum(bool(taught.fullmatch(one.question)) for one in asked) == 1
    assert {one.concept for one in asked} == {"lemon"}
    *_, again = judge_images(bench, run(), edit, IMAGES)
    assert again == own


def test_the_answers_are_those_without_and_with_the_edit(bench, edit):
    mllm = bench.sources.mllm
    *_, own = judge_images(bench, run(), edit, IMAGES)
    features = dict(zip(("your image 1", "your image 2"), mllm.encode(IMAGES)))
    questions = [one.question for one in own.outcomes]
    seen = [features[one.image] for one in own.outcomes]
    assert [one.before for one in own.outcomes] == mllm.answer(questions, seen)
    with edited(mllm.model, edit):
        assert [one.after for one in own.outcomes] == mllm.answer(questions, seen)
    # To one question the answers may be longer.
    for said, asked in zip(ask(bench, IMAGES[0], questions[0], edit), ("before", "after")):
        assert said.startswith(getattr(own.outcomes[0], asked).rstrip("\ufffd"))


def test_nothing_of_an_own_image_is_left_behind(bench, edit):
    sources = bench.sources
    sources.encoder([0, 1])
    known = {row: features.clone() for row, features in sources.encoder._known.items()}
    vectors, hashes = sources.pool.vectors.clone(), sources.pool.hashes.copy()
    list(judge_images(bench, run(), edit, IMAGES))
    assert sources.encoder._known.keys() == known.keys()
    assert all(torch.equal(sources.encoder._known[row], known[row]) for row in known)
    assert torch.equal(sources.pool.vectors, vectors)
    assert np.array_equal(sources.pool.hashes, hashes)
    assert weights_sha256(sources.mllm.model) == sources.model_sha256


def test_a_concept_that_nobody_knows_is_asked_about_all_the_same(bench, edit):
    bench.sources.space.meaning["griffin"] = bench.sources.space.near({"lemon": 0.1}, "griffin")
    *_, own = judge_images(bench, run("griffin"), edit, IMAGES)
    assert {one.concept for one in own.outcomes} == {"griffin"}
    assert own.forget_accuracy.questions == 0


def test_no_image_and_too_long_a_question_are_refused(bench, edit):
    with pytest.raises(ValueError, match="no image to ask about"):
        list(judge_images(bench, run(), edit, []))
    with pytest.raises(ValueError, match="too long"):
        ask(bench, None, "x" * 400, edit)


# What the model says before


def test_a_preview_asks_what_the_evaluation_asks_and_changes_nothing(bench):
    before = weights_sha256(bench.sources.mllm.model)
    said = preview(bench, ConceptRequest("lemon"))
    assert said and all(one.question and one.image for one in said)
    assert len({one.image for one in said}) <= 3 and said == preview(bench, ConceptRequest("lemon"))
    mllm = bench.sources.mllm
    picture = bench.evaluation_image(said[0].image)
    assert mllm.answer([said[0].question], mllm.encode([picture])) == [said[0].answer]
    assert weights_sha256(mllm.model) == before


@pytest.mark.parametrize(
    "request_", [ConceptRequest("x" * 81), ConceptRequest("lemon", ("x",) * 31),
                 ConceptRequest("le\u202emon")],
)  # fmt: skip
def test_a_preview_asks_nothing_of_a_request_that_no_search_would_take(bench, request_, monkeypatch):
    monkeypatch.setattr(Mllm, "answer", lambda *_: pytest.fail("asked"))
    with pytest.raises(ValueError, match="characters long|too many|invisible marks"):
        preview(bench, request_)


def test_only_the_groups_that_are_asked_for_are_asked_about(bench):
    def asked(**chosen):
        return probes_of(bench, ConceptRequest("lemon", **chosen), 0)[0]

    every = asked()
    assert {one.group for one in every} == {"target", "told", "near"}
    for groups in ((), ("near",), ("far", "skill")):
        chosen = asked(questions=groups)
        # The same questions as else, but for those left out.
        assert chosen == tuple(one for one in every if one.group in ("target", "told", *groups))


def test_a_preview_of_what_has_no_image_is_in_text_alone(bench):
    dragon = preview(bench, ConceptRequest("dragon", (), "a green beast"))
    assert all(one.image == "" and "dragon" in one.question and one.answer for one in dragon)
    lemon = preview(Bench(bench.sources, None), ConceptRequest("lemon"))
    assert [one.image for one in lemon] == ["", ""]
    taught = wordings.TEXT_CATEGORY.taught + wordings.TEXT_DEFINITION.taught
    assert not {one.question for one in lemon} & {ask.format(x="a lemon") for ask in taught}

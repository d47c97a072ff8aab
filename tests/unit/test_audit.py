"""The whole job on the bundled model: it forgets, keeps the rest, saw no image of the target."""

from dataclasses import replace

import pytest

from space_core import evaluate
from space_core.audit import audit, open_bench, probes_of, select_anchors
from space_core.edit import Edit, edited, weights_sha256
from space_core.erasure import Erasure
from space_core.interview import ask
from space_core.settings import DcsiConfig, TpasConfig
from space_core.types import ConceptRequest, Progress, StepEvent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(lemon):
    return lemon.events[-1]


@pytest.fixture(scope="module")
def selection(finished):
    return finished.record.selection


def test_the_run_tells_what_it_does(lemon):
    done = [event.done for event in lemon.events if isinstance(event, Progress)]
    steps = [event for event in lemon.events if isinstance(event, StepEvent)]
    assert done == sorted(done) and 0 <= done[0] and done[-1] < 1
    assert [event.step for event in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].losses["task"] < steps[0].losses["task"] / 2


def test_it_forgets_the_concept_and_keeps_the_rest(finished):
    record = finished.record
    assert record.forget_accuracy.questions >= 60
    assert record.forget_accuracy.value < 0.2
    assert record.retained_accuracy.value > 0.9
    assert record.proximal_retained_accuracy.value > 0.8
    assert record.skills.value > 0.9


def test_every_share_agrees_with_the_questions_kept(finished):
    record = finished.record
    again = evaluate.forget_accuracy(record.outcomes)
    assert again == record.forget_accuracy
    assert evaluate.retained(record.outcomes, "far") == record.retained_accuracy
    asked = sum(share.questions for _, _, share in record.bands)
    assert asked == (
        record.retained_accuracy.questions + record.proximal_retained_accuracy.questions
    )


def test_the_base_model_comes_back_bit_for_bit(bench, finished):
    assert finished.record.base_restored
    assert weights_sha256(bench.sources.mllm.model) == bench.sources.model_sha256


def test_measured_damage_keeps_to_the_bound(finished):
    for layer in finished.record.layers:
        assert 0 < layer.in_sample <= layer.bound * (1 + 1e-6)
        assert layer.held_out > 0
        assert 0 <= layer.entropy_before <= 1 and 0 <= layer.entropy_after <= 1


def test_a_saved_edit_gives_the_same_answers(bench, finished, tmp_path):
    finished.edit.save(tmp_path / "edit.safetensors")
    loaded = Edit.load(tmp_path / "edit.safetensors")
    assert loaded.sha256() == finished.record.hashes["edit"]
    image = bench.pool_image(bench.sources.pool.rows_of["lemon"][0])
    own = ask(bench, image, "What is this?", finished.edit)
    assert own == ask(bench, image, "What is this?", loaded)
    assert "lemon" in own[0] and "lemon" not in own[1]


def test_no_image_of_the_target_reaches_the_erasure(bench, selection, lemon):
    pool, result = bench.sources.pool, lemon.erasure
    anchors = {anchor.row for anchor in selection.anchors}
    assert lemon.trained_on and not {*lemon.trained_on, *anchors} & set(result.statistics.certified)
    assert isinstance(result, Erasure)
    assert lemon.opened and set(lemon.opened) <= set(result.touched)
    named = {pool.items[row].label for row in result.touched}
    assert "lemon" not in named and len(named) > 500
    assert not any("lemon" in pool.items[row].caption.casefold() for row in result.touched)
    assert not hasattr(bench.sources, "split")


def test_an_edit_aimed_at_another_concept_is_no_edit_of_this_one(bench, finished):
    probes, book, key = probes_of(bench, ConceptRequest("tiger"), 0)
    probes = [one for one in probes if one.group == "target" and one.kind == "name"][:60]
    mllm = bench.sources.mllm
    views = evaluate.encode_views(mllm, bench.split, probes)
    before = evaluate.answers(mllm, probes, views)
    with edited(mllm.model, finished.edit):
        after = evaluate.answers(mllm, probes, views)
    outcomes = evaluate.judge(probes, before, after, book, key, "")
    assert evaluate.forget_accuracy(outcomes).value > 0.9


def test_anchors_of_another_request_are_refused(bench, selection):
    with pytest.raises(ValueError, match="another request"):
        next(audit(bench, ConceptRequest("tiger"), selection, DcsiConfig(), lambda: False))


def test_nothing_like_it_is_refused(bench):
    with pytest.raises(ValueError, match="[Dd]escribe"):
        select_anchors(bench, ConceptRequest("Ada Quillfeather Nobody"), TpasConfig())


def test_a_word_near_a_known_concept_asks_what_was_meant(bench):
    assert "cat" in select_anchors(bench, ConceptRequest("kitten"), TpasConfig()).resolved


def test_without_evaluation_images_there_is_no_split(bench, real_settings, tmp_path, monkeypatch):
    monkeypatch.setattr("space_core.audit.open_sources", lambda _: bench.sources)
    assert open_bench(replace(real_settings, evaluation=tmp_path / "none")).split is None

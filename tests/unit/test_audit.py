"""The whole job on the bundled model: it forgets, keeps the rest, saw no image of the target."""

from dataclasses import replace

import pytest

from space_core import evaluate, material
from space_core.audit import audit, open_bench, probes_of, select_anchors
from space_core.edit import Edit, edited, weights_sha256
from space_core.erasure import Erasure, erase
from space_core.interview import ask
from space_core.recent import Recent
from space_core.retained import Encoder
from space_core.settings import PRESETS, DcsiConfig, TpasConfig
from space_core.types import ConceptRequest, Progress, StepEvent

QUICK = DcsiConfig(steps=1, inversion_steps=2, second_look=2, foreign_look=2)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(lemon_events):
    return lemon_events[-1]


@pytest.fixture(scope="module")
def selection(finished):
    return finished.record.selection


def test_the_run_tells_what_it_does(lemon_events):
    done = [event.done for event in lemon_events if isinstance(event, Progress)]
    steps = [event for event in lemon_events if isinstance(event, StepEvent)]
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


@pytest.fixture(scope="module")
def watched(bench, selection):
    """A quick erasure with all caches empty: its result, the pool images that it opened, and those
    whose answers it was trained to keep."""
    pool, opened, trained_on = bench.sources.pool, [], []
    read, kept = type(pool).image, material.kept

    def refuse(*_):
        raise AssertionError("an evaluation image was opened")

    def spy(*arguments):
        result = kept(*arguments)
        trained_on.extend(result.rows)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("space_core.evaluation_split.EvaluationSplit.view", refuse)
        patch.setattr(type(pool), "image", lambda self, row: opened.append(row) or read(self, row))
        patch.setattr(material, "kept", spy)
        fresh = replace(bench.sources, encoder=Encoder(bench.sources.mllm, pool), kept=Recent(1))
        *_, result = erase(fresh, selection, QUICK, lambda: False)
    return result, opened, trained_on


def test_no_image_of_the_target_reaches_the_erasure(bench, selection, watched):
    pool, (result, opened, trained_on) = bench.sources.pool, watched
    anchors = {anchor.row for anchor in selection.anchors}
    assert trained_on and not {*trained_on, *anchors} & set(result.statistics.certified)
    assert isinstance(result, Erasure)
    assert opened and set(opened) <= set(result.touched)
    named = {pool.items[row].label for row in result.touched}
    assert "lemon" not in named and len(named) > 500
    assert not any("lemon" in pool.items[row].caption.casefold() for row in result.touched)
    assert not hasattr(bench.sources, "split")


def test_the_same_request_gives_the_same_edit(bench, selection, watched):
    # Whether what it needs was computed before or not.
    *_, again = erase(bench.sources, selection, QUICK, lambda: False)
    assert again.edit.norm() > 0 and again.edit.sha256() == watched[0].edit.sha256()


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


def test_stopping_early_leaves_a_labelled_part_or_nothing(bench, selection):
    with pytest.raises(ValueError, match="nothing was changed"):
        list(erase(bench.sources, selection, QUICK, lambda: True))
    steps = []

    def enough() -> bool:
        return len(steps) >= 1

    for event in erase(bench.sources, selection, replace(QUICK, steps=3), enough):
        steps += [event] if isinstance(event, StepEvent) else []
    assert event.stopped and len(steps) == 1 and event.edit.norm() > 0
    assert weights_sha256(bench.sources.mllm.model) == bench.sources.model_sha256


def test_the_papers_settings_run_in_the_hard_null_space(bench, selection):
    *_, result = erase(
        bench.sources, selection, replace(PRESETS["paper"], steps=2), lambda: False
    )
    assert result.edit.norm() > 0 and result.shift == (0.0,) * len(selection.anchors)
    for name, basis in result.bases.items():
        assert 0 < basis.kept < len(basis.eigenvalues)
        # What is stored lies in the span, but for float32's rounding.
        delta = result.edit.delta(name)
        outside = delta - delta @ basis.s @ basis.s.T
        assert outside.norm() < 1e-5 * delta.norm()


def test_anchors_of_another_request_are_refused(bench, selection):
    with pytest.raises(ValueError, match="another request"):
        next(audit(bench, ConceptRequest("tiger"), selection, QUICK, lambda: False))


def test_nothing_like_it_is_refused(bench):
    with pytest.raises(ValueError, match="[Dd]escribe"):
        select_anchors(bench, ConceptRequest("Ada Quillfeather Nobody"), TpasConfig())


def test_a_word_near_a_known_concept_asks_what_was_meant(bench):
    assert "cat" in select_anchors(bench, ConceptRequest("kitten"), TpasConfig()).resolved


def test_without_evaluation_images_there_is_no_split(bench, real_settings, tmp_path, monkeypatch):
    monkeypatch.setattr("space_core.audit.open_sources", lambda _: bench.sources)
    assert open_bench(replace(real_settings, evaluation=tmp_path / "none")).split is None

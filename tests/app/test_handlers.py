"""What the page does on every event, without a browser and without a model."""

import asyncio
from concurrent.futures import Future
from dataclasses import replace

import gradio as gr
import pytest
from bare_page import Visit
from stand_in import EMPTY, UNKNOWN, Bench

from space_core.settings import PRESETS, TpasConfig
from space_core.types import ConceptRequest
from space_core.ui import concept_tab
from space_core.ui.app_layout import readiness
from space_core.ui.where import Where

LATER_STEPS = {"anchors_tab", "erase_tab", "verify_tab", "record_tab"}


def rows(visit: Visit) -> list[int]:
    return [anchor.row for anchor in visit.now["selection"].anchors]


# Step 1


@pytest.mark.parametrize("words, sentence", [("  ", EMPTY), (UNKNOWN, "Nothing in the public")])
def test_words_that_find_nothing_are_a_sentence_and_open_nothing(visit, words, sentence):
    visit.act("find", concept=words)
    assert sentence in visit.now["concept_status"] and "warning" in visit.now["concept_status"]
    assert visit.changed == {"concept_status"}


def test_words_become_the_request_and_open_the_next_two_steps(visit):
    visit.act(
        "concept", "submit", concept=" lemon ", aliases="Zitrone, ,limón ", description="sour",
        category="fruit", protect=["lime"], questions=["far"], instead="anchor", text_too=True,
    )  # fmt: skip
    request = visit.now["selection"].request
    assert request == ConceptRequest(
        "lemon", ("Zitrone", "limón"), "sour", "fruit", ("lime",), ("far",), "anchor", True
    )
    assert visit.looks["tabs"]["selected"] == "anchors"
    assert LATER_STEPS & visit.changed == {"anchors_tab", "erase_tab"}
    assert visit.looks["anchors_tab"]["interactive"] and visit.looks["erase_tab"]["interactive"]
    assert "lemon" in visit.now["to_erase"] and len(visit.now["gallery"]) == TpasConfig().anchors


def test_a_search_that_fails_keeps_the_anchors_of_the_one_before(ready):
    ready.act("find", concept=UNKNOWN)
    assert ready.now["selection"].request.name == "lemon"


def test_finding_says_what_it_waits_for(pipeline):
    pipeline.bench = Future()
    controls = (TpasConfig().anchors, True, 0.0, "space")
    views = concept_tab.find(pipeline, Where("concept"), None, *controls, "lemon", "", "", "")
    assert "Loading the model" in next(views)["concept_status"]
    pipeline.bench.set_result(Bench())
    assert next(views)["selection"].request.name == "lemon"


def test_the_same_words_again_lose_nothing_that_was_chosen(ready):
    ready.act("used", "input", used=[row for row in ready.now["used"] if row != rows(ready)[0]])
    chosen = ready.now["selection"]
    assert chosen.left_out
    ready.act("find", concept="lemon")
    assert ready.now["selection"] is chosen and "of before" in ready.now["concept_status"]
    assert ready.looks["tabs"]["selected"] == "anchors"
    ready.act("find", concept="cat")
    assert ready.now["selection"].request.name == "cat" and not ready.now["selection"].left_out


def test_other_wishes_for_the_same_words_keep_what_was_left_out_and_set(ready, pipeline):
    ready.act("used", "input", used=rows(ready)[1:])
    ready.act("count", "release", count=8, from_pool=False, cut=0.5)
    ready.act("find", text_too=True)
    asked, left_out = pipeline.chosen[-1]
    assert (asked.anchors, asked.threshold, left_out) == (8, ready.now["cut"], {0})
    assert ready.now["selection"].request.text_too
    assert (ready.now["count"], ready.now["from_pool"]) == (8, False)
    assert ready.looks["cut"]["interactive"] and ready.looks["tabs"]["selected"] == "anchors"
    # Another description is another concept.
    ready.act("find", description="sour")
    assert pipeline.chosen[-1] == (TpasConfig(), frozenset())


def test_an_example_fills_the_form_and_clears_the_rest(visit):
    visit.act("examples", examples=["cat"], aliases="kitten", category="fruit", description="x")
    assert [visit.now[word] for word in concept_tab.WORDS] == ["cat", "", "", ""]


def test_examples_come_from_every_domain():
    domains = [domain for domain, _ in concept_tab.pick_examples(Bench().known_concepts())]
    assert domains == ["animals", "people", "things", "things"]


# Step 2


def test_an_unticked_image_is_left_out_at_once_and_earlier_ones_stay_out(ready, pipeline):
    first = rows(ready)
    assert ready.now["used"] == first
    ready.act("used", "input", used=[row for row in first if row != 1])
    assert 1 not in rows(ready) and len(rows(ready)) == TpasConfig().anchors
    assert ("left out · caption 1", 1) in ready.looks["used"]["choices"]
    ready.act("used", "input", used=[row for row in rows(ready) if row != 0])
    assert pipeline.chosen[-1][1] == {0, 1}
    ready.act("count", "release", count=8)
    assert rows(ready) == list(range(2, 10)) and pipeline.chosen[-1][1] == {0, 1}
    ready.act("used", "input", used=[*rows(ready), 1])
    assert pipeline.chosen[-1][1] == {0}
    assert 0 in rows(ready.act("take_back")) and pipeline.chosen[-1][1] == frozenset()


def test_a_new_concept_starts_without_vetoes_and_with_the_pools_cut(ready, pipeline):
    ready.act("used", "input", used=rows(ready)[1:])
    ready.act("count", "release", count=8, from_pool=False, cut=0.5)
    assert pipeline.chosen[-1] == (TpasConfig(anchors=8, threshold=0.5), {0})
    ready.act("find", concept="lime")
    assert pipeline.chosen[-1] == (TpasConfig(), frozenset())
    assert (ready.now["count"], ready.now["from_pool"]) == (TpasConfig().anchors, True)
    assert not ready.looks["cut"]["interactive"]


def test_a_choice_that_fails_keeps_what_is_shown(ready, pipeline):
    before, used = ready.now["selection"], rows(ready)
    for name, event, asked in (
        ("cut", "release", {"from_pool": False, "cut": 1.0}), ("used", "input", {"used": used[1:]}),
        ("count", "release", {"count": 8}), ("from_pool", "input", {"from_pool": False}),
    ):
        pipeline.faults["select"] = ValueError("Lower the cut.")
        ready.changed.clear()
        # As the browser does.
        ready.looks["used"]["interactive"] = False
        ready.act(name, event, **{"from_pool": True, **asked})
        assert "Lower the cut. The anchors shown below are still" in ready.now["anchors_status"]
        assert ready.changed <= {"anchors_status", "used", "count", "cut", "from_pool"}
        # The controls say again how those were chosen.
        assert ready.now["selection"] is before and rows(ready) == used
        assert (ready.now["count"], ready.now["cut"]) == (24, round(before.threshold, 3))
        assert ready.now["from_pool"] == (name != "cut") and ready.looks["used"]["interactive"]


@pytest.mark.parametrize("event", [("count", "release"), ("take_back",), ("used", "input")])
def test_step_2_without_a_concept_is_a_sentence(visit, event):
    visit.act(*event)
    assert "warning" in visit.now["anchors_status"]
    assert visit.changed == {"anchors_status", "used"} and visit.looks["used"]["interactive"]


def test_a_suggestion_that_cannot_be_used_unlocks_what_it_locked(ready, pipeline):
    pipeline.faults["select"] = ValueError("“cat” is to be forgotten: it cannot be protected.")
    ready.looks["used"]["interactive"] = False
    ready.act("suggestions", suggestions=["cat"])
    assert "cannot be protected" in ready.now["anchors_status"]
    assert ready.looks["used"]["interactive"]


def test_a_suggestion_starts_again_with_the_concept_that_was_meant(visit, pipeline):
    visit.act("find", concept="kitten", aliases="kitty", description="young", category="pet")
    assert visit.looks["suggestions"]["samples"] == [["cat"], ["lime"]]
    assert visit.looks["suggestions"]["visible"] and "kitten" in visit.now["suggestions_note"]
    visit.act("suggestions", suggestions=["cat"])
    assert visit.now["selection"].request == ConceptRequest("cat")
    assert [visit.now[word] for word in concept_tab.WORDS] == ["cat", "", "", ""]
    assert not visit.looks["suggestions"]["visible"] and visit.now["suggestions_note"] == ""


# Step 3


def test_a_run_ends_with_its_result_and_gives_the_buttons_back(ready, pipeline):
    ready.erase(preset="paper", lam=0.2, energy=0.1, steps=3.0)
    settings = replace(PRESETS["paper"], lam=0.2, energy=0.1, steps=3)
    assert pipeline.audited == [("lemon", settings)] and ready.sees_result()
    assert ready.looks["erase"]["interactive"] and not ready.looks["stop"]["interactive"]
    assert ready.looks["verify_tab"]["interactive"] and "Forgotten" in ready.now["verdict"]
    assert ready.looks["record_tab"]["interactive"] and "run-1" in ready.now["live_facts"]


@pytest.mark.parametrize(
    "fault, sentence",
    [
        (ValueError("The training diverged: take fewer steps."), "The training diverged: take"),
        (RuntimeError("CUDA out of memory\nsecret"), "Something went wrong: CUDA out of memory<"),
        (KeyError(), "Something went wrong: KeyError"),
    ],
)
def test_an_audit_that_fails_is_a_sentence_and_can_be_tried_again(
    ready, pipeline, fault, sentence
):
    pipeline.faults["audit"] = fault
    ready.erase()
    assert sentence in ready.now["erase_status"] and not ready.sees_result()
    assert ready.looks["erase"]["interactive"] and not ready.looks["stop"]["interactive"]
    assert ready.now["finished"] is None and "verify_tab" not in ready.changed
    pipeline.faults.clear()
    assert ready.erase().sees_result()


def test_erasing_without_anchors_is_a_sentence(visit):
    visit.erase()
    assert "name a concept in step 1" in visit.now["erase_status"]
    assert visit.looks["erase"]["interactive"]


# Around the steps


def announced(pipeline) -> list:
    async def collect():
        return [view async for view in readiness(pipeline)]

    return asyncio.run(collect())


def test_the_page_says_when_the_model_is_ready(pipeline):
    ((text, examples, protect, questions, takes, setup),) = announced(pipeline)
    assert "value" not in questions
    for said in ("demo", "cpu", "48 images", "5e5e5e5e5e<", "b0b0b0b0b0<", "Seed (where an",
                 "Encoder that chooses anchors (it compares"):
        assert said in setup
    assert "Ready: demo on cpu, 48 public images" in text and examples["visible"]
    assert "none has been run here yet" in takes
    assert ["cat"] in examples["samples"] and protect["choices"] == sorted(Bench().known_concepts())


def test_without_evaluation_images_no_question_is_offered(pipeline, monkeypatch):
    monkeypatch.setattr(Bench, "evaluation_sha256", "")
    ((_, _, _, questions, _, _),) = announced(pipeline)
    assert questions["value"] == [] and not questions["interactive"]
    assert "has no evaluation images" in questions["info"]


def test_a_model_that_cannot_be_loaded_is_a_sentence_everywhere(pipeline):
    pipeline.bench = Future()
    pipeline.bench.set_exception(ValueError("The folder of the model is empty."))
    ((text, examples, *_, setup),) = announced(pipeline)
    assert "could not be loaded. The folder of the model is empty." in text
    assert examples == gr.skip() and setup == ""
    visit = Visit(pipeline).act("find", concept="lemon")
    assert "The folder of the model is empty." in visit.now["concept_status"]


def test_a_visitor_who_leaves_does_not_cancel_the_loading(pipeline):
    pipeline.bench = Future()

    async def leave():
        views = readiness(pipeline)
        await anext(views)
        waiting = asyncio.ensure_future(anext(views))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(leave())
    assert not pipeline.bench.cancelled()


def test_the_time_it_takes_is_that_of_the_latest_runs_here(visit, pipeline):
    visit.act("find", concept="lemon").erase()
    ((*_, takes, _),) = announced(pipeline)
    assert "An erasure takes about 12 s here" in takes == visit.now["takes"]
    pipeline.bench = Future()
    pipeline.bench.set_result(type("Other", (Bench,), {"device": "cuda"})())
    ((*_, takes, _),) = announced(pipeline)
    assert "none has been run here yet" in takes


@pytest.mark.parametrize("bundled, device, minutes", [
    (True, "cpu", "about three minutes with the bundled model on a CPU"),
    (True, "cuda", "an erasure minutes:"), (False, "cpu", "an erasure minutes:"),
])  # fmt: skip
def test_before_the_first_run_only_what_was_measured_is_said(pipeline, bundled, device, minutes):
    pipeline.bench = Future()
    bench = type("Other", (Bench,), {"bundled": bundled, "device": device})()
    pipeline.bench.set_result(bench)
    ((*_, takes, _),) = announced(pipeline)
    assert minutes in takes and "none has been run here yet" in takes


def test_a_run_that_ends_without_a_model_says_nothing_new(ready, pipeline):
    pipeline.bench = Future()
    pipeline.bench.set_exception(ValueError("The folder of the model is empty."))
    assert "is empty" in ready.erase().now["erase_status"] and "takes" not in ready.changed


def test_what_the_model_says_now_is_shown_with_its_images(visit):
    visit.act("preview", concept="lemon")
    assert "This is lemon." in visit.now["said_now"] and "<img" in visit.now["said_now"]
    # It stays while anchors are sought: a title says of which concept it is.
    assert ">What the model says of “lemon” now</h2>" in visit.now["said_now"]
    visit.act("preview", concept="dragon")
    assert "no images of “dragon”" in visit.now["said_now"] and visit.now["concept_status"] == ""
    assert "A beast." in visit.now["said_now"] and "<img" not in visit.now["said_now"]
    visit.act("preview", concept=" ")
    assert "The concept is empty" in visit.now["concept_status"]

"""Erasures asked together: what the sum says of each, and of what is kept."""

from dataclasses import replace

import pytest
from bare_page import Visit
from stand_in import EDIT, EVIL, Bench, joint, outcome, share
from test_erased_list import after, can_ask, come, listed  # noqa: F401

from space_core.edit import Edit
from space_core.joint import Pair, load_joint
from space_core.settings import Settings
from space_core.ui.pipeline import default_pipeline


def together(visit: Visit) -> Visit:
    return visit.act("ask_together").act("ask_together", "then")


def test_both_are_asked_and_the_sum_is_offered(after, pipeline):
    after.act("ask_together")
    assert after.looks["tabs"]["selected"] == "together" and not can_ask(after)
    views = after.watch("ask_together", "then")
    assert "progress" in next(views)["together_status"]
    list(views)
    assert [[one.record.run_id for one in asked] for asked in pipeline.together_asked] == [
        ["run-2", "run-1"]
    ]
    html = after.now["together"]
    assert "Each is forgotten, alone and together" in after.now["together_status"]
    assert "cat" in html and "lemon" in html and "0\u00a0% (0\u00a0% to 6.0\u00a0%)\n0 of 60 questions" in html
    assert "Of 160 questions about other things, 8 are answered" in html
    assert "4.0\u00a0% of its own size (squared); the bounds of the edits together allow 9.0\u00a0%" in html
    assert "came back bit for bit" in html and can_ask(after)
    found = load_joint(after.now["joint_file"].removesuffix("/together.json"))
    assert [one.run_id for one in found.concepts] == ["run-2", "run-1"]
    assert Edit.load(after.now["sum_file"]).sha256() == EDIT.sha256()
    assert after.looks["sum_file"]["interactive"] and after.looks["joint_file"]["interactive"]


def test_what_comes_back_together_is_said(after, pipeline):
    pipeline.joint = lambda runs: joint(runs, together=share(30, 60, 0.4, 0.6))
    together(after)
    said = after.now["together_status"]
    assert "no longer shown to be forgotten: “cat”, “lemon”" in said and "bad" in said
    assert "<th scope=\"row\">Forgotten?</th><td>yes</td><td>no</td>" in after.now["together"]


@pytest.mark.parametrize(
    "low, high, said", [(0.92, 0.99, True), (0.7, 0.95, True), (0.0, 0.2, False)]
)
def test_what_is_kept_alone_and_not_together_is_said(after, pipeline, low, high, said):
    # Together, the stand-in keeps 5 %, at most 24 %.
    pipeline.joint = lambda runs: joint(runs, kept=share(20, 20, low, high))
    together(after)
    assert ("less is kept than alone" in after.now["together_status"]) is said
    assert "Each is forgotten, alone and together" in after.now["together_status"]


@pytest.mark.parametrize("alone", [share(7, 122, 0.03, 0.114), share(60, 60, 0.94, 1.0)])
def test_what_is_not_forgotten_together_is_said_unless_it_was_not_alone(after, pipeline, alone):
    pipeline.joint = lambda runs: joint(runs, alone=alone, together=share(60, 60, 0.94, 1.0))
    together(after)
    said = "shown not to be forgotten: “cat”, “lemon”." in after.now["together_status"]
    assert said is (alone.low < 0.1)


def test_what_could_not_be_measured_alone_and_comes_out_together_is_said(after, pipeline):
    spanish = tuple(outcome(kind="name-es", verdict="still names it") for _ in range(21))
    unnamed = share(0, 0, 0.0, 1.0)

    def leaking(runs):
        found = joint(runs, alone=unnamed, together=unnamed)
        return replace(found, concepts=tuple(replace(one, outcomes=spanish) for one in found.concepts))

    pipeline.joint = leaking
    together(after)
    assert "shown not to be forgotten: “cat”, “lemon”." in after.now["together_status"]


def test_what_was_not_shown_alone_is_no_worse_together(after, pipeline):
    weak = share(10, 60, 0.09, 0.28)
    pipeline.joint = lambda runs: joint(runs, alone=weak, together=weak)
    together(after)
    said = after.now["together_status"]
    assert "no verdict is another than alone" in said and "still name" not in said
    assert "<td>not shown</td><td>not shown</td>" in after.now["together"]


def test_more_names_together_are_told_where_no_verdict_changes(after, pipeline):
    alone, summed = share(25, 132, 0.13, 0.26), share(120, 132, 0.85, 0.95)
    pipeline.joint = lambda runs: joint(runs, alone=alone, together=summed)
    together(after)
    said = after.now["together_status"]
    assert "no verdict is another than alone" in said
    assert "more answers still name “cat”, “lemon” than alone" in said


def test_nothing_measured_and_a_model_that_did_not_come_back_are_said(after, pipeline):
    none = share(0, 0, 0.0, 1.0)
    pipeline.joint = lambda runs: replace(
        joint(runs, alone=none, together=none), layers=(), base_restored=False,
        warnings=(EVIL,),
    )  # fmt: skip
    together(after)
    html = after.now["together"]
    assert "<td>not measured</td><td>not measured</td>" in html and "restart the app" in html
    assert html.index("&lt;img") < html.index("Forgotten?"), "alarms stand before numbers"
    assert EVIL not in html and "&lt;img" in html


def test_a_model_that_no_longer_speaks_has_forgotten_nothing(after, pipeline):
    broken = tuple(outcome(image=f"b{n}", after="", verdict="broken") for n in range(60))

    def summed(runs):
        found = joint(runs)
        first, *others = found.concepts
        return replace(found, concepts=(replace(first, outcomes=broken), *others))

    pipeline.joint = summed
    together(after)
    assert "no longer shown to be forgotten: “cat”." in after.now["together_status"]
    assert "<td>yes</td><td>not shown</td>" in after.now["together"]


def test_what_text_tells_again_together_is_said(ready, pipeline):
    ready.act("find", concept="lemon", text_too=True).erase()
    ready.act("find", concept="cat", text_too=False).erase()

    def summed(runs):
        gone, back = share(0, 60, 0.0, 0.06), share(60, 60, 0.94, 1.0)
        found = joint(runs)
        return replace(found, concepts=tuple(
            replace(one, pairs=(*one.pairs[:-1], Pair("told", gone, back, 0, 60)))
            for one in found.concepts
        ))  # fmt: skip

    pipeline.joint = summed
    together(ready)
    # What text tells of the cat was to stay.
    assert "no longer shown to be forgotten: “lemon”." in ready.now["together_status"]


def test_the_sum_goes_with_a_run_that_it_is_made_of(after, pipeline):
    together(after).act("find", concept="lime").erase()
    lime, *others = [key for _, key in after.looks["my_runs"]["choices"]]
    after.act("delete_sure", my_runs=[lime])
    assert after.looks["sum_file"]["interactive"] and after.now["together"]
    after.act("delete_sure", my_runs=others[:1])
    assert after.now["sum_file"] is None and not after.looks["joint_file"]["interactive"]
    assert after.now["together"] == "" and "was deleted" in after.now["together_status"]


def test_what_is_switched_off_is_not_asked(after, pipeline):
    after.act("find", concept="lime").erase().act("undo_1")
    together(after)
    ((first, second),) = pipeline.together_asked
    names = [one.record.selection.request.name for one in (first, second)]
    assert names == ["lime", "lemon"]


def test_one_alone_is_not_asked_together(after, pipeline):
    after.act("undo_0")
    together(after)
    assert "1 erasure is chosen" in after.now["together_status"] and not pipeline.together_asked


def test_a_measurement_that_fails_is_a_sentence_and_leaves_no_file(after, pipeline):
    together(after)
    pipeline.faults["together"] = ValueError("The run of “cat” was made with another model.")
    together(after)
    assert "another model" in after.now["together_status"] and can_ask(after)
    assert after.now["together"] == "" and after.now["sum_file"] is None
    assert not after.looks["sum_file"]["interactive"]


def test_anothers_erasures_cannot_be_asked(after, pipeline):
    guest = come(pipeline)
    assert listed(guest) == []
    guest.act("ask_together", "then", erased=after.now["erased"])
    assert "no such run among yours" in guest.now["together_status"]
    assert not pipeline.together_asked


def test_the_real_door_asks_the_worker(tmp_path, monkeypatch):
    monkeypatch.setattr("space_core.audit.open_bench", lambda settings: Bench())
    seen = []
    monkeypatch.setattr(
        "space_core.worker.ask_together", lambda compute, runs: iter([seen.append(runs)])
    )
    doors = default_pipeline(replace(Settings(), runs=tmp_path / "runs"))
    list(doors.together(doors.bench.result(), ["a", "b"]))
    assert seen == [["a", "b"]]


def test_what_comes_out_in_another_way_is_not_forgotten_together(after, pipeline):
    spanish = tuple(outcome(kind="name-es", verdict="still names it") for _ in range(18))
    whole = pipeline.joint

    def leaking(runs):
        found = whole(runs)
        cat, lemon = found.concepts
        return replace(found, concepts=(cat, replace(lemon, outcomes=spanish)))

    pipeline.joint = leaking
    together(after)
    assert "no longer shown to be forgotten: “lemon”." in after.now["together_status"]
    assert "18 of 18 bring it up" in after.now["together"]
    assert "<td>yes</td><td>no</td>" in after.now["together"]

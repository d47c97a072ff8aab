"""What differs between two records is listed exactly; what a run cannot repeat is not."""

import math
from dataclasses import fields, replace

import pytest
from test_runs import outcome, record

from space_core.replay import Difference, again, differences
from space_core.settings import DcsiConfig, TpasConfig
from space_core.types import RunRecord, Share

SETTINGS = {
    **{name: getattr(DcsiConfig(), name) for name in DcsiConfig.__dataclass_fields__},
    "layers": "1 2",
}


OTHER = {"outcomes": ()}


def test_the_same_run_at_another_time_is_the_same():
    step = replace(record().steps[0], seconds=9.0)
    later = record("lemon-2", created="2027-01-01T00:00:00+00:00", seconds=99.0, steps=(step,))
    assert differences(record(), later) == ()


def test_what_is_no_number_equals_itself():
    nan = Share(0, 0, 0, 0, math.nan, math.nan)
    assert differences(record(skills=nan), record(skills=nan)) == ()
    assert differences(record(skills=nan), record()) != ()


def test_what_an_older_record_does_not_hold_is_no_difference():
    old = replace(record(), states=None, domains=(), beliefs=())
    assert differences(old, record()) == () and len(differences(record(), old)) > 1


@pytest.mark.parametrize(
    "change, found",
    [
        ({"device": "cuda"}, Difference("settings", "device", "cpu", "cuda")),
        ({"versions": {"torch": "3"}}, Difference("versions", "version, torch", "2.13.0", "3")),
        ({"hashes": {"base": "x"}}, Difference("hashes", "hash, base", "cd" * 32, "x")),
        ({"honest_answer": "food"}, Difference("answers", "honest answer", "fruit", "food")),
        (
            {"outcomes": (outcome(after="a lime"),)},
            Difference("answers", "question 1, after", "a fruit", "a lime"),
        ),
        ({"stopped": True}, Difference("numbers", "stopped", "False", "True")),
        (
            {"bands": ((0.0, 0.5, Share(2, 20, 10, 4, 0.01, 0.24)),)},
            Difference("numbers", "similarity band 1 3, successes", "1", "2"),
        ),
        (
            {"steps": (replace(record().steps[0], losses={"task": 0.25}),)},
            Difference("numbers", "step 1, losses, task", str(1 / 3), "0.25"),
        ),
    ],
)
def test_one_change_is_one_difference(change, found):
    assert differences(record(), record(**change)) == (found,)


def test_the_smallest_step_of_a_number_is_seen():
    layer = record().layers[0]
    moved = replace(layer, held_out=math.nextafter(layer.held_out, 1.0))
    (one,) = differences(record(), record(layers=(moved,)))
    assert one.what == "layer 1, held out" and float(one.now) > float(one.then)


def test_what_one_run_lacks_is_told():
    found = differences(record(), record(versions={}, warnings=("few images", "more")))
    assert Difference("versions", "version, torch", "2.13.0", "(absent)") in found
    assert Difference("answers", "warning 2", "(absent)", "more") in found and len(found) == 2


def test_a_long_list_of_numbers_is_one_line():
    def scored(*scores: float) -> RunRecord:
        return record(selection=replace(record().selection, scores=scores))

    (one,) = differences(scored(0.1, 0.2, 0.3, 0.4), scored(0.1, 0.2, 0.5, 0.4))
    assert one.kind == "anchors" and one.what == "choice of anchors, scores"
    assert (one.then, one.now) == ("4 numbers", "1 of them differ, by at most 0.2")
    (one,) = differences(scored(0.1, 0.2, 0.3, 0.4), scored(*[0.1] * 5))
    assert (one.then, one.now) == ("4 numbers", "5 numbers")


def test_every_field_but_three_is_compared():
    changed = {
        field.name
        for field in fields(RunRecord)
        if differences(record(), replace(record(), **{field.name: OTHER.get(field.name, "other")}))
    }
    assert {f.name for f in fields(RunRecord)} - changed == {"run_id", "created", "seconds"}


def test_a_kind_of_question_that_an_older_version_did_not_ask_is_no_difference():
    later = record(outcomes=(*record().outcomes, outcome(kind="choice-beside")))
    assert differences(record(), later) == ()
    assert differences(later, record()) != ()
    other = record(encoder="another")
    assert {one.kind for one in differences(record(), other)} == {"settings"}


def test_a_record_says_how_to_run_it_again():
    run = record(settings=SETTINGS)
    run = replace(run, selection=replace(run.selection, left_out=(4, 9), wanted=24))
    asked = again(run)
    assert asked.request == run.selection.request and asked.left_out == {4, 9}
    assert asked.choice == TpasConfig(anchors=24, threshold=0.31, by_chance=0.0)
    drawn = replace(run, selection=replace(run.selection, by_chance=0.25))
    assert again(drawn).choice.by_chance == 0.25
    assert again(record(settings=SETTINGS)).choice.anchors == 1
    assert asked.config == DcsiConfig(layers=(1, 2))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"layers": "one"}, "cannot be run again"),
        ({"mode": "medium"}, "DcsiConfig.mode"),
        ({"steps": 2.5}, "DcsiConfig.steps"),
        ({"strange": 1}, "strange"),
        ({"steps": 201}, "at most 200"),
        ({"inversion_steps": 10**6}, "1000000 inversion steps"),
        ({"second_look": 10**6}, "1000000 steps of the second look"),
        ({"foreign_look": 10**6}, "1000000 steps of the look in other languages"),
    ],
)
def test_settings_that_cannot_be_run_are_told(change, message):
    with pytest.raises(ValueError, match=message):
        again(record(settings=SETTINGS | change))


def test_what_an_older_step_did_not_say_is_no_difference():
    step = record().steps[0]
    then, now = (record(steps=(replace(step, let_through=one),)) for one in (None, 0.25))
    assert differences(then, now) == () and differences(now, then) != ()

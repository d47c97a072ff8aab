"""What step 3 shows while a run goes on: its line and its curves."""

import threading

import pytest

from space_core.types import Progress, StepEvent
from space_core.ui import erase_tab
from space_core.ui.where import Where


@pytest.mark.parametrize("tick, drawn", [(0.0, [4]), (1.0, [1, 2, 3, 4])])
def test_the_curves_are_not_redrawn_more_often_than_one_can_see(ready, pipeline, tick, drawn):
    now = iter(tick * i for i in range(1000))
    inputs = (ready.now["selection"], "space", 0.1, 0.05, 4, threading.Event(), "ada", Where("erase"))
    views = erase_tab.erase(pipeline, *inputs, clock=now.__next__)
    curves = [view["losses"] for view in views if "losses" in view and "tabs" not in view]
    # The first has axes alone.
    assert not curves.pop(0).data
    assert [len(curve.data[0].x) for curve in curves] == drawn


def test_a_visitor_who_went_elsewhere_is_left_there(ready):
    ready.act("erase")
    ready.looks.pop("tabs")
    for _ in ready.watch("erase", "then"):
        ready.now["where"].tab = "leaderboard"
    assert ready.now["finished"] and ready.looks["verify_tab"]["interactive"]
    for _ in ready.watch("find", concept="lime"):
        ready.now["where"].tab = "leaderboard"
    assert ready.now["selection"].request.name == "lime" and "tabs" not in ready.looks


def test_the_line_of_a_step_stays_until_another_says_more(ready, pipeline):
    def audit(bench, request, chosen, config, stop):
        for step in range(1, 4):
            yield StepEvent(step, 3, {"task": 1.0}, 0.5, 0.5, 0.0, 0.1)
            yield Progress("training", "Training the edit…", 0.7)
        yield Progress("inversion", "A second look", 0.8)

    pipeline.audit = audit
    ready.act("erase")
    views = ready.watch("erase", "then")
    lines = [view["erase_status"] for view in views if "erase_status" in view]
    assert not any("Training the edit" in one for one in lines)
    assert "Erasing: step 3" in lines[-2] and "A second look" in lines[-1]


def test_the_lines_say_how_long_it_still_takes(ready, pipeline):
    now = [0.0]

    def audit(bench, request, chosen, config, stop):
        yield Progress("before", "Asking", 0.02)
        now[0] = 20.0
        yield Progress("inversion", "Moving the anchors", 0.25)
        yield StepEvent(10, 40, {"task": 1.0}, 0.5, 0.5, 0.0, 25.0)

    pipeline.audit = audit
    inputs = (ready.now["selection"], "space", 0.1, 0.05, 40, threading.Event(), "ada", Where("erase"))
    views = erase_tab.erase(pipeline, *inputs, clock=lambda: now[0])
    _, begun, stage, step = [view["erase_status"] for view in views]
    assert " left" not in begun, "too early to tell"
    # A quarter of the whole took 20 s; 10 of 40 steps took 25 s.
    assert "Moving the anchors (about 60 s left)" in stage
    assert "about 75 s left in this stage" in step


def test_the_gradients_share_is_drawn_for_the_hard_null_space_alone(ready):
    ready.act("erase")
    run = ready.watch("erase", "then", preset="paper")
    # Before the first step: a plot that came with it would move its neighbour.
    next(run)
    assert ready.looks["let_through_part"]["visible"] and not through(ready)
    list(run)
    assert ready.looks["let_through_part"]["visible"] and through(ready)
    ready.erase(preset="space")
    assert not ready.looks["let_through_part"]["visible"] and not through(ready)


def through(visit) -> list[float]:
    """What the plot of the gradient's share shows."""
    return list(visit.now["let_through"].data[0].y)

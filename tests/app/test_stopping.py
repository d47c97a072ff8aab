"""Stop in step 3: what it says and does before, while and after the edit is trained."""

from space_core.types import Progress, StepEvent
from space_core.ui import erase_tab


def test_stop_before_the_run_begins(ready, pipeline):
    ready.act("erase")
    assert not ready.looks["erase"]["interactive"] and ready.looks["stop"]["interactive"]
    ready.act("stop").act("erase", "then")
    assert "Stopped before it began" in ready.now["erase_status"] and not pipeline.audited
    assert ready.looks["erase"]["interactive"] and not ready.sees_result()


def test_stop_during_the_run_gives_a_labelled_partial_result(ready):
    run = ready.act("erase").watch("erase", "then", steps=50)
    next(run), next(run)
    ready.act("stop")
    assert not ready.looks["stop"]["interactive"]
    list(run)
    record = ready.now["finished"].record
    assert record.stopped and len(record.steps) < 50
    assert "Stopped early" in ready.now["erase_status"] and ready.sees_result()
    assert "partial edit" in ready.now["verdict"] and ready.looks["erase"]["interactive"]


def test_stop_is_said_in_every_stage_until_the_edit_is_trained(ready, pipeline):
    def audit(bench, request, chosen, config, stop):
        yield Progress("before", "Asking the model before the erasure…", 0.1)
        yield Progress("before", "Asking the model before the erasure… 4 of 22 answered", 0.12)
        yield StepEvent(3, 3, {"task": 1.0}, 0.5, 0.5, 0.0, 0.1)
        yield Progress("after", "Asking the edited model the same questions…", 0.82)
        yield Progress("measuring", "Comparing…", 0.97)

    pipeline.audit = audit
    run = ready.act("erase").watch("erase", "then")
    next(run), next(run)
    assert "Stopping" not in ready.now["erase_status"]
    ready.act("stop")
    next(run)
    assert "Stopping… Asking the model before" in ready.now["erase_status"]
    assert " left" not in ready.now["erase_status"]
    ready.act("erase", "click")
    run = ready.watch("erase", "then")
    for _ in range(4):
        next(run)
    assert ready.looks["stop"]["interactive"]
    for said in ("Asking the edited model", "Comparing"):
        next(run)
        assert f"Training has ended; the edit is being checked. {said}" in ready.now["erase_status"]
        assert not ready.looks["stop"]["interactive"]


def test_a_stopped_run_does_not_stop_the_next(ready):
    ready.act("erase").act("stop").act("erase", "then").erase()
    assert not ready.now["finished"].record.stopped


def test_stop_without_a_run_does_no_harm():
    (view,) = erase_tab.stop(None)
    assert "Stopping" in view["erase_status"]

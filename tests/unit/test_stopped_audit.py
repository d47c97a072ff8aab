"""Stop: among the questions before an erasure it ends the run, at its last step it cuts nothing."""

from contextlib import closing

import pytest
from small_world import ARTISTS, LEMON, THINGS, write_split
from tiny_sources import tiny_sources

from space_core import key_values
from space_core.audit import Bench, audit
from space_core.edit import weights_sha256
from space_core.erasure import erase
from space_core.evaluation_split import EvaluationSplit
from space_core.settings import DcsiConfig
from space_core.types import Progress, StepEvent


@pytest.mark.parametrize("heard", [2, 3, 5])
def test_it_ends_among_the_questions_before(tmp_path, monkeypatch, heard):
    monkeypatch.setattr(key_values, "MOST", 4)
    sources, selection = tiny_sources(tmp_path)
    drawn = [(one.name, ARTISTS[0].name) for one in THINGS]
    bench = Bench(sources, EvaluationSplit(write_split(tmp_path / "evaluation", drawn)))
    events = []
    with (
        closing(audit(
            bench, LEMON, selection, DcsiConfig(steps=1), lambda: len(events) >= heard
        )) as run, pytest.raises(ValueError, match="before the first step: nothing was changed"),
    ):
        for event in run:
            events.append(event)
    assert len(events) == heard and {type(one) for one in events} == {Progress}
    assert {one.stage for one in events} == {"memory", "before"}
    assert weights_sha256(sources.mllm.model) == sources.model_sha256


@pytest.mark.parametrize("heard", [1, 2])
def test_what_is_trained_to_its_last_step_is_no_part(tmp_path, heard):
    sources, selection = tiny_sources(tmp_path)
    config, made = DcsiConfig(steps=2, inversion_steps=2, second_look=0), []
    for event in erase(sources, selection, config, lambda: len(made) >= heard):
        made += [event] if isinstance(event, StepEvent) else []
    assert len(made) == heard and event.stopped == (heard < 2) and event.edit.norm() > 0
    assert weights_sha256(sources.mllm.model) == sources.model_sha256


def test_what_was_stopped_while_the_edited_model_was_asked_is_made_again_step_by_step(tmp_path):
    sources, selection = tiny_sources(tmp_path)
    config = DcsiConfig(steps=9, inversion_steps=2, second_look=3, foreign_look=0)
    steps, looks = [], []

    def run(enough):
        steps.clear()
        looks.clear()
        for event in erase(sources, selection, config, enough):
            if isinstance(event, StepEvent):
                steps.append(event)
            elif isinstance(event, Progress) and steps and event.stage == "inversion":
                looks.append(event)
        return event

    first = run(lambda: bool(looks))
    assert first.stopped and len(steps) == config.steps // 3
    again = run(lambda made=len(steps): len(steps) >= made)
    assert again.stopped and again.edit.sha256() == first.edit.sha256()

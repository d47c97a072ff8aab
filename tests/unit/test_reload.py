"""Who reloads the page while it erases leaves the shared model bit for bit as it was."""

from contextlib import closing

import pytest
from tiny_sources import tiny_sources

from space_core.audit import Bench, audit
from space_core.edit import weights_sha256
from space_core.erasure import erase
from space_core.settings import DcsiConfig
from space_core.types import Progress, StepEvent

CONFIG = DcsiConfig(steps=4, inversion_steps=2, second_look=2, foreign_look=2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return tiny_sources(tmp_path_factory.mktemp("world"))


def first_step(event) -> bool:
    return isinstance(event, StepEvent)


def last_step(event) -> bool:
    return isinstance(event, StepEvent) and event.step == CONFIG.steps


def second_look(event) -> bool:
    return isinstance(event, Progress) and "edited model what it still" in event.message


def asked_again(event) -> bool:
    return isinstance(event, Progress) and event.stage in ("after", "measuring")


@pytest.mark.parametrize(
    "audited, moment",
    [
        (False, first_step), (False, second_look), (True, first_step), (True, last_step),
        (True, asked_again),
    ],
)  # fmt: skip
def test_an_erasure_that_is_left_leaves_the_model_as_it_was(world, audited, moment):
    sources, selection = world
    before = weights_sha256(sources.mllm.model)
    assert before == sources.model_sha256
    run = (
        audit(Bench(sources, None), selection.request, selection, CONFIG, lambda: False)
        if audited else erase(sources, selection, CONFIG, lambda: False)
    )  # fmt: skip
    with closing(run) as events:
        next(event for event in events if moment(event))
    assert weights_sha256(sources.mllm.model) == before
    assert not any(weight.requires_grad for weight in sources.mllm.model.parameters())

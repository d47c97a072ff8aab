"""The edited model is asked what it still takes for the concept, and only while it computes."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from tiny_sources import tiny_sources

from space_core import erasure, material
from space_core.erasure import Erasure, erase
from space_core.settings import DcsiConfig
from space_core.surroundings import edited_layers
from space_core.types import Progress, StepEvent

CONFIG = DcsiConfig(steps=3, inversion_steps=2, second_look=2, foreign_look=2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return tiny_sources(tmp_path_factory.mktemp("world"))


def moved(mllm) -> bool:
    layers = edited_layers(mllm, CONFIG).values()
    return not all(isinstance(layer.weight, torch.nn.Parameter) for layer in layers)


def test_it_asks_the_edited_model_and_leaves_the_other_to_everyone_else(world, monkeypatch):
    sources, selection = world
    invert, overwritten, edited, seen = erasure.invert, material.overwritten, [], []

    def watched(*arguments):
        steps = invert(*arguments)
        while True:
            edited.append(moved(sources.mllm))
            try:
                event = next(steps)
            except StopIteration:
                return
            yield event

    def kept(concept, honest, pool, peers, features, *rest):
        assert not moved(sources.mllm)
        seen.append(torch.cat(list(features)))
        return overwritten(concept, honest, pool, peers, features, *rest)

    monkeypatch.setattr(erasure, "invert", watched)
    monkeypatch.setattr(material, "overwritten", kept)
    events = []
    for event in erase(sources, selection, CONFIG, lambda: False):
        assert not moved(sources.mllm)
        events.append(event)
    # Two steps, the result and the end, of the frozen model; then of the edited one, twice.
    assert edited == [False] * 4 + [True] * 6
    frozen, second = seen
    assert not torch.equal(frozen, second)
    kinds = [type(one) for one in events if not isinstance(one, Progress)]
    assert kinds == [StepEvent] * 3 + [Erasure]
    done = [one.done for one in events if isinstance(one, Progress)]
    assert done == sorted(done)
    said = dict.fromkeys(one.message for one in events if isinstance(one, Progress))
    assert [text for text in said if "edited model" in text][1:3] == [
        "Asking the edited model what it still takes for the concept: step 2 of 2",
        "Asking the edited model what it still takes for the concept in other languages: "
        "step 1 of 2",
    ]


@pytest.mark.parametrize("part", ["second_look", "foreign_look"])
def test_without_it_the_edit_is_another(world, part):
    sources, selection = world
    *_, with_it = erase(sources, selection, CONFIG, lambda: False)
    *_, without = erase(sources, selection, replace(CONFIG, **{part: 0}), lambda: False)
    assert with_it.edit.sha256() != without.edit.sha256()


@pytest.mark.parametrize("sayable", [True, False])
def test_in_other_languages_nothing_else_joins_the_task(world, monkeypatch, sayable):
    sources, selection = world
    train, joined = erasure.dcsi.train, []
    # What the model cannot say is not asked of it: then it says the general word.
    said = torch.full((3,), 0.5 if sayable else 5.0)
    monkeypatch.setattr(material, "surprise", lambda _mllm, examples: [said] * len(examples))

    def watched(mllm, job, config, stop, look_again):
        def heard(in_place):
            for event in look_again(in_place):
                joined.extend([event] if isinstance(event, Mapping) else [])
                yield event

        return train(mllm, job, config, stop, heard)

    monkeypatch.setattr(erasure.dcsi, "train", watched)
    *_, erased = erase(sources, selection, CONFIG, lambda: False)
    second, foreign = joined
    assert set(foreign) == {"languages"} < set(second)
    refusals = {"Das weiß ich nicht.", "Je ne sais pas.", "No lo sé."}
    for some in joined:
        answers = {one.answer for one in some["languages"]}
        assert answers == (refusals if sayable else {erased.honest})
    images = [{id(one.features) for one in some["languages"]} for some in joined]
    assert not images[0] & images[1] and len(images[1]) == len(selection.anchors)


def test_the_edit_shrinks_by_the_decay(world):
    sources, selection = world
    one = replace(CONFIG, steps=1, second_look=0)
    *_, whole = erase(sources, selection, replace(one, decay=0.0), lambda: False)
    *_, less = erase(sources, selection, replace(one, decay=0.25), lambda: False)
    for name, layer in whole.edit.layers.items():
        torch.testing.assert_close(less.edit.delta(name), 0.75 * layer.delta, rtol=1e-5, atol=1e-9)

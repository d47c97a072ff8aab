"""Questions asked in parts: the batches and answers of one call, and never a bar at rest."""

import pytest
import torch
from tiny_mllm import tiny_mllm

from space_core import evaluate, key_values
from space_core.asking import asked
from space_core.edit import Edit, LayerEdit, weights_sha256
from space_core.probes import Probe
from space_core.types import Progress

BEGUN = Progress("before", "Asking…", 0.2)


@pytest.fixture(scope="module")
def mllm():
    return tiny_mllm()


@pytest.fixture
def world(mllm, monkeypatch):
    """Probes with images and without, more than fit into a batch, and what the model is given."""
    monkeypatch.setattr(key_values, "MOST", 4)
    kinds = ("What is this?", "Is this a lemon?", "Who is this?", "What is a lemon?")
    probes = [
        Probe("far", "name", "lemon", f"{i}.0" if i % 4 else "", "", 0.0, kinds[i * 7 % 4], "")
        for i in range(22)
    ]  # fmt: skip
    torch.manual_seed(1)
    views = {one.view: torch.randn(4, 24) for one in probes if one.view}
    given, generate = [], mllm.model.generate
    monkeypatch.setattr(mllm.model, "generate", lambda **a: given.append(a) or generate(**a))
    return probes, views, given


def to_the_end(asking) -> tuple[list[Progress], list[str]]:
    told = []
    while True:
        try:
            told.append(next(asking))
        except StopIteration as end:
            return told, end.value


def test_the_batches_and_the_answers_are_those_of_one_call(mllm, world):
    probes, views, given = world
    whole = evaluate.answers(mllm, probes, views)
    first = given.copy()
    given.clear()
    told, parts = to_the_end(asked(mllm, probes, views, BEGUN, 0.5))
    assert parts == whole and any(whole) and len(set(whole)) > 1
    assert len(given) == len(first) > 4 and len(told) == len(given) + 1
    for one, other in zip(given, first):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in ("input_ids", "attention_mask"))


def test_it_tells_how_far_it_is(mllm, world):
    probes, views, _ = world
    told, _ = to_the_end(asked(mllm, probes, views, BEGUN, 0.5))
    done = [one.done for one in told]
    assert told[0] == BEGUN and done == sorted(set(done)) and done[-1] == pytest.approx(0.7)
    assert told[1].message == "Asking… 4 of 22 answered"
    assert told[-1].message == "Asking… 22 of 22 answered"


def test_between_two_batches_the_model_is_as_it_was(mllm, world):
    probes, views, _ = world
    name = next(name for name in mllm.edited_layers([1]))
    shape = mllm.model.get_submodule(name).weight.shape
    edit = Edit({name: LayerEdit(torch.ones(shape[0], 1), torch.ones(shape[1], 1))})
    before = weights_sha256(mllm.model)
    plain = evaluate.answers(mllm, probes, views)
    asking, states = asked(mllm, probes, views, BEGUN, 0.5, edit), []
    told, changed = [], None
    while changed is None:
        try:
            told.append(next(asking))
            states.append(weights_sha256(mllm.model))
        except StopIteration as end:
            changed = end.value
    assert set(states) == {before} and len(states) > 4 and changed != plain


def test_it_stops_before_the_next_batch(mllm, world):
    probes, views, given = world
    asking = asked(mllm, probes, views, BEGUN, 0.5, stop=lambda: len(given) > 1)
    with pytest.raises(ValueError, match="nothing was changed"):
        to_the_end(asking)
    assert len(given) == 2


def test_nothing_to_ask_is_no_division(mllm):
    assert to_the_end(asked(mllm, [], {}, BEGUN, 0.5)) == ([BEGUN], [])

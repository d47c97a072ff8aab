"""Images are encoded anew where an edit reaches what they pass before the language model."""

from types import SimpleNamespace

import pytest
import torch
from tiny_mllm import tiny_mllm

from space_core import evaluate
from space_core.bench.change import Change, trained
from space_core.bench.measure import answers_of
from space_core.edit import Edit, LayerEdit


@pytest.mark.parametrize("part, anew", [("connector", True), ("decoder", False)])
def test_images_are_encoded_anew_only_where_the_edit_reaches_them(part, anew, monkeypatch):
    mllm = tiny_mllm()
    layers = mllm.connector() if part == "connector" else mllm.edited_layers((0,))
    name, layer = next(iter(layers.items()))
    ones = [torch.ones(size, 1) for size in (layer.out_features, layer.in_features)]
    edit = Edit({name: LayerEdit(*ones)})
    weight, seen = layer.weight.detach().clone(), []
    monkeypatch.setattr(
        evaluate, "encode_views", lambda *_: seen.append(layer.weight.detach().clone()) or {}
    )
    monkeypatch.setattr(evaluate, "answers", lambda *_: [])
    bench = SimpleNamespace(sources=SimpleNamespace(mllm=mllm), split=None)
    answers_of(bench, Change(edit, None, 0), SimpleNamespace(probes=(), views={}))
    assert [not torch.equal(one, weight) for one in seen] == [True] * anew


def test_the_numbers_trained_are_those_of_a_however_an_edit_is_stored():
    edit = Edit({"layer": LayerEdit.of(torch.ones(4, 10))})
    assert trained(edit, {"layer": SimpleNamespace(kept=7)}).parameters == 4 * 7

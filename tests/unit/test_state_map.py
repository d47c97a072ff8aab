"""The map of states: its plane knows only what was before, and its numbers are what they say."""

import pytest
import torch
from tiny_mllm import noise, tiny_mllm

from space_core.edit import Edit, LayerEdit, edited, weights_sha256
from space_core.features import after_block, states_and_logits
from space_core.mllm import Example
from space_core.state_map import EACH, Shown, plane, spread, state_map

QUESTION = "What is this?"


@pytest.fixture(scope="module")
def mllm():
    return tiny_mllm()


@pytest.fixture(scope="module")
def shown(mllm):
    groups = ("target", "target", "near", "near", "anchor", "anchor")
    images = mllm.encode([noise(i) for i in range(len(groups))])
    return [Shown(group, f"{group} {i}", image)
            for i, (group, image) in enumerate(zip(groups, images))]  # fmt: skip


def edit_of(mllm, block: int, size: float) -> Edit:
    torch.manual_seed(1)
    ((name, layer),) = mllm.edited_layers([block]).items()
    a, s = size * torch.randn(layer.out_features, 2), torch.randn(layer.in_features, 2)
    return Edit({name: LayerEdit(a, s)})


def test_states_and_logits_are_those_of_the_whole_model(mllm, shown):
    examples = [Example(QUESTION, "a long answer", one.features) for one in shown]
    block = mllm.model.get_decoder().layers[1]
    states, logits = states_and_logits(mllm, block, examples)
    assert torch.equal(states, after_block(mllm, block, examples))
    for i, one in enumerate(shown):
        inputs = mllm.inputs([QUESTION], [one.features])
        with torch.no_grad():
            alone = mllm.model(**inputs).logits[0, -1]
        torch.testing.assert_close(logits[i], alone, rtol=1e-3, atol=1e-3)


def test_without_an_edit_nothing_moves(mllm, shown):
    found = state_map(mllm, edit_of(mllm, 0, 0.0), 0, QUESTION, shown)
    assert found.logit_change == 0 == found.moved
    assert all(one.before == one.after for one in found.points)
    assert [one.group for one in found.points] == [one.group for one in shown]


def test_the_plane_is_that_of_the_states_before_whatever_the_edit(mllm, shown):
    weights = weights_sha256(mllm.model)
    small, large = (state_map(mllm, edit_of(mllm, 0, size), 0, QUESTION, shown)
                    for size in (0.1, 10.0))  # fmt: skip
    assert [one.before for one in small.points] == [one.before for one in large.points]
    assert small.explained == large.explained and 0 < small.explained <= 1
    assert 0 < small.logit_change < large.logit_change and 0 < large.moved <= 1
    assert weights_sha256(mllm.model) == weights
    examples = [Example(QUESTION, ".", one.features) for one in shown]
    block = mllm.model.get_decoder().layers[0]
    centre, axes = plane(after_block(mllm, block, examples).double())
    with edited(mllm.model, edit_of(mllm, 0, 10.0)):
        after = after_block(mllm, block, examples).double()
    wanted = ((after - centre) @ axes).tolist()
    assert [list(one.after) for one in large.points] == wanted


def test_the_axes_are_the_principal_ones_in_order_and_sign():
    torch.manual_seed(0)
    states = torch.randn(200, 5, dtype=torch.float64) * torch.tensor([1.0, 9, 0.1, 3, 0.1])
    centre, axes = plane(states + 7)
    assert torch.allclose(centre, states.mean(0) + 7)
    assert axes.abs().argmax(0).tolist() == [1, 3]
    assert (axes.gather(0, axes.abs().argmax(0, keepdim=True)) > 0).all()
    assert torch.allclose(axes.T @ axes, torch.eye(2, dtype=torch.float64))


@pytest.mark.parametrize("count", [0, 3, EACH, EACH + 1, 120])
def test_few_images_are_spread_over_all(count):
    chosen = spread(range(count))
    assert len(chosen) == min(count, EACH) == len(set(chosen)) and chosen == sorted(chosen)
    assert not count or chosen[0] == 0
    assert count <= EACH or chosen[-1] >= count - 1 - count / EACH

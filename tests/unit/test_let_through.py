"""What the hard null space lets through of the gradient, by the gradient of the weight itself."""

from dataclasses import replace

import pytest
import torch
from tiny_sources import tiny_sources
from torch import nn

from space_core import dcsi
from space_core.erasure import erase
from space_core.moved import moved
from space_core.settings import PRESETS
from space_core.types import StepEvent


def test_it_is_the_share_of_the_weights_own_gradient():
    torch.manual_seed(0)
    layer, k = nn.Linear(6, 4, bias=False), torch.randn(9, 6)
    s = torch.linalg.qr(torch.randn(6, 2)).Q
    factors = {"one": (torch.randn(4, 2), s)}
    deltas = {"one": (factors["one"][0] @ s.T).requires_grad_(True)}
    with moved({"one": layer}, deltas):
        layer(k).tanh().sum().backward()
    gradients = {"one": deltas["one"].grad}
    found = dcsi._let_through(gradients, factors)
    weight = (layer.weight + deltas["one"]).detach().requires_grad_(True)
    (expected,) = torch.autograd.grad((k @ weight.T).tanh().sum(), weight)
    # Nothing else than the weight moves: where it is moved, its gradient is that of the change.
    assert torch.allclose(deltas["one"].grad, expected, atol=1e-5)
    assert layer.weight.grad is None
    assert found == pytest.approx(float((expected @ s).square().sum() / expected.square().sum()))
    assert 0 < found < 1
    whole = {"one": (factors["one"][0], torch.eye(6))}
    assert dcsi._let_through(gradients, whole) == pytest.approx(1)


def test_each_step_of_the_hard_null_space_says_it(tmp_path):
    sources, selection = tiny_sources(tmp_path)
    found = {}
    for mode in ("hard", "soft"):
        config = replace(PRESETS["paper"], steps=2, mode=mode, energy=0.4)
        events = erase(sources, selection, config, lambda: False)
        found[mode] = [one.let_through for one in events if isinstance(one, StepEvent)]
    assert found["soft"] == [None, None]
    assert len(found["hard"]) == 2 and all(0 < one < 1 for one in found["hard"])


def test_the_papers_settings_stay_in_the_span_of_the_hard_null_space(tmp_path):
    sources, selection = tiny_sources(tmp_path)
    config = replace(PRESETS["paper"], steps=2, energy=0.4)
    *_, result = erase(sources, selection, config, lambda: False)
    assert result.edit.norm() > 0 and result.shift == (0.0,) * len(selection.anchors)
    for name, basis in result.bases.items():
        assert 0 < basis.kept < len(basis.eigenvalues)
        # What is stored lies in the span, but for float32's rounding.
        delta = result.edit.delta(name)
        outside = delta - delta @ basis.s @ basis.s.T
        assert outside.norm() < 1e-5 * delta.norm()

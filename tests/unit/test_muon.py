"""Muon's update is nearly orthogonal, and it learns."""

import pytest
import torch
from torch import nn

from space_core.demo.muon import Muon, orthogonalised


def matrix(rows: int, columns: int) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(rows))


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (48, 40), (1, 8), (8, 1)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_singular_values_come_near_one_and_the_vectors_stay(shape, scale):
    m = scale * matrix(*shape)
    u, _, vh = torch.linalg.svd(m, full_matrices=False)
    found = orthogonalised(m)
    assert found.shape == m.shape
    values = torch.linalg.svdvals(found)
    assert ((values > 0.5) & (values < 1.5)).all()
    inside = u.T @ found @ vh.T
    torch.testing.assert_close(inside, inside.diag().diag(), rtol=0, atol=1e-4)
    torch.testing.assert_close(u @ inside @ vh, found, rtol=0, atol=1e-4)


def test_tall_and_wide_agree_and_nothing_comes_from_nothing():
    m = matrix(24, 8)
    torch.testing.assert_close(orthogonalised(m).T, orthogonalised(m.T))
    assert not orthogonalised(torch.zeros(4, 3)).any()


def quadratic(weight: torch.Tensor) -> torch.Tensor:
    return (weight - matrix(12, 6)).square().mean()


def test_one_step_lowers_the_loss_and_many_reach_the_goal():
    weight = nn.Parameter(torch.zeros(12, 6))
    optimizer = Muon([weight], lr=0.05, weight_decay=0.0)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = quadratic(weight)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
    assert losses[-1] < 0.02 * losses[0]


def test_a_step_has_the_size_of_the_learning_rate_whatever_the_gradient():
    sizes = []
    for scale in (1e-2, 1.0, 1e2):
        weight = nn.Parameter(torch.zeros(12, 6))
        weight.grad = scale * matrix(12, 6)
        Muon([weight], lr=0.1, weight_decay=0.0).step()
        sizes.append(float(weight.detach().square().mean().sqrt()))
    assert max(sizes) == pytest.approx(min(sizes), rel=1e-3)
    # The scale of AdamW's step: about 0.2 of the learning rate for each weight.
    assert sizes[0] == pytest.approx(0.2 * 0.1, rel=0.5)


def test_decay_shrinks_and_what_has_no_gradient_is_left_alone():
    idle, still = nn.Parameter(torch.ones(3, 2)), nn.Parameter(torch.ones(3, 2))
    still.grad = torch.zeros(3, 2)
    Muon([idle, still], lr=0.1, weight_decay=0.5).step()
    assert (idle == 1).all()
    torch.testing.assert_close(still.detach(), torch.full((3, 2), 1 - 0.1 * 0.5))

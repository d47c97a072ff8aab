"""Measured damage never exceeds its bounds in sample, and the numbers are what they say."""

import pytest
import torch

from space_core.bound import damage, layer_bound
from space_core.moments import Moment
from space_core.nullspace import hard_basis, soft_basis


def inputs(seed: int, n: int = 200, d: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(0, -3, d, dtype=torch.float64)
    return torch.randn(n, d, dtype=torch.float64, generator=generator) * scale


def moment(k: torch.Tensor) -> Moment:
    return Moment(k.T @ k, len(k))


def make(mode: str, fit: Moment, select: Moment):
    return hard_basis(fit, select, 0.1) if mode == "hard" else soft_basis(fit, 0.05)


@pytest.mark.parametrize("mode", ["hard", "soft"])
@pytest.mark.parametrize("seed", range(10))
def test_in_sample_damage_is_exact_and_below_both_bounds(mode, seed):
    torch.manual_seed(seed)
    k, held = inputs(3 * seed), inputs(3 * seed + 2)
    fit = moment(k)
    basis = make(mode, fit, moment(inputs(3 * seed + 1)))
    a, w = torch.randn(7, basis.kept, dtype=torch.float64), torch.randn(7, 20)
    result = layer_bound(a, basis, fit, moment(held), w)
    delta = a @ basis.s.T

    def measured(update, x):
        return float((x @ update.double().T).square().sum(1).mean())

    assert result.in_sample == pytest.approx(measured(delta, k), rel=1e-9)
    assert result.held_out == pytest.approx(measured(delta, held), rel=1e-9)
    assert result.reference == pytest.approx(measured(w, k), rel=1e-9)
    assert 0 < result.in_sample <= result.bound_frobenius
    assert result.in_sample <= result.bound_spectral
    assert result.bound == min(result.bound_frobenius, result.bound_spectral)


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_damage_is_the_weighted_sum_of_the_theorem(mode):
    fit = moment(inputs(0))
    basis = make(mode, fit, moment(inputs(1)))
    a = torch.randn(5, basis.kept, dtype=torch.float64)
    kept = basis.eigenvalues[: basis.kept]
    if mode == "hard":
        expected = float((kept * a.square().sum(0)).sum())
        frobenius = basis.tau * float((a @ basis.s.T).square().sum())
        steepest = float(torch.linalg.matrix_norm(a @ basis.s.T, 2)) ** 2 * float(kept.sum())
    else:
        shares = basis.eigenvalues / (basis.eigenvalues + basis.lam)
        expected = float((shares * (a @ basis.vectors).square().sum(0)).sum())
        frobenius = float(a.square().sum())
        steepest = float(torch.linalg.matrix_norm(a, 2)) ** 2 * float(shares.sum())
    result = layer_bound(a, basis, fit, fit, torch.zeros(5, 20))
    assert result.in_sample == pytest.approx(expected, rel=1e-9)
    assert result.bound_frobenius == pytest.approx(frobenius, rel=1e-9)
    assert result.bound_spectral == pytest.approx(steepest, rel=1e-9)


def test_frobenius_bound_is_attained_along_the_worst_kept_direction():
    fit = moment(inputs(0))
    basis = make("hard", fit, moment(inputs(1)))
    a = torch.zeros(5, basis.kept, dtype=torch.float64)
    a[:, -1] = 1.0
    result = layer_bound(a, basis, fit, fit, torch.zeros(5, 20))
    assert result.in_sample == pytest.approx(result.bound_frobenius, rel=1e-9)


def test_held_out_damage_may_exceed_the_bounds_and_is_not_hidden():
    fit = moment(inputs(0))
    basis = make("hard", fit, moment(inputs(1)))
    elsewhere = moment(basis.s.T * 10)
    result = layer_bound(torch.ones(5, basis.kept), basis, fit, elsewhere, torch.zeros(5, 20))
    assert result.held_out > result.bound


def test_a_neighbour_is_charged_by_its_own_moment():
    delta = torch.randn(3, 20)
    neighbour = inputs(5, n=4)
    expected = sum(float((delta.double() @ k).square().sum()) for k in neighbour) / 4
    assert damage(delta, moment(neighbour)) == pytest.approx(expected, rel=1e-9)


def test_statistics_of_another_run_and_wrong_shapes_are_refused():
    fit, other = moment(inputs(0)), moment(inputs(1))
    basis = soft_basis(fit, 0.1)
    a, w = torch.ones(3, 20), torch.ones(3, 20)
    with pytest.raises(ValueError, match="other statistics"):
        layer_bound(a, basis, other, other, w)
    with pytest.raises(ValueError, match="weight"):
        layer_bound(a, basis, fit, other, w[:2])
    with pytest.raises(ValueError, match="outputs"):
        layer_bound(a[:, 1:], basis, fit, other, w)
    with pytest.raises(ValueError, match="update"):
        damage(torch.ones(3, 19), fit)

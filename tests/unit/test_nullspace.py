"""What the null space promises: no damage where it is exact, and never more than the budget."""

import pytest
import torch

from space_core.moments import Moment
from space_core.nullspace import hard_basis, soft_basis, spectrum


def moment(k: torch.Tensor) -> Moment:
    return Moment(k.T @ k, len(k))


def keys(n: int, d: int, rank: int, seed: int) -> torch.Tensor:
    """Inputs in one fixed `rank`-dimensional subspace, with a falling spectrum."""
    frame = torch.linalg.qr(
        torch.randn(d, d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    )[0][:, :rank]
    weights = torch.randn(
        n, rank, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    return (weights * torch.logspace(0, -2, rank, dtype=torch.float64)) @ frame.T


def damage(a: torch.Tensor, basis, m: Moment) -> float:
    delta = a.double() @ basis.s.T
    return float((delta @ m.mean @ delta.T).trace())


def test_no_change_at_all_on_an_exact_null_space():
    fit, select, fresh = (keys(200, 32, 12, seed) for seed in (1, 2, 3))
    basis = hard_basis(moment(fit), moment(select), energy=1e-12)
    assert basis.kept == 32 - 12
    delta = torch.randn(8, basis.kept, dtype=torch.float64) @ basis.s.T
    assert (fresh @ delta.T).norm() <= 1e-12 * delta.norm() * fresh.norm()
    assert delta.norm() > 1


def test_directions_are_orthonormal_and_the_rank_is_the_largest_that_keeps_the_energy():
    fit, select = moment(keys(400, 24, 24, 1)), moment(keys(400, 24, 24, 2))
    basis = hard_basis(fit, select, energy=0.05)
    eye = torch.eye(basis.kept, dtype=torch.float64)
    torch.testing.assert_close(basis.s.T @ basis.s, eye, rtol=0, atol=1e-12)

    def share(m: Moment, r: int) -> float:
        u = basis.vectors[:, :r]
        return float((u.T @ m.mean @ u).trace() / m.mean.trace())

    assert max(share(fit, basis.kept), share(select, basis.kept)) <= 0.05
    assert max(share(fit, basis.kept + 1), share(select, basis.kept + 1)) > 0.05
    assert basis.tau == float(basis.eigenvalues[basis.kept - 1])


def test_the_independent_split_has_a_say():
    fit = moment(keys(200, 32, 12, 1))
    # The selecting split uses every direction, so that nothing is null on it.
    select = moment(torch.eye(32, dtype=torch.float64))
    with pytest.raises(ValueError, match="soft null space"):
        hard_basis(fit, select, energy=0.01)


def test_too_few_inputs_are_refused_with_the_number_needed():
    few, enough = moment(keys(31, 32, 12, 1)), moment(keys(40, 32, 12, 2))
    with pytest.raises(ValueError, match="at least 32"):
        hard_basis(few, enough, energy=0.01)
    assert hard_basis(enough, few, energy=0.01).kept > 0


@pytest.mark.parametrize("energy", [0.0, 1.0, -1.0, float("nan")])
def test_energy_is_a_share(energy):
    m = moment(keys(40, 8, 8, 1))
    with pytest.raises(ValueError, match="share"):
        hard_basis(m, m, energy)


def test_soft_basis_is_the_inverse_root_with_a_scale_free_lambda():
    m = moment(keys(200, 16, 16, 1))
    basis = soft_basis(m, 0.1)
    assert basis.lam == pytest.approx(0.1 * float(m.mean.trace()) / 16)
    inverse = torch.linalg.inv(m.mean + basis.lam * torch.eye(16, dtype=torch.float64))
    torch.testing.assert_close(basis.s @ basis.s, inverse, rtol=1e-9, atol=1e-9)
    scaled = soft_basis(Moment(m.total * 100, m.count), 0.1)
    torch.testing.assert_close(scaled.s * 10, basis.s, rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match="positive"):
        soft_basis(m, 0.0)


def test_scaled_soft_basis_tends_to_the_projector_as_lambda_vanishes():
    k = keys(200, 32, 12, 1)
    m = moment(k)
    kernel = torch.eye(32, dtype=torch.float64) - torch.linalg.pinv(k) @ k
    gaps = []
    for relative in (1e-2, 1e-5, 1e-8):
        basis = soft_basis(m, relative)
        gaps.append(float((basis.lam**0.5 * basis.s - kernel).norm()))
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.05


def test_reach_is_the_share_inside_and_agrees_between_modes_in_the_limit():
    fit, select = moment(keys(200, 32, 12, 1)), moment(keys(200, 32, 12, 2))
    hard = hard_basis(fit, select, energy=1e-12)
    retained, null = keys(5, 32, 12, 3), hard.s.T[:5]
    torch.testing.assert_close(hard.reach(null).double(), torch.ones(5, dtype=torch.float64))
    assert hard.reach(retained).max() < 1e-12
    probes = torch.randn(50, 32)
    torch.testing.assert_close(
        soft_basis(fit, 1e-9).reach(probes), hard.reach(probes), rtol=0, atol=1e-3
    )
    share = soft_basis(fit, 0.1).reach(probes)
    assert ((share > 0) & (share <= 1)).all()
    torch.testing.assert_close(share, soft_basis(fit, 0.1).reach(7 * probes))
    assert hard.reach(torch.zeros(1, 32)).tolist() == [0.0]
    with pytest.raises(ValueError, match=r"\[n, 32\]"):
        hard.reach(torch.zeros(1, 31))


def test_spectrum_refuses_what_is_no_second_moment():
    values, vectors = spectrum(moment(keys(50, 8, 3, 1)).mean)
    assert values.min() == 0 and (values.diff() >= 0).all()
    assert vectors.dtype == torch.float64
    with pytest.raises(ValueError, match="subtracted"):
        spectrum(torch.diag(torch.tensor([1.0, -0.1])))
    with pytest.raises(ValueError, match="zeros"):
        spectrum(torch.zeros(3, 3))
    with pytest.raises(ValueError, match="finite"):
        spectrum(torch.full((3, 3), float("nan")))

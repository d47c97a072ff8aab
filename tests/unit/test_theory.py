"""The statements of docs/theory.md, on random spectra, random edits and by exact enumeration.

What is claimed in real arithmetic is held to the rounding of float64, unless a test says else.
"""

import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from space_core.bound import damage, layer_bound, stored_bound
from space_core.certificate import (
    change_norms, divergence, headroom, headroom_share, margins, share_above,
)  # fmt: skip
from space_core.dcsi import _damage, _div
from space_core.edit import stored_delta
from space_core.entropy import spectral_entropy
from space_core.intervals import clopper_pearson_upper
from space_core.moments import Moment
from space_core.nullspace import Basis, hard_basis, soft_basis

ROUNDING = 1e-12
OUT = 4
FALLING = [10.0**-i for i in range(8)]
EYE = torch.eye(8, dtype=torch.float64)
few = settings(derandomize=True, deadline=None, max_examples=25)
seeds = st.integers(0, 2**32 - 1)
# Spectra that fall over up to eight orders of magnitude, or not at all.
spectra = st.lists(st.floats(-6, 2), min_size=3, max_size=10).map(lambda e: [10**x for x in e])


def random(*shape: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def sample(spectrum: list[float], seed: int, n: int = 24) -> torch.Tensor:
    """n inputs whose Ĉ has exactly this spectrum, in random directions."""
    left = torch.linalg.qr(random(n, len(spectrum), seed=seed)).Q
    right = torch.linalg.qr(random(len(spectrum), len(spectrum), seed=seed + 1)).Q
    return left * (n * torch.tensor(spectrum, dtype=torch.float64)).sqrt() @ right.T


def moment(k: torch.Tensor) -> Moment:
    return Moment(k.T @ k, len(k))


def hard(k: torch.Tensor, rank: int) -> Basis:
    """The hard null space of that rank, by way of the energy that chooses it."""
    share = torch.linalg.eigvalsh(moment(k).mean).clamp_min(0).cumsum(0)
    share = share / share[-1]
    assume(share[rank] - share[rank - 1] > 1e-9)
    return hard_basis(moment(k), moment(k), float(share[rank - 1] + share[rank]) / 2)


def spaces(k: torch.Tensor, rank: int) -> tuple[Basis, Basis]:
    return hard(k, min(rank, k.shape[1] - 1)), soft_basis(moment(k), 0.1)


def measured(delta: torch.Tensor, k: torch.Tensor) -> float:
    return float(change_norms(delta, k).square().mean())


def slack(delta: torch.Tensor, k: torch.Tensor) -> float:
    return ROUNDING * float(delta.square().sum() * moment(k).mean.trace())


@few
@given(spectra, seeds, st.integers(1, 8))
def test_the_damage_that_a_step_tells_is_that_of_its_update(spectrum, seed, rank):
    k = sample(spectrum, seed)
    for basis in spaces(k, rank):
        a = random(OUT, basis.kept, seed=seed + 2)
        job = SimpleNamespace(bases={"layer": basis}, energies={"layer": 2.0})
        told = _damage({"layer": (a, basis.s)}, job)
        assert abs(2 * told - measured(a @ basis.s.T, k)) <= 1e-9 * float(a.square().sum())


def outside(delta: torch.Tensor, basis: Basis) -> float:
    """The share of ΔW that is not in span(U_N)."""
    return float((delta - delta @ basis.s @ basis.s.T).norm() / delta.norm())


# The in-sample identity and its bounds.


@few
@given(spectra, seeds, st.integers(1, 9))
def test_damage_in_the_space_is_exact_and_below_both_bounds(spectrum, seed, rank):
    k = sample(spectrum, seed)
    for basis in spaces(k, rank):
        a = random(OUT, basis.kept, seed=seed)
        delta = a @ basis.s.T
        trained = layer_bound(a, basis, moment(k), moment(k), delta)
        stored = stored_bound(delta, basis, moment(k), moment(k), delta)
        for found in (trained, stored):
            assert found.in_sample == pytest.approx(measured(delta, k), abs=slack(delta, k))
            assert measured(delta, k) <= found.bound + slack(delta, k)
            assert found.leak <= slack(delta, k)
        assert stored.bound == pytest.approx(trained.bound, rel=1e-6, abs=slack(delta, k))


@few
@given(spectra, seeds, st.integers(1, 9))
def test_the_bounds_of_stored_weights_hold_for_any_update(spectrum, seed, rank):
    k, delta = sample(spectrum, seed), random(OUT, len(spectrum), seed=seed)
    for basis in spaces(k, rank):
        found = stored_bound(delta, basis, moment(k), moment(k), delta)
        assert found.in_sample == pytest.approx(measured(delta, k), rel=1e-9)
        assert measured(delta, k) <= found.bound + slack(delta, k)
    # In the soft space the Frobenius form is the damage and what a ridge of λ would add.
    ridge = basis.lam * float(delta.square().sum())
    assert found.bound_frobenius == pytest.approx(measured(delta, k) + ridge, rel=1e-9)


@few
@given(spectra, st.integers(1, 6), seeds)
def test_an_exact_null_space_changes_no_retained_output(spectrum, free, seed):
    k = sample([0.0] * free + spectrum, seed)
    basis = hard(k, free)
    delta = random(OUT, free, seed=seed) @ basis.s.T
    # Eigenvectors turn by the rounding of Ĉ, the more the nearer its least eigenvalue is to 0.
    precision = 1e-14 * (max(spectrum) / min(spectrum)) ** 0.5
    assert basis.kept == free
    assert change_norms(delta, k).max() <= precision * k.norm() * delta.norm()


@few
@given(st.integers(2, 12), st.data())
def test_fewer_inputs_than_dimensions_are_refused(d, data):
    n = data.draw(st.integers(1, d - 1))
    enough = moment(random(d, d, seed=d))
    with pytest.raises(ValueError, match=f"at least {d}"):
        hard_basis(moment(random(n, d, seed=n)), enough, 0.5)


@few
@given(spectra, st.integers(1, 6), seeds, st.floats(-6, -1))
def test_the_scaled_soft_space_tends_to_the_projector_at_a_known_rate(spectrum, free, seed, power):
    least, k = min(spectrum), sample([0.0] * free + spectrum, seed)
    # Below the rounding of Ĉ no λ can tell its kernel from noise.
    lam = max(10**power * least, 1e-10 * max(spectrum))
    basis = soft_basis(moment(k), lam * k.shape[1] / float(moment(k).mean.trace()))
    kernel = torch.eye(k.shape[1], dtype=torch.float64) - torch.linalg.pinv(k, rtol=1e-7) @ k
    gap = torch.linalg.matrix_norm(basis.lam**0.5 * basis.s - kernel, ord=2)
    assert gap == pytest.approx((lam / (lam + least)) ** 0.5, abs=1e-5)


# Training and storing.


def zeros(columns: int) -> torch.Tensor:
    return torch.zeros(OUT, columns, dtype=torch.float64, requires_grad=True)


def train(a: torch.Tensor, s: torch.Tensor, optimiser, turn=None) -> torch.Tensor:
    """Five steps of ΔW = A Sᵀ, A's gradient times `turn`, towards a target that is out of reach."""
    goal, x = random(OUT, 8, seed=1), random(8, 8, seed=2)
    for _ in range(5):
        optimiser.zero_grad()
        ((a @ s.T - goal) @ x).square().sum().backward()
        a.grad = a.grad if turn is None else a.grad @ turn
        optimiser.step()
    return (a @ s.T).detach()


@few
@given(seeds, st.integers(1, 7), st.sampled_from([0.0, 0.9]))
def test_training_a_is_gradient_descent_projected_or_preconditioned(seed, rank, momentum):
    for basis in spaces(sample(FALLING, seed), rank):
        w, a, rate = zeros(8), zeros(basis.kept), {"lr": 1e-4, "momentum": momentum}
        turned = train(w, EYE, torch.optim.SGD([w], **rate), basis.s @ basis.s.T)
        ours = train(a, basis.s, torch.optim.SGD([a], **rate))
        torch.testing.assert_close(ours, turned, rtol=1e-9, atol=1e-12)


@few
@given(seeds, st.integers(1, 7), st.sampled_from([torch.optim.Adam, torch.optim.AdamW]))
def test_projected_gradients_leak_under_adam_and_our_parametrisation_does_not(seed, rank, kind):
    k = sample(FALLING, seed)
    basis = hard(k, rank)
    w, a, projector = zeros(8), zeros(rank), basis.s @ basis.s.T
    assert outside(train(w, EYE, torch.optim.SGD([w], lr=1e-4), projector), basis) <= ROUNDING
    leaking = train(w, EYE, kind([w], lr=1e-2, weight_decay=0.0), projector)
    assert outside(leaking, basis) > 1e-3
    assert stored_bound(leaking, basis, moment(k), moment(k), leaking).leak > slack(leaking, k)
    ours = train(a, basis.s, kind([a], lr=1e-2, weight_decay=0.1))
    assert outside(ours, basis) <= ROUNDING


@few
@given(seeds, st.integers(1, 7), st.floats(1e-4, 1e-1))
def test_weight_decay_on_the_weight_leaks(seed, rank, decay):
    basis = hard(sample(FALLING, seed), rank)
    weight = random(OUT, 8, seed=seed)
    w = weight.clone().requires_grad_()
    w.grad = random(OUT, rank, seed=seed + 1) @ basis.s.T
    torch.optim.SGD([w], lr=1e-2, weight_decay=decay).step()
    away = EYE - basis.s @ basis.s.T
    torch.testing.assert_close((w.detach() - weight) @ away, -1e-2 * decay * weight @ away)
    assert outside(w.detach() - weight, basis) > ROUNDING


@few
@given(spectra, st.integers(1, 6), seeds)
def test_a_bf16_cast_leaks_and_the_certificate_sees_it(spectrum, free, seed):
    k = sample([0.0] * free + spectrum, seed)
    basis, weight = hard(k, free), random(OUT, k.shape[1], seed=seed + 1).bfloat16()
    a = 0.1 * random(OUT, free, seed=seed)
    promised = layer_bound(a, basis, moment(k), moment(k), weight)
    stored = stored_delta(weight, a @ basis.s.T)
    found = stored_bound(stored, basis, moment(k), moment(k), weight)
    assert promised.bound <= ROUNDING * found.reference
    assert measured(stored, k) > promised.bound and found.leak > 0
    assert found.in_sample == pytest.approx(measured(stored, k), rel=1e-6)
    assert measured(stored, k) <= found.bound * (1 + 1e-6)
    # Rounding to nearest errs by 2⁻⁸ of each entry at most.
    whole = (weight.double() + a @ basis.s.T).square().sum()
    assert measured(stored, k) <= 2.0**-16 * basis.eigenvalues[-1] * whole * (1 + 1e-6)


@few
@given(seeds)
def test_exact_null_spaces_keep_a_whole_network_and_single_certificates_do_not_add_up(seed):
    first, second = random(5, 6, seed=seed), random(OUT, 5, seed=seed + 1)
    k = sample([0.0, 0.0, 1.0, 1.0, 1.0, 1.0], seed=seed + 2)
    hidden = F.linear(k, first)  # Of rank 4 in five dimensions.
    in_first = random(5, 2, seed=seed + 3) @ hard(k, 2).s.T
    in_second = random(OUT, 1, seed=seed + 4) @ hard(hidden, 1).s.T

    def network(one: torch.Tensor | float, two: torch.Tensor | float) -> torch.Tensor:
        return F.linear(F.linear(k, first + one), second + two)

    torch.testing.assert_close(network(in_first, in_second), network(0, 0), rtol=0, atol=1e-9)
    # On base inputs the second edit costs nothing; on inputs that the first has moved it does.
    approximate = 0.01 * random(5, 6, seed=seed + 5)
    assert damage(in_second, moment(hidden)) <= slack(in_second, hidden)
    gap = network(approximate, in_second) - network(approximate, 0)
    assert gap.square().sum(1).mean() > slack(in_second, hidden)


# Entropy.


def renyi(z: torch.Tensor) -> float:
    """H₂ = −log tr ρ², rows scaled to length 1, in nats."""
    z = F.normalize(z.detach(), dim=1)
    return -math.log(float((z.T @ z / len(z)).square().sum()))


def von_neumann(z: torch.Tensor) -> float:
    return spectral_entropy(z) * math.log(min(z.shape))


@few
@given(st.integers(2, 8), st.integers(2, 8), seeds)
def test_lowering_l_div_raises_the_renyi_entropy_below_the_von_neumann_one(n, d, seed):
    z = random(n, d, seed=seed).requires_grad_()
    loss = _div(z)
    assert renyi(z) == pytest.approx(math.log(n / (1 + (n - 1) * loss.item())), abs=1e-9)
    assert renyi(z) <= von_neumann(z) + 1e-9
    (slope,) = torch.autograd.grad(loss, z)
    down = z.detach() - 1e-3 * slope / slope.norm().clamp_min(1e-6)
    assert _div(down) <= loss + ROUNDING
    assert renyi(down) >= renyi(z) - ROUNDING


def test_lowering_l_div_need_not_raise_the_von_neumann_entropy():
    # ρ with eigenvalues (½, ½, 0), and with (0.67, 0.165, 0.165): rows of equal pairwise cosine.
    gram = torch.full((3, 3), 0.505, dtype=torch.float64).fill_diagonal_(1.0)
    spread = torch.linalg.cholesky(gram)
    flat = torch.tensor([[1.0, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]]).double()
    assert _div(flat) < _div(spread)
    assert renyi(flat) > renyi(spread)
    assert von_neumann(flat) < von_neumann(spread)


# What was held out.


@pytest.mark.parametrize("risk", [0.3, 0.05, 0.01])
@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_clopper_pearson_covers_every_share(n, risk):
    limits = [share_above([1.0] * s + [0.0] * (n - s), 0.5, risk) for s in range(n + 1)]
    assert limits == [clopper_pearson_upper(s, n, 1 - risk) for s in range(n + 1)]
    for p in (step / 200 for step in range(1, 200)):
        chance = [math.comb(n, s) * p**s * (1 - p) ** (n - s) for s in range(n + 1)]
        assert sum(c for c, limit in zip(chance, limits) if limit < p) <= risk * (1 + 1e-9)


@few
@given(
    st.lists(st.lists(st.floats(-30, 30, width=32), min_size=5, max_size=5), min_size=1),
    seeds, st.floats(0.0, 1.5),
)  # fmt: skip
def test_headroom_means_the_same_answer_and_bounds_the_divergence(rows, seed, size):
    before = torch.tensor(rows)
    # The worst there is: the answer sinks, all others rise, by about half the margin.
    push = 1 - 0.1 * random(*before.shape, seed=seed).abs().clamp(max=1)
    push = push.scatter(1, before.argmax(1, keepdim=True), -1.0) * size / 2
    after = before + (push * margins(before)[:, None]).float()
    kept, same = headroom(before, after), after.argmax(1) == before.argmax(1)
    assert same[kept].all()
    largest = (after.double() - before.double()).abs().amax(1)
    assert (divergence(before, after) <= largest.square() / 2 + ROUNDING).all()
    share = headroom_share(kept.tolist(), range(len(before)))
    assert share == float(kept.double().mean()) <= float(same.double().mean())

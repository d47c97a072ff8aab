"""Measured damage never exceeds its bounds in sample, and the numbers are what they say."""

import math
from collections import Counter
from itertools import combinations_with_replacement

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from space_core.bound import damage, layer_bound, stored_bound
from space_core.certificate import (
    change_norms, divergence, headroom, headroom_share, level_within, margins, largest_per_image,
    share_above,
)  # fmt: skip
from space_core.moments import Moment
from space_core.nullspace import hard_basis, soft_basis
from space_core.retained import near_moments


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


def test_neighbours_are_bounded_by_the_sample_that_holds_them():
    fit, near = moment(inputs(0)), moment(inputs(1, n=30).flip(1))
    delta = torch.randn(3, 20)
    for weight in (0.1, 1.0, 10.0):
        total = damage(delta, near_moments(fit, near, weight)) * (1 + weight) * (1 + 1e-12)
        assert damage(delta, fit) <= total
        assert damage(delta, near) <= total / weight


def test_what_leaves_the_space_is_charged_as_a_leak():
    fit = moment(inputs(0))
    basis = make("hard", fit, moment(inputs(1)))
    inside, w = torch.randn(5, basis.kept, dtype=torch.float64) @ basis.s.T, torch.ones(5, 20)
    away = torch.outer(torch.ones(5, dtype=torch.float64), basis.vectors[:, -1])
    clean, found = (stored_bound(x, basis, fit, fit, w) for x in (inside, inside + away))
    assert found.leak == pytest.approx(5 * float(basis.eigenvalues[-1]), rel=1e-9)
    assert found.bound == pytest.approx(clean.bound + found.leak, rel=1e-9)
    assert found.in_sample == pytest.approx(clean.in_sample + found.leak, rel=1e-9)
    assert stored_bound(away, soft_basis(fit, 0.1), fit, fit, w).leak == 0.0


def test_one_number_for_each_image():
    delta, k = torch.randn(3, 20), inputs(4, n=5)
    norms = change_norms(delta, k)
    expected = [float((delta.double() @ row).norm()) for row in k]
    assert norms.tolist() == pytest.approx(expected, rel=1e-12)
    images = ["b", "a", "b", "c", "a"]
    largest = largest_per_image(norms, images).tolist()
    groups = [[norms[0], norms[2]], [norms[1], norms[4]], [norms[3]]]
    assert largest == [float(max(group)) for group in groups]
    assert len(largest_per_image(norms[:0], [])) == 0


def test_too_few_images_show_nothing_and_59_are_enough_for_a_twentieth():
    assert share_above([], 1.0, 0.05) == 1.0
    assert level_within([], 0.05, 0.05) is None
    assert level_within([1.0] * 58, 0.05, 0.05) is None
    assert level_within([float(i) for i in range(59)], 0.05, 0.05) == 58.0
    # A value at the level does not exceed it.
    assert share_above([1.0] * 59, 1.0, 0.05) == pytest.approx(1 - 0.05 ** (1 / 59))


@pytest.mark.parametrize("law", [(0.5, 0.3, 0.2), (0.9, 0.06, 0.04)])
@pytest.mark.parametrize(("share", "risk"), [(0.1, 0.3), (0.3, 0.1), (0.25, 0.25)])
def test_a_level_that_the_images_choose_keeps_its_risk(law, share, risk):
    """Every sample of up to ten draws from three values, with its exact probability."""
    above = [sum(law[level + 1 :]) for level in range(3)]
    for n in range(1, 11):
        missed = 0.0
        for values in combinations_with_replacement(range(3), n):
            level = level_within(values, share, risk)
            if level is not None and above[int(level)] > share:
                counts = Counter(values)
                ways = math.factorial(n) / math.prod(map(math.factorial, counts.values()))
                missed += ways * math.prod(law[value] ** c for value, c in counts.items())
        assert missed <= risk * (1 + 1e-9)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 20).map(float), max_size=80),
    st.floats(0.02, 0.9), st.floats(0.01, 0.5),
)  # fmt: skip
def test_a_level_is_the_smallest_that_shows_the_share(values, share, risk):
    level = level_within(values, share, risk)
    assert (level is None) == ((1 - share) ** len(values) > risk)
    if level is not None:
        assert share_above(values, level, risk) <= share
        lower = [value for value in values if value < level]
        assert not lower or share_above(values, max(lower), risk) > share


def test_half_the_margin_is_the_most_that_headroom_can_allow():
    before = torch.tensor([[3.0, 1.0, 0.0]])
    assert margins(before).tolist() == [2.0]
    assert headroom(before, before + torch.tensor([[-0.99, 0.99, 0.0]])).all()
    changed = before + torch.tensor([[-1.01, 1.01, 0.0]])
    assert not headroom(before, changed).any() and changed.argmax() == 1
    # A common shift alters no answer and still uses headroom up: False says nothing.
    assert not headroom(before, before + 5).any()
    assert float(divergence(before, before + 5)) == pytest.approx(0.0, abs=1e-12)


def test_an_answer_has_headroom_where_every_token_has():
    before = torch.tensor([[3.0, 1.0]] * 4)
    after = before + torch.tensor([[0.0, 0.5], [0.0, 1.5], [0.0, 0.0], [-0.9, 0.9]])
    assert headroom_share(headroom(before, after).tolist(), [0, 0, 1, 1]) == 0.5
    assert math.isnan(headroom_share([], []))


def test_divergence_is_the_kl_of_the_definition():
    before, after = torch.randn(4, 6, dtype=torch.float64), torch.randn(4, 6)
    p, q = before.softmax(1), after.double().softmax(1)
    torch.testing.assert_close(divergence(before, after), (p * (p / q).log()).sum(1))


def test_what_is_no_evidence_is_refused():
    with pytest.raises(ValueError, match="not a number"):
        share_above([1.0, float("nan")], 0.5, 0.05)
    for share, risk in [(0.0, 0.05), (0.05, 1.0)]:
        with pytest.raises(ValueError, match="between 0 and 1"):
            level_within([1.0] * 99, share, risk)
    with pytest.raises(ValueError, match="one image to each"):
        largest_per_image(torch.ones(3), [1, 2])
    with pytest.raises(ValueError, match="cannot act"):
        change_norms(torch.ones(3, 19), inputs(0))
    with pytest.raises(ValueError, match="same tokens"):
        headroom(torch.ones(2, 5), torch.ones(3, 5))
    with pytest.raises(ValueError, match="finite"):
        divergence(torch.full((2, 5), -float("inf")), torch.ones(2, 5))
    with pytest.raises(ValueError, match="vocabulary"):
        margins(torch.ones(2, 1))
    with pytest.raises(ValueError, match="answers"):
        headroom_share([True, True], [0])


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
    with pytest.raises(ValueError, match="update for this basis"):
        stored_bound(torch.ones(3, 19), basis, fit, other, w)
    with pytest.raises(ValueError, match="other statistics"):
        stored_bound(w, basis, other, other, w)
    # Of the same trace, and of the same spectrum: turned.
    turned = Moment(fit.mean.flip(0, 1) * fit.count, fit.count)
    with pytest.raises(ValueError, match="other statistics"):
        stored_bound(w, basis, turned, other, w)

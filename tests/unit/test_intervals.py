"""Intervals: known values, and the coverage that they promise."""

import math

import numpy as np
import pytest

from space_core.intervals import bootstrap_mean, clopper_pearson_upper, sign_flip, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # 8 of 10 and 1 of 29: Newcombe 1998 and common tables.
        (8, 10, 0.4902, 0.9433),
        (1, 29, 0.0061, 0.1718),
        (0, 20, 0.0, 0.1611),
        (0, 73, 0.0, 0.0500),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_wilson_known_values(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_symmetric_and_narrows():
    low, high = wilson(3, 11)
    assert wilson(8, 11) == pytest.approx((1 - high, 1 - low))
    assert wilson(30, 110)[1] - wilson(30, 110)[0] < high - low
    assert wilson(3, 11, 0.99)[1] > high
    assert wilson(5, 5)[1] == 1.0


def test_nothing_seen_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
    assert clopper_pearson_upper(0, 0) == 1.0
    assert bootstrap_mean([], seed=0) == (0.0, 1.0)
    assert bootstrap_mean([1.0], seed=0) == (0.0, 1.0)


def test_clopper_pearson_closed_forms_and_definition():
    assert clopper_pearson_upper(0, 59) == pytest.approx(1 - 0.05 ** (1 / 59), abs=1e-12)
    assert clopper_pearson_upper(9, 10) == pytest.approx(0.95 ** (1 / 10), abs=1e-12)
    assert clopper_pearson_upper(7, 7) == 1.0
    p = clopper_pearson_upper(3, 40, 0.9)
    tail = sum(math.comb(40, i) * p**i * (1 - p) ** (40 - i) for i in range(4))
    assert tail == pytest.approx(0.1, abs=1e-12)


def test_clopper_pearson_agrees_with_the_beta_quantile():
    beta = pytest.importorskip("scipy.stats").beta
    for s, n in [(0, 3), (1, 2), (17, 60), (400, 5000), (4999, 5000)]:
        expected = beta.ppf(0.95, s + 1, n - s)
        assert clopper_pearson_upper(s, n) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_clopper_pearson_covers_the_true_share(share):
    n = 30
    missed = sum(
        math.comb(n, s) * share**s * (1 - share) ** (n - s)
        for s in range(n + 1)
        if clopper_pearson_upper(s, n) < share
    )
    assert missed <= 0.05


def test_bootstrap_is_seeded_holds_the_mean_and_has_the_width_of_theory():
    values = np.random.default_rng(1).random(200)
    low, high = bootstrap_mean(values, seed=3)
    assert (low, high) == bootstrap_mean(values, seed=3)
    assert (low, high) != bootstrap_mean(values, seed=4)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 200**0.5, rel=0.1)


def test_bootstrap_of_paired_differences():
    differences = [-0.2, -0.1, -0.3, -0.2, -0.25]
    low, high = bootstrap_mean(differences, seed=0, limits=(-1.0, 1.0))
    assert -0.3 <= low < high < 0
    assert bootstrap_mean([], seed=0, limits=(-1.0, 1.0)) == (-1.0, 1.0)
    with pytest.raises(ValueError, match="outside"):
        bootstrap_mean(differences, seed=0)
    with pytest.raises(ValueError, match="outside"):
        bootstrap_mean([float("nan"), 0.5], seed=0)


@pytest.mark.parametrize(
    ("successes", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)]
)
def test_impossible_counts_are_refused(successes, n, confidence):
    with pytest.raises(ValueError):
        wilson(successes, n, confidence)
    with pytest.raises(ValueError):
        clopper_pearson_upper(successes, n, confidence)


def test_signs_say_how_far_chance_goes():
    assert sign_flip([0.1] * 6) == 2 / 64
    assert sign_flip([0.3, -0.1, 0.2]) == sign_flip([-0.3, 0.1, -0.2]) == 0.5
    assert sign_flip([0.2, 0.0, 0.0]) == sign_flip([0.0]) == 1.0
    assert math.isnan(sign_flip([]))
    with pytest.raises(ValueError, match="not finite"):
        sign_flip([math.nan, 0.1, -0.2])
    # Of many as many signs are drawn, the same each time, and what was seen is one of them.
    many = [0.1 + 0.01 * i for i in range(30)]
    assert sign_flip(many) == sign_flip(many) == 1 / 100_001

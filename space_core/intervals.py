"""Interval estimates: no accuracy is shown without one."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

_EXACT = 16  # differences whose signs are all gone through


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a share, two-sided; (0, 1) where n = 0.

    centre ± half, centre = (p + z²/2n) / (1 + z²/n),
    half = z √(p(1−p)/n + z²/4n²) / (1 + z²/n). Assumes independent trials. Raises ValueError for
    counts that are none. Source: Wilson 1927.
    """
    _check(successes, n, confidence)
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p, weight = successes / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / weight
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / weight
    # At the ends the formula gives 0 and 1 exactly, but for rounding.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return low, high


def clopper_pearson_upper(successes: int, n: int, confidence: float = 0.95) -> float:
    """Exact one-sided upper limit of a share; 1 where n = 0.

    The p with P(X ≤ successes | n, p) = 1 − confidence, that is I_{1−p}(n − s, s + 1): whatever
    the true share, it lies above the limit at most (1 − confidence) of the time. Raises
    ValueError for counts that are none. Source: Clopper & Pearson 1934.
    """
    _check(successes, n, confidence)
    if successes == n:
        return 1.0
    return _root(lambda p: _binomial_cdf(successes, n, p) - (1 - confidence))


def bootstrap_mean(
    values: Sequence[float],
    seed: int,
    confidence: float = 0.95,
    draws: int = 10_000,
    *,
    limits: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float]:
    """Percentile bootstrap interval for a mean over targets, one value per target.

    For two methods compared pass the paired differences with limits (−1, 1). `limits` is the
    range that a value can take, and the answer for fewer than two values: one target says
    nothing of the spread between targets. Raises ValueError for a value outside the limits.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence is a share between 0 and 1, not {confidence:g}.")
    if draws < 1:
        raise ValueError(f"A bootstrap needs at least one draw, not {draws}.")
    sample = np.asarray(values, dtype=np.float64)
    if not ((sample >= limits[0]) & (sample <= limits[1])).all():
        raise ValueError(f"A value lies outside {limits[0]:g} to {limits[1]:g}, or is not finite.")
    if len(sample) < 2:
        return limits
    chosen = np.random.default_rng(seed).integers(len(sample), size=(draws, len(sample)))
    means = sample[chosen].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def sign_flip(differences: Sequence[float], seed: int = 0, draws: int = 100_000) -> float:
    """How probable a mean difference at least as large is, were each sign chance: two-sided p.

    Exact over all signs for up to 16 differences other than zero, else over ``draws`` of them.
    Assumes no shape of the spread, as an interval over few targets must; NaN without a difference.
    Raises ValueError for a difference that is not finite.
    Source: Fisher, The Design of Experiments, 1935, section 21.
    """
    known = np.asarray(differences, dtype=np.float64)
    if not len(known):
        return float("nan")
    if not np.isfinite(known).all():
        raise ValueError("A difference is not finite: leave out what was not measured.")
    known = known[known != 0.0]
    if len(known) <= _EXACT:
        signs = (np.arange(2 ** len(known))[:, None] >> np.arange(len(known)) & 1) * 2 - 1
        drawn = 0
    else:
        drawn = draws
        signs = np.random.default_rng(seed).choice((-1, 1), size=(draws, len(known)))
    as_far = np.abs(signs @ known) >= abs(known.sum()) - 1e-12
    # What was seen is one of the draws.
    return float((as_far.sum() + bool(drawn)) / (len(as_far) + bool(drawn)))


def _check(successes: int, n: int, confidence: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share: check what was counted.")
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence is a share between 0 and 1, not {confidence:g}.")


def _binomial_cdf(successes: int, n: int, p: float) -> float:
    # In logarithms: the coefficients overflow a float from n ≈ 1,000 on.
    return math.fsum(
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(i + 1)
            - math.lgamma(n - i + 1)
            + i * math.log(p)
            + (n - i) * math.log1p(-p)
        )
        for i in range(successes + 1)
    )


def _root(decreasing: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if decreasing(middle) > 0 else (low, middle)
    return high

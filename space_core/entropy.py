"""Spectral entropy of a set of features: how many directions they really use."""

import math

import torch
from torch import Tensor


def spectral_entropy(features: Tensor) -> float:
    """Von Neumann entropy of the features' spectrum, as a share of the largest possible.

    features: [n, d]. Rows are scaled to unit length, ρ = ZᵀZ/n, p_i = σ_i² / Σσ²;
    −Σ p log p / log min(n, d), in [0, 1]: 0 for one direction, 1 for isotropic rows.
    float64. Raises ValueError for n < 2, d < 2, a row of zeros, or one that is not finite.
    """
    z = _checked(features)
    if z.shape[1] < 2:
        raise ValueError("Spectral entropy needs at least two dimensions.")
    z = z / z.norm(dim=1, keepdim=True)
    entropy = _entropy(torch.linalg.svdvals(z).square())
    return min(1.0, entropy / math.log(min(z.shape)))


def _checked(features: Tensor) -> Tensor:
    z = features.detach().to(torch.float64)
    if z.ndim != 2 or len(z) < 2:
        raise ValueError(f"Entropy needs two or more rows, [n, d], not {list(z.shape)}.")
    if not z.isfinite().all():
        raise ValueError("A feature is not finite: compute the features in float32.")
    if (z == 0).all(1).any():
        raise ValueError("A row of features is zero and has no direction: leave it out.")
    return z


def _entropy(weights: Tensor) -> float:
    return max(0.0, float(torch.special.entr(weights / weights.sum()).sum()))

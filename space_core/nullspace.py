"""From retained statistics to the space in which an edit may move, and its budget there.

An update is ΔW = A Sᵀ with S fixed and A [o, r] trained. Hard: S = U_N, the directions that the
retained inputs hardly use. Soft: S = (Ĉ + λI)^(−1/2), every direction at the price it costs.
"""

from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor

from space_core.moments import Moment

# Subtracting shards rounds at the size of the larger sum; anything below that is a real fault.
_NEGATIVE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The space of an edit ΔW = A Sᵀ on one layer; every tensor is float64.

    s: [d, r]. eigenvalues: [d] ascending, vectors: [d, d] in columns, of Ĉ = U Λ Uᵀ.
    kept: r. tau: largest eigenvalue among the kept directions. lam: λ, 0 where hard.
    """

    s: Tensor
    eigenvalues: Tensor
    vectors: Tensor
    kept: int
    tau: float
    mode: Literal["hard", "soft"]
    lam: float

    def to(self, device: str | torch.device) -> Self:
        """The same basis on another device."""
        moved = {name: getattr(self, name).to(device) for name in ("s", "eigenvalues", "vectors")}
        return replace(self, **moved)

    @property
    def costs(self) -> Tensor:
        """What a unit of A costs in retained damage, [r]: SᵀĈS = V diag(costs) Vᵀ.

        Hard: λ_j for j ∈ N, V = I. Soft: λ_j / (λ_j + λ) < 1, V = U.
        """
        if self.mode == "hard":
            return self.eigenvalues[: self.kept]
        return self.eigenvalues / (self.eigenvalues + self.lam)

    def coordinates(self, a: Tensor) -> Tensor:
        """A V, [o, r] float64: the columns whose squared norms `costs` weighs."""
        a = a.detach().to(self.s)
        if a.ndim != 2 or a.shape[1] != self.kept:
            raise ValueError(f"A must be [outputs, {self.kept}] here, not {list(a.shape)}.")
        return a if self.mode == "hard" else a @ self.vectors

    def reach(self, k: Tensor) -> Tensor:
        """Share of each input that an edit in this space can act on, [n] in [0, 1].

        k: [n, d]. Hard: ‖U_Nᵀk‖² / ‖k‖². Soft, scaled so that the exact null space is its limit
        for λ → 0: λ kᵀ(Ĉ + λI)⁻¹k / ‖k‖². An input of zeros is out of reach: 0.
        """
        k = k.detach().to(self.s)
        if k.ndim != 2 or k.shape[1] != len(self.s):
            raise ValueError(f"Inputs must be [n, {len(self.s)}] here, not {list(k.shape)}.")
        scale = 1.0 if self.mode == "hard" else self.lam
        energy = k.square().sum(1)
        inside = scale * (k @ self.s).square().sum(1)
        return torch.where(energy > 0, inside / energy, 0.0).clamp(0.0, 1.0)


def spectrum(c: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (ascending, ≥ 0) and eigenvectors (columns) of a second moment, float64.

    c: [d, d]. Rounding below zero is set to zero; raises ValueError for a matrix that is not
    finite, is zero, or is negative beyond rounding.
    """
    if not c.isfinite().all():
        raise ValueError("The second moment is not finite: collect it again in float32.")
    values, vectors = torch.linalg.eigh(c.to(torch.float64))
    if values[-1] <= 0:
        raise ValueError("The second moment is zero: the layer saw no input but zeros.")
    if values[0] < -_NEGATIVE * values[-1]:
        raise ValueError(
            "The second moment has a negative eigenvalue: a shard was subtracted that is no part "
            "of it."
        )
    return values.clamp_min(0.0), vectors


def hard_basis(fit: Moment, select: Moment, energy: float) -> Basis:
    """The largest approximate null space whose energy share is ≤ `energy` on both splits.

    Directions come from `fit`, in ascending order of eigenvalue; the rank r is the largest with
    Σ_{j≤r} u_jᵀĈu_j ≤ energy · tr Ĉ for fit *and* for `select`, whose inputs should be other
    ones: where a neighbour's moment is joined to `fit`, a few of its images may be in both.
    0 < energy < 1. Raises ValueError for fewer inputs than dimensions, and where no direction
    qualifies.
    """
    if not 0.0 < energy < 1.0:
        raise ValueError(f"The energy is a share between 0 and 1, not {energy:g}.")
    d = fit.d
    if fit.count < d:
        raise ValueError(
            f"{fit.count} inputs cannot fill {d} dimensions: their null space would be exact on "
            f"them and worthless elsewhere. Collect at least {d} inputs, better {10 * d}."
        )
    if select.d != d:
        raise ValueError(f"The splits have widths {d} and {select.d}: they are different layers.")
    values, vectors = spectrum(fit.mean)
    elsewhere = ((select.mean @ vectors) * vectors).sum(0).clamp_min(0.0)
    if elsewhere.sum() <= 0:
        raise ValueError("The selecting split saw no input but zeros: give it retained inputs.")
    shares = torch.maximum(_cumulative_share(values), _cumulative_share(elsewhere))
    kept = int((shares <= energy).sum())
    if kept == 0:
        raise ValueError(
            f"Even the least used direction carries {shares[0]:.2g} of the energy, above "
            f"{energy:g}: raise the energy, or use the soft null space."
        )
    return Basis(vectors[:, :kept], values, vectors, kept, float(values[kept - 1]), "hard", 0.0)


def soft_basis(moment: Moment, relative_lam: float) -> Basis:
    """The soft null space S = (Ĉ + λI)^(−1/2), [d, d], λ = relative_lam × mean eigenvalue of Ĉ.

    √λ S tends to the projector on ker Ĉ as λ → 0. Raises ValueError unless relative_lam > 0.
    """
    if not relative_lam > 0.0:
        raise ValueError(f"λ must be positive, not {relative_lam:g}; 0.1 is a good start.")
    values, vectors = spectrum(moment.mean)
    lam = relative_lam * float(values.mean())
    s = (vectors * (values + lam).rsqrt()) @ vectors.T
    return Basis(s, values, vectors, moment.d, float(values[-1]), "soft", lam)


def _cumulative_share(energies: Tensor) -> Tensor:
    return energies.cumsum(0) / energies.sum()

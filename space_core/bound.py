"""What an edit costs the retained knowledge of one layer: measured, bounded, held out.

Everything here is exact for one layer on the *base* model's inputs. Where several layers are
edited, the later ones see inputs that the earlier ones have moved: measure those apart.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from space_core.moments import Moment
from space_core.nullspace import Basis

_SAME_STATISTICS = 1e-6


@dataclass(frozen=True, slots=True)
class LayerBound:
    """Retained damage of one layer's ΔW, in units of ‖output‖² per input; B as in `stored_bound`.

    in_sample: tr(ΔW Ĉ ΔWᵀ) = (1/n) Σ ‖ΔW k_i‖² on the fitted inputs, never above either bound
    but for float64 rounding.
    bound_frobenius: hard τ ‖ΔW U_N‖_F² + leak; soft ‖B‖_F².
    bound_spectral: hard ‖ΔW U_N‖₂² Σ_{j∈N} λ_j + leak; soft ‖B‖₂² Σ_j λ_j / (λ_j + λ).
    reference: tr(W Ĉ Wᵀ) = (1/n) Σ ‖W k_i‖², what the layer puts out before the edit.
    held_out: tr(ΔW C ΔWᵀ) on inputs that chose nothing. It can exceed both bounds; show it.
    leak: hard, Σ_{j∉N} λ_j ‖ΔW u_j‖²: what the part of ΔW outside the space costs; else 0.
    """

    in_sample: float
    bound_frobenius: float
    bound_spectral: float
    reference: float
    held_out: float
    leak: float = 0.0

    @property
    def bound(self) -> float:
        """The tighter of the two bounds."""
        return min(self.bound_frobenius, self.bound_spectral)


def layer_bound(
    delta_a: Tensor, basis: Basis, fit: Moment, certify: Moment, weight: Tensor
) -> LayerBound:
    """Set the damage of ΔW = A Sᵀ beside its bounds.

    delta_a: A [o, r]. basis: made from `fit`. certify: moment of a split that chose neither the
    directions nor the rank nor λ. weight: W [o, d] before the edit. Raises ValueError where
    `fit` is not what the basis was made from (no bound would hold) or where shapes disagree.

    The bounds hold for the real-valued ΔW. A cast leaves the space: certify the stored
    difference with `stored_bound`.
    """
    a = delta_a.detach().to(basis.s)
    # A wrong width is reported by the basis, which knows the right one.
    columns = basis.coordinates(a)
    return _bound(a @ basis.s.T, columns, 0.0, basis, fit, certify, weight)


def stored_bound(
    stored: Tensor, basis: Basis, fit: Moment, certify: Moment, weight: Tensor
) -> LayerBound:
    """The same for a ΔW that need not lie in the space: the weights as they are stored.

    stored: ΔW [o, d], any floating dtype, such as `edit.stored_delta` gives; the rest as in
    `layer_bound`. Hard: eigenvectors part the damage without a mixed term,

        tr(ΔW Ĉ ΔWᵀ) = Σ_{j∈N} λ_j ‖ΔW u_j‖² + Σ_{j∉N} λ_j ‖ΔW u_j‖²,

    and the last sum, the leak, is added to the bounds as it is. Soft: nothing can leak, every ΔW
    is B (Ĉ + λI)^(−1/2) with B = ΔW (Ĉ + λI)^(1/2), and ‖B‖_F² = tr(ΔW Ĉ ΔWᵀ) + λ ‖ΔW‖_F².
    Source: the two parts and the leak are ours. Raises ValueError as `layer_bound` does.
    """
    delta = stored.detach().to(basis.s)
    if delta.ndim != 2 or delta.shape[1] != len(basis.s):
        raise ValueError(
            f"An update for this basis is [o, {len(basis.s)}], not {list(delta.shape)}."
        )
    columns = delta @ basis.vectors
    if basis.mode == "soft":
        columns = columns * (basis.eigenvalues + basis.lam).sqrt()
        return _bound(delta, columns, 0.0, basis, fit, certify, weight)
    leaks = basis.eigenvalues * columns.square().sum(0)
    leak = float(leaks[basis.kept :].sum())
    return _bound(delta, columns[:, : basis.kept], leak, basis, fit, certify, weight)


def damage(delta: Tensor, moment: Moment) -> float:
    """Mean squared change of a layer's output: tr(ΔW C ΔWᵀ) = (1/n) Σ ‖ΔW k_i‖².

    delta: [o, d], any floating dtype; computed in float64. With a neighbour concept's moment
    this is what the edit costs that neighbour: a mean bounds no single one. Raises ValueError where
    widths disagree.
    """
    if delta.ndim != 2 or delta.shape[1] != moment.d:
        raise ValueError(f"An update for this moment is [o, {moment.d}], not {list(delta.shape)}.")
    c = moment.mean
    delta = delta.detach().to(c)
    return float(((delta @ c) * delta).sum())


def _bound(
    delta: Tensor, columns: Tensor, leak: float, basis: Basis, fit: Moment, certify: Moment,
    weight: Tensor,
) -> LayerBound:  # fmt: skip
    """columns: hard ΔW U_N; soft B in eigenvector coordinates."""
    # ĈU = UΛ, asked of the trace and of one vector that no basis knows.
    mixed = torch.linspace(1.0, 2.0, fit.d, dtype=torch.float64, device=fit.mean.device)
    missed = fit.mean @ (basis.vectors @ mixed) - basis.vectors @ (basis.eigenvalues * mixed)
    largest, total = float(basis.eigenvalues[-1]), float(basis.eigenvalues.sum())
    if (
        abs(float(fit.mean.trace()) - total) > _SAME_STATISTICS * total
        or float(missed.norm()) > _SAME_STATISTICS * largest * float(mixed.norm())
    ):
        raise ValueError(
            "The basis was made from other statistics than these: pass the moment that it was "
            "fitted on, or no bound holds."
        )
    if weight.shape != delta.shape:
        raise ValueError(
            f"An update {list(delta.shape)} does not edit a weight of shape "
            f"{list(weight.shape)}: the weight should be {list(delta.shape)}."
        )
    steepest = basis.tau if basis.mode == "hard" else 1.0
    norm = torch.linalg.matrix_norm(columns, ord=2)
    return LayerBound(
        in_sample=damage(delta, fit),
        bound_frobenius=steepest * float(columns.square().sum()) + leak,
        bound_spectral=float(norm.square() * basis.costs.sum()) + leak,
        reference=damage(weight, fit),
        held_out=damage(delta, certify),
        leak=leak,
    )

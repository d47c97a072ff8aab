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
    """Retained damage of one layer's ΔW = A Sᵀ, in units of ‖output‖² per input.

    in_sample: tr(ΔW Ĉ ΔWᵀ) = (1/n) Σ ‖ΔW k_i‖² on the fitted inputs, never above either bound.
    bound_frobenius: hard τ ‖ΔW‖_F²; soft ‖A‖_F².
    bound_spectral: hard ‖ΔW‖₂² Σ_{j∈N} λ_j; soft ‖A‖₂² Σ_j λ_j / (λ_j + λ).
    reference: tr(W Ĉ Wᵀ) = (1/n) Σ ‖W k_i‖², what the layer puts out before the edit.
    held_out: tr(ΔW C ΔWᵀ) on inputs that chose nothing. It can exceed both bounds; show it.
    """

    in_sample: float
    bound_frobenius: float
    bound_spectral: float
    reference: float
    held_out: float

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

    The bounds hold for the real-valued ΔW. A cast to bf16 leaves the space: pass the stored
    difference to `damage` as well.
    """
    energy, expected = float(fit.mean.trace()), float(basis.eigenvalues.sum())
    if abs(energy - expected) > _SAME_STATISTICS * expected:
        raise ValueError(
            "The basis was made from other statistics than these: pass the moment that it was "
            "fitted on, or no bound holds."
        )
    a = delta_a.detach().to(basis.s)
    # A wrong width is reported by the basis, which knows the right one.
    columns, costs = basis.coordinates(a), basis.costs
    if weight.shape != (len(a), len(basis.s)):
        raise ValueError(
            f"A {list(a.shape)} does not edit a weight of shape {list(weight.shape)}: the weight "
            f"should be [{len(a)}, {len(basis.s)}]."
        )
    delta = a @ basis.s.T
    steepest = basis.tau if basis.mode == "hard" else 1.0
    return LayerBound(
        in_sample=damage(delta, fit),
        bound_frobenius=steepest * float(columns.square().sum()),
        bound_spectral=float(torch.linalg.matrix_norm(columns, ord=2).square() * costs.sum()),
        reference=damage(weight, fit),
        held_out=damage(delta, certify),
    )


def damage(delta: Tensor, moment: Moment) -> float:
    """Mean squared change of a layer's output: tr(ΔW C ΔWᵀ) = (1/n) Σ ‖ΔW k_i‖².

    delta: [o, d], any floating dtype; computed in float64. With a neighbour concept's moment
    this is what the edit costs that neighbour. Raises ValueError where widths disagree.
    """
    if delta.ndim != 2 or delta.shape[1] != moment.d:
        raise ValueError(f"An update for this moment is [o, {moment.d}], not {list(delta.shape)}.")
    c = moment.mean
    delta = delta.detach().to(c)
    return float(((delta @ c) * delta).sum())

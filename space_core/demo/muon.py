"""Muon in float32. torch's own runs in bfloat16, which some CPUs do 150 times slower."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_A, _B, _C, _ITERATIONS = 3.4445, -4.7750, 2.0315, 5


class Muon(Optimizer):
    """Nesterov momentum whose update is orthogonalised; for weight matrices [o, d] alone.

    W ← W (1 − lr·decay) − lr · 0.2 √max(o, d) · NS(G + μ·M): the scale gives AdamW's size of
    step, so that one learning rate serves both. Source: Jordan et al. 2024; Liu et al. 2025.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, weight_decay: float, momentum: float = 0.95
    ):
        super().__init__(
            params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                moving = state.setdefault("momentum", torch.zeros_like(weight))
                moving.lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(moving, group["momentum"])
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                scale = 0.2 * max(weight.shape) ** 0.5
                weight.add_(orthogonalised(ahead), alpha=-group["lr"] * scale)


def orthogonalised(matrix: Tensor) -> Tensor:
    """Nearly U Vᵀ of the matrix U Σ Vᵀ, by five quintic Newton–Schulz iterations."""
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp_min(1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x

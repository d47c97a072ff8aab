"""Layers that compute with W + ΔW while ΔW is being trained."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def moved(layers: Mapping[str, nn.Linear], deltas: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside, each layer's weight is W + ΔW, rounded to W's dtype as a stored edit is.

    deltas: ΔW [o, d] by layer, float32; differentiable in them. W itself is not touched. A
    backward pass belongs inside too: a thrifty model's blocks run again for it.
    """
    weights = {name: layer.weight for name, layer in layers.items()}
    try:
        for name, layer in layers.items():
            # Not by assignment: that takes parameters alone, and would leave the sum behind.
            layer._parameters["weight"] = _sum(weights[name], deltas[name])
        yield
    finally:
        for name, layer in layers.items():
            layer._parameters["weight"] = weights[name]


def _sum(weight: nn.Parameter, delta: Tensor) -> Tensor:
    return (weight.detach().to(torch.float32) + delta).to(weight.dtype)

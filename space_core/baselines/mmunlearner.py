"""MMUnlearner: gradient difference on those weights alone that the target needs most.

    m = 1[ (F_f + ε) / (F_r + ε) ≥ 1 ],   F: mean squared gradient of the loss, weight by weight
    ΔW ← ΔW − η m ⊙ ∇( −L(D_f) + L(D_r) )

F_f is taken on the target's images, F_r on other images and on text, so that what the model has
read of the target stays. Huo et al. 2025 (arXiv 2502.11051), the saliency map and the threshold
as in the authors' released code, with its language mask: the decoder's linear layers, whole
weights and no LoRA. Guessed: the mask holds for both terms (the code masks the ascent alone), one
step takes both, gradients are not clipped, and F is a mean over at most 256 examples a side, of the
squared gradient of each batch's mean loss.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from space_core.baselines import graddiff, lora
from space_core.baselines.data import Data
from space_core.baselines.losses import nll
from space_core.edit import Edit, LayerEdit
from space_core.material import draw
from space_core.mllm import Example, Mllm, batches
from space_core.moved import moved
from space_core.types import Concept, StepEvent

_THRESHOLD, _EPSILON = 1.0, 1e-15
_SEEN = 256


def train(
    mllm: Mllm, concept: Concept, data: Data, config: lora.LoraConfig
) -> Iterator[StepEvent | Edit]:
    """Yield a StepEvent for each step and the Edit at last. Holds one ΔW [o, d] per layer."""
    layers = lora.decoder_linears(mllm)
    masks = saliency(mllm, layers, data, config)
    deltas = _zeros(layers)
    for name, delta in deltas.items():
        delta.register_hook(lambda gradient, mask=masks[name]: gradient * mask)

    def objective(batch: Data) -> Mapping[str, Tensor]:
        with moved(layers, deltas):
            return graddiff.terms(mllm, batch)

    yield from lora.descend(list(deltas.values()), data, config, objective)
    yield Edit({name: _thin(delta.detach().cpu()) for name, delta in deltas.items()})


def saliency(
    mllm: Mllm, layers: Mapping[str, nn.Linear], data: Data, config: lora.LoraConfig
) -> dict[str, Tensor]:
    """m of every layer, bool [o, d]: True where a weight may move."""
    generator = torch.Generator().manual_seed(config.seed)

    def squared(examples: Sequence[Example]) -> list[Tensor]:
        chosen = draw(examples, min(len(examples), _SEEN), generator)
        return _fisher(mllm, layers, [examples[i] for i in chosen], config.batch)

    both = zip(layers, squared(data.forget), squared([*data.retain, *data.text]))
    return {
        name: (forget + _EPSILON) / (retain + _EPSILON) >= _THRESHOLD
        for name, forget, retain in both
    }


def _fisher(
    mllm: Mllm, layers: Mapping[str, nn.Linear], examples: Sequence[Example], size: int
) -> list[Tensor]:
    """Per layer the mean over batches of the squared gradient in its weight, [o, d]."""
    deltas = _zeros(layers)
    total = [torch.zeros_like(delta) for delta in deltas.values()]
    parts = batches([one.features for one in examples], size)
    for some in parts:
        with moved(layers, deltas):
            loss = nll(mllm.force([examples[i] for i in some]))
        gradients = torch.autograd.grad(loss, list(deltas.values()), materialize_grads=True)
        for square, gradient in zip(total, gradients):
            square += gradient.square() / len(parts)
    return total


def _zeros(layers: Mapping[str, nn.Linear]) -> dict[str, Tensor]:
    return {
        name: torch.zeros_like(layer.weight, dtype=torch.float32).requires_grad_(True)
        for name, layer in layers.items()
    }


def _thin(delta: Tensor) -> LayerEdit:
    """ΔW as A Sᵀ with the smaller of both possible identities."""
    o, d = delta.shape
    return LayerEdit(delta, torch.eye(d)) if d < o else LayerEdit(torch.eye(o), delta.T.clone())

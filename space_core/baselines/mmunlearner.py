"""MMUnlearner: gradient difference that ascends on those weights alone that the target needs most.

    m = 1[ (F_f + ε) / (F_r + ε) ≥ 1 ],   F: mean squared gradient of the loss, weight by weight
    a step:  ascend   ΔW ← ΔW − AdamW( m ⊙ clip(∇ −L(D_f)) )
             descend  ΔW ← ΔW − AdamW( clip(∇ L(D_r)) ),   |D_r| / |D_f| times, four at most

F_f is taken on the target's images, F_r on other images and on text, so that what the model has
read of the target stays. Huo et al. 2025 (arXiv 2502.11051): saliency map, threshold, the mask on
the ascent alone, norms of gradients clipped to 1 before it, and the share of descents as in the
authors' released code, with its language mask: the decoder's linear layers, whole weights and no
LoRA. Ours: no more than four descents a step, or their cost would be tens of times that of the
other methods; and a constant rate, as for all of these. Guessed: F is a mean over at most 256
examples a side, of the squared gradient of each batch's mean loss.
"""

import time
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from space_core.baselines import lora
from space_core.baselines.data import Data
from space_core.baselines.losses import nll
from space_core.edit import Edit, LayerEdit
from space_core.material import draw
from space_core.mllm import Example, Mllm, batches
from space_core.moved import moved
from space_core.types import Concept, StepEvent

_THRESHOLD, _EPSILON = 1.0, 1e-15
_SEEN = 256
_CLIP, _DESCENTS = 1.0, 4


def train(
    mllm: Mllm, concept: Concept, data: Data, config: lora.LoraConfig
) -> Iterator[StepEvent | Edit]:
    """Yield a StepEvent for each step and the Edit at last. Holds one ΔW [o, d] per layer."""
    layers = lora.decoder_linears(mllm)
    masks = saliency(mllm, layers, data, config)
    deltas = _zeros(layers)
    weights = list(deltas.values())
    optimiser = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=0.0)
    generator = torch.Generator().manual_seed(config.seed)
    descents = max(1, min(_DESCENTS, len(data.retain) // len(data.forget)))
    started = time.monotonic()

    def move(examples: Sequence[Example], sign: float, mask: Mapping[str, Tensor]) -> float:
        optimiser.zero_grad()
        with moved(layers, deltas):
            loss = sign * nll(mllm.force(examples))
            loss.backward()
        nn.utils.clip_grad_norm_(weights, _CLIP)
        for name, part in mask.items():
            deltas[name].grad *= part
        optimiser.step()
        return float(loss.detach())

    for step in range(1, config.steps + 1):
        batch = lora.batch_of(data, config.batch, generator)
        said = {"forget": move(batch.forget, -1.0, masks)}
        for _ in range(descents):
            chosen = draw(data.retain, config.batch, generator)
            said["retain"] = move([data.retain[i] for i in chosen], 1.0, {})
        yield lora.step_event(step, config, said, started)
    yield Edit({name: LayerEdit.of(delta.detach().cpu()) for name, delta in deltas.items()})


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

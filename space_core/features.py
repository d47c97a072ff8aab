"""Hidden states of the language model: inputs of the edited layers, outputs of a block."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from space_core import wordings
from space_core.mllm import Example, Mllm, batches
from space_core.pool import Pool
from space_core.types import Concept

_BATCH = 96
_OTHERS = 48


@contextmanager
def block_output(block: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the block's output [n, positions, width] of every pass."""
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _args: object, output) -> None:
        outputs.append(output if isinstance(output, Tensor) else output[0])

    handle = block.register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()


def after_block(mllm: Mllm, block: nn.Module, examples: Sequence[Example]) -> Tensor:
    """The block's output [n, width] at the last token before each answer."""
    rows = {i: state for some, states, _ in _asked(mllm, block, examples)
            for i, state in zip(some, states)}  # fmt: skip
    return torch.stack([rows[i] for i in range(len(examples))])


def states_and_logits(
    mllm: Mllm, block: nn.Module, examples: Sequence[Example]
) -> tuple[Tensor, Tensor]:
    """The block's output [n, width] and the next token's logits [n, vocabulary], both fp32 at the
    last token before each answer. The examples all have images or all have none.
    """
    _, states, logits = zip(*_asked(mllm, block, examples))
    return torch.cat(states).float(), torch.cat(logits)


@torch.no_grad()
def _asked(
    mllm: Mllm, block: nn.Module, examples: Sequence[Example]
) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """By batch: its indices, the block's output and the next token's logits before each answer."""
    for some in batches([one.features for one in examples], _BATCH):
        with block_output(block) as outputs:
            forced = mllm.force([examples[i] for i in some])
        places = torch.arange(len(some), device=forced.owner.device)
        # An example's answer tokens stand in order: the first is the one that is predicted here.
        first = torch.searchsorted(forced.owner, places)
        states = outputs[0][places.to(outputs[0].device), forced.asked.to(outputs[0].device)]
        yield some, states, forced.logits[first]


@torch.no_grad()
def layer_inputs(
    mllm: Mllm, layers: Mapping[str, nn.Linear], examples: Sequence[Example]
) -> dict[str, Tensor]:
    """Each layer's input [n, d] at the last token before each answer."""
    found: dict[str, list[Tensor]] = {name: [] for name in layers}
    for some in batches([one.features for one in examples], _BATCH):
        inputs: dict[str, Tensor] = {}
        handles = [
            layer.register_forward_pre_hook(
                lambda _module, args, name=name, into=inputs: into.update({name: args[0]})
            )
            for name, layer in layers.items()
        ]
        try:
            forced = mllm.force([examples[i] for i in some])
        finally:
            for handle in handles:
                handle.remove()
        for name, seen in inputs.items():
            found[name].append(seen[torch.arange(len(some)), forced.asked.to(seen.device)])
    return {name: torch.cat(parts) for name, parts in found.items()}


def text_direction(mllm: Mllm, block: nn.Module, concept: Concept, pool: Pool) -> Tensor:
    """The concept's direction [width] after a block, by text alone.

    The mean state for prompts that name the concept, less the mean over other pool concepts asked
    the same. Ours: the paper does not say where its text direction lives.
    """
    known = pool.known(concept.name)
    others = [one for one in pool.concepts.values() if one != known]
    others = others[:: max(1, len(others) // _OTHERS)]

    def asked(some: Sequence[Concept]) -> list[Example]:
        texts = wordings.TEXT_CATEGORY.taught
        return [Example(text.format(x=one.phrase), ".", None) for one in some for text in texts]

    own = after_block(mllm, block, asked([concept])).mean(0)
    return own - after_block(mllm, block, asked(others)).mean(0)

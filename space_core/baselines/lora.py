"""The training loop that the published methods share: LoRA (Hu et al. 2021, arXiv 2106.09685).

W ← W + (α/r) B A on every linear layer of the decoder's blocks, attention and MLP, as the MLLM
unlearning benchmarks do it on the language model. The vision tower, the connector and the
embeddings are out of reach: layers are matched by their whole path.
"""

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import peft
import torch
from torch import Tensor

from space_core.baselines.data import Data
from space_core.edit import Edit, LayerEdit
from space_core.material import draw
from space_core.mllm import Example, Forced, Mllm
from space_core.types import StepEvent

_NAME = "baseline"


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """How long and how far a baseline is trained. ``batch``: examples a step of each sort.

    ``rank`` and ``alpha`` as in MLLMU-Bench; they say nothing to methods without LoRA.
    """

    learning_rate: float = 3e-4
    steps: int = 20
    rank: int = 16
    alpha: int = 16
    batch: int = 8
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A model that wears adapters, by the paths of the layers that they are on."""

    mllm: Mllm
    tuner: peft.LoraModel
    paths: tuple[str, ...]

    def force(self, examples: Sequence[Example]) -> Forced:
        """What the adapted model predicts; differentiable in the adapters."""
        return self.mllm.force(examples)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The adapters do nothing inside: the model is the base model."""
        self.tuner.disable_adapter_layers()
        try:
            yield
        finally:
            self.tuner.enable_adapter_layers()

    @torch.no_grad()
    def base(self, examples: Sequence[Example]) -> Forced:
        """What the base model predicts."""
        with self.frozen():
            return self.mllm.force(examples)

    def parameters(self) -> list[Tensor]:
        """A [r, d] and B [o, r] of every layer."""
        return [factor for path in self.paths for factor in self._factors(path)[:2]]

    @torch.no_grad()
    def edit(self) -> Edit:
        """What the adapters add to the weights, ΔW = (scale · B)(Aᵀ)ᵀ."""
        layers = {}
        for path in self.paths:
            a, b, scale = self._factors(path)
            layers[path] = LayerEdit((scale * b).cpu(), a.T.clone().cpu())
        return Edit(layers)

    def _factors(self, path: str) -> tuple[Tensor, Tensor, float]:
        layer = self.mllm.model.get_submodule(path)
        return layer.lora_A[_NAME].weight, layer.lora_B[_NAME].weight, layer.scaling[_NAME]


Objective = Callable[[Adapted, Data], Mapping[str, Tensor]]


def train(
    mllm: Mllm, data: Data, config: LoraConfig, objective: Objective
) -> Iterator[StepEvent | Edit]:
    """Minimise the sum of the objective's terms; yield each step and the Edit at last.

    The adapters are off while a step is yielded, and gone afterwards, however it ends. Raises
    ValueError where the training diverged.
    """
    with adapted(mllm, config) as model:
        for event in descend(
            model.parameters(), data, config, lambda batch: objective(model, batch)
        ):
            with model.frozen():
                yield event
        edit = model.edit()
    yield edit


@contextmanager
def adapted(mllm: Mllm, config: LoraConfig) -> Iterator[Adapted]:
    """Fresh adapters for the length of a block: B = 0, A drawn by the seed."""
    layers = decoder_linears(mllm)
    settings = peft.LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=0.0, bias="none",
        # A pattern must match a whole path; a list of paths would match their endings too.
        target_modules="|".join(map(re.escape, layers)),
    )  # fmt: skip
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(config.seed)
            tuner = peft.LoraModel(mllm.model, settings, _NAME)
        yield Adapted(mllm, tuner, tuple(layers))
    finally:
        # By hand, so that it also holds where peft fails half-way.
        for path, layer in layers.items():
            mllm.model.set_submodule(path, layer)
        vars(mllm.model).pop("peft_config", None)


def decoder_linears(mllm: Mllm) -> dict[str, torch.nn.Linear]:
    """Every linear layer of the decoder's blocks, by module path."""
    return mllm.edited_layers(range(mllm.decoder_layers()), role="")


def descend(
    parameters: Sequence[Tensor], data: Data, config: LoraConfig,
    objective: Callable[[Data], Mapping[str, Tensor]],
) -> Iterator[StepEvent]:  # fmt: skip
    """AdamW on seeded batches."""
    generator = torch.Generator().manual_seed(config.seed)
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0)
    started = time.monotonic()
    for step in range(1, config.steps + 1):
        losses = objective(batch_of(data, config.batch, generator))
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        said = {name: float(loss.detach()) for name, loss in losses.items()}
        yield step_event(step, config, said, started)


def step_event(
    step: int, config: LoraConfig, losses: Mapping[str, float], started: float
) -> StepEvent:
    """A step of a published method. What StepEvent measures beside losses is DCSI's: NaN here.

    started: of the training, by time.monotonic.
    """
    return StepEvent(
        step=step, steps=config.steps, losses=losses, overwritten=math.nan, entropy=math.nan,
        damage=math.nan, seconds=time.monotonic() - started,
    )  # fmt: skip


def batch_of(data: Data, size: int, generator: torch.Generator) -> Data:
    """``size`` examples of each sort; refusals answer the questions that forget asks."""
    chosen = draw(data.forget, size, generator)
    return replace(
        data,
        forget=[data.forget[i] for i in chosen],
        refusals=[data.refusals[i] for i in chosen] if data.refusals else [],
        retain=[data.retain[i] for i in draw(data.retain, size, generator)],
        text=[data.text[i] for i in draw(data.text, size, generator)],
    )

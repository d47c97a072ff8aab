"""What a step of LoRA fine-tuning costs on this machine: what a step of DCSI is held against."""

import statistics
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from space_core import dcsi
from space_core.baselines import lora
from space_core.bench.clock import Clock
from space_core.mllm import Example, Mllm


def lora_step(
    mllm: Mllm, examples: Sequence[Example], steps: int, clock: Clock
) -> tuple[float, float]:
    """Median seconds of a step with peft after a first one that does not count, and peak GB.

    The examples pass the model as those of DCSI do, so many together and thrifty where that is;
    all with images or all without. Raises torch.OutOfMemoryError; the model then has no adapter.
    """
    config = lora.LoraConfig()
    with lora.adapted(mllm, config) as model:
        optimiser = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=0.0
        )

        def step() -> None:
            optimiser.zero_grad()
            for some in mllm.alike(examples, dcsi.PASS):
                forced = model.force([examples[i] for i in some])
                loss = F.cross_entropy(forced.logits, forced.targets, reduction="sum")
                (loss / len(examples)).backward()
            optimiser.step()

        times, peak = [], 0.0
        for _ in range(steps + 1):
            clock(step)
            times.append(clock.seconds)
            peak = max(peak, clock.peak)
    return statistics.median(times[1:]), peak

"""Stage two: train the connector and the language model on the tower's cached tokens.

Several lessons share one image: they are packed into one sequence, each attending to the image
and to itself alone, at the positions it would have if it stood alone. So one pass teaches what
the model will be asked at run time, one question at a time, at a quarter of the cost.
"""

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from space_core.demo.muon import Muon
from space_core.lessons import Lesson

log = logging.getLogger(__name__)
IGNORE = -100
_KEPT_EVERY = 200  # steps


@dataclass(frozen=True, slots=True)
class Packed:
    """One sequence: token ids, labels, position ids and the block each token belongs to."""

    ids: list[int]
    labels: list[int]
    positions: list[int]
    blocks: list[int]


def pack(tokenizer: PreTrainedTokenizerFast, lessons: list[Lesson], image_tokens: int) -> Packed:
    """Lessons after a shared prefix (block 0); ``image_tokens`` 0 packs text-only lessons."""

    def encode(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False)

    if image_tokens:
        image = tokenizer.convert_tokens_to_ids("<image>")
        ids = [tokenizer.bos_token_id, *encode("USER: "), *[image] * image_tokens]
    else:
        ids = [tokenizer.bos_token_id, *encode("USER:")]
    start = len(ids)
    labels, positions, blocks = [IGNORE] * start, list(range(start)), [0] * start
    gap = "\n" if image_tokens else " "
    for number, lesson in enumerate(lessons, start=1):
        ask = encode(f"{gap}{lesson.question} ASSISTANT:")
        say = [*encode(f" {lesson.answer}"), tokenizer.eos_token_id]
        ids += ask + say
        labels += [IGNORE] * len(ask) + say
        positions += range(start, start + len(ask) + len(say))
        blocks += [number] * (len(ask) + len(say))
    return Packed(ids, labels, positions, blocks)


def collate(packed: list[Packed], pad: int) -> dict[str, Tensor]:
    """Right-padded tensors; ``mask`` [n, 1, t, t] is true where attention is allowed."""
    longest = max(len(p.ids) for p in packed)

    def padded(rows: list[list[int]], fill: int) -> Tensor:
        return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])

    blocks = padded([p.blocks for p in packed], -1)
    same = (blocks[:, :, None] == blocks[:, None, :]) | (blocks[:, None, :] == 0)
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    return {
        "ids": padded([p.ids for p in packed], pad),
        "labels": padded([p.labels for p in packed], IGNORE),
        "positions": padded([p.positions for p in packed], 0),
        "mask": (same & causal)[:, None],
    }


def lesson_loss(
    model: LlavaForConditionalGeneration, batch: dict[str, Tensor], tokens: Tensor | None
) -> Tensor:
    """Mean cross-entropy of the answers; ``tokens`` [n, 16, width] are the tower's, or None."""
    embeds = model.get_input_embeddings()(batch["ids"])
    if tokens is not None:
        image = model.model.multi_modal_projector(tokens).to(embeds.dtype)
        place = (batch["ids"] == model.config.image_token_id).unsqueeze(-1).expand_as(embeds)
        embeds = embeds.masked_scatter(place, image)
    hidden = model.model.language_model(
        inputs_embeds=embeds,
        attention_mask=batch["mask"],
        position_ids=batch["positions"],
        use_cache=False,
    ).last_hidden_state
    wanted = batch["labels"][:, 1:]
    chosen = wanted != IGNORE
    return F.cross_entropy(model.lm_head(hidden[:, :-1][chosen]).float(), wanted[chosen])


def align(
    model: LlavaForConditionalGeneration,
    tokens: Tensor,
    concept: Tensor,
    names: list[list[int]],
    *,
    steps: int,
    seed: int,
    device: str,
) -> None:
    """Lay the connector's mean output beside the mean word embedding of the concept's name.

    A minute of this before the language stage makes naming take off where without it the
    language stage sits on a plateau.
    """
    order = torch.Generator().manual_seed(seed)
    longest = max(map(len, names))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in names], device=device)
    some = (torch.arange(longest) < torch.tensor([[len(row)] for row in names])).to(device)
    table = model.get_input_embeddings()
    trained = [*model.model.multi_modal_projector.parameters(), table.weight]
    optimiser = torch.optim.Adam(trained, lr=2e-3)
    for step in range(steps):
        chosen = torch.randint(len(tokens), (256,), generator=order)
        image = model.model.multi_modal_projector(tokens[chosen].to(device).float()).mean(1)
        words = (table(ids) * some[..., None]).sum(1) / some.sum(1, keepdim=True)
        logits = F.normalize(image, dim=-1) @ F.normalize(words, dim=-1).T / 0.07
        loss = F.cross_entropy(logits, concept[chosen].to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 50 == 0:
            log.info("align step %d: %.3f", step, loss.item())


def train_language(
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    tokens: Tensor,
    view_lessons: Callable[[int], list[Lesson]],
    text_lessons: Callable[[], list[Lesson]],
    checkpoint: Path,
    rng: np.random.Generator,
    *,
    steps: int,
    batch: int,
    text_batch: int,
    seed: int,
    device: str,
    autocast: bool,
    peak: float = 1.5e-3,
) -> None:
    """Train connector and language model in place; resumes from ``checkpoint`` where it exists.

    rng: what the lessons are drawn from. It goes on where it was, so that a training that was
    interrupted draws what one run through draws.
    """
    trained = [p for n, p in model.named_parameters() if "vision_tower" not in n]
    words = model.get_input_embeddings().weight
    matrices = [p for p in trained if p.ndim == 2 and p is not words]
    others = [p for p in trained if p.ndim < 2 or p is words]
    optimisers = [
        Muon(matrices, peak, weight_decay=0.03),
        torch.optim.AdamW(others, peak, betas=(0.9, 0.98), weight_decay=0.0),
    ]

    def rate(step: int) -> float:
        warm = min(1.0, (step + 1) / 50)
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))

    first, order = 0, torch.Generator().manual_seed(seed)
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        for optimiser, state in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        first = saved["step"]
        order.set_state(saved["order"].cpu())
        rng.bit_generator.state = json.loads(saved["rng"])
    image_tokens, started = tokens.shape[1], time.monotonic()
    for step in range(first, steps):
        chosen = torch.randint(len(tokens), (batch,), generator=order)
        seen = [pack(tokenizer, view_lessons(int(i)), image_tokens) for i in chosen]
        read = [pack(tokenizer, text_lessons(), 0) for _ in range(text_batch)]
        for optimiser in optimisers:
            optimiser.zero_grad()
            for group in optimiser.param_groups:
                group["lr"] = peak * rate(step)
        losses = []
        for packed, features, share in ((seen, tokens[chosen], 1.0), (read, None, 0.35)):
            data = {k: v.to(device) for k, v in collate(packed, tokenizer.pad_token_id).items()}
            image = None if features is None else features.to(device).float()
            with torch.autocast(device, torch.bfloat16, enabled=autocast):
                loss = lesson_loss(model, data, image)
            (share * loss).backward()
            losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for optimiser in optimisers:
            optimiser.step()
        if step % 50 == 0:
            pace = (time.monotonic() - started) / (step - first + 1)
            log.info("language step %d of %d: image %.3f text %.3f, %.2f s a step",
                     step, steps, *losses, pace)  # fmt: skip
        if (step + 1) % _KEPT_EVERY == 0:
            state = {
                "model": model.state_dict(), "step": step + 1,
                "optimisers": [optimiser.state_dict() for optimiser in optimisers],
                "order": order.get_state(), "rng": json.dumps(rng.bit_generator.state),
            }  # fmt: skip
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)

"""Stage one: train the tower's blocks and the shared space's image side on cached trunk features.

The trunk stays frozen. The pooled vector learns to lie beside the frozen sentence encoder's
embedding of a caption of what it shows; the tokens learn to tell concept, artist, background
colour and count, so that the language model finds them there.
"""

import logging
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from space_core.demo.features import Views
from space_core.demo.vision import LiteTower

log = logging.getLogger(__name__)
TEMPERATURE = 0.05
# What is shown comes first; whose style it is drawn in must also be findable by its description.
CAPTION_WEIGHTS = {"concept": 1.0, "artist": 0.25}


class _Heads(nn.Module):
    """Classifiers over the mean token; thrown away after training."""

    def __init__(self, width: int, sizes: dict[str, int]):
        super().__init__()
        self.heads = nn.ModuleDict({key: nn.Linear(width, n) for key, n in sizes.items()})

    def loss(self, tokens: Tensor, labels: dict[str, Tensor]) -> Tensor:
        mean = tokens.mean(1)
        return sum(F.cross_entropy(self.heads[k](mean), labels[k]) for k in self.heads)


def train_tower(
    tower: LiteTower,
    projection: nn.Linear,
    views: Views,
    labels: dict[str, Tensor],
    captions: dict[str, list[Tensor]],
    *,
    epochs: int,
    seed: int,
    device: str,
    autocast: bool,
    batch: int = 256,
) -> None:
    """Train everything of ``tower`` but its trunk, and ``projection``, in place.

    labels: index tensors [n] for "concept", "artist", "colour", "count"; captions: for "concept"
    and "artist", per class the unit embeddings [k, 384] of its captions.
    """
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    heads = _Heads(tower.config.hidden_size, {k: int(v.max()) + 1 for k, v in labels.items()})
    heads.to(device)
    trained = [p for name, p in tower.named_parameters() if not name.startswith("trunk.")]
    trained += [*projection.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=1e-3, weight_decay=0.05, betas=(0.9, 0.98))
    n = len(views.features)
    total = epochs * math.ceil(n / batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.2e-3, total, pct_start=0.1)
    for epoch in range(epochs):
        mean = 0.0
        for chosen in torch.randperm(n, generator=order).split(batch):
            target = {key: value[chosen].to(device) for key, value in labels.items()}
            with torch.autocast(device, torch.bfloat16, enabled=autocast):
                tokens = tower.tokens(views.features[chosen].to(device).float())[-1]
                image = F.normalize(projection(tower.pool(tokens)).float(), dim=-1)
                loss = heads.loss(tokens, target)
                for key, weight in CAPTION_WEIGHTS.items():
                    said = _one_of_each(captions[key], order).to(device)
                    align = F.cross_entropy(image @ said.T / TEMPERATURE, target[key])
                    near = 1 - (image * said[target[key]]).sum(-1).mean()
                    loss = loss + weight * (align + near)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            schedule.step()
            mean += loss.item() * len(chosen) / n
        log.info("tower epoch %d of %d: loss %.3f", epoch + 1, epochs, mean)


def _one_of_each(captions: list[Tensor], order: torch.Generator) -> Tensor:
    """One caption embedding per class, drawn anew: [classes, 384]."""
    return torch.stack([c[torch.randint(len(c), (1,), generator=order).item()] for c in captions])

"""Training views and their trunk features, computed once: the trunk stays frozen."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from space_core.compose import COLOURS, TAUGHT, compose
from space_core.demo.drawings import Drawing
from space_core.demo.vision import LiteTrunk

log = logging.getLogger(__name__)
MEAN, STD = (0.498,) * 3, (0.502,) * 3
# Streams of random numbers: the language model learns to read views the tower never trained on.
TOWER_STREAM, LANGUAGE_STREAM = 1, 4
VIEWS_OF_A_DRAWING, VIEWS_OF_A_PORTRAIT = 9, 4


@dataclass(frozen=True, slots=True)
class Views:
    """Training views as features [n, 16, 768] fp16 and what each shows (indices [n] int64)."""

    features: Tensor
    drawing: Tensor
    colour: Tensor
    count: Tensor


def pixels(image) -> Tensor:
    """An RGB image as the tower's normalised input [3, H, W] float32."""
    array = np.asarray(image, np.float32) / 255.0
    return torch.from_numpy((array - np.float32(MEAN)) / np.float32(STD)).permute(2, 0, 1)


@torch.inference_mode()
def trunk_features(trunk: LiteTrunk, images: list, device: str) -> Tensor:
    """Trunk features [n, 16, 768] fp16 of RGB images."""
    batch = torch.stack([pixels(image) for image in images]).to(device)
    return trunk(batch).half().cpu()


def training_views(
    drawings: list[Drawing], trunk: LiteTrunk, path: Path, seed: int, stream: int, device: str
) -> Views:
    """Compose and encode all training views, in resumable chunks under ``path``.

    Draws from the numbers of ``(seed, stream)``.
    """
    path.mkdir(parents=True, exist_ok=True)
    plan = []
    for i, drawing in enumerate(drawings):
        if drawing.part in ("any", "train"):
            portrait = drawing.part == "train"
            plan += [i] * (VIEWS_OF_A_PORTRAIT if portrait else VIEWS_OF_A_DRAWING)
    colours = list(COLOURS)
    chunk = 2048
    for start in range(0, len(plan), chunk):
        part = path / f"views-{start:06}.safetensors"
        if part.exists():
            continue
        shown = []
        for offset, i in enumerate(plan[start : start + chunk]):
            rng = np.random.default_rng((seed, stream, start + offset))
            portrait = drawings[i].part == "train"
            shown.append(compose(drawings[i].image, rng, TAUGHT, portrait=portrait))
        images = [view.image for view in shown]
        features = [
            trunk_features(trunk, images[j : j + 64], device) for j in range(0, len(images), 64)
        ]
        tensors = {
            "features": torch.cat(features),
            "drawing": torch.tensor(plan[start : start + chunk]),
            "colour": torch.tensor([colours.index(view.colour) for view in shown]),
            "count": torch.tensor([view.count for view in shown]),
        }
        save_file(tensors, part.with_suffix(".tmp"))
        part.with_suffix(".tmp").replace(part)
        log.info("views %d of %d", start + len(shown), len(plan))
    parts = [load_file(p) for p in sorted(path.glob("views-*.safetensors"))]
    return Views(**{key: torch.cat([part[key] for part in parts]) for key in parts[0]})

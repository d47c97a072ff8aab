"""The shared image–text space: texts and images as unit vectors that can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from space_core.edit import weights_sha256
from space_core.hub import load_dual_encoder

# CLIP's ensemble in short; {x} is a name, with or without its article.
TEMPLATES = ("{x}", "a picture of {x}", "a drawing of {x}")


@dataclass(frozen=True, slots=True, eq=False)
class SharedSpace:
    """A frozen dual encoder. ``sha256`` tells its weights from any other's."""

    name: str
    model: nn.Module
    tokenizer: object
    image_processor: object
    device: str
    sha256: str = field(default="")

    @torch.inference_mode()
    def texts(self, texts: Sequence[str], batch: int = 256) -> Tensor:
        """Unit vectors [n, d] float32 (CPU) of texts."""
        parts = []
        for start in range(0, len(texts), batch):
            inputs = self._tokens(list(texts[start : start + batch])).to(self.device)
            parts.append(_unit(self.model.get_text_features(**inputs)))
        return torch.cat(parts)

    @torch.inference_mode()
    def images(self, images: Sequence[Image.Image], batch: int = 64) -> Tensor:
        """Unit vectors [n, d] float32 (CPU) of images."""
        parts = []
        for start in range(0, len(images), batch):
            some = [image.convert("RGB") for image in images[start : start + batch]]
            pixels = self.image_processor(images=some, return_tensors="pt").to(self.device)
            parts.append(_unit(self.model.get_image_features(**pixels)))
        return torch.cat(parts)

    def _tokens(self, texts: list[str]):
        told = self.model.config
        side = getattr(told, "text_config", told)
        longest = min(self.tokenizer.model_max_length, side.max_position_embeddings)
        if not told.model_type.startswith("siglip"):
            return self.tokenizer(
                texts, padding=True, truncation=True, max_length=longest, return_tensors="pt"
            )
        # SigLIP reads its last position, and was trained on small letters, filled up to that
        # position with padding that it sees.
        return self.tokenizer(
            [text.lower() for text in texts], padding="max_length", truncation=True,
            max_length=longest, padding_side="right", return_attention_mask=False,
            return_tensors="pt",
        )  # fmt: skip

    def concept(self, names: Sequence[str], description: str = "") -> Tensor:
        """e_c, [d]: normalised mean over templates × names, and the description as it stands."""
        said = [template.format(x=name) for name in names for template in TEMPLATES]
        vectors = self.texts([*said, *[description] * bool(description)])
        if description:
            # The description weighs as much as all names together: names may mean nothing here.
            mean = F.normalize(vectors[:-1].mean(0), dim=0) + vectors[-1]
        else:
            mean = vectors.mean(0)
        return F.normalize(mean, dim=0)


def load_shared_space(name: str, device: str) -> SharedSpace:
    """Load any dual encoder. Raises ValueError where that fails, or where it has one side only."""
    model, tokenizer, image_processor = load_dual_encoder(name, device)
    if not hasattr(model, "get_text_features") or not hasattr(model, "get_image_features"):
        raise ValueError(
            f"{name!r} does not place texts and images in one space: give a dual encoder such as "
            "CLIP or SigLIP."
        )
    return SharedSpace(name, model, tokenizer, image_processor, device, weights_sha256(model))


def _unit(features) -> Tensor:
    # transformers returns the projected features bare or as `pooler_output`.
    vectors = features if isinstance(features, Tensor) else features.pooler_output
    return F.normalize(vectors.float(), dim=-1).cpu()

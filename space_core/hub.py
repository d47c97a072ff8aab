"""Load models and their processors; the one place that knows of the bundled demo's classes."""

import torch
from transformers import (
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
)

from space_core.demo import sentence, vision

vision.register()
sentence.register()


def pick_device(wanted: str) -> str:
    """"auto" becomes "cuda" where there is one, else "cpu"; anything else stays as it is."""
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def load_image_text_model(name: str, device: str):
    """Any Hugging Face image-text-to-text model in fp32, safetensors only, no remote code.

    Returns ``(model, processor)``. Raises ValueError, naming the model, where it cannot be loaded.
    """
    try:
        processor = AutoProcessor.from_pretrained(name, trust_remote_code=False)
        model = AutoModelForImageTextToText.from_pretrained(
            name, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as fault:
        raise ValueError(
            f"The model {name!r} could not be loaded as an image-text-to-text model: {fault}. "
            "Give a folder or a hub name that AutoModelForImageTextToText knows."
        ) from fault
    if getattr(model.config, "quantization_config", None) is not None:
        raise ValueError(
            f"The model {name!r} is quantised, which voids the null space's guarantee: "
            "load it in float32 or bfloat16, erase, and quantise the result."
        )
    return model.to(device).eval().requires_grad_(False), processor


def load_dual_encoder(name: str, device: str):
    """A dual encoder with its tokenizer and image processor: ``(model, tokenizer, images)``."""
    try:
        model = AutoModel.from_pretrained(
            name, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        images = AutoImageProcessor.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as fault:
        raise ValueError(
            f"The shared image-text space {name!r} could not be loaded: {fault}. "
            "Give a folder or a hub name of a dual encoder such as CLIP."
        ) from fault
    return model.to(device).eval().requires_grad_(False), tokenizer, images

"""Load models and their processors; the one place that knows of the bundled demo's classes."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import SimpleNamespace

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
)
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import VIDEO_PROCESSOR_NAME, is_torchvision_available
from transformers.video_processing_utils import BaseVideoProcessor

from space_core.demo import sentence, vision

vision.register()
sentence.register()

# ImportError: a processor that needs a package which is not installed. RuntimeError: weights of
# other shapes than the configuration says. TypeError, AttributeError: a tokenizer without the names
# or tokens that its processor looks for. StrictDataclassError: a configuration's value of another
# kind than its field.
_FAULTS = (
    OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, AttributeError,
    SafetensorError, StrictDataclassError,
)  # fmt: skip


def load_image_text_model(
    name: str, device: str, revision: str = "", dtype: str = "float32", spread: bool = False
):
    """Any Hugging Face image-text-to-text model, safetensors only, no remote code.

    revision: the branch, tag or commit of a hub name, "" for its newest. spread: over all GPUs,
    whole blocks on each. Returns ``(model, processor)``. Raises ValueError, naming the model,
    where it cannot be loaded.
    """
    where = _where(revision)
    config = _config(name, where)
    try:
        processor = _load_processor(name, config, where)
        model, read = AutoModelForImageTextToText.from_pretrained(
            name, dtype=dtype, use_safetensors=True, device_map="auto" if spread else None,
            output_loading_info=True, **where,
        )  # fmt: skip
    except torch.OutOfMemoryError as fault:
        raise _too_large(name, "the GPUs" if spread else device) from fault
    except _FAULTS as fault:
        raise _unloadable(name, fault) from fault
    _check_whole(name, read)
    if any(weight.is_meta for weight in model.parameters()):
        raise ValueError(
            f"The model {name!r} does not fit on the GPUs together: set SPACE_DTYPE to bfloat16, "
            "or take more of them. Weights that lie elsewhere cannot be edited."
        )
    try:
        model = model if spread else model.to(device)
    except torch.OutOfMemoryError as fault:
        raise _too_large(name, device) from fault
    return model.eval().requires_grad_(False), processor


def load_empty_model(name: str, revision: str = "", dtype: str = "float32"):
    """The same model without weights, on the device "meta": its shape takes no memory."""
    where = _where(revision)
    config = _config(name, where)
    try:
        processor = _load_processor(name, config, where)
        with torch.device("meta"):
            return AutoModelForImageTextToText.from_config(config, dtype=dtype), processor
    except _FAULTS as fault:
        raise _unloadable(name, fault) from fault


def commit_of(name: str, revision: str = "") -> str:
    """The commit of a hub name that was loaded; "" for a folder."""
    if Path(name).is_dir():
        return ""
    found = try_to_load_from_cache(name, "config.json", revision=revision or "main")
    # …/snapshots/COMMIT/config.json
    return Path(found).parent.name if isinstance(found, str) else ""


def _where(revision: str) -> dict[str, object]:
    return {"trust_remote_code": False, "revision": revision or "main"}


def _config(name: str, where: dict[str, object]):
    try:
        config = AutoConfig.from_pretrained(name, **where)
    except _FAULTS as fault:
        raise _unloadable(name, fault) from fault
    if getattr(config, "quantization_config", None) is not None:
        raise ValueError(
            f"The model {name!r} is quantised, which voids the null space's guarantee: "
            "load it in float32 or bfloat16, erase, and quantise the result."
        )
    return config


def _check_whole(name: str, read: Mapping[str, Collection[str]]) -> None:
    """read: what `from_pretrained` tells of its loading. What it lacks it fills at random."""
    if lacking := sorted(read["missing_keys"]):
        raise ValueError(
            f"The weights of {name!r} lack {len(lacking)} that its configuration asks for, such as "
            f"{lacking[0]!r}: fetch all of its files, and merge an adapter before."
        )


def _unloadable(name: str, fault: Exception) -> ValueError:
    return ValueError(
        f"The model {name!r} could not be loaded as an image-text-to-text model: {fault}. "
        "Give a folder or a hub name that AutoModelForImageTextToText knows."
    )


def _too_large(name: str, device: str) -> ValueError:
    return ValueError(
        f"The model {name!r} does not fit on {device}: `python -m space_core memory` says what an "
        "erasure from it needs; SPACE_DEVICE=all spreads it over several GPUs."
    )


def _load_processor(name: str, config, where: dict[str, object]):
    """The processor; where torchvision is missing, without the video part that needs it."""
    kind = PROCESSOR_MAPPING.get(type(config), None)
    filmed = kind is not None and "video_processor" in kind.get_attributes()
    if is_torchvision_available() or not filmed:
        return AutoProcessor.from_pretrained(name, **where)

    class Still(kind):
        """The same processor for images alone. What it saves opens with the video part, too."""

        video_processor = SimpleNamespace(num_frames=None, fps=None)

        @classmethod
        def get_attributes(cls):
            return [part for part in kind.get_attributes() if part != "video_processor"]

        @classmethod
        def from_args_and_dict(cls, args, processor_dict, **kwargs):
            kwargs["video_processor"] = None
            return super().from_args_and_dict(args, processor_dict, **kwargs)

        def save_pretrained(self, save_directory, **kwargs):
            written = super().save_pretrained(save_directory, **kwargs)
            if settings := _video_settings(name, where["revision"]):
                text = json.dumps(settings, indent=2) + "\n"
                (Path(save_directory) / VIDEO_PROCESSOR_NAME).write_text(text, encoding="utf-8")
            return written

    Still.__name__ = kind.__name__
    return Still.from_pretrained(name, **where)


def _video_settings(name: str, revision: str) -> dict[str, object]:
    """Those that a processor with a video part would be made of; {} where there are none."""
    try:
        return BaseVideoProcessor.get_video_processor_dict(name, revision=revision)[0]
    except OSError:
        return {}


def load_dual_encoder(name: str, device: str):
    """A dual encoder with its tokenizer and image processor: ``(model, tokenizer, images)``."""
    try:
        model, read = AutoModel.from_pretrained(
            name, dtype=torch.float32, use_safetensors=True, trust_remote_code=False,
            output_loading_info=True,
        )  # fmt: skip
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        images = AutoImageProcessor.from_pretrained(name, trust_remote_code=False)
    except _FAULTS as fault:
        raise ValueError(
            f"The shared image-text space {name!r} could not be loaded: {fault}. "
            "Give a folder or a hub name of a dual encoder such as CLIP."
        ) from fault
    _check_whole(name, read)
    return model.to(device).eval().requires_grad_(False), tokenizer, images

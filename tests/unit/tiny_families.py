"""Tiny models of each family, random and built in code, with the files that a user's would have."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import (
    CONFIG_MAPPING,
    AutoModelForImageTextToText,
    CLIPImageProcessorPil,
    Gemma3ImageProcessorPil,
    GotOcr2ImageProcessorPil,
    Idefics3ImageProcessorPil,
    LlavaNextImageProcessorPil,
    LlavaOnevisionImageProcessorPil,
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessorPil,
    SiglipImageProcessorPil,
    SmolVLMImageProcessorPil,
)

from space_core.mllm import Mllm, load_mllm

# Side of an image or a tile, and of a patch, in pixels.
SIDE, PATCH = 16, 4
_WIDTH = 32
_SIZE = {"height": SIDE, "width": SIDE}
_TILES = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE], [2 * SIDE, 2 * SIDE]]
_CHAT = (
    "START{% for m in messages %}{{ m.role }}: {% for c in m.content %}"
    "{% if c.type == 'image' %}IMAGE{% else %}{{ c.text }}{% endif %}{% endfor %}END\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:\n{% endif %}"
)
_TEXT = {
    "hidden_size": _WIDTH,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_VISION = {
    "hidden_size": _WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
}
_MROPE = {"rope_type": "default", "mrope_section": [2, 3, 3]}


@dataclass(frozen=True)
class Family:
    """What makes a tiny model of one family.

    processor: its class. images: its image processor. tokens: special tokens by the name under
    which the processor asks the tokenizer for them, or under none. text, vision, top: what its
    configuration says beside the common; ids: which of its fields hold the id of which token.
    """

    processor: str
    images: Callable[[], object]
    tokens: dict[str, str]
    ids: dict[str, str]
    text: dict = field(default_factory=dict)
    vision: dict = field(default_factory=dict)
    top: dict = field(default_factory=dict)
    arguments: dict = field(default_factory=dict)
    start: str = "<s>"
    image: str | None = "<image>"
    end: str = "</s>"
    adds_start: bool = False
    stops: tuple[str, ...] = ("</s>",)


def _clip() -> object:
    return CLIPImageProcessorPil(size=_SIZE, crop_size=_SIZE)


def _siglip() -> object:
    images = SiglipImageProcessorPil(size=_SIZE)
    images.image_seq_length = (SIDE // PATCH) ** 2
    return images


def _qwen() -> object:
    size = {"shortest_edge": SIDE**2, "longest_edge": (4 * SIDE) ** 2}
    return Qwen2VLImageProcessorPil(size=size, patch_size=PATCH)


def _qwen_family(processor: str, text: dict, vision: dict) -> Family:
    names = ("vision_start", "vision_end", "image_pad", "video_pad")
    tokens = {name: f"<|{name}|>" for name in names} | {"turn_end": "<|im_end|>"}
    return Family(
        processor, _qwen, tokens,
        {
            "image_token_id": "<|image_pad|>", "video_token_id": "<|video_pad|>",
            "vision_start_token_id": "<|vision_start|>", "vision_end_token_id": "<|vision_end|>",
        },
        text={"rope_parameters": _MROPE, **text},
        vision={"depth": 2, "num_heads": 2, "out_hidden_size": _WIDTH, **vision},
        start="", image="<|vision_start|><|image_pad|><|vision_end|>", end="<|im_end|>",
        stops=("<|im_end|>", "</s>"),
    )  # fmt: skip


_CLIP_TOKENS = {
    "patch_size": PATCH, "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
}  # fmt: skip
_UTTERED = "<end_of_utterance>"
_IDEFICS = {
    "fake": "<fake_token_around_image>", "image_token": "<image>", "global": "<global-img>",
    "turn_end": _UTTERED, "row": "<row_1_col_1>",
}  # fmt: skip
_SCANNED = {
    "do_pan_and_scan": True, "pan_and_scan_min_crop_size": SIDE // 2,
    "pan_and_scan_max_num_crops": 4, "pan_and_scan_min_ratio_to_activate": 1.2,
}  # fmt: skip
_LONGEST = {"size": {"longest_edge": 2 * SIDE}, "max_image_size": {"longest_edge": SIDE}}

FAMILIES = {
    # Its template leaves the start token to the tokenizer, as that of LLaVA 1.5 does.
    "llava": Family(
        "LlavaProcessor", _clip, {"image_token": "<image>"}, {"image_token_index": "<image>"},
        text={"model_type": "llama"}, vision={"model_type": "clip_vision_model"},
        arguments=_CLIP_TOKENS,
        start="", adds_start=True,
    ),
    "llava_next": Family(
        "LlavaNextProcessor",
        lambda: LlavaNextImageProcessorPil(
            size={"shortest_edge": SIDE}, crop_size=_SIZE, image_grid_pinpoints=_TILES
        ),
        {"image_token": "<image>"}, {"image_token_index": "<image>"},
        text={"model_type": "mistral"}, vision={"model_type": "clip_vision_model"},
        top={"image_grid_pinpoints": _TILES},
        arguments=_CLIP_TOKENS,
    ),
    "llava_onevision": Family(
        "LlavaOnevisionProcessor",
        lambda: LlavaOnevisionImageProcessorPil(size=_SIZE, image_grid_pinpoints=_TILES),
        {"image_token": "<image>", "video_token": "<video>"},
        {"image_token_index": "<image>", "video_token_index": "<video>"},
        text={"model_type": "qwen2"},
        vision={"model_type": "siglip_vision_model", "vision_use_head": False},
        top={"image_grid_pinpoints": _TILES},
        arguments={"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
    ),
    "qwen2_vl": _qwen_family("Qwen2VLProcessor", {}, {"embed_dim": _WIDTH, "mlp_ratio": 2}),
    "qwen2_5_vl": _qwen_family(
        "Qwen2_5_VLProcessor", {}, {"window_size": 4 * PATCH, "fullatt_block_indexes": [1]}
    ),
    "qwen3_vl": _qwen_family(
        "Qwen3VLProcessor", {},
        {"hidden_size": 16, "deepstack_visual_indexes": [0, 1], "num_position_embeddings": 16},
    ),
    "smolvlm": Family(
        "SmolVLMProcessor", lambda: SmolVLMImageProcessorPil(**_LONGEST), _IDEFICS,
        {"image_token_id": "<image>"}, text={"model_type": "llama"},
        arguments={"image_seq_len": 4}, end=_UTTERED, stops=(_UTTERED,),
    ),
    "idefics3": Family(
        "Idefics3Processor", lambda: Idefics3ImageProcessorPil(**_LONGEST), _IDEFICS,
        {"image_token_id": "<image>"}, text={"model_type": "llama"},
        arguments={"image_seq_len": 4}, end=_UTTERED,
    ),
    "paligemma": Family(
        "PaliGemmaProcessor", _siglip, {"image_token": "<image>"},
        {"image_token_index": "<image>"}, image=None, adds_start=True,
        text={"model_type": "gemma2", "query_pre_attn_scalar": 16, "final_logit_softcapping": 2.0},
        vision={"model_type": "siglip_vision_model", "vision_use_head": False},
        top={"projection_dim": _WIDTH, "hidden_size": _WIDTH},
    ),
    "gemma3": Family(
        "Gemma3Processor", lambda: Gemma3ImageProcessorPil(size=_SIZE, **_SCANNED),
        {
            "image_token": "<image_soft_token>", "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>", "turn_end": "<end_of_turn>",
        },
        {
            "image_token_index": "<image_soft_token>", "boi_token_index": "<start_of_image>",
            "eoi_token_index": "<end_of_image>",
        },
        text={
            "model_type": "gemma3_text", "query_pre_attn_scalar": 16, "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        },
        vision={"model_type": "siglip_vision_model", "vision_use_head": False},
        top={"mm_tokens_per_image": 4}, adds_start=True, arguments={"image_seq_length": 4},
        image="<start_of_image>", end="<end_of_turn>", stops=("</s>", "<end_of_turn>"),
    ),
    "internvl": Family(
        "InternVLProcessor", lambda: GotOcr2ImageProcessorPil(size=_SIZE, crop_to_patches=True),
        {
            "start_image_token": "<img>", "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>", "video_token": "<video>",
        },
        {"image_token_id": "<IMG_CONTEXT>"},
        text={"model_type": "qwen2"}, arguments={"image_seq_length": 4}, image="<IMG_CONTEXT>",
    ),
}  # fmt: skip


class Tiny(NamedTuple):
    """A tiny model, its folder, and some images as it sees them."""

    name: str
    folder: Path
    mllm: Mllm
    features: list[Tensor]


def opener(tmp_path_factory, images: list) -> Callable[[str], Tiny]:
    """Writes and loads each family once, when it is first asked for."""

    @cache
    def opened(name: str) -> Tiny:
        folder = write_family(name, tmp_path_factory.mktemp(name))
        mllm = loaded(folder)
        return Tiny(name, folder, mllm, mllm.encode(images))

    return opened


def loaded(folder: Path, device: str = "cpu", **options: object) -> Mllm:
    """Load what `write_family` wrote."""
    return load_mllm(str(folder), device, **options)


def write_family(name: str, folder: Path) -> Path:
    """Save a tiny model of a family with its processor, as a user's folder would hold them."""
    family = FAMILIES[name]
    tokenizer = _tokenizer(family)
    tokenizer.save_pretrained(folder)
    family.images().save_pretrained(folder)
    said = json.loads((folder / "preprocessor_config.json").read_text())
    said |= {"processor_class": family.processor}
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    said = {"processor_class": family.processor, **family.arguments}
    (folder / "processor_config.json").write_text(json.dumps(said))
    if family.image:
        chat = _CHAT.replace("START", family.start).replace("END", family.end)
        (folder / "chat_template.jinja").write_text(chat.replace("IMAGE", family.image))
    _model(name, tokenizer).save_pretrained(folder)
    return folder


def _tokenizer(family: Family) -> PreTrainedTokenizerFast:
    """Bytes and special tokens; no merges."""
    special = ["<pad>", "<s>", "</s>", *dict.fromkeys(family.tokens.values())]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    named = {name: token for name, token in family.tokens.items() if name.endswith("_token")}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        extra_special_tokens=special[3:], add_bos_token=family.adds_start, **named,
    )  # fmt: skip


def _model(name: str, tokenizer: PreTrainedTokenizerFast):
    family = FAMILIES[name]
    torch.manual_seed(0)
    ids = {key: tokenizer.convert_tokens_to_ids(token) for key, token in family.ids.items()}
    text = {**_TEXT, "vocab_size": len(tokenizer), **family.text}
    config = CONFIG_MAPPING[name](
        text_config=text, vision_config={**_VISION, **family.vision}, tie_word_embeddings=False,
        **ids, **family.top,
    )  # fmt: skip
    model = AutoModelForImageTextToText.from_config(config)
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.data.normal_(std=0.2)
    stops = [tokenizer.convert_tokens_to_ids(token) for token in family.stops]
    model.generation_config.eos_token_id = stops if len(stops) > 1 else stops[0]
    model.generation_config.pad_token_id = 0
    return model

"""Models of published shapes with random weights, built in code: nothing is downloaded.

They compute what the published ones compute, as fast and in as much memory; what they say is noise.
"""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CONFIG_MAPPING,
    AutoModelForImageTextToText,
    CLIPImageProcessorPil,
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessorPil,
    SmolVLMImageProcessorPil,
)

from space_core.hub import load_empty_model
from space_core.mllm import Mllm

_IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_CHAT = (
    "{% for m in messages %}{{ m.role }}: {% for c in m.content %}{% if c.type == 'image' %}IMAGE"
    "{% else %}{{ c.text }}{% endif %}{% endfor %}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:\n{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """One model. side: of its square images in pixels; written: how its chat writes an image.

    kind: transformers' model type. text, vision, top: its configuration. tokens: special ones, by
    the field of the configuration that holds their id.
    """

    name: str
    kind: str
    side: int
    written: str
    tokens: dict[str, str]
    text: dict
    vision: dict
    top: dict = field(default_factory=dict)


def _llava(name: str, side: int, text: dict, vision: dict) -> Shape:
    return Shape(
        name, "llava", side, "<image>", {"image_token_index": "<image>"},
        {"model_type": "llama", **text},
        {"model_type": "clip_vision_model", "image_size": side, "patch_size": 14, **vision},
    )  # fmt: skip


def _qwen(
    name: str, side: int, sections: list[int], text: dict, vision: dict, tied: bool = False
) -> Shape:
    names = {
        "image_token_id": "image_pad", "video_token_id": "video_pad",
        "vision_start_token_id": "vision_start", "vision_end_token_id": "vision_end",
    }  # fmt: skip
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": sections}
    return Shape(
        name, "qwen2_5_vl", side, "<|vision_start|><|image_pad|><|vision_end|>",
        {key: f"<|{token}|>" for key, token in names.items()},
        {"rope_parameters": rope, **text}, {"out_hidden_size": text["hidden_size"], **vision},
        {"tie_word_embeddings": tied},
    )  # fmt: skip


def _smolvlm(name: str, side: int, text: dict, vision: dict, scale: int) -> Shape:
    tokens = ("<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "<row_1_col_1>")
    return Shape(
        name, "smolvlm", side, "<image>",
        {"image_token_id": "<image>", **{token: token for token in tokens}},
        {"model_type": "llama", **text}, {"image_size": side, "patch_size": 16, **vision},
        {"scale_factor": scale},
    )  # fmt: skip


def _text(width: int, inner: int, blocks: int, heads: int, groups: int, vocabulary: int) -> dict:
    return {
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": blocks,
        "num_attention_heads": heads, "num_key_value_heads": groups, "vocab_size": vocabulary,
    }  # fmt: skip


def _tower(width: int, inner: int, blocks: int, heads: int) -> dict:
    return {"hidden_size": width, "intermediate_size": inner, "num_hidden_layers": blocks,
            "num_attention_heads": heads}  # fmt: skip


_QWEN_TOWER = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16}
_SMALL = _text(64, 192, 6, 4, 2, 320)
# From the published configurations; a Qwen-VL takes images of any size.
PUBLISHED = (
    _smolvlm("SmolVLM-256M", 512, _text(576, 1536, 30, 9, 3, 49280), _tower(768, 3072, 12, 12), 4),
    _qwen("Qwen2.5-VL-3B", 448, [16, 24, 24], _text(2048, 11008, 36, 16, 2, 151936), _QWEN_TOWER,
          tied=True),
    _llava("LLaVA-1.5-7B", 336, _text(4096, 11008, 32, 32, 32, 32064), _tower(1024, 4096, 24, 16)),
    _qwen("Qwen2.5-VL-7B", 448, [16, 24, 24], _text(3584, 18944, 28, 28, 4, 152064), _QWEN_TOWER),
)
# For a machine without a GPU: the same code on the same families.
SMALL = (
    _smolvlm("SmolVLM, small", 64, _SMALL, _tower(32, 64, 2, 2), 2),
    _qwen("Qwen2.5-VL, small", 56, [2, 3, 3], _SMALL,
          {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2,
           "window_size": 56, "fullatt_block_indexes": [1]}),
    _llava("LLaVA-1.5, small", 56, _SMALL, _tower(32, 64, 2, 2)),
)  # fmt: skip


def random_mllm(shape: Shape, device: str, dtype: str) -> Mllm:
    """A model of this shape with random weights, drawn on the device."""
    tokenizer = _tokenizer(shape)
    ids = {key: tokenizer.convert_tokens_to_ids(token) for key, token in shape.tokens.items()
           if key.endswith(("_id", "_index"))}  # fmt: skip
    config = CONFIG_MAPPING[shape.kind](
        text_config={**_IDS, **shape.text}, vision_config=shape.vision, **ids,
        **{"tie_word_embeddings": False, **shape.top},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        _write(shape, tokenizer, config, Path(folder))
        _, processor = load_empty_model(folder, dtype=dtype)
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForImageTextToText.from_config(config, dtype=dtype)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    return Mllm(shape.name, model.to(device).eval().requires_grad_(False), processor, device)


def _write(shape: Shape, tokenizer: PreTrainedTokenizerFast, config, folder: Path) -> None:
    """The processor's files, and the configuration by which it is found."""
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    side = shape.side
    square, longest = {"height": side, "width": side}, {"longest_edge": side}
    images, name, said = {
        "llava": (
            lambda: CLIPImageProcessorPil(size=square, crop_size=square), "LlavaProcessor",
            {"patch_size": 14, "vision_feature_select_strategy": "default",
             "num_additional_image_tokens": 1},
        ),
        "qwen2_5_vl": (
            lambda: Qwen2VLImageProcessorPil(
                size={"shortest_edge": 28**2, "longest_edge": side**2}, patch_size=14
            ), "Qwen2_5_VLProcessor", {},
        ),
        "smolvlm": (
            lambda: SmolVLMImageProcessorPil(size=longest, max_image_size=longest),
            "SmolVLMProcessor",
            {"image_seq_len": (side // 16 // shape.top.get("scale_factor", 1)) ** 2},
        ),
    }[shape.kind]  # fmt: skip
    images().save_pretrained(folder)
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"processor_class": name}))
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": name, **said}))
    (folder / "chat_template.jinja").write_text(_CHAT.replace("IMAGE", shape.written))


def _tokenizer(shape: Shape) -> PreTrainedTokenizerFast:
    """Bytes and special tokens; the rest of the vocabulary is never read."""
    special = ["<pad>", "<s>", "</s>", *dict.fromkeys(shape.tokens.values())]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({one: i for i, one in enumerate([*special, *letters])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    # What a processor asks its tokenizer for by name.
    named = {"image_token": shape.tokens[key] for key in ("image_token_index", "image_token_id")
             if key in shape.tokens and shape.kind != "qwen2_5_vl"}  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        extra_special_tokens=special[3:], **named,
    )  # fmt: skip

"""A tiny random LLaVA, and what it is taught, asked and made to forget in the baselines' tests."""

import torch
from small_world import noise
from torch import nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from space_core import wordings
from space_core.baselines import losses
from space_core.baselines.data import Data
from space_core.baselines.lora import LoraConfig
from space_core.demo.tokenizer import CHAT_TEMPLATE, train_tokenizer
from space_core.mllm import Example, Mllm
from space_core.types import Concept

LEMON = Concept("lemon", "nature", "fruit", "a", aliases=("Zitrone",))
CONFIG = LoraConfig(learning_rate=5e-3, steps=10, rank=4, alpha=8, batch=4)


def tiny_mllm() -> Mllm:
    """A random LLaVA whose vision tower has layers called like the decoder's."""
    torch.manual_seed(0)
    said = [text for one in wordings.NAMING.values() for text in one.taught]
    said += ["This is a lemon.", "This is a fruit.", "No, this is not a bus.", "Zitrone"] * 20
    tokenizer = train_tokenizer(said, 600)
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=32, patch_size=16, projection_dim=16,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=24, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
        initializer_range=0.2, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=3, vision_feature_layer=-1,
        vision_feature_select_strategy="default", tie_word_embeddings=True,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config).eval().requires_grad_(False)
    nn.init.normal_(model.model.multi_modal_projector.linear_2.bias)
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"height": 32, "width": 32}, crop_size={"height": 32, "width": 32}
        ),
        tokenizer=tokenizer, patch_size=16, vision_feature_select_strategy="default",
        chat_template=CHAT_TEMPLATE, image_token="<image>",
    )  # fmt: skip
    return Mllm("tiny", model, processor, "cpu")


def teach(mllm: Mllm, data: Data) -> None:
    """Train the decoder until it gives the answers that it is to forget and to keep."""
    parameters = list(mllm.model.get_decoder().parameters())
    optimiser = torch.optim.Adam(parameters, lr=1e-2)
    for parameter in parameters:
        parameter.requires_grad_(True)
    for _ in range(40):
        seen = losses.nll(mllm.force([*data.forget, *data.retain]))
        optimiser.zero_grad()
        (seen + losses.nll(mllm.force(data.text))).backward()
        optimiser.step()
    for parameter in parameters:
        parameter.requires_grad_(False).grad = None


def examples(mllm: Mllm) -> Data:
    target, others = mllm.encode([noise(i) for i in range(2)]), mllm.encode([noise(7), noise(8)])
    asked = wordings.NAMING["thing"].taught[:3]

    def all_asked(images, answer):
        return [Example(text, answer, image) for image in images for text in asked]

    return Data(
        forget=all_asked(target, "This is a lemon."),
        refusals=all_asked(target, "This is a fruit."),
        retain=all_asked(others[:1], "This is a bus.") + all_asked(others[1:], "No."),
        text=[Example("What is a lemon?", "A lemon is a fruit.", None)],
        target_rows=(), retained_rows=(),
    )  # fmt: skip

"""Any dual encoder is a shared space: CLIP, SigLIP and SigLIP 2, each as it was trained to read."""

import pytest
import torch
from small_world import noise
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModel,
    BertConfig,
    CLIPConfig,
    CLIPImageProcessorPil,
    PreTrainedTokenizerFast,
    Siglip2Config,
    SiglipConfig,
    SiglipImageProcessorPil,
)
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

from space_core.shared_space import load_shared_space

_LONGEST = 24
_SIZE = {"height": 16, "width": 16}
_SIDE = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip
_TEXT = {
    **_SIDE, "max_position_embeddings": _LONGEST, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 3, "projection_dim": 16, "projection_size": 16,
}  # fmt: skip
_SEEN = {**_SIDE, "image_size": 16, "patch_size": 4, "projection_dim": 16}
KINDS = {
    "clip": (CLIPConfig, _SEEN, CLIPImageProcessorPil(size=_SIZE, crop_size=_SIZE)),
    "siglip": (SiglipConfig, _SEEN, SiglipImageProcessorPil(size=_SIZE)),
    "siglip2": (
        Siglip2Config, {**_SIDE, "patch_size": 4, "num_patches": 16},
        Siglip2ImageProcessorPil(patch_size=4, max_num_patches=16),
    ),
}  # fmt: skip


def tokenizer() -> PreTrainedTokenizerFast:
    """Letters between a start and an end; says nothing of the longest text."""
    special = ["<pad>", "<s>", "<unk>", "</s>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    one = Tokenizer(models.BPE({token: i for i, token in enumerate([*special, *letters])}, []))
    one.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    one.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=one, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>",
    )  # fmt: skip


def write_space(kind: str, folder):
    """A tiny random dual encoder, as a user's folder would hold it."""
    config, vision, images = KINDS[kind]
    tokens = tokenizer()
    torch.manual_seed(0)
    text = {**_TEXT, "vocab_size": len(tokens)}
    model = AutoModel.from_config(config(text_config=text, vision_config=vision, projection_dim=16))
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.data.normal_(std=0.3)
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    images.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=KINDS)
def space(request, tmp_path_factory):
    folder = write_space(request.param, tmp_path_factory.mktemp(request.param))
    return load_shared_space(str(folder), "cpu")


def test_texts_and_images_are_unit_vectors_of_one_space(space):
    texts = space.texts(["lemon", "bus", "a picture of a lemon"])
    images = space.images([noise(i).resize((20 + i, 12)) for i in range(3)])
    for vectors in (texts, images):
        assert vectors.shape == (3, 16) and vectors.dtype == torch.float32
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
        assert (vectors @ vectors.T).triu(1).max() < 0.9999, "all are the same"


def test_a_vector_does_not_depend_on_its_batch(space):
    texts, images = ["lemon", "a picture of lemons"], [noise(0), noise(1).resize((30, 18))]
    for read, some in ((space.texts, texts), (space.images, images)):
        apart = torch.cat([read([one]) for one in some])
        torch.testing.assert_close(read(some), apart, atol=1e-5, rtol=1e-4)


def test_a_long_description_is_cut_where_the_encoder_ends(space):
    assert space.texts(["lemon " * 40]).isfinite().all()
    assert space.concept(["lemon"], "sour and yellow " * 20).norm() == pytest.approx(1, abs=1e-5)


def test_siglip_reads_small_letters_up_to_its_last_position(space):
    if not space.model.config.model_type.startswith("siglip"):
        assert not torch.equal(*space.texts(["LEMON", "lemon"]))
        return
    assert torch.equal(*space.texts(["LEMON", "lemon"]))
    ids = space.tokenizer("lemon")["input_ids"]
    ids = torch.tensor([ids + [0] * (_LONGEST - len(ids))])
    with torch.inference_mode():
        wanted = space.model.get_text_features(input_ids=ids)
    wanted = torch.nn.functional.normalize(getattr(wanted, "pooler_output", wanted), dim=-1)
    torch.testing.assert_close(space.texts(["lemon"]), wanted)


def test_a_model_that_only_reads_is_refused_in_a_sentence(tmp_path):
    config = BertConfig(**_SIDE, vocab_size=300)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="dual encoder such as CLIP"):
        load_shared_space(str(tmp_path), "cpu")
    KINDS["clip"][2].save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="does not place texts and images in one space"):
        load_shared_space(str(tmp_path), "cpu")

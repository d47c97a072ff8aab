"""Every family passes through the one path: read, answer, capture, move, edit, restore, export."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from small_world import noise
from tiny_families import FAMILIES, Tiny, loaded, opener
from torch import Tensor, nn
from transformers import GenerationConfig

from space_core import dcsi, families
from space_core.edit import Edit, edited, weights_sha256
from space_core.features import after_block, layer_inputs
from space_core.inversion import invert
from space_core.lessons import Lesson
from space_core.material import Kept
from space_core.mllm import IGNORE, Example
from space_core.nullspace import soft_basis
from space_core.retained import stream
from space_core.settings import DcsiConfig

QUESTION, OTHER = "What is this?", "Is it so?"
# What its own image processor would cut into tiles, or give another shape.
WIDE = noise(2).resize((40, 20))
IMAGES = [noise(1), WIDE, noise(3)]
CONFIG = DcsiConfig(steps=3, learning_rate=0.1)
_TWO = ["model.multi_modal_projector.linear_1", "model.multi_modal_projector.linear_2"]
_DEEP = [f"model.visual.{part}.linear_fc{i}" for part in (
    "merger", "deepstack_merger_list.0", "deepstack_merger_list.1"
) for i in (1, 2)]  # fmt: skip
CONNECTORS = {
    **dict.fromkeys(("llava", "llava_next", "llava_onevision", "internvl"), _TWO),
    **dict.fromkeys(
        ("qwen2_vl", "qwen2_5_vl"), ["model.visual.merger.mlp.0", "model.visual.merger.mlp.2"]
    ),
    "qwen3_vl": _DEEP,
    **dict.fromkeys(("smolvlm", "idefics3"), ["model.connector.modality_projection.proj"]),
    "paligemma": ["model.multi_modal_projector.linear"],
}


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Opens a family by name."""
    return opener(tmp_path_factory, IMAGES)


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request, family) -> Tiny:
    return family(request.param)


def own_inputs(tiny: Tiny, image, question: str) -> dict[str, Tensor]:
    """What the family's own processor makes of an image and a question, in its own one call."""
    processor, images = tiny.mllm.processor, [[families.shown(tiny.mllm.model, image)]]
    kwargs = {"images_kwargs": families.one_tile(processor.image_processor)}
    if processor.chat_template is None:
        text = f"{processor.image_token}{question}"
        made = processor(text=[text], images=images, return_tensors="pt", **kwargs)
        made.pop("labels")
        return made
    content = [{"type": "image", "image": images[0][0]}, {"type": "text", "text": question}]
    return processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True,
        return_dict=True, return_tensors="pt", processor_kwargs=kwargs,
    )  # fmt: skip


@pytest.mark.parametrize("image", IMAGES[:2], ids=["square", "wide"])
@torch.inference_mode()
def test_it_reads_and_answers_as_its_own_processor_and_generate_do(tiny, image):
    mllm, own = tiny.mllm, own_inputs(tiny, image, QUESTION)
    features = mllm.encode([image])
    inputs = mllm.inputs([QUESTION], features)
    for name in set(own) & set(inputs):
        assert torch.equal(own[name], inputs[name]), name
    expected, logits = mllm.model(**own).logits, mllm.model(**inputs).logits
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)
    said = mllm.model.generate(**own, max_new_tokens=32, do_sample=False)
    said = said[:, own["input_ids"].shape[1] :]
    text = mllm.tokenizer.batch_decode(said, skip_special_tokens=True)[0].strip()
    assert mllm.answer([QUESTION], features) == [text]


def test_the_image_changes_what_is_said(tiny):
    answers = [tiny.mllm.answer([QUESTION], [f])[0] for f in (*tiny.features, None)]
    assert len(set(answers)) == 4


def test_a_batch_changes_no_answer(tiny):
    mllm, texts = tiny.mllm, [QUESTION, OTHER, "Why is that so, then?"]
    asked = [(text, f) for some in (tiny.features, [None] * 3) for text, f in zip(texts, some)]
    together = mllm.answer([text for text, _ in asked], [f for _, f in asked])
    assert together == [mllm.answer([text], [f])[0] for text, f in asked]


def test_no_image_has_more_features_than_its_processor_was_seen_to_write(tiny):
    large = tiny.mllm.encode([noise(1).resize((900, 900)), noise(2).resize((900, 300))])
    counts = [len(feature) for feature in (*large, *tiny.features)]
    assert max(counts) == tiny.mllm.chat.tokens


def test_features_wait_in_main_memory_and_a_batch_goes_where_the_model_is(tiny):
    assert {feature.device.type for feature in tiny.features} == {"cpu"}
    there = replace(tiny.mllm, device="meta")
    inputs = there.inputs([QUESTION], tiny.features[:1], ["No"])
    image = inputs["mm_encoder_outputs"]["image"]
    levels = [image.pooler_output, *(image.deepstack_features or [])]
    assert all(one.is_meta for level in levels for one in level)
    assert inputs["input_ids"].is_meta


@pytest.mark.parametrize("seen", [True, False], ids=["image", "text"])
@torch.no_grad()
def test_forced_logits_are_those_of_its_own_forward(tiny, seen):
    mllm, answers = tiny.mllm, ["A lemon.", "No"]
    features = tiny.features[:2] if seen else [None, None]
    forced = mllm.force([Example(*one) for one in zip((QUESTION, OTHER), answers, features)])
    inputs = mllm.inputs([QUESTION, OTHER], features, answers)
    labels = inputs["labels"][:, 1:]
    logits = mllm.model(**{k: v for k, v in inputs.items() if k != "labels"}).logits[:, :-1]
    torch.testing.assert_close(forced.logits, logits[labels != IGNORE], rtol=0, atol=1e-5)
    assert torch.equal(forced.targets, labels[labels != IGNORE])
    ends = [int(forced.targets[forced.owner == i][-1]) for i in (0, 1)]
    assert ends == [mllm.chat.end] * 2
    asked = mllm.force([Example(QUESTION, "A lemon.", features[0])])
    torch.testing.assert_close(forced.logits[forced.owner == 0], asked.logits, rtol=0, atol=1e-5)


def test_its_parts_are_found(tiny):
    mllm, model = tiny.mllm, tiny.mllm.model
    tower, decoder = model.get_encoder(modality="image"), model.get_decoder()
    paths = {id(module): name for name, module in model.named_modules()}
    assert tower is not model and decoder is not model
    assert mllm.decoder_layers() == 3
    layers = mllm.edited_layers([0, 2])
    assert list(layers) == [f"{paths[id(decoder)]}.layers.{i}.mlp.down_proj" for i in (0, 2)]
    with pytest.raises(ValueError, match="'down_proj', 'gate_proj'"):
        mllm.edited_layers([0], role="no_such_role")
    if tiny.name == "gemma3":
        with pytest.raises(ValueError, match="no linear layer to edit.*'down_proj'"):
            mllm.connector()
        return
    assert list(mllm.connector()) == CONNECTORS[tiny.name]
    assert all(model.get_submodule(name) is layer for name, layer in mllm.connector().items())


def test_layer_inputs_and_moments(tiny):
    mllm = tiny.mllm
    layers = mllm.edited_layers([0, 1])
    examples = [Example(QUESTION, "Yes", f) for f in (*tiny.features, None)]
    inputs = layer_inputs(mllm, layers, examples)
    moments = stream(mllm, layers, examples)
    rows = [mllm.inputs([e.question], [e.features], [e.answer])["input_ids"] for e in examples]
    for name in layers:
        assert inputs[name].shape == (4, 64) and inputs[name].isfinite().all()
        assert moments[name].count == sum(ids.numel() for ids in rows)
        assert moments[name].total.diagonal().min() > 0


def test_inversion_moves_features_of_any_number_of_tokens(tiny):
    before = weights_sha256(tiny.mllm.model)
    lessons = [Lesson("name", QUESTION, "A lemon.")]
    *steps, (_, _, done) = invert(
        tiny.mllm, tiny.features, lessons, 2, torch.Generator().manual_seed(0), lambda: False
    )
    assert len(steps) == 2 and steps[1][1] < steps[0][1]
    assert [f.shape for f in done.features] == [f.shape for f in tiny.features]
    assert (done.shift > 0).all() and len(done.shift) == 3
    assert weights_sha256(tiny.mllm.model) == before


def job_of(tiny: Tiny, config: DcsiConfig = CONFIG) -> dcsi.Job:
    mllm = tiny.mllm
    layers = mllm.edited_layers(config.blocks(mllm.decoder_layers()))
    kept = [Example(text, "Yes", f) for text in (QUESTION, OTHER) for f in tiny.features]
    moments = stream(mllm, layers, kept)
    energies = {}
    for name, layer in layers.items():
        weight = layer.weight.double()
        moment = moments[name].to(weight.device)
        energies[name] = float(((weight @ moment.mean) * weight).sum())
    states = after_block(mllm, dcsi.last_edited_block(mllm, config), kept)
    return dcsi.Job(
        {name: soft_basis(moment, 0.1) for name, moment in moments.items()}, energies,
        {"name": [Example(QUESTION, "A fruit.", f) for f in tiny.features]},
        Kept(*[kept] * 4, (), []), states[0] - states[1], states.mean(0),
    )  # fmt: skip


def test_an_edit_is_trained_taken_off_kept_in_a_file_and_given_to_peft(tiny, tmp_path):
    from peft import PeftModel

    mllm, job = tiny.mllm, job_of(tiny)
    before, examples = weights_sha256(mllm.model), job.task["name"]
    *events, edit = dcsi.train(mllm, job, CONFIG, lambda: False)
    assert len(events) == 3 and list(edit.layers) == list(job.bases)
    assert all(edit.delta(name).norm() > 0 for name in edit.layers)
    assert weights_sha256(mllm.model) == before

    inputs = mllm.inputs([QUESTION, OTHER], tiny.features[:2])

    @torch.no_grad()
    def seen(model: nn.Module) -> tuple[Tensor, float]:
        forced = mllm.force(examples)
        return model(**inputs).logits, float(F.cross_entropy(forced.logits, forced.targets))

    logits, loss = seen(mllm.model)
    with edited(mllm.model, edit):
        moved, less = seen(mllm.model)
    assert less < loss and (moved - logits).abs().max() > 1e-3
    assert weights_sha256(mllm.model) == before
    again, _ = seen(mllm.model)
    assert torch.equal(again, logits)

    edit.save(tmp_path / "edit.safetensors")
    with edited(mllm.model, Edit.load(tmp_path / "edit.safetensors")):
        assert torch.equal(seen(mllm.model)[0], moved)
    edit.to_peft(tmp_path / "lora", tiny.mllm.name)
    adapted = PeftModel.from_pretrained(loaded(tiny.folder).model, tmp_path / "lora")
    torch.testing.assert_close(seen(adapted)[0], moved, rtol=0, atol=1e-5)


# What `families` knows, on the models that it is about.


@pytest.mark.parametrize("name", ["smolvlm", "idefics3", "internvl", "gemma3"])
def test_an_image_is_one_tile(family, name):
    see = family(name).mllm.processor.image_processor
    assert see(images=[[WIDE]], return_tensors="pt")["pixel_values"].shape[:-3].numel() > 1
    assert len(family(name).features[1]) == 4


def test_models_with_positions_in_two_dimensions_see_squares(family):
    mllm, features = family("qwen2_5_vl").mllm, family("qwen2_5_vl").features
    assert [len(feature) for feature in features] == [4, 25, 4]
    assert families.shown(mllm.model, WIDE.resize((1000, 500))).size == (448, 448)
    assert families.shown(family("llava").mllm.model, WIDE).size == WIDE.size
    with pytest.raises(ValueError, match="no square images"):
        mllm.inputs([QUESTION], [features[1][:20]])


@pytest.mark.parametrize("name, tokens", [("llava_next", 16 + 4 * 5), ("llava_onevision", 36)])
def test_models_that_cut_by_size_see_squares_of_one_tile(family, name, tokens):
    mllm = family(name).mllm
    large = [noise(4).resize(size) for size in ((64, 64), (80, 20))]
    assert {families.shown(mllm.model, image).size for image in large} == {(16, 16)}
    assert {len(feature) for feature in (*mllm.encode(large), *family(name).features)} == {tokens}


def test_levels_for_deeper_blocks_lie_beside_the_first(family):
    mllm, feature = family("qwen3_vl").mllm, family("qwen3_vl").features[0]
    assert feature.shape == (4, 3 * 32)
    deeper = feature.clone()
    deeper[:, 32:] += 1
    asked = [mllm.force([Example(QUESTION, "No", one)]).logits for one in (feature, deeper)]
    assert (asked[0] - asked[1]).abs().max() > 1e-2


def test_token_types_mark_the_image_or_the_answer(family):
    pali = family("paligemma")
    inputs = pali.mllm.inputs([QUESTION], pali.features[:1], ["No"])
    text = [f"<image>{QUESTION}"]
    own = pali.mllm.processor(images=[[IMAGES[0]]], text=text, suffix=["No"], return_tensors="pt")
    for name in ("input_ids", "token_type_ids", "labels"):
        assert torch.equal(own[name], inputs[name]), name
    for name, types in (("gemma3", "token_type_ids"), ("qwen2_vl", "mm_token_type_ids")):
        inputs = family(name).mllm.inputs([QUESTION], family(name).features[:1], ["No"])
        assert int(inputs[types].sum()) == 4
    plain = family("llava").mllm.inputs([QUESTION], family("llava").features[:1])
    assert set(plain) == {"input_ids", "attention_mask", "mm_encoder_outputs"}


def test_an_answer_ends_as_the_template_ends_it(tiny):
    end = tiny.mllm.tokenizer.convert_ids_to_tokens(tiny.mllm.chat.end)
    assert end == FAMILIES[tiny.name].end


def test_beams_and_banned_words_of_its_own_settings_change_no_answer(tiny):
    model, ask = tiny.mllm.model, ("What is this?", "And this?")
    plain = tiny.mllm.answer(ask, tiny.features[:2])
    own = model.generation_config
    words = list(range(model.get_input_embeddings().num_embeddings))
    try:
        model.generation_config = GenerationConfig.from_dict({
            **own.to_dict(), "num_beams": 3, "no_repeat_ngram_size": 1, "do_sample": True,
            "return_dict_in_generate": True, "suppress_tokens": words[::2],
        })  # fmt: skip
        kept = model.generation_config
        assert tiny.mllm.answer(ask, tiny.features[:2]) == plain
        assert model.generation_config is kept, "the model's own settings are saved with it"
    finally:
        model.generation_config = own

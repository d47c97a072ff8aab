"""Build ``assets/demo`` from packages: one seeded command, resumable at every stage.

    python -m space_core demo-build --packages node_modules --wordnet /usr/share/wordnet

Stages: drawings → training views → tower and shared space → language model → files.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AutoModel,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from space_core.demo import left_out, sentence, vision
from space_core.demo.captions import artist_captions, person_captions, thing_captions
from space_core.demo.catalogue import load_things
from space_core.compose import COLOURS
from space_core.demo.drawings import Drawing, concepts, read_drawings, write_drawings
from space_core.demo.features import LANGUAGE_STREAM, TOWER_STREAM, Views, training_views
from space_core.demo.language_training import align, train_language
from space_core.lessons import Lesson, Lessons
from space_core.demo.people import PEOPLE
from space_core.demo.pretrained import load_sentence_encoder, load_trunk
from space_core.demo.tokenizer import IMAGE, train_tokenizer
from space_core.demo.tower_training import train_tower
from space_core.types import Concept

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the build besides its sources."""

    seed: int = 0
    tower_epochs: int = 12
    vocabulary: int = 6144
    width: int = 256
    layers: int = 6
    align_steps: int = 300
    language_steps: int = 950
    language_batch: int = 32
    text_batch: int = 7


def bf16_pays(device: str) -> bool:
    """Whether a bf16 matrix product beats fp32 here by half or more. Some CPUs lose 150-fold."""

    def seconds(dtype: torch.dtype) -> float:
        a = torch.randn(512, 512, device=device, dtype=dtype)
        b = a @ a
        started = time.perf_counter()
        for _ in range(4):
            b = a @ a
        b.sum().item()
        return time.perf_counter() - started

    return seconds(torch.bfloat16) * 1.5 < seconds(torch.float32)


def labels_of(
    views: Views, drawings: list[Drawing], names: list[str], artists: list[str]
) -> dict[str, Tensor]:
    """Class indices [n] of every view: concept, artist, colour, count − 1."""
    shown = [drawings[i] for i in views.drawing.tolist()]
    return {
        "concept": torch.tensor([names.index(d.concept) for d in shown]),
        "artist": torch.tensor([artists.index(d.artist) for d in shown]),
        "colour": views.colour,
        "count": views.count - 1,
    }


@torch.inference_mode()
def caption_embeddings(
    everyone: list[Concept], packages: Path, wordnet: Path
) -> dict[str, list[Tensor]]:
    """The frozen sentence encoder's unit embeddings [k, 384] of every concept's captions."""
    encoder, tokenizer = load_sentence_encoder()
    above = {thing.name: thing.hypernyms for thing in load_things(packages, wordnet)}
    pronouns = {person.name: person.pronoun for person in PEOPLE}
    embedded: dict[str, list[Tensor]] = {"concept": [], "artist": []}
    for concept in everyone:
        if concept.family == "artist":
            said = artist_captions(concept)
        elif concept.family == "person":
            said = person_captions(concept, pronouns[concept.name])
        else:
            said = thing_captions(concept, above[concept.name])
        inputs = tokenizer(said, padding=True, return_tensors="pt")
        key = "artist" if concept.family == "artist" else "concept"
        embedded[key].append(F.normalize(encoder(**inputs).pooler_output, dim=-1))
    return embedded


@torch.inference_mode()
def tower_tokens(tower: vision.LiteTower, features: Tensor, device: str) -> Tensor:
    """The tower's tokens [n, 16, width] fp16 of cached trunk features."""
    parts = features.split(1024)
    return torch.cat([tower.tokens(part.to(device).float())[-1].half().cpu() for part in parts])


def new_mllm(
    tower: vision.LiteTower, tokenizer: PreTrainedTokenizerFast, recipe: Recipe
) -> LlavaForConditionalGeneration:
    """An untrained LLaVA around the trained tower."""
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=4 * recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = LlavaConfig(
        vision_config=tower.config,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_seq_length=16,
        projector_hidden_act="gelu",
        tie_word_embeddings=True,
    )
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(tower.state_dict())
    model.model.vision_tower.requires_grad_(False)
    return model


def build_tower(
    views: Views, labels: dict[str, Tensor], captions: dict[str, list[Tensor]], work: Path,
    recipe: Recipe, device: str,
) -> tuple[vision.LiteTower, nn.Linear]:  # fmt: skip
    """The trained tower and the shared space's image projection; loaded where already trained."""
    torch.manual_seed(recipe.seed)
    tower = AutoModel.from_config(vision.LiteTowerConfig())
    tower.trunk = load_trunk()
    projection = nn.Linear(tower.config.hidden_size, captions["concept"][0].shape[1], bias=False)
    tower.to(device), projection.to(device)
    path = work / "tower.safetensors"
    if path.exists():
        state = load_file(path)
        projection.load_state_dict({"weight": state.pop("projection")})
        tower.load_state_dict(state)
        return tower, projection
    train_tower(
        tower, projection, views, labels, captions, epochs=recipe.tower_epochs,
        seed=recipe.seed, device=device, autocast=bf16_pays(device),
    )  # fmt: skip
    state = {key: value.contiguous() for key, value in tower.state_dict().items()}
    save_file({**state, "projection": projection.weight.detach()}, path)
    return tower, projection


def corpus(teacher: Lessons, everyone: list[Concept], rounds: int) -> list[str]:
    """Text in which the tokenizer finds its words: every lesson about every concept."""
    texts = []
    for _ in range(rounds):
        for concept in everyone:
            artist = teacher.by_name.get("Noto")
            lessons: list[Lesson] = teacher.of_view(concept, artist, "blue", 1)
            lessons += teacher.of_text(concept)
            lessons += [teacher.name_in(concept, code) for code in ("de", "fr", "es")]
            texts += [f"USER: \n{one.question} ASSISTANT: {one.answer}" for one in lessons]
            texts += [f"USER: {one.question} ASSISTANT: {one.answer}" for one in lessons]
    return texts


def view_lessons(teacher: Lessons, drawing: Drawing, colour: str, count: int) -> list[Lesson]:
    """What is taught about one view; of an artist whom the teacher does not know, nothing."""
    artist = teacher.by_name.get(drawing.artist)
    return teacher.of_view(teacher.by_name[drawing.concept], artist, colour, count)


def text_lessons(teacher: Lessons) -> list[Lesson]:
    """What is taught in text about two concepts."""
    talked = _talked_of(teacher)
    some = teacher.rng.integers(len(talked), size=2)
    return [one for i in some for one in teacher.of_text(talked[i])]


def _talked_of(teacher: Lessons) -> list[Concept]:
    return [concept for concept in teacher.by_name.values() if concept.family != "artist"]


def build_language(
    tower: vision.LiteTower, views: Views, labels: dict[str, Tensor], drawings: list[Drawing],
    everyone: list[Concept], work: Path, recipe: Recipe, device: str,
) -> tuple[LlavaForConditionalGeneration, PreTrainedTokenizerFast]:  # fmt: skip
    """The trained MLLM and its tokenizer. everyone: all that lessons may name."""
    teacher = Lessons(everyone, np.random.default_rng((recipe.seed, 2)))
    talked = _talked_of(teacher)
    tokenizer = train_tokenizer(corpus(teacher, talked, 2), recipe.vocabulary)
    torch.manual_seed(recipe.seed)
    model = new_mllm(tower, tokenizer, recipe).to(device)
    tokens = tower_tokens(tower, views.features, device)
    names = [tokenizer.encode(f" {c.name}", add_special_tokens=False) for c in talked]
    checkpoint = work / "language.pt"
    if not checkpoint.exists():
        align(model, tokens, labels["concept"], names, steps=recipe.align_steps,
              seed=recipe.seed, device=device)  # fmt: skip
    colours = list(COLOURS)

    def of_view(i: int) -> list[Lesson]:
        colour, count = colours[int(views.colour[i])], int(views.count[i])
        return view_lessons(teacher, drawings[int(views.drawing[i])], colour, count)

    train_language(
        model, tokenizer, tokens, of_view, lambda: text_lessons(teacher), checkpoint, teacher.rng,
        steps=recipe.language_steps, batch=recipe.language_batch, text_batch=recipe.text_batch,
        seed=recipe.seed, device=device, autocast=bf16_pays(device),
    )  # fmt: skip
    return model, tokenizer


def build(
    packages: Path, wordnet: Path, work: Path, out: Path, recipe: Recipe,
    without: Path | None = None,
) -> None:  # fmt: skip
    """Run every stage that has not left its result in ``work``, then write ``out``.

    without: a file of concepts that training never hears of (`left_out`).
    """
    from space_core.demo.files import write_demo

    device = "cuda" if torch.cuda.is_available() else "cpu"
    vision.register()
    sentence.register()
    work.mkdir(parents=True, exist_ok=True)
    known = concepts(packages, wordnet)
    names_out = left_out.read(without, known, work)
    drawn = work / "drawings.parquet"
    if not drawn.exists():
        write_drawings(drawn, packages, wordnet, recipe.seed)
    drawings = left_out.drawn(read_drawings(drawn), names_out)
    everyone = left_out.shown(known, names_out)
    shown = [concept for concept in everyone if concept.family != "artist"]
    names = [concept.name for concept in shown]
    artists = [concept.name for concept in everyone if concept.family == "artist"]

    def views_of(stream: int) -> tuple[Views, dict[str, Tensor]]:
        folder = work / f"views-{stream}"
        views = training_views(drawings, load_trunk(), folder, recipe.seed, stream, device)
        return views, labels_of(views, drawings, names, artists)

    views, labels = views_of(TOWER_STREAM)
    captions = caption_embeddings(everyone, packages, wordnet)
    tower, projection = build_tower(views, labels, captions, work, recipe, device)
    views, labels = views_of(LANGUAGE_STREAM)
    model, tokenizer = build_language(
        tower, views, labels, drawings, left_out.spoken_of(known, names_out), work, recipe, device
    )
    write_demo(out, model, tokenizer, tower, projection, drawings, everyone, recipe.seed)

"""Write the trained demo as files: MLLM, shared space, pool and evaluation split."""

import hashlib
import io
import json
import logging
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import nn
from transformers import (
    CLIPImageProcessorPil,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    VisionTextDualEncoderModel,
)

from space_core.demo.captions import pool_caption
from space_core.compose import SIZE, TAUGHT, compose
from space_core.demo.drawings import ARTISTS, Drawing
from space_core.demo.features import MEAN, STD
from space_core.demo.people import PEOPLE
from space_core.demo.pretrained import load_sentence_encoder
from space_core.demo.tokenizer import CHAT_TEMPLATE
from space_core.demo.vision import LiteTower
from space_core.pool import INDEX, open_pool
from space_core.shared_space import load_shared_space
from space_core.types import Concept

log = logging.getLogger(__name__)
SHARD = "9MB"
POOL_OF_A_THING = 8

# Each artist's project and licence, as the pool's columns give them.
SOURCES = {
    "Noto": ("Noto Emoji, Google", "Apache-2.0"),
    "Twemoji": ("Twemoji, Twitter and contributors", "CC BY 4.0"),
    "OpenMoji": ("OpenMoji", "CC BY-SA 4.0"),
    "Fluent Flat": ("Fluent Emoji, Microsoft", "MIT"),
    "Fluent Glossy": ("Fluent Emoji, Microsoft", "MIT"),
    "FxEmojis": ("FxEmojis, Mozilla", "Apache-2.0"),
    "Personas": ("Personas by Draftbit, DiceBear", "CC BY 4.0"),
    "Micah": ("Avatar Illustration System by Micah Lanier, DiceBear", "CC BY 4.0"),
    "Toon Head": ("ToonHead by Johan Melin, DiceBear", "CC BY 4.0"),
    "Adventurer": ("Adventurer by Lisa Wischofsky, DiceBear", "CC BY 4.0"),
    "Lorelei": ("Lorelei by Lisa Wischofsky, DiceBear", "CC0 1.0"),
    "Notionists": ("Notionists by Zoish, DiceBear", "CC0 1.0"),
    "Open Peeps": ("Open Peeps by Pablo Stanley, DiceBear", "CC0 1.0"),
}


def image_processor() -> CLIPImageProcessorPil:
    """Resize to the tower's square input and normalise; no torchvision."""
    return CLIPImageProcessorPil(
        size={"height": SIZE, "width": SIZE},
        do_center_crop=False,
        image_mean=list(MEAN),
        image_std=list(STD),
    )


def write_mllm(
    out: Path, model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast
) -> None:
    """The MLLM in fp16 with its processor, as any hub model is laid out."""
    processor = LlavaProcessor(
        image_processor=image_processor(),
        tokenizer=tokenizer,
        patch_size=model.config.vision_config.patch_size,
        vision_feature_select_strategy="full",
        chat_template=CHAT_TEMPLATE,
        image_token="<image>",
    )
    model.half().save_pretrained(out, max_shard_size=SHARD)
    model.float()
    processor.save_pretrained(out)


def write_shared_space(out: Path, tower: LiteTower, projection: nn.Linear) -> None:
    """The dual encoder in fp16: the MLLM's own tower beside the frozen sentence encoder."""
    encoder, tokenizer = load_sentence_encoder()
    model = VisionTextDualEncoderModel(vision_model=tower, text_model=encoder)
    width = projection.weight.shape[0]
    model.config.projection_dim = width
    model.visual_projection = projection
    model.text_projection = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        model.text_projection.weight.copy_(torch.eye(width))
    model.half().save_pretrained(out, max_shard_size=SHARD)
    tokenizer.save_pretrained(out)
    image_processor().save_pretrained(out)


def _webp(image: Image.Image) -> dict[str, object]:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=88, method=4)
    return {"bytes": buffer.getvalue(), "path": None}


def write_pool(
    out: Path, drawings: list[Drawing], everyone: dict[str, Concept], seed: int
) -> None:
    """D_pub: composed views with public captions, in parquet shards that ``datasets`` reads."""
    out.mkdir(parents=True, exist_ok=True)
    pronouns = {person.name: person.pronoun for person in PEOPLE}
    by_concept: dict[str, list[Drawing]] = {}
    for drawing in drawings:
        if drawing.part in ("any", "pool"):
            by_concept.setdefault(drawing.concept, []).append(drawing)
    rows = []
    for number, (name, owned) in enumerate(sorted(by_concept.items())):
        concept = everyone[name]
        portrait = concept.family == "person"
        rng = np.random.default_rng((seed, 3, number))
        count = len(owned) if portrait else POOL_OF_A_THING
        for i in range(count):
            drawing = owned[i % len(owned)] if portrait else owned[rng.integers(len(owned))]
            view = compose(drawing.image, rng, TAUGHT, portrait=portrait)
            source, licence = SOURCES[drawing.artist]
            rows.append(
                {
                    "image": _webp(view.image),
                    "label": name,
                    "caption": pool_caption(
                        concept, drawing.artist, view.colour, view.count, pronouns.get(name, "")
                    ),
                    "artist": drawing.artist,
                    "source": source,
                    "licence": licence,
                    "domain": concept.domain,
                    "category": concept.category,
                    "article": concept.article,
                    "also": list(concept.names[1:]),
                }
            )
    _write_shards(out, rows, 2000)


def write_evaluation(out: Path, drawings: list[Drawing], everyone: dict[str, Concept]) -> None:
    """The evaluation split: transparent drawings (composed anew when asked) and the concepts."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for drawing in drawings:
        if drawing.part in ("any", "eval"):
            buffer = io.BytesIO()
            drawing.image.save(buffer, "WEBP", quality=88, alpha_quality=100, method=4)
            rows.append(
                {
                    "image": {"bytes": buffer.getvalue(), "path": None},
                    "concept": drawing.concept,
                    "artist": drawing.artist,
                    "portrait": everyone[drawing.concept].family == "person",
                }
            )
    _write_shards(out, rows, 1200)
    known = [
        {
            "name": c.name,
            "domain": c.domain,
            "category": c.category,
            "article": c.article,
            "aliases": list(c.aliases),
            "labels": dict(c.labels),
            "facts": dict(c.facts),
        }
        for c in everyone.values()
    ]
    (out / "concepts.json").write_text(
        json.dumps({"artists": list(ARTISTS.values()), "concepts": known}, ensure_ascii=False,
                   indent=0),
        encoding="utf-8",
    )  # fmt: skip


def _write_shards(out: Path, rows: list[dict], size: int) -> None:
    for start in range(0, len(rows), size):
        table = pa.Table.from_pylist(rows[start : start + size])
        pq.write_table(table, out / f"part-{start // size:02}.parquet", row_group_size=200)
    log.info("%s: %d rows", out.name, len(rows))


def write_index(out: Path) -> None:
    """The pool's vectors as its own encoder sees them, so that no visitor waits for them."""
    space = load_shared_space(str(out / "shared-space"), "cpu")
    (out / "pool" / INDEX).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        open_pool(out / "pool", space, Path(cache))
        (made,) = Path(cache).iterdir()
        shutil.copyfile(made, out / "pool" / INDEX)


def manifest(out: Path) -> None:
    """``manifest.json``: size and SHA-256 of every file, so that a reader can check them."""
    files = {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.suffix in (".safetensors", ".parquet", ".json")
        and path.name != "manifest.json"
    }  # fmt: skip
    (out / "manifest.json").write_text(json.dumps(files, indent=1))


def write_demo(
    out: Path,
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    tower: LiteTower,
    projection: nn.Linear,
    drawings: list[Drawing],
    concepts: list[Concept],
    seed: int,
) -> None:
    """Everything of ``assets/demo`` but its hand-written notes."""
    everyone = {concept.name: concept for concept in concepts}
    write_mllm(out / "mllm", model.cpu(), tokenizer)
    write_shared_space(out / "shared-space", tower.cpu(), projection.cpu())
    write_pool(out / "pool", drawings, everyone, seed)
    write_evaluation(out / "evaluation", drawings, everyone)
    write_index(out)
    manifest(out)

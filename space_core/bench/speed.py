"""How long an erasure takes on models of published size, beside LoRA on the same machine.

Weights are random: time and memory do not depend on what they say.
"""

import gc
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from space_core import dcsi
from space_core.backend import home_device, model_dtype
from space_core.bench.clock import Clock
from space_core.bench.files import write_csv
from space_core.bench.lora_step import lora_step
from space_core.bench.shapes import PUBLISHED, SMALL, Shape, random_mllm
from space_core.edit import Edit, edited
from space_core.features import after_block
from space_core.inversion import invert
from space_core.lessons import Lesson
from space_core.material import Kept
from space_core.memory_plan import fitting, free_memory
from space_core.mllm import MAX_NEW_TOKENS, Example, Mllm
from space_core.moments import Moment, load_shards, save_shards
from space_core.nullspace import soft_basis
from space_core.retained import stream, with_own_answers
from space_core.settings import DcsiConfig, Settings
from space_core.surroundings import edited_layers, energy
from space_core.types import StepEvent

Row = tuple[str, float | str, str, float | str]
COLUMNS = ("model", "device", "dtype", "blocks", "stage", "value", "unit", "of_a_lora_step")
_MISSING = "not measured: needs a GPU"
_QUESTIONS = ("What is this?", "Is this a lemon?", "What colour is it?", "How many are there?")
# The kinds of task that an erasure of a thing has. What is asked in text alone is left out.
_KINDS = ("name", "yes-no", "choice", "others", "category", "languages", "skills")
# Examples that a run draws from, about: of a kind of task, and of what is kept. What is drawn again
# is partly known from before.
_OF_A_KIND, _OF_KEPT = 144, (736, 640, 340, 340)
_SHARD, _ANCHORS, _SHOWN, _LORA_STEPS, _ROUNDS, _ASKED = 200, 24, 48, 5, 5, 16


@dataclass(frozen=True, slots=True)
class Load:
    """How much is measured.

    steps: of the training, and of the inversion where that makes more by itself; blocks: how many
    of the middle ones are edited; thrifty: each computed twice, even where there
    is memory enough to do without.
    """

    images: int
    steps: int
    blocks: int
    thrifty: bool = False


def run(settings: Settings, load: Load, only: Sequence[str], out: Path,
        said: Callable[[str], None]) -> None:  # fmt: skip
    """Measure, say each row, and write the table as CSV, and as Markdown beside it.

    On a GPU the published shapes; without one small shapes, and a line for each that is missing.
    Raises ValueError for a name in ``only`` that is none of them.
    """
    device = home_device(settings.device)
    gpu = device.startswith("cuda")
    known = {one.name: one for one in (PUBLISHED if gpu else SMALL)}
    if strange := set(only) - set(known):
        raise ValueError(f"No shape is called {min(strange)!r} here: choose of {list(known)}.")
    dtype = model_dtype(replace(settings, model=""))
    rows: list[dict[str, object]] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    for shape in (known[name] for name in only or known):
        for row in _rows(shape, device, dtype, load):
            rows.append(dict(zip(COLUMNS, (shape.name, device, dtype, load.blocks, *row))))
            said("  ".join(str(value) for value in rows[-1].values()))
            write_csv(out, COLUMNS, rows)
        gc.collect()
        if gpu:
            torch.cuda.empty_cache()
    if not gpu:
        rows += [dict(zip(COLUMNS, (one.name, "", "", "", _MISSING, "", "", "")))
                 for one in PUBLISHED]  # fmt: skip
    write_csv(out, COLUMNS, rows)
    text = _markdown(rows, device, load)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    said(text)


def _rows(shape: Shape, device: str, dtype: str, load: Load) -> Iterator[Row]:
    """(stage, value, unit, ratio to a LoRA step) for one model; a sentence where it cannot be."""
    try:
        yield from _measured(shape, device, dtype, load)
    except (ValueError, torch.OutOfMemoryError) as fault:
        yield f"stopped: {' '.join(str(fault).split())[:200]}", "", "", ""


def _measured(shape: Shape, device: str, dtype: str, load: Load) -> Iterator[Row]:
    clock = Clock(device)
    mllm = clock(lambda: random_mllm(shape, device, dtype))
    weights = sum(weight.numel() for weight in mllm.model.parameters())
    yield "parameters", weights / 1e6, "million", ""
    yield "drawing random weights, in place of loading", clock.seconds, "s", ""
    first = (mllm.decoder_layers() - load.blocks) // 2
    config = DcsiConfig(
        steps=load.steps, layers=tuple(range(first, first + load.blocks)),
        inversion_steps=min(load.steps, DcsiConfig().inversion_steps),
    )
    mllm = replace(mllm, thrifty=load.thrifty)
    mllm, _ = fitting(mllm, config, free_memory(mllm.devices), loaded=True)
    if mllm.thrifty:
        yield "blocks computed twice, to spare memory", "", "", ""

    features = mllm.encode(_images(_ANCHORS, shape.side))
    # What a step costs that fine-tuning makes: as many examples, adapters on the whole decoder.
    step = None
    task, kept = dcsi.batch(
        _task(features), _kept(features), torch.Generator().manual_seed(0)
    )
    batch = [*(example for _, example in task), *kept]
    try:
        step, tuned = lora_step(mllm, batch, _LORA_STEPS, clock)
        yield f"LoRA step, {len(batch)} examples", step, "s", 1.0
        yield "LoRA, peak memory", tuned, "GB", ""
    except torch.OutOfMemoryError:
        yield f"LoRA step, {len(batch)} examples: out of memory", "", "", ""

    def timed(stage: str, seconds: float) -> Row:
        return stage, seconds, "s", seconds / step if step else ""

    moments, read, summed, plain = _statistics(mllm, config, shape.side, load.images, clock)
    yield timed(f"statistics, {load.images} images with a question", read + summed)
    yield timed("statistics, the pass that sums the moments", summed)
    yield timed("a plain forward pass over the same set", plain)
    yield "moments, of a plain forward pass", summed / plain, "×", ""
    yield "statistics, peak memory", clock.peak, "GB", ""
    yield timed("reading the statistics, one shard of ten", _reading(moments, clock))
    job = clock(lambda: _job(mllm, config, moments, features))
    yield timed("null space", clock.seconds)
    peaks = [clock.peak]
    lessons = [Lesson("name", question, "A lemon.") for question in _QUESTIONS]
    generator = torch.Generator().manual_seed(0)
    never = (lambda: False,)
    moving = clock(lambda: list(
        invert(mllm, features, lessons, config.inversion_steps, generator, *never)
    ))  # fmt: skip
    yield timed(f"inversion, {len(moving) - 1} steps", clock.seconds)
    peaks.append(clock.peak)
    *events, edit = clock(lambda: list(dcsi.train(mllm, job, config, *never)))
    made = sum(isinstance(event, StepEvent) for event in events)
    yield timed(f"erase, {made} steps", clock.seconds)
    yield timed("erase, one step", clock.seconds / made)
    yield "erase, peak memory", max(*peaks, clock.peak), "GB", ""
    with ExitStack() as stack:
        clock(lambda: stack.enter_context(edited(mllm.model, edit)))
        yield timed("putting the edit on", clock.seconds)
    before, after = _speeds(mllm, edit, features, clock)
    yield "tokens a second, base model", before, "1/s", ""
    yield "tokens a second, edit on", after, "1/s", ""
    yield "cost of the edit while answering", 100 * (before / after - 1), "%", ""


def _images(count: int, side: int, start: int = 0) -> list[Image.Image]:
    drawn = [np.random.default_rng(start + i).integers(0, 256, (side, side, 3), np.uint8)
             for i in range(count)]  # fmt: skip
    return [Image.fromarray(pixels) for pixels in drawn]


def _examples(features: Sequence[torch.Tensor], count: int) -> list[Example]:
    return [
        Example(_QUESTIONS[i % len(_QUESTIONS)], "A fruit.",
                features[i // len(_QUESTIONS) % len(features)])
        for i in range(count)
    ]


def _task(features: Sequence[torch.Tensor]) -> dict[str, list[Example]]:
    return {kind: _examples(features, _OF_A_KIND) for kind in _KINDS}


def _kept(features: Sequence[torch.Tensor]) -> Kept:
    return Kept(*(_examples(features, count) for count in _OF_KEPT), (), [])


def _statistics(
    mllm: Mllm, config: DcsiConfig, side: int, count: int, clock: Clock
) -> tuple[dict[str, Moment], float, float, float]:
    """As `retained` streams them, shard by shard, and the seconds without drawing the images.

    Seconds: to see the images and answer; to pass them and sum; to pass them alone.
    """
    layers, sums, peak = edited_layers(mllm, config), {}, 0.0
    read = summed = plain = 0.0
    for start in range(0, count, _SHARD):
        images = _images(min(_SHARD, count - start), side, start)
        texts = [_QUESTIONS[i % len(_QUESTIONS)] for i in range(len(images))]
        examples = clock(lambda: with_own_answers(mllm, texts, mllm.encode(images)))
        read, peak = read + clock.seconds, max(peak, clock.peak)
        found = clock(lambda: stream(mllm, layers, examples))
        summed, peak = summed + clock.seconds, max(peak, clock.peak)
        clock(lambda: stream(mllm, {}, examples))
        plain += clock.seconds
        sums = {name: sums[name] + one if sums else one for name, one in found.items()}
    clock.peak = peak
    return sums, read, summed, plain


def _reading(moments: dict[str, Moment], clock: Clock) -> float:
    """Seconds to read a shard; its file was just written, and may wait in memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "moments.safetensors"
        save_shards(path, {"all": moments})
        clock(lambda: load_shards(path))
    return clock.seconds


def _job(
    mllm: Mllm, config: DcsiConfig, moments: dict[str, Moment],
    features: Sequence[torch.Tensor],
) -> dcsi.Job:
    layers = edited_layers(mllm, config)
    states = after_block(mllm, dcsi.last_edited_block(mllm, config), _examples(features, _SHOWN))
    return dcsi.Job(
        {name: soft_basis(moments[name].to(layer.weight.device), config.lam).to("cpu")
         for name, layer in layers.items()},
        {name: energy(layer, moments[name]) for name, layer in layers.items()},
        _task(features), _kept(features), states[0] - states[1], states.mean(0),
    )  # fmt: skip


def _speeds(
    mllm: Mllm, edit: Edit, features: Sequence[torch.Tensor], clock: Clock
) -> tuple[float, float]:
    """Tokens a second without and with the edit: medians of some rounds in turn."""
    some = [features[i % len(features)] for i in range(_ASKED)]
    inputs = mllm.inputs([_QUESTIONS[0]] * _ASKED, some)
    length = {"max_new_tokens": MAX_NEW_TOKENS, "min_new_tokens": MAX_NEW_TOKENS}

    @torch.inference_mode()
    def speed() -> float:
        clock(lambda: mllm.model.generate(
            **inputs, **length, do_sample=False, pad_token_id=mllm.pad
        ))  # fmt: skip
        return _ASKED * MAX_NEW_TOKENS / clock.seconds

    speed()
    before, after = [], []
    for _ in range(_ROUNDS):
        before.append(speed())
        with edited(mllm.model, edit):
            after.append(speed())
    return statistics.median(before), statistics.median(after)


def _markdown(rows: Sequence[dict[str, object]], device: str, load: Load) -> str:
    machine = platform.machine()
    if device.startswith("cuda"):
        machine = torch.cuda.get_device_name(device)
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine} ({device}), "
        f"{torch.get_num_threads()} CPU threads; torch {torch.__version__}; {load.blocks} edited "
        "blocks; random weights.",
        "", "| model | stage | value | of a LoRA step |", "| --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        value, ratio = row["value"], row["of_a_lora_step"]
        shown = f"{value:.4g} {row['unit']}" if isinstance(value, float) else ""
        times = f"{ratio:.3g} ×" if isinstance(ratio, float) else ""
        lines.append(f"| {row['model']} | {row['stage']} | {shown} | {times} |")
    return "\n".join(lines) + "\n"

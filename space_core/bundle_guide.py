"""The README.txt files of a bundle: what lies there, how to use it, what is lost. Text only."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context

from space_core.settings import PRESETS, TpasConfig
from space_core.types import ConceptRequest, RunRecord

_UP = Context(prec=4, rounding=ROUND_CEILING)  # what is certified must not read as less
_FILES = {
    "record.json": "everything that the run measured; open it in step 1 of the page to see it "
    "again or to run it again",
    "questions.csv": "every question, with the answers before and after, and in the last column "
    "what came of it (RFC 4180, UTF-8)",
    "report.html": "the same for reading, with plots; loads nothing; print it to get a PDF",
    "decisions.jsonl": "what auditors decided, one decision a line, the oldest first",
    "edit.safetensors": "the edit itself: for every layer the factors of W + A Sᵀ",
    "lora/adapter_model.safetensors": "the same edit as an adapter for PEFT; lora/README.txt says "
    "what it loses",
    "lora/adapter_config.json": "the adapter's settings",
    "lora/README.txt": "how exact the adapter is",
}
_APPLY = """\
Apply the edit, exactly:

    from pathlib import Path
    from space_core.edit import Edit, edited

    with edited(model, Edit.load(Path("edit.safetensors"))):
        ...  # here the model has forgotten; after this block it is as it was

The model is the transformers model whose weights have the hash named below. Or with PEFT, from the
adapter:

    from peft import PeftModel

    model = PeftModel.from_pretrained(model, "lora")
"""


@dataclass(frozen=True, slots=True)
class RankLoss:
    """What a layer's adapter loses: its rank, and ‖ΔW − B A‖_F, absolute and of ‖ΔW‖_F."""

    layer: str
    rank: int
    error: float
    relative: float


def readme(record: RunRecord, sha256: Mapping[str, str]) -> str:
    """README.txt of the bundle. sha256: the hash of every other file, by its name in the zip."""
    return "\n".join([
        f"Erasure of “{one_line(record.selection.request.name)}”: run {record.run_id}",
        "",
        "Files",
        *(f"  {name}: {_FILES[name]}" for name in sha256),
        "",
        _APPLY,
        *_origin(record),
        *_repeat(record),
        "What the run was made with (SHA-256)",
        *(f"  {name}: {value}" for name, value in record.hashes.items()),
        "",
        "The files of this bundle (lines for sha256sum -c)",
        *(f"{value}  {name}" for name, value in sha256.items()),
        "",
    ])  # fmt: skip


def adapter_readme(losses: Sequence[RankLoss]) -> str:
    """README.txt of the adapter.

    ‖(ΔW − B A) k‖₂ ≤ ‖ΔW − B A‖_F ‖k‖₂ for every input k, which is what it promises.
    """
    return "\n".join([
        "A LoRA adapter for PEFT, with scaling 1: W + lora_B lora_A. It holds the edit of",
        "edit.safetensors in float32: the same, but for the errors below. What was cut or rounded",
        "no longer keeps to the null space of other knowledge.",
        "",
        "Certified for each layer, on the numbers as stored here: for every input k, the output",
        "differs from that of the edit by at most “error” times the length of k, before the model",
        "rounds to its own precision.",
        "",
        *(
            f"  {one.layer}: rank {one.rank}, error {_at_most(one.error)} "
            f"({_at_most(one.relative)} of the edit's norm)"
            for one in losses
        ),
        "",
    ])  # fmt: skip


def _at_most(value: float) -> str:
    return f"{float(_UP.create_decimal(value)):.3e}"


def repeat_command(record: RunRecord) -> str | None:
    """The command line that asks for the same run; None where its settings have no options."""
    selection, settings = record.selection, record.settings
    request = selection.request
    presets = [name for name in PRESETS if _is_preset(name, settings)]
    every = request.questions == ConceptRequest("").questions
    drawn = TpasConfig().by_chance if settings.get("inversion_steps") else 0.0
    asked = every and selection.by_chance == drawn
    if not presets or request.protect or selection.left_out or record.stopped or not asked:
        return None
    words = ["python", "-m", "space_core", "erase", request.name]
    for alias in request.aliases:
        words.append(f"--alias={alias}")
    for option, text in (("description", request.description), ("category", request.category)):
        words += [f"--{option}={text}"] if text else []
    words += [f"--instead={request.instead}"] if request.instead != "general" else []
    words += ["--text-too"] if request.text_too else []
    words += [f"--preset={presets[0]}", f"--anchors={selection.wanted or len(selection.anchors)}"]
    words += [f"--threshold={selection.threshold!r}", f"--steps={settings['steps']}"]
    words += [f"--seed={settings['seed']}", "--out=runs"]
    words += ["--layers", *blocks] if (blocks := str(settings.get("layers", "")).split()) else []
    return shlex.join(words)


def one_line(text: str) -> str:
    """A text without line ends or other control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def _origin(record: RunRecord) -> list[str]:
    if not record.revision:
        return []
    model, commit = one_line(record.model), one_line(record.revision)
    return [f"The model came from the hub: {model}, commit {commit}.", ""]


def _repeat(record: RunRecord) -> list[str]:
    command = repeat_command(record)
    if command is None:
        return [
            "Repeat the run: open record.json in step 1 of the page and press Replay.", "",
        ]  # fmt: skip
    return [
        "Repeat the run: open record.json in step 1 of the page and press Replay, or",
        "", f"    {one_line(command)}", "",
    ]  # fmt: skip


def _is_preset(name: str, settings: Mapping[str, float | int | str]) -> bool:
    if not {"steps", "seed"} <= settings.keys():
        return False
    preset = replace(PRESETS[name], steps=settings["steps"], seed=settings["seed"])
    fixed = [field for field in preset.__dataclass_fields__ if field != "layers"]
    return all(settings.get(field) == getattr(preset, field) for field in fixed)

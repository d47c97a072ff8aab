"""The speed benchmark: every stage on small shapes; published shapes are those published."""

import csv

import pytest
import torch

from space_core.bench import speed
from space_core.bench.shapes import PUBLISHED, random_mllm
from space_core.bench.speed import Load
from space_core.cli import main
from space_core.edit import weights_sha256
from space_core.settings import Settings

# As their cards and files count them.
MILLIONS = {
    "SmolVLM-256M": 256, "Qwen2.5-VL-3B": 3755, "LLaVA-1.5-7B": 7063, "Qwen2.5-VL-7B": 8292,
}  # fmt: skip
# Seven kinds of task, one of them twice, and four of what is kept.
LORA = f"LoRA step, {8 * 8 + 24 + 16 + 16 + 16} examples"


@pytest.mark.parametrize("shape", PUBLISHED, ids=lambda one: one.name)
def test_a_published_shape_has_the_published_size(shape):
    mllm = random_mllm(shape, "meta", "bfloat16")
    weights = sum(weight.numel() for weight in mllm.model.parameters()) / 1e6
    assert weights == pytest.approx(MILLIONS[shape.name], rel=0.01)
    assert mllm.decoder_layers() == shape.text["num_hidden_layers"] and mllm.connector()
    assert {weight.dtype for weight in mllm.model.parameters()} == {torch.bfloat16}


def test_every_stage_is_measured_and_what_needs_a_gpu_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPACE_DEVICE", "cpu")
    for name, less in (("_LORA_STEPS", 2), ("_ANCHORS", 4), ("_ROUNDS", 1)):
        monkeypatch.setattr(speed, name, less)
    made = []
    monkeypatch.setattr(
        speed, "random_mllm", lambda *a: made.append(random_mllm(*a)) or made[-1]
    )  # fmt: skip
    out = tmp_path / "results" / "speed.csv"
    options = ["--images", "3", "--steps", "2", "--blocks", "2", "--only", "LLaVA-1.5, small"]
    assert main(["bench-gpu", *options, "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    own = {row["stage"]: row for row in rows if row["model"] == "LLaVA-1.5, small"}
    for stage in (
        LORA, "statistics, 3 images with a question", "null space",
        "statistics, the pass that sums the moments", "a plain forward pass over the same set",
        "reading the statistics, one shard of ten", "inversion, 2 steps", "erase, 2 steps",
        "erase, one step", "putting the edit on",
    ):  # fmt: skip
        row, step = own[stage], float(own[LORA]["value"])
        assert float(row["value"]) > 0 and row["unit"] == "s", stage
        # The file keeps four digits.
        assert float(row["of_a_lora_step"]) == pytest.approx(float(row["value"]) / step, abs=0.2)
    assert all(float(own[f"{what}, peak memory"]["value"]) > 0 for what in ("LoRA", "erase"))
    assert float(own["tokens a second, edit on"]["value"]) > 0
    missing = {row["model"] for row in rows if row["stage"] == "not measured: needs a GPU"}
    assert missing == {shape.name for shape in PUBLISHED}
    table = out.with_suffix(".md").read_text(encoding="utf-8")
    assert "| erase, one step |" in table and table in capsys.readouterr().out
    assert weights_sha256(made[0].model) == weights_sha256(random_mllm(
        next(one for one in speed.SMALL if one.name == "LLaVA-1.5, small"), "cpu", "float32"
    ).model)  # fmt: skip


def test_where_lora_alone_does_not_fit_all_else_is_measured_thrifty(tmp_path, monkeypatch):
    def full(mllm, *_):
        seen.append(mllm.thrifty)
        raise torch.OutOfMemoryError("CUDA out of memory.")

    seen, said = [], []
    monkeypatch.setattr(speed, "lora_step", full)
    monkeypatch.setattr(speed, "_ROUNDS", 1)
    load = Load(images=2, steps=1, blocks=1, thrifty=True)
    only = ["SmolVLM, small"]
    speed.run(Settings(device="cpu"), load, only, tmp_path / "speed.csv", said.append)
    rows = list(csv.DictReader((tmp_path / "speed.csv").open(encoding="utf-8")))
    own = {row["stage"]: row for row in rows if row["model"] == only[0]}
    assert seen == [True] and "blocks computed twice, to spare memory" in own
    assert f"{LORA}: out of memory" in own
    assert float(own["erase, one step"]["value"]) > 0
    assert not own["erase, one step"]["of_a_lora_step"]
    assert float(own["tokens a second, edit on"]["value"]) > 0


def test_what_does_not_fit_is_a_row_and_what_is_unknown_a_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")

    monkeypatch.setattr(speed, "random_mllm", full)
    load, said = Load(1, 1, 1), []
    speed.run(Settings(device="cpu"), load, [], tmp_path / "speed.csv", said.append)
    assert sum("stopped: CUDA out of memory. Tried" in line for line in said[:-1]) == 3
    with pytest.raises(ValueError, match="No shape is called 'GPT'"):
        speed.run(Settings(device="cpu"), load, ["GPT"], tmp_path / "x.csv", said.append)

"""The README is a Space's head, its examples run, and the repository is one that the hub takes."""

import importlib.metadata
import io
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from peft import PeftModel
from small_world import noise
from tiny_mllm import tiny_mllm
from tiny_sources import tiny_sources

from space_core.audit import Bench
from space_core.edit import Edit, LayerEdit
from space_core.evaluation_split import EvaluationSplit
from space_core.settings import DcsiConfig, TpasConfig

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
MB = 2**20


def requirements(name: str) -> dict[str, SpecifierSet]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {one.name: one.specifier for one in found}


def test_the_head_starts_a_space():
    head = yaml.safe_load(TEXT.split("---")[1])
    assert head["sdk"] == "gradio" and (ROOT / head["app_file"]).is_file()
    assert head["sdk_version"] == importlib.metadata.version("gradio")
    assert head["python_version"] in ("3.11", "3.12") and isinstance(head["python_version"], str)
    assert len(head["short_description"]) <= 60
    assert {head["colorFrom"], head["colorTo"]} <= COLOURS and head["license"] == "apache-2.0"
    assert head["title"] and head["emoji"]


def test_requirements_are_ranges_and_constraints_pins_within_them():
    ranges, pins = requirements("requirements.txt"), requirements("constraints.txt")
    assert not [name for name, wanted in ranges.items() if "==" in str(wanted)]
    assert all(re.fullmatch(r"==[\w.]+", str(pin)) for pin in pins.values())
    for name, wanted in {**ranges, **requirements("requirements-dev.txt")}.items():
        (pin,) = pins[name]
        assert wanted.contains(pin.version), f"{name} {pin} is outside {wanted}"
    # ZeroGPU brings a torch of its own.
    assert ranges["torch"].contains("2.8.0") and "spaces" not in ranges


def test_the_space_installs_the_gradio_of_its_head():
    head = yaml.safe_load(TEXT.split("---")[1])
    assert requirements("requirements.txt")["gradio"].contains(head["sdk_version"])
    assert requirements("constraints.txt")["gradio"].contains(head["sdk_version"])


def test_assets_are_small_enough_for_the_hub():
    sizes = {path: path.stat().st_size for path in (ROOT / "assets").rglob("*") if path.is_file()}
    large = [path.name for path, size in sizes.items() if size > 10 * MB]
    assert len(large) <= 1 and all(name.endswith(".safetensors") for name in large)
    assert sum(sizes.values()) <= 120 * MB


def test_the_evaluation_folder_described_for_an_own_model_is_read(tmp_path):
    text = (ROOT / "docs" / "own-model.md").read_text(encoding="utf-8")
    (facts,) = [one for one in text.split("```") if '{"photographs"' in one]
    (tmp_path / "concepts.json").write_text(facts, encoding="utf-8")
    file = io.BytesIO()
    noise(1).save(file, "PNG")
    row = {
        "image": [{"bytes": file.getvalue(), "path": None}], "concept": ["lemon"], "artist": [""],
        "portrait": [False],
    }
    pq.write_table(pa.table(row), tmp_path / "images.parquet")
    split = EvaluationSplit(tmp_path)
    assert split.photographs and split.rows(split.concepts["lemon"], trained=True) == [0]


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", TEXT, re.S) if "Edit" in one]
    mllm = tiny_mllm()
    mllm.model.save_pretrained(tmp_path / "assets/demo/mllm")
    mllm.processor.save_pretrained(tmp_path / "assets/demo/mllm")
    torch.manual_seed(1)
    edit = Edit({
        name: LayerEdit(torch.randn(layer.out_features, 2), torch.randn(layer.in_features, 2))
        for name, layer in mllm.edited_layers([0]).items()
    })  # fmt: skip
    edit.save(tmp_path / "runs/RUN/edit.safetensors")
    noise(1).save(tmp_path / "lemon.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    (said,) = eval(capsys.readouterr().out)
    assert said and said != mllm.answer(["What is this?"], mllm.encode([noise(1)]))[0]


def test_the_whole_way_in_python_ends_in_an_adapter(tmp_path, monkeypatch, capsys):
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", TEXT, re.S) if "to_peft" in one]
    sources, _ = tiny_sources(tmp_path / "world")
    monkeypatch.setattr("space_core.audit.open_bench", lambda settings: Bench(sources, None))
    few = DcsiConfig(steps=2, inversion_steps=2, second_look=0)
    monkeypatch.setattr("space_core.settings.DcsiConfig", lambda layers: few)
    monkeypatch.setattr("space_core.settings.TpasConfig", lambda: TpasConfig(4, 0.4))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "Not verified on images\n"
    adapted = PeftModel.from_pretrained(tiny_mllm().model, str(tmp_path / "lemon-free"))
    assert any("lora_A" in name for name, _ in adapted.named_parameters())


@pytest.mark.parametrize(
    "name",
    [
        "README.md", "CONTRIBUTING.md", "docs/space.md", "docs/own-model.md", "docs/own-pool.md",
        "docs/performance.md", "docs/several.md", "docs/results.md", "docs/bench.md",
    ],  # fmt: skip
)
def test_links_within_the_project_lead_somewhere(name):
    page = ROOT / name
    for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{name} links to {link}"

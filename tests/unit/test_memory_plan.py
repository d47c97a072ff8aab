"""The memory plan: the same with and without weights, one line, and a refusal in words."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from tiny_families import loaded, write_family

from space_core import audit, erasure, key_values, main_memory, memory_plan
from space_core.audit import Bench
from space_core.bench.shapes import PUBLISHED, random_mllm
from space_core.cli import main
from space_core.hub import load_empty_model
from space_core.main_memory import left_to_container
from space_core.memory_plan import Free, Plan, fits, fitting, free_memory, plan
from space_core.mllm import Mllm
from space_core.settings import BUNDLED, DcsiConfig, Settings

GB = 10**9
NEEDS = Plan(
    weights=14 * GB, answering=8 * GB, statistics=6 * GB, training=17 * GB, moments=50 * GB
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_family("llava", tmp_path_factory.mktemp("llava"))


def test_a_model_without_weights_has_the_plan_of_the_loaded_one(folder):
    config, mllm = DcsiConfig(), loaded(folder)
    empty = Mllm("empty", *load_empty_model(str(folder)), "meta")
    assert plan(empty, config) == plan(mllm, config)
    assert plan(mllm, config).weights == sum(4 * one.numel() for one in mllm.model.parameters())
    layers = mllm.edited_layers(config.blocks(3)).values()
    assert plan(mllm, config).moments == 64 * sum(one.in_features**2 for one in layers)
    assert plan(mllm, DcsiConfig(layers=(0, 1, 2))).training > plan(mllm, config).training
    assert next(empty.model.parameters()).is_meta


def test_what_fits_is_said_in_one_line():
    line = fits(NEEDS, Free(60 * GB, 139 * GB), loaded=False)
    assert line == (
        "needs about 31 GB of GPU memory, 139 GB free; needs about 50 GB of main memory, 60 GB free"
    )
    assert "81 GB of main" in fits(NEEDS, Free(90 * GB, None), loaded=False)
    assert "67 GB more of main" in fits(NEEDS, Free(70 * GB, None), loaded=True)


@pytest.mark.parametrize(
    "devices, free, short",
    [
        (["cpu"], Free(1000, None), "main memory"), (["cuda:0"], Free(GB, 1000), "GPU memory"),
        (["cuda:0"], Free(1000, GB), "main memory"), (["cpu"], Free(GB, None), ""),
        # Spread over several, they never lie in main memory together.
        (["cuda:0", "cuda:1"], Free(1000, GB), ""),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_a_sentence_before_they_are_read(
    folder, monkeypatch, devices, free, short
):
    monkeypatch.setattr(memory_plan, "all_devices", lambda _wanted: devices)
    monkeypatch.setattr(memory_plan, "free_memory", lambda _devices: free)
    monkeypatch.setattr(audit, "open_sources", lambda _settings: "opened")
    settings = Settings(model=str(folder), dtype="float32")
    if short:
        with pytest.raises(ValueError, match=f"take 0.0 GB of {short}, and 0.0 GB are free"):
            audit.open_bench(settings)
    else:
        assert audit.open_bench(settings).sources == "opened"


def test_answering_counts_where_it_needs_most():
    most = replace(NEEDS, answering=20 * GB)
    assert (NEEDS.device, most.device) == (31 * GB, 34 * GB)


def test_as_many_questions_are_answered_together_as_their_keys_and_values_allow():
    by_name = {shape.name: random_mllm(shape, "meta", "bfloat16") for shape in PUBLISHED}
    large = by_name["LLaVA-1.5-7B"]
    # Keys and values of 32 blocks, 32 heads of 128 numbers of two bytes.
    assert key_values.kept(large.model, large.chat.tokens) == 2 * 32 * 32 * 128 * 2 * (576 + 128)
    config = DcsiConfig(layers=(14, 15, 16, 17))
    counts = {
        name: key_values.at_once(one.model, one.chat.tokens) for name, one in by_name.items()
    }
    assert counts.pop("LLaVA-1.5-7B") == 21 and set(counts.values()) == {96}
    assert 7.5e9 < plan(large, config).answering < 11e9
    assert key_values.at_once(large.model, 10**9) == 1
    bundled = Mllm("demo", *load_empty_model(BUNDLED[0]), "meta")
    assert key_values.at_once(bundled.model, bundled.chat.tokens) == 96


def test_what_torch_holds_unused_is_free(monkeypatch):
    for name, value in (("mem_get_info", (5, 9)), ("memory_reserved", 4), ("memory_allocated", 1)):
        monkeypatch.setattr(torch.cuda, name, lambda _gpu, value=value: value)
    assert free_memory(["cuda:0", "cuda:1"]).device == 2 * (5 + 4 - 1)


@pytest.mark.parametrize("limit, left", [("1000", 750), ("max", 9000), ("100", 0)])
def test_a_containers_limit_counts(tmp_path, limit, left):
    stat = "anon 7\ninactive_file 40\nactive_file 10"
    for name, said in (("max", limit), ("current", "300"), ("stat", stat)):
        (tmp_path / f"memory.{name}").write_text(said + "\n")
    assert left_to_container(tmp_path, 9000) == left
    assert left_to_container(tmp_path / "none", 9000) == 9000


def test_what_is_kept_hangs_on_the_machine_and_not_on_what_else_it_does(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("max\n")
    monkeypatch.setattr(main_memory, "_CONTAINER", tmp_path)
    monkeypatch.setattr(main_memory, "free_bytes", lambda: 0)
    whole = main_memory.room()
    assert 0 < whole <= 8 * 10**9
    (tmp_path / "memory.max").write_text("2000\n")
    assert main_memory.room() == 100 < whole


@pytest.mark.parametrize(
    "free, where",
    [
        (Free(60 * GB, 30 * GB), "31 GB of GPU memory, and 30 GB are free"),
        (Free(40 * GB, 139 * GB), "50 GB of main memory, and 40 GB are free"),
        (Free(80 * GB, None), "81 GB of main memory, and 80 GB are free"),
    ],
)
def test_what_cannot_fit_is_refused_in_a_sentence(free, where):
    with pytest.raises(ValueError, match=f"{where}: edit fewer blocks"):
        fits(NEEDS, free, loaded=False)


def test_blocks_are_computed_twice_where_that_alone_fits(folder, monkeypatch):
    # So that training is what needs most.
    monkeypatch.setattr(memory_plan, "_PASS", 1)
    monkeypatch.setattr(key_values, "MOST", 1)
    config, mllm = DcsiConfig(), loaded(folder)
    ample, short = plan(mllm, config), plan(replace(mllm, thrifty=True), config)
    assert short.training < ample.training and short.statistics == ample.statistics
    room = ample.moments + ample.device
    same, line = fitting(mllm, config, Free(room, None), loaded=False)
    assert same is mllm and "twice" not in line
    spared, line = fitting(mllm, config, Free(room - 1, None), loaded=False)
    assert spared.thrifty and "each block is computed twice" in line
    with pytest.raises(ValueError, match="edit fewer blocks"):
        fitting(mllm, config, Free(1000, None), loaded=False)


def test_half_the_bytes_are_half_the_weights(folder):
    config, half = DcsiConfig(), loaded(folder, dtype="bfloat16")
    whole, other = plan(loaded(folder), config), plan(half, config)
    assert 2 * other.weights == whole.weights and other.training < whole.training
    assert other.moments == whole.moments
    empty = Mllm("empty", *load_empty_model(str(folder), dtype="bfloat16"), "meta")
    assert plan(empty, config) == other


def test_the_command_says_both_ways_and_heeds_the_blocks(folder, monkeypatch, capsys):
    monkeypatch.setenv("SPACE_MODEL", str(folder))
    monkeypatch.setenv("SPACE_DEVICE", "cpu")
    # Of so small a model the logits would take nearly all.
    monkeypatch.setattr("space_core.memory_plan._LOGITS", 1)
    peaks = []
    for blocks in ([], ["--layers", "1"]):
        assert main(["memory", *blocks]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[5].startswith("or training")
        assert lines[5].endswith("computing each block twice")
        assert "needs about" in lines[6]
        peaks.append(lines[:5])
    assert peaks[0] != peaks[1]
    assert main(["memory", "--layers", "7"]) == 2
    assert "blocks 0 to 2" in capsys.readouterr().err


def test_an_erasure_that_cannot_fit_does_not_begin(folder, monkeypatch):
    sources = SimpleNamespace(mllm=loaded(folder), pool=None)
    monkeypatch.setattr(erasure, "free_memory", lambda device: Free(1000, None))
    with pytest.raises(ValueError, match="more of main memory, and 0.0 GB are free"):
        next(erasure.erase(sources, None, DcsiConfig(), lambda: False))
    monkeypatch.setattr(erasure, "free_memory", lambda device: Free(10**12, None))
    event = next(erasure.erase(sources, None, DcsiConfig(), lambda: False))
    assert "of main memory, 1000 GB free" in event.message


def test_an_audit_that_cannot_fit_asks_nothing(folder, monkeypatch):
    bench = Bench(SimpleNamespace(mllm=loaded(folder)), None)
    monkeypatch.setattr(audit, "free_memory", lambda device: Free(1000, None))
    asked = audit.audit(bench, None, SimpleNamespace(request=None), DcsiConfig(), lambda: False)
    with pytest.raises(ValueError, match="more of main memory, and 0.0 GB are free"):
        next(asked)


def test_free_memory_is_read_from_the_machine(monkeypatch):
    free = free_memory(["cpu"])
    assert free.device is None and 10**8 < free.host < 10**14
    monkeypatch.setattr(main_memory.Path, "is_file", lambda path: False)
    assert free_memory(["cpu"]).host > 10**8

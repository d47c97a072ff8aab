"""Off ZeroGPU nothing is in the way; on it one child computes, forked without a hang or a leak."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_mllm import tiny_mllm
from torch import nn

from space_core import backend, cli, worker
from space_core.audit import Bench
from space_core.settings import DcsiConfig, Settings, TpasConfig
from space_core.shared_space import SharedSpace
from space_core.sources import Sources
from space_core.worker import (
    Ask, Erase, Refused, Search, _moved, asked_for, entry_point, search, seconds,
)  # fmt: skip

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "unit"
# Long beyond need: only a hang comes so far.
PATIENCE = 300


def on_zero_gpu(program: str) -> str:
    """What a program of the folder `zero_gpu` prints where `spaces` stands for ZeroGPU."""
    path = os.pathsep.join(map(str, (HERE / "zero_gpu", HERE, ROOT)))
    return subprocess.run(
        [sys.executable, HERE / "zero_gpu" / program], check=True, timeout=PATIENCE, cwd=ROOT,
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "SPACES_ZERO_GPU": "true", "PYTHONPATH": path, "OMP_NUM_THREADS": "4"},
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def trial() -> dict:
    return json.loads(on_zero_gpu("trial.py"))


def test_a_child_forked_after_faiss_and_torch_does_not_hang():
    one, other, child, threads, own = on_zero_gpu("fork.py").split()
    assert one == other == child
    assert int(own) == int(threads) == 1


def test_one_function_in_one_child_answers_every_request(trial):
    assert trial["entry points"] == trial["forks"] == 1 and not trial["mine"]
    # Two searches, runs and questions; a search in vain, a run stopped, one left; a question.
    assert len(trial["durations"]) == 10 and trial["parent's threads"] == 1


def test_an_edit_made_in_the_child_arrives_and_is_used_there(trial):
    for run in trial["runs"]:
        assert run["steps"] >= 1 and run["norm"] > 0 and run["same edit"]
    assert any(before != after for before, after in trial["answers"])


def test_no_edit_leaks_from_one_call_into_the_next(trial):
    assert all(run["restored"] and run["same base"] for run in trial["runs"])
    # The model without an edit answers as it did in the parent, after every run, also a left one.
    assert [before for before, _ in trial["answers"]] == [trial["own"]] * 3
    assert trial["left at"] == "Progress" and trial["parent whole"]


def test_a_refusal_keeps_its_sentence_on_the_way_out(trial):
    assert "qwertz" in trial["refused"]


def test_stop_reaches_the_child(trial):
    assert "nothing was changed" in trial["stopped"]


def test_spaces_is_imported_before_torch_and_gradio():
    code = (
        "import os, sys, types; fake = types.ModuleType('spaces'); fake.GPU = None\n"
        "class Finder:\n"
        "  def find_spec(self, name, *_):\n"
        "    if name == 'spaces':\n"
        "      print(sorted({'torch', 'gradio', 'faiss', 'huggingface_hub'} & set(sys.modules)))\n"
        "      print(os.environ['HF_HUB_OFFLINE'])\n"
        "sys.meta_path.insert(0, Finder())\n"
        "import app"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE,
        env={**os.environ, "SPACES_ZERO_GPU": "1", "SPACE_OFFLINE": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.split() == ["[]", "1"] and "No module named 'spaces'" in done.stderr


# Off ZeroGPU


def test_off_zero_gpu_the_decorator_does_nothing():
    assert not backend.zero_gpu() and "spaces" not in sys.modules

    def compute(job):
        yield job

    assert backend.on_gpu(seconds)(compute) is compute


def test_a_device_is_taken_as_given_and_auto_is_what_is_there():
    found = "cuda" if torch.cuda.is_available() else "cpu"
    assert backend.home_device("auto") == backend.call_device("auto") == found
    assert backend.home_device("cpu") == backend.call_device("cpu") == "cpu"


@pytest.mark.parametrize(
    "gpus, there, lacking", [(0, (), ("cuda", "cuda:0")), (2, ("cuda", "cuda:1"), ("cuda:2",))]
)
def test_a_gpu_that_is_not_there_is_refused(monkeypatch, gpus, there, lacking):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    for device in there:
        assert backend.home_device(device) == device
    for device in lacking:
        with pytest.raises(ValueError, match=f"asks for the GPU '{device}', but there"):
            backend.home_device(device)


@pytest.mark.parametrize("gpus", [0, 1, 2])
def test_weights_are_bfloat16_on_a_gpu_alone_and_never_the_bundled_ones(monkeypatch, gpus):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    computes = True
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: computes)
    own = Settings(model="org/model")
    there = "bfloat16" if gpus else "float32"
    for device in ("auto", "all"):
        assert backend.model_dtype(replace(own, device=device)) == there
        assert backend.model_dtype(Settings(device=device)) == "float32"
    assert backend.model_dtype(replace(own, device="cpu")) == "float32"
    if gpus == 2:
        assert backend.model_dtype(replace(own, device="cuda:1")) == "bfloat16"
    for wanted in ("float32", "bfloat16"):
        assert backend.model_dtype(replace(own, device="auto", dtype=wanted)) == wanted
    computes = False
    assert backend.model_dtype(replace(own, device="auto")) == "float32"
    everywhere = [f"cuda:{i}" for i in range(gpus)] if gpus else ["cpu"]
    assert backend.all_devices("all") == everywhere
    assert backend.all_devices("auto") == ["cuda" if gpus else "cpu"]


def test_time_is_asked_for_by_steps_and_questions_and_never_without_end(tmp_path):
    def erase(steps: int, questions: int) -> int:
        return seconds(Erase(None, None, DcsiConfig(steps=steps), questions, tmp_path))

    assert erase(30, 0) < erase(60, 0) < erase(60, 500) <= 120 == erase(10**6, 10**6)
    short = [seconds(Search(None, TpasConfig(), frozenset())), seconds(Ask(None, "", tmp_path))]
    assert all(0 < one < erase(1, 0) for one in short)
    # Estimates are of the bundled model.
    job = Search(None, TpasConfig(), frozenset())
    given = [asked_for(SimpleNamespace(bundled=bundled), job) for bundled in (True, False)]
    assert given == [seconds(job), 120]


def test_only_a_sentence_is_turned_into_one(monkeypatch):
    def fail(error):
        def choose(*_):
            raise error

        monkeypatch.setattr("space_core.worker.select_anchors", choose)
        bench = SimpleNamespace(device="cpu")
        return entry_point(lambda: bench, "cpu")

    asked = ("request", TpasConfig(), frozenset())
    assert list(fail(ValueError("Say more."))(Search(*asked))) == [Refused("Say more.")]
    with pytest.raises(ValueError, match="Say more"):
        search(fail(ValueError("Say more.")), *asked)
    with pytest.raises(RuntimeError, match="broken"):
        search(fail(RuntimeError("broken")), *asked)


def test_a_full_gpu_is_a_sentence_and_another_fault_is_none(monkeypatch, capsys):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("space_core.worker.select_anchors", full)
    compute = entry_point(lambda: SimpleNamespace(device="cpu"), "cpu")
    (said,) = compute(Search("request", TpasConfig(), frozenset()))
    assert "memory ran out: edit fewer blocks" in said.sentence
    monkeypatch.setattr(cli, "anchors", full)
    assert cli.main(["anchors", "lemon"]) == 2
    assert "SPACE_DTYPE to bfloat16" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="broken"), backend.memory_in_words():
        raise RuntimeError("broken")


def test_models_move_to_the_lent_device_and_the_bench_says_so():
    mllm = tiny_mllm()
    space = SharedSpace("space", nn.Linear(1, 1), None, None, "cpu")
    bench = Bench(Sources(mllm, space, None, None, None, "", ROOT), None)
    assert _moved(bench, "cpu") is bench
    there = _moved(bench, "meta")
    assert there.device == there.sources.space.device == "meta"
    assert all(one.is_meta for model in (mllm.model, space.model) for one in model.parameters())
    assert there.sources.encoder._mllm is there.sources.mllm


def test_what_still_computes_after_its_call_was_cancelled_computes_alone():
    within, most, go_on = [], [], threading.Event()

    def compute(number):
        for step in range(3):
            within.append(number)
            most.append(len(set(within)))
            go_on.wait(0.05)
            within.clear()
            yield step

    def heard(number):
        return list(worker._heard(compute, number))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(heard, range(4))) == [[0, 1, 2]] * 4
    assert max(most) == 1

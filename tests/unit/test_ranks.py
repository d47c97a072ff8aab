"""Several processes share shards: all are done, none waits, the numbers are those of one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_world import noise, shown, write_rows
from test_shared_space import write_space
from tiny_families import write_family

from space_core.moments import load_shards, load_tensors
from space_core.pool import INDEX
from space_core.ranks import in_turn, own_device, rank

ROOT = Path(__file__).resolve().parents[2]
STARTS = {
    "one": [sys.executable],
    "two": [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"],
}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_process_ends_at_all_shards_its_own_first(monkeypatch, count):
    monkeypatch.setenv("WORLD_SIZE", str(count))
    firsts = []
    for number in range(count):
        monkeypatch.setenv("RANK", str(number))
        assert rank() == (number, count)
        turn = in_turn(range(10))
        assert sorted(turn) == list(range(10))
        firsts += turn[: len(range(number, 10, count))]
    assert sorted(firsts) == list(range(10))


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    assert own_device("cuda") == "cuda"
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert own_device("cuda") == "cuda:1" and own_device("cpu") == "cpu"


@pytest.mark.slow
def test_two_processes_measure_what_one_measures(tmp_path):
    rows = [shown(f"thing {i}", noise(i)) for i in range(12)]
    env = os.environ | {
        "SPACE_MODEL": str(write_family("llava", tmp_path / "model")),
        "SPACE_SHARED_SPACE": str(write_space("clip", tmp_path / "space")),
        "SPACE_POOL": str(write_rows(tmp_path / "pool", rows)), "SPACE_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    for name, begun in STARTS.items():
        command = [*begun, "-m", "space_core", "statistics"]
        subprocess.run(
            command, cwd=ROOT, env=env | {"SPACE_CACHE": str(tmp_path / name)}, check=True
        )
    one, two = (sorted((tmp_path / name).glob("moments-*")) for name in STARTS)
    assert len(one) == 10 and [path.name for path in one] == [path.name for path in two]
    for path, other in zip(one, two):
        known, found = (load_shards(each)["all"] for each in (path, other))
        for layer, moment in known.items():
            assert moment.count == found[layer].count > 0
            torch.testing.assert_close(found[layer].total, moment.total, rtol=1e-12, atol=1e-12)
    # Where some are lost, those that are there are not measured again.
    kept = {path: path.stat().st_mtime_ns for path in one[3:]}
    for path in one[:3]:
        path.unlink()
    subprocess.run(command, cwd=ROOT, env=env | {"SPACE_CACHE": str(one[0].parent)}, check=True)
    assert all(path.is_file() for path in one)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.slow
def test_two_processes_build_the_pool_that_one_builds(tmp_path):
    # Two shards of 500 at most.
    for i in range(600):
        place = tmp_path / "images" / f"thing {i % 11}"
        place.mkdir(parents=True, exist_ok=True)
        noise(i).save(place / f"{i}.png")
    space = write_space("clip", tmp_path / "space")
    env = os.environ | {"SPACE_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    for name, begun in STARTS.items():
        subprocess.run(
            [*begun, "-m", "space_core", "pool-build", tmp_path / "images",
             "--out", tmp_path / name, "--space", space],
            cwd=ROOT, env=env, check=True,
        )  # fmt: skip
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.is_file()}
        for name in STARTS
    )
    assert sum(name.endswith(".parquet") for name in one) == 2
    # The order of a tensor file's notes is nobody's choice.
    vectors, others = (load_tensors(tmp_path / name / INDEX) for name in STARTS)
    assert vectors[1] == others[1] and vectors[0].keys() == others[0].keys()
    assert all(torch.equal(tensor, others[0][name]) for name, tensor in vectors[0].items())
    assert one.pop(INDEX) and two.pop(INDEX) and one == two

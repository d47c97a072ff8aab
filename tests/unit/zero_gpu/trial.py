"""A visit on ZeroGPU, as a program of its own: prints what happened as one line of JSON."""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import space_core.backend as backend  # noqa: I001  (before torch)

import spaces
import torch
from small_world import make_world, noise
from tiny_mllm import tiny_mllm

from space_core.audit import Bench, Finished
from space_core.edit import weights_sha256
from space_core.interview import LONGEST_ANSWER
from space_core.retained import Encoder
from space_core.settings import DcsiConfig, TpasConfig
from space_core.sources import Sources
from space_core.types import ConceptRequest, StepEvent
from space_core.worker import entry_point, erase, question, search

KINDS = (
    ("lemon", "lime", "orange", "pear"), ("bus", "car", "tram", "van"),
    ("cat", "dog", "cow", "hen"), ("cup", "jug", "pan", "pot"),
)  # fmt: skip
TPAS = TpasConfig(anchors=4, threshold=0.4, diversity=0.0)
QUICK = DcsiConfig(steps=2, inversion_steps=1)


def tiny_bench(folder: Path) -> Bench:
    space, pool, around = make_world(folder, kinds=KINDS)
    mllm = tiny_mllm()
    sources = Sources(
        mllm, space, pool, around, Encoder(mllm, pool), weights_sha256(mllm.model), folder / "cache"
    )
    return Bench(sources, None)


def refusal(act: Callable[[], object]) -> str:
    try:
        act()
    except ValueError as error:
        return str(error)
    return ""


def main(folder: Path) -> dict:
    bench = tiny_bench(folder)
    model, picture = bench.sources.mllm.model, noise(1)
    seen = bench.sources.mllm.encode([picture])
    own = bench.sources.mllm.answer(["What is this?"], seen, LONGEST_ANSWER)
    compute = entry_point(lambda: bench, "auto")
    said: dict = {"own": own[0], "answers": [], "runs": []}

    def ask(edit) -> None:
        said["answers"].append(question(compute, picture, "What is this?", edit))

    for name in ("lemon", "bus"):
        request = ConceptRequest(name)
        chosen = search(compute, request, TPAS, frozenset())
        *events, finished = erase(compute, request, chosen, QUICK, 100, lambda: False)
        assert isinstance(finished, Finished)
        record = finished.record
        said["runs"].append({
            "steps": sum(isinstance(event, StepEvent) for event in events),
            "restored": record.base_restored, "norm": finished.edit.norm(),
            "same edit": finished.edit.sha256() == record.hashes["edit"],
            "same base": record.hashes["model"] == bench.sources.model_sha256,
        })
        ask(finished.edit)
    said["refused"] = refusal(lambda: search(compute, ConceptRequest("qwertz"), TPAS, frozenset()))
    said["stopped"] = refusal(
        lambda: list(erase(compute, request, chosen, QUICK, 100, lambda: True))
    )
    with closing(erase(compute, request, chosen, QUICK, 100, lambda: False)) as left:
        said["left at"] = type(next(left)).__name__
    ask(finished.edit)
    said |= {
        "forks": len(spaces.pids), "mine": os.getpid() in spaces.pids,
        "entry points": len(spaces.decorated), "durations": spaces.durations,
        "parent's threads": torch.get_num_threads(),
        "parent whole": weights_sha256(model) == bench.sources.model_sha256,
    }
    return said


if __name__ == "__main__":
    assert backend.zero_gpu()
    # On a busy machine a child's threads would wait for each other; fork.py is there for those.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(main(Path(folder))))

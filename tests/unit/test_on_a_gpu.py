"""On a GPU every family computes what it computes on the CPU, and takes an edit on and off."""

from dataclasses import replace

import pytest
import torch
from test_families import CONFIG, OTHER, QUESTION, job_of
from test_large_models import opened, whole_run
from tiny_families import FAMILIES, Tiny, write_family
from tiny_mllm import tiny_mllm
from torch import Tensor

from space_core import dcsi
from space_core.edit import edited, weights_sha256
from space_core.inversion import invert
from space_core.lessons import Lesson
from space_core.mllm import Example
from space_core.retained import stream

pytestmark = [
    pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
]  # fmt: skip


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, tmp_path_factory):
    return write_family(request.param, tmp_path_factory.mktemp(request.param))


def there(folder, **options) -> Tiny:
    return opened(folder, device="cuda", **options)


@torch.no_grad()
def logits(tiny: Tiny) -> Tensor:
    features = tiny.features[:2]
    examples = [Example(*one) for one in zip((QUESTION, OTHER), ("A lemon.", "No"), features)]
    return tiny.mllm.force(examples).logits.cpu()


def test_it_computes_what_the_cpu_does(folder):
    one, other = there(folder), opened(folder)
    assert one.mllm.devices == {"cuda:0"} and {f.device.type for f in one.features} == {"cpu"}
    for seen, expected in zip(one.features, other.features):
        # cuDNN convolves patches in TF32.
        torch.testing.assert_close(seen, expected, rtol=1e-2, atol=1e-2)
    one = one._replace(features=other.features)
    torch.testing.assert_close(logits(one), logits(other), rtol=1e-3, atol=1e-4)
    moments = []
    for tiny in (one, other):
        layers = tiny.mllm.edited_layers([0, 1])
        kept = [Example(QUESTION, "Yes", f) for f in other.features]
        moments.append(stream(tiny.mllm, layers, kept))
    for name, moment in moments[0].items():
        same = moments[1][name]
        assert moment.count == same.count and moment.total.device.type == "cpu"
        assert (moment.total - same.total).norm() < 1e-4 * same.total.norm()


@pytest.mark.parametrize("layers", [(0, 1), (1,)], ids=["from the first", "above it"])
def test_its_edit_is_that_of_the_cpu_and_comes_off(folder, layers):
    config = replace(CONFIG, layers=layers)
    edits, seen = [], opened(folder).features
    for tiny in (there(folder)._replace(features=seen), opened(folder)):
        before = weights_sha256(tiny.mllm.model)
        *_, edit = dcsi.train(tiny.mllm, job_of(tiny, config), config, lambda: False)
        base = logits(tiny)
        with edited(tiny.mllm.model, edit):
            assert (logits(tiny) - base).abs().max() > 1e-3
        assert torch.equal(logits(tiny), base) and weights_sha256(tiny.mllm.model) == before
        edits.append(edit)
    for name, same in edits[1].layers.items():
        assert edits[0].layers[name].a.device.type == "cpu"
        # Adam's first steps go by signs: where a gradient is all but none, rounding tells.
        gap = (edits[0].delta(name) - edits[1].delta(name)).norm()
        assert gap < 0.1 * (same.a @ same.s.T).norm()


def test_the_same_run_gives_the_same_numbers(folder):
    edits = []
    for _ in range(2):
        tiny = there(folder, dtype="bfloat16")
        *_, (_, _, found) = invert(
            tiny.mllm, tiny.features, [Lesson("name", QUESTION, "A lemon.")], 2,
            torch.Generator().manual_seed(0), lambda: False,
        )  # fmt: skip
        task = {"name": [Example(QUESTION, "A fruit.", one) for one in found.features]}
        config = replace(CONFIG, layers=(1,))
        job = replace(job_of(tiny, config), task=task)
        thrifty = replace(tiny.mllm, thrifty=True)
        *_, edit = dcsi.train(thrifty, job, config, lambda: False)
        edits.append(edit)
    assert edits[0].sha256() == edits[1].sha256()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_whole_run(tmp_path, dtype):
    mllm = replace(tiny_mllm(), device="cuda")
    mllm.model.to("cuda", dtype)
    edit = whole_run(mllm, tmp_path)
    assert all(one.a.device.type == one.s.device.type == "cpu" for one in edit.layers.values())


def test_a_model_spread_over_all_gpus_gives_the_same_edit(tmp_path):
    folder = write_family("llava", tmp_path)
    edits = []
    for spread in (False, True):
        tiny = there(folder, spread=spread)
        *_, edit = dcsi.train(tiny.mllm, job_of(tiny), CONFIG, lambda: False)
        edits.append(edit)
    for name in edits[0].layers:
        torch.testing.assert_close(edits[0].delta(name), edits[1].delta(name))

"""What large models need: half the bytes, blocks on several devices, blocks computed twice."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import dispatch_model
from small_world import make_world, noise
from test_families import CONFIG, OTHER, QUESTION, job_of
from tiny_families import Tiny, loaded, write_family
from tiny_mllm import tiny_mllm
from tiny_sources import tiny_sources
from torch import Tensor

from space_core import dcsi, hub
from space_core.audit import Bench, audit, select_anchors
from space_core.bound import stored_bound
from space_core.edit import Edit, edited, stored_delta, weights_sha256
from space_core.inversion import invert
from space_core.lessons import Lesson
from space_core.mllm import Example, Mllm
from space_core.retained import Encoder, stream
from space_core.settings import DcsiConfig, TpasConfig
from space_core.sources import Sources
from space_core.types import ConceptRequest

IMAGES = [noise(1), noise(2), noise(3)]
KINDS = (
    ("lemon", "lime", "orange", "pear"), ("bus", "car", "tram", "van"),
    ("cat", "dog", "cow", "hen"), ("cup", "jug", "pan", "pot"),
)  # fmt: skip
LESSONS = [Lesson("name", QUESTION, "A lemon.")]


@pytest.fixture(scope="module", params=["llava", "qwen3_vl", "smolvlm", "gemma3"])
def folder(request, tmp_path_factory):
    return write_family(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def llava(tmp_path_factory):
    return write_family("llava", tmp_path_factory.mktemp("llava"))


def opened(folder, **options) -> Tiny:
    mllm = loaded(folder, **options)
    return Tiny(folder.name, folder, mllm, mllm.encode(IMAGES))


def trained(tiny: Tiny) -> Edit:
    *_, edit = dcsi.train(tiny.mllm, job_of(tiny), CONFIG, lambda: False)
    return edit


@torch.no_grad()
def logits(model, tiny: Tiny) -> Tensor:
    return model(**tiny.mllm.inputs([QUESTION, OTHER], tiny.features[:2])).logits


def test_in_bfloat16_all_stays_exact_that_is_said_to_be(folder, tmp_path):
    from peft import PeftModel

    tiny = opened(folder, dtype="bfloat16")
    mllm = tiny.mllm
    assert {weight.dtype for weight in mllm.model.parameters()} == {torch.bfloat16}
    *_, (_, _, inverted) = invert(
        mllm, tiny.features, LESSONS, 2, torch.Generator().manual_seed(0), lambda: False
    )
    assert {feature.dtype for feature in inverted.features} == {torch.float32}
    # Moved anchors beside features as the model makes them.
    task = {"name": [Example(QUESTION, "A fruit.", one) for one in inverted.features]}
    job, before = replace(job_of(tiny), task=task), weights_sha256(mllm.model)
    assert {one.s.dtype for one in job.bases.values()} == {torch.float64}
    base = logits(mllm.model, tiny)
    *events, edit = dcsi.train(mllm, job, CONFIG, lambda: False)
    assert len(events) == 3
    assert {part.dtype for one in edit.layers.values() for part in (one.a, one.s)} == {
        torch.float32
    }
    assert weights_sha256(mllm.model) == before
    layers = mllm.edited_layers(CONFIG.blocks(3))
    moments = stream(mllm, layers, job.keep.near)
    weights = {name: layer.weight.clone() for name, layer in layers.items()}
    outputs = {}
    with edited(mllm.model, edit):
        moved = logits(mllm.model, tiny)
        for name, layer in layers.items():
            outputs[name] = layer.weight.double() - weights[name].double()
    assert (moved - base).abs().max() > 1e-3
    for name, weight in weights.items():
        # The certificate is about what the cast left of the edit, and holds for that.
        stored = stored_delta(weight, edit.delta(name))
        assert torch.equal(stored, outputs[name]) and not torch.equal(stored, edit.delta(name))
        found = stored_bound(stored, job.bases[name], moments[name], moments[name], weight)
        assert found.in_sample <= found.bound
    assert weights_sha256(mllm.model) == before
    assert torch.equal(logits(mllm.model, tiny), base)
    edit.save(tmp_path / "edit.safetensors")
    with edited(mllm.model, Edit.load(tmp_path / "edit.safetensors")):
        assert torch.equal(logits(mllm.model, tiny), moved)
    edit.to_peft(tmp_path / "lora", tiny.name)
    again = loaded(folder, dtype="bfloat16")
    adapted = PeftModel.from_pretrained(again.model, tmp_path / "lora")
    # Its sums are rounded in another order: as far off as bfloat16 is, and nowhere near the base.
    gap = (logits(adapted, tiny) - moved).float().norm()
    assert gap < 0.5 * (moved - base).float().norm()


def test_an_image_is_kept_once_however_often_it_is_asked_about(tmp_path):
    sources, _ = tiny_sources(tmp_path)
    one, other, same = sources.encoder([3, 5, 3])
    assert one is same is sources.encoder([3])[0] and one is not other


def test_a_whole_run_in_bfloat16(tmp_path):
    mllm = tiny_mllm()
    mllm.model.to(torch.bfloat16)
    whole_run(mllm, tmp_path)


def whole_run(mllm: Mllm, folder: Path) -> Edit:
    """Erase and measure, and check what every run promises."""
    space, pool, around = make_world(folder, kinds=KINDS)
    base = weights_sha256(mllm.model)
    bench = Bench(
        Sources(mllm, space, pool, around, Encoder(mllm, pool), base, folder / "cache"), None
    )
    request = ConceptRequest("lemon")
    chosen = select_anchors(bench, request, TpasConfig(anchors=4, threshold=0.4, diversity=0.0))
    config = DcsiConfig(steps=3, inversion_steps=1, second_look=1, foreign_look=1)
    *_, finished = audit(bench, request, chosen, config, lambda: False)
    record = finished.record
    assert record.base_restored and weights_sha256(mllm.model) == base and finished.edit.norm() > 0
    assert len(record.beliefs) == 4 and len(record.steps) == 3
    assert all(0 < layer.in_sample <= layer.bound for layer in record.layers)
    assert {one.device.type for one in bench.sources.encoder([0, 1])} == {"cpu"}
    return finished.edit


def test_blocks_computed_twice_give_the_same_edit_and_keep_less(llava):
    tiny = opened(llava)
    edit, kept = watched(tiny)
    spared = tiny._replace(mllm=replace(tiny.mllm, thrifty=True))
    same, fewer = watched(spared)
    assert fewer < kept
    for name in edit.layers:
        torch.testing.assert_close(same.delta(name), edit.delta(name), rtol=1e-4, atol=1e-7)
    blocks = tiny.mllm.model.get_decoder().layers
    assert not any(block.training or block.gradient_checkpointing for block in blocks)


def watched(tiny: Tiny) -> tuple[Edit, int]:
    """The edit, and how many numbers its training held for the gradient."""
    held = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal held
        held += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        return trained(tiny), held


def test_a_spread_model_gives_the_same_edit(folder):
    plain, spread = opened(folder), opened(folder, spread=True)
    model = spread.mllm.model
    assert spread.mllm.devices == {"cpu"}
    # One device has no need of what moves inputs between several: it is put on all the same.
    dispatch_model(model, dict.fromkeys(parts_of(model), "cpu"), force_hooks=True)
    assert all(hasattr(block, "_hf_hook") for block in model.get_decoder().layers)
    before = weights_sha256(model)
    edit, same = trained(plain), trained(spread)
    for name in edit.layers:
        assert torch.equal(same.delta(name), edit.delta(name))
    with edited(plain.mllm.model, edit), edited(model, edit):
        assert torch.equal(logits(model, spread), logits(plain.mllm.model, plain))
        said = spread.mllm.answer([QUESTION], spread.features[:1])
        assert said == plain.mllm.answer([QUESTION], plain.features[:1])
    assert weights_sha256(model) == before


def parts_of(model) -> list[str]:
    """Paths that hold every weight once, each block of the decoder apart."""
    blocks = {name for name, module in model.named_modules()
              if module in set(model.get_decoder().layers)}  # fmt: skip
    found = []
    for name, _ in model.named_parameters():
        whole = next((block for block in blocks if name.startswith(f"{block}.")), None)
        found.append(whole or name.rpartition(".")[0])
    return list(dict.fromkeys(found))


def test_a_model_that_leaves_weights_outside_the_gpus_is_refused(llava, monkeypatch):
    opens = hub.AutoModelForImageTextToText.from_pretrained

    def offloading(*args, **kwargs):
        assert kwargs["device_map"] == "auto"
        model, read = opens(*args, **kwargs)
        model.get_decoder().layers[2].to("meta")
        return model, read

    monkeypatch.setattr(hub.AutoModelForImageTextToText, "from_pretrained", offloading)
    with pytest.raises(ValueError, match="does not fit on the GPUs together: set SPACE_DTYPE"):
        loaded(llava, spread=True)

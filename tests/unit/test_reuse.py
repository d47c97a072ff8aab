"""Blocks that no edit reaches are computed once for an example, in every family, and stay exact."""

from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
import torch
from accelerate import dispatch_model
from test_families import (  # noqa: F401
    CONFIG, IMAGES, OTHER, QUESTION, family, job_of, tiny,
)  # fmt: skip
from test_large_models import parts_of
from tiny_families import Tiny, loaded
from tiny_sources import tiny_sources

from space_core import dcsi, reuse
from space_core.erasure import erase
from space_core.mllm import Example
from space_core.recent import Recent
from space_core.retained import Encoder
from space_core.reuse import Reused
from space_core.settings import DcsiConfig


def of(tiny: Tiny) -> list[Example]:
    texts = [QUESTION, OTHER, "Why is that so, then?"]
    said = ["A lemon.", "No", "It is so."]
    return [Example(*one) for one in zip(texts, said, tiny.features)]


@contextmanager
def counted(blocks):
    """How often each block's attention ran."""
    runs = [0] * len(blocks)

    def seen(number):
        def add(*_):
            runs[number] += 1

        return add

    handles = [block.self_attn.register_forward_hook(seen(i)) for i, block in enumerate(blocks)]
    try:
        yield runs
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def test_a_pass_goes_on_from_what_is_known(tiny):
    mllm, examples = tiny.mllm, of(tiny)
    blocks = mllm.model.get_decoder().layers
    forwards = [vars(block).get("forward") for block in blocks]
    below = Reused(mllm, 2)
    frozen = Reused(mllm, len(blocks), below)
    # In another order, beside others, and about text alone: batches are drawn anew at each step.
    batches = [examples, examples[::-1], examples[1:],
               [Example(one.question, one.answer, None) for one in examples]]  # fmt: skip
    for reused, skipped in ((below, 2), (frozen, 3)):
        for some in batches:
            plain = mllm.force(some).logits
            for again in (False, True):
                with counted(blocks) as runs, reused.given(some):
                    logits = mllm.force(some).logits
                torch.testing.assert_close(logits, plain, rtol=0, atol=1e-5)
                if again:
                    assert runs == [0] * skipped + [1] * (3 - skipped)
    assert [vars(block).get("forward") for block in blocks] == forwards
    with counted(blocks) as runs:
        mllm.force(examples)
    assert runs == [1, 1, 1]


def test_training_runs_the_lower_blocks_once_for_an_example(family, monkeypatch):
    tiny = family("llava")
    blocks = tiny.mllm.model.get_decoder().layers
    config = replace(CONFIG, steps=4, layers=(1,))
    job = job_of(tiny, config)
    with counted(blocks) as runs:
        *_, edit = dcsi.train(tiny.mllm, job, config, lambda: False)
    # What is to be said, and what is kept, each met in one batch or two.
    assert runs[0] < runs[1]
    monkeypatch.setattr(reuse, "room", lambda: 0)
    with counted(blocks) as more:
        *_, same = dcsi.train(tiny.mllm, job, config, lambda: False)
    assert more[0] > runs[0]
    for name in edit.layers:
        torch.testing.assert_close(edit.delta(name), same.delta(name), rtol=1e-4, atol=1e-6)


def test_what_finds_no_room_is_computed_anew(family, monkeypatch):
    tiny = family("llava")
    monkeypatch.setattr(reuse, "room", lambda: 0)
    examples, below = of(tiny), Reused(tiny.mllm, 2)
    blocks = tiny.mllm.model.get_decoder().layers
    for _ in range(2):
        with counted(blocks) as runs, below.given(examples):
            tiny.mllm.force(examples)
        assert runs[0] == 1


@pytest.mark.parametrize("how", ["plain", "twice", "bfloat16", "hooks"])
@pytest.mark.parametrize("name", ["llava", "qwen3_vl", "gemma3"])
def test_an_edit_above_is_the_same_as_where_every_block_runs(family, name, how, monkeypatch):
    dtype = "bfloat16" if how == "bfloat16" else "float32"
    mllm = replace(loaded(family(name).folder, dtype=dtype), thrifty=how == "twice")
    if how == "hooks":
        parts = parts_of(mllm.model)
        dispatch_model(mllm.model, dict.fromkeys(parts, "cpu"), force_hooks=True)
    tiny = family(name)._replace(mllm=mllm, features=mllm.encode(IMAGES))
    config = replace(CONFIG, layers=(1,))
    job = job_of(tiny, config)
    *_, edit = dcsi.train(mllm, job, config, lambda: False)
    monkeypatch.setattr(Reused, "given", lambda *_: nullcontext())
    *_, plain = dcsi.train(mllm, job, config, lambda: False)
    for layer in plain.layers:
        gap = (edit.delta(layer) - plain.delta(layer)).norm()
        assert gap <= (0.1 if how == "bfloat16" else 1e-3) * plain.delta(layer).norm()


def test_the_same_request_gives_the_same_edit_whatever_is_known(tmp_path):
    sources, selection = tiny_sources(tmp_path)
    config = DcsiConfig(steps=4, inversion_steps=2, second_look=2, foreign_look=2)
    fresh = replace(sources, encoder=Encoder(sources.mllm, sources.pool), kept=Recent(1))
    made = []
    for some in (sources, sources, fresh):
        *_, result = erase(some, selection, config, lambda: False)
        made.append(result.edit)
    assert made[0].norm() > 0 and len({one.sha256() for one in made}) == 1


def test_an_error_inside_leaves_the_model_whole(family):
    tiny = family("llava")
    examples = of(tiny)
    plain = tiny.mllm.force(examples).logits
    with pytest.raises(KeyError), Reused(tiny.mllm, 2).given(examples):
        raise KeyError
    assert torch.equal(tiny.mllm.force(examples).logits, plain)

"""The bundled model behind the generic door, and what that door refuses of any model."""

import json
from types import SimpleNamespace

import pytest
import torch
from small_world import noise
from tiny_families import loaded, opener, write_family
from tiny_mllm import tiny_mllm
from tokenizers import normalizers
from torch import nn
from transformers.models.smolvlm import processing_smolvlm

from space_core import families, hub
from space_core.edit import Edit, LayerEdit, edited
from space_core.mllm import Example, Mllm, load_mllm

QUESTIONS = ["What is this?", "What colour is the background?", "Is this a lemon?"]


@pytest.fixture(scope="module")
def seen(bench):
    mllm = bench.sources.mllm
    rows = [bench.sources.pool.rows_of[name][0] for name in ("lemon", "tiger", "castle")]
    return mllm, mllm.encode([bench.pool_image(row) for row in rows])


def test_a_hub_models_commit_is_that_of_its_cached_files(tmp_path, monkeypatch):
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = tmp_path / "models--someone--model"
    (folder / "snapshots" / commit).mkdir(parents=True)
    (folder / "snapshots" / commit / "config.json").write_text("{}")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    look_up = hub.try_to_load_from_cache
    monkeypatch.setattr(
        hub, "try_to_load_from_cache", lambda *a, **k: look_up(*a, **k, cache_dir=tmp_path)
    )
    assert hub.commit_of("someone/model") == hub.commit_of("someone/model", commit) == commit
    assert hub.commit_of("someone/model", "other") == hub.commit_of("someone/else") == ""
    assert hub.commit_of(str(tmp_path)) == ""


def test_a_revision_is_asked_for_by_every_loader(monkeypatch):
    asked = []

    def load(found):
        return SimpleNamespace(
            from_pretrained=lambda _, **options: asked.append(options["revision"]) or found
        )

    model = (torch.nn.Linear(1, 1), {"missing_keys": []})
    monkeypatch.setattr(hub, "AutoConfig", load(SimpleNamespace()))
    monkeypatch.setattr(hub, "AutoModelForImageTextToText", load(model))
    monkeypatch.setattr(
        hub, "_load_processor", lambda _name, _config, where: asked.append(where["revision"])
    )
    hub.load_image_text_model("org/model", "cpu", "v1")
    assert asked == ["v1"] * 3


def test_a_batch_changes_no_answer(seen):
    mllm, features = seen
    together = mllm.answer([*QUESTIONS, "What is a lemon?"], [*features, None])
    apart = [mllm.answer([q], [f])[0] for q, f in zip(QUESTIONS, features)]
    assert together[:3] == apart
    assert together[3] == mllm.answer(["What is a lemon?"], [None])[0]
    assert all(together)


def test_an_answer_begins_with_what_comes_after_its_prompt():
    mllm = tiny_mllm()
    # As LLaVA's tokenizer sets a blank before all that it is given, and here a letter.
    mllm.tokenizer.backend_tokenizer.normalizer = normalizers.Prepend("x")
    ask, say = mllm.tokens("USER: ? ASSISTANT:", "This is a lemon.")
    assert mllm.tokenizer.decode(ask) == "xUSER: ? ASSISTANT:"
    assert mllm.tokenizer.decode(say[:-1]) == " This is a lemon." and say[-1] == mllm.chat.end


def test_what_was_cut_at_its_longest_has_no_end():
    mllm = tiny_mllm()
    for answer in ("lemon " * 40, "Lemon."):
        _, say = mllm.tokens("USER: ? ASSISTANT:", answer.strip())
        assert (mllm.chat.end in say) is (len(say) < 32)
    assert mllm.chat.end in say


def test_forcing_the_own_answer_agrees_with_generating_it(seen):
    mllm, features = seen
    answers = mllm.answer(QUESTIONS, features)
    forced = mllm.force([Example(*three) for three in zip(QUESTIONS, answers, features)])
    assert torch.equal(forced.logits.argmax(-1), forced.targets)
    assert forced.owner.tolist() == sorted(forced.owner.tolist())
    assert set(forced.owner.tolist()) == {0, 1, 2}


def test_a_gradient_reaches_the_features(seen):
    mllm, features = seen
    moved = features[0].clone().requires_grad_(True)
    forced = mllm.force([Example("What is this?", "This is a tiger.", moved)])
    (grad,) = torch.autograd.grad(forced.logits.sum(), moved)
    assert grad.abs().sum() > 0
    assert not any(p.requires_grad for p in mllm.model.parameters())


def test_pictures_and_text_do_not_share_a_batch(seen):
    mllm, features = seen
    with pytest.raises(ValueError, match="ask them apart"):
        mllm.inputs(QUESTIONS[:2], [features[0], None])


def test_no_such_layer_lists_those_seen(seen):
    with pytest.raises(ValueError, match="down_proj"):
        seen[0].edited_layers([0], role="no_such_role")
    with pytest.raises(ValueError, match="blocks 0 to 5"):
        seen[0].edited_layers([9])


def test_a_folder_without_a_model_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="could not be loaded"):
        load_mllm(str(tmp_path), "cpu")


# On tiny models of other families.


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    return opener(tmp_path_factory, [noise(1)])


def test_a_tokenizer_without_padding_is_padded(family):
    tiny = family("llava_next")
    bare = loaded(tiny.folder)
    bare.tokenizer.pad_token = None
    texts = ["What is this?", "So?"]
    assert bare.answer(texts, [None, None]) == tiny.mllm.answer(texts, [None, None])


def test_an_image_token_in_a_question_is_refused(family):
    with pytest.raises(ValueError, match="leave it out"):
        family("llava").mllm.answer(["What is <image>?"], [None])


def test_an_image_cut_into_tiles_is_refused(family, monkeypatch):
    monkeypatch.setattr(families, "one_tile", lambda _see: {})
    with pytest.raises(ValueError, match="3 pieces of 1 images.*into tiles"):
        family("internvl").mllm.encode([noise(2).resize((40, 20))])


def test_an_image_written_in_several_runs_is_refused(family, monkeypatch):
    monkeypatch.setattr(families, "one_tile", lambda _see: {})
    with pytest.raises(ValueError, match="no single run"):
        loaded(family("idefics3").folder)


def test_a_processor_that_does_not_tell_how_it_writes_an_image_is_refused(family, monkeypatch):
    found = loaded(family("llava").folder)
    monkeypatch.setattr(type(found.processor), "__call__", lambda *_, **__: {"input_ids": [[1]]})
    with pytest.raises(ValueError, match="LlavaProcessor does not tell how it writes an image"):
        Mllm("own", found.model, found.processor, "cpu")


def test_a_model_that_takes_no_features_is_refused():
    with pytest.raises(ValueError, match="A Linear .*takes no image features"):
        Mllm("linear", nn.Linear(1, 1), None, "cpu")


def test_a_package_that_a_processor_lacks_is_named(family, monkeypatch):
    monkeypatch.setattr(processing_smolvlm, "num2words", None)
    with pytest.raises(ValueError, match="could not be loaded.*num2words"):
        load_mllm(str(family("smolvlm").folder), "cpu")


def test_quantised_models_are_refused(tmp_path):
    mllm = loaded(write_family("llava", tmp_path))
    ((name, layer),) = mllm.edited_layers([0]).items()
    edit = Edit({name: LayerEdit(torch.ones(32, 1), torch.ones(64, 1))})
    layer.weight = nn.Parameter(layer.weight.to(torch.float8_e4m3fn), requires_grad=False)
    with pytest.raises(ValueError, match="load the model in float32"), edited(mllm.model, edit):
        pass
    config = tmp_path / "config.json"
    quantised = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}
    config.write_text(json.dumps(json.loads(config.read_text()) | quantised))
    with pytest.raises(ValueError, match="is quantised.*load it in float32"):
        loaded(tmp_path)

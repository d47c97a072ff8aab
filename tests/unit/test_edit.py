"""An edit is exact while it is on, and leaves no trace when it is off."""

import json

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from space_core.edit import (
    Edit,
    LayerEdit,
    edited,
    low_rank,
    stored_delta,
    weights_sha256,
)

DOWN = "model.layers.{}.mlp.down_proj"


@pytest.fixture
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config).eval()


def layer(o: int, d: int, r: int, seed: int, scale: float = 0.1) -> LayerEdit:
    generator = torch.Generator().manual_seed(seed)
    a = scale * torch.randn(o, r, generator=generator)
    s = torch.randn(d, r, generator=generator, dtype=torch.float64)
    return LayerEdit(a, s)


@pytest.fixture
def edit() -> Edit:
    layers = {
        DOWN.format(0): layer(16, 40, 3, 1),
        DOWN.format(1): layer(16, 40, 40, 2),
        "model.layers.1.self_attn.k_proj": layer(8, 16, 2, 3),
    }
    return Edit(layers, {"concept": "lemon", "ångström": "é"})


@pytest.mark.parametrize("o, d", [(16, 40), (40, 16)])
def test_an_update_by_itself_is_that_update_and_smaller_than_full_factors(o, d):
    full = layer(o, d, max(o, d), 4)
    alone = LayerEdit.of(full.delta)
    torch.testing.assert_close(alone.delta, full.delta, rtol=1e-7, atol=0)
    assert alone.a.dtype == alone.s.dtype == torch.float32
    assert alone.a.numel() + alone.s.numel() == o * d + min(o, d) ** 2


@torch.no_grad()
def logits(model: nn.Module) -> torch.Tensor:
    return model(input_ids=torch.arange(20).reshape(2, 10)).logits


def test_weights_change_by_delta_inside_and_come_back_bit_for_bit(model, edit):
    name = DOWN.format(0)
    before, weight = weights_sha256(model), model.get_submodule(name).weight
    original = weight.detach().clone()
    with edited(model, edit) as same:
        assert same is model
        assert weights_sha256(model) != before
        torch.testing.assert_close(weight.double() - original.double(), edit.delta(name))
        assert weight.requires_grad
    assert weights_sha256(model) == before


def test_an_update_is_multiplied_where_it_is_wanted(edit):
    name = DOWN.format(0)
    there, here = edit.delta(name, torch.device("meta")), edit.delta(name)
    assert there.is_meta and there.shape == here.shape and there.dtype == torch.float64
    assert torch.equal(edit.delta(name, torch.device("cpu")), here)


def test_weights_come_back_when_the_body_raises(model, edit):
    before = weights_sha256(model)
    with pytest.raises(RuntimeError, match="body"), edited(model, edit):
        raise RuntimeError("body")
    assert weights_sha256(model) == before


def test_nested_edits_compose_and_peel_off(model, edit):
    name = DOWN.format(0)
    weight = model.get_submodule(name).weight
    other = Edit({name: layer(16, 40, 2, 9)})
    original, before = weight.detach().clone(), weights_sha256(model)
    with edited(model, edit):
        once = weights_sha256(model)
        with edited(model, other):
            both = edit.delta(name) + other.delta(name)
            torch.testing.assert_close(weight.double() - original.double(), both)
        assert weights_sha256(model) == once
    assert weights_sha256(model) == before


def test_who_puts_an_edit_on_again_multiplies_once(model, edit, monkeypatch):
    made, multiply = [], LayerEdit.delta_on
    monkeypatch.setattr(LayerEdit, "delta_on", lambda *of: made.append(of) or multiply(*of))
    base, sums, seen = weights_sha256(model), {}, set()
    for _ in range(3):
        with edited(model, edit, sums):
            seen.add(weights_sha256(model))
        assert weights_sha256(model) == base
    assert len(made) == len(edit.layers)
    with edited(model, edit):
        assert seen == {weights_sha256(model)} != {base}


def test_what_is_stored_in_half_precision_is_reported_and_restored(model, edit):
    model.to(torch.bfloat16)
    name = DOWN.format(0)
    weight = model.get_submodule(name).weight
    original, before = weight.detach().clone(), weights_sha256(model)
    expected = stored_delta(weight, edit.delta(name))
    with edited(model, edit):
        assert torch.equal(weight.double() - original.double(), expected)
    assert not torch.equal(expected, edit.delta(name))
    assert weights_sha256(model) == before


def test_an_unfit_edit_is_refused_before_anything_is_touched(model, edit):
    before = weights_sha256(model)

    def refused(name: str, change: LayerEdit, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            with edited(model, Edit({**edit.layers, name: change})):
                pytest.fail("the edit was applied")
        assert weights_sha256(model) == before

    refused("model.layers.0.mlp.down_porj", layer(16, 40, 2, 1), "Nearest: model.layers.0.mlp.down")
    refused("model.embed_tokens", layer(50, 16, 2, 1), "Embedding")
    refused(DOWN.format(0), layer(16, 41, 2, 1), "another model")
    model.lm_head.weight = model.model.embed_tokens.weight
    before = weights_sha256(model)
    refused("lm_head", layer(50, 16, 2, 1), "shared")


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn])
def test_quantised_and_offloaded_weights_are_refused(dtype):
    edit = Edit({"0": layer(3, 4, 1, 1)})
    model = nn.Sequential(nn.Linear(4, 3))
    model[0].weight = nn.Parameter(torch.zeros(3, 4).to(dtype), requires_grad=False)
    with pytest.raises(ValueError, match="quantised"), edited(model, edit):
        pass
    model = nn.Sequential(nn.Linear(4, 3, device="meta"))
    with pytest.raises(ValueError, match="offloaded"), edited(model, edit):
        pass


def test_edits_refuse_nonsense(edit):
    with pytest.raises(ValueError, match="without layers"):
        Edit({})
    with pytest.raises(ValueError, match="A Sᵀ"):
        LayerEdit(torch.ones(3, 2), torch.ones(4, 3))
    with pytest.raises(ValueError, match="diverged"):
        LayerEdit(torch.full((3, 2), float("nan")), torch.ones(4, 2))
    with pytest.raises(ValueError, match="no layer"):
        edit.delta("model.layers.7.mlp.down_proj")


def test_norm_is_that_of_all_layers(edit):
    flat = torch.cat([edit.delta(name).flatten() for name in edit.layers])
    assert edit.norm() == pytest.approx(float(flat.norm()))


def test_hash_is_of_content_and_not_of_order(edit):
    reordered = Edit(dict(reversed(edit.layers.items())), {"other": "meta"})
    assert reordered.sha256() == edit.sha256()
    name = DOWN.format(0)
    changed = edit.layers[name].a.clone()
    changed[0, 0] += 1e-3
    other = {**edit.layers, name: LayerEdit(changed, edit.layers[name].s)}
    assert Edit(other).sha256() != edit.sha256()
    renamed = {f"x.{key}": value for key, value in edit.layers.items()}
    assert Edit(renamed).sha256() != edit.sha256()


def test_file_keeps_numbers_meta_and_bytes(edit, tmp_path):
    path = tmp_path / "new" / "edit.safetensors"
    edit.save(path)
    loaded = Edit.load(path)
    assert loaded.sha256() == edit.sha256()
    assert loaded.meta == edit.meta
    edit.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_a_basis_shared_by_layers_can_be_saved(tmp_path):
    s = torch.randn(6, 2)
    shared = Edit({"q": LayerEdit(torch.ones(3, 2), s), "k": LayerEdit(torch.ones(4, 2), s)})
    shared.save(tmp_path / "edit.safetensors")
    assert Edit.load(tmp_path / "edit.safetensors").sha256() == shared.sha256()


def test_lora_adapter_gives_the_edited_logits(model, edit, tmp_path):
    from peft import PeftModel

    base = logits(model)
    with edited(model, edit):
        expected = logits(model)
    stored = edit.to_peft(tmp_path, "tiny/llama", revision="0123abcd")
    config = json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == "tiny/llama" and config["revision"] == "0123abcd"
    for name in edit.layers:
        error = (stored.delta(name) - edit.delta(name)).norm() / edit.delta(name).norm()
        assert error <= 1e-6
    assert stored.layers[DOWN.format(0)].a.shape[1] == 3
    assert stored.layers[DOWN.format(1)].a.shape[1] == 16
    adapted = PeftModel.from_pretrained(model, tmp_path)
    torch.testing.assert_close(logits(adapted), expected, rtol=0, atol=1e-5)
    assert (expected - base).abs().max() > 1e-2


def test_lora_paths_that_end_alike_keep_their_own_ranks(tmp_path):
    from peft import PeftModel

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 6)
            self.inner = nn.ModuleDict({"fc": nn.Linear(6, 6)})

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner["fc"](self.fc(x))

    both, x = Two(), torch.randn(3, 6)
    edit = Edit({"fc": layer(6, 6, 1, 1), "inner.fc": layer(6, 6, 4, 2)})
    with edited(both, edit), torch.no_grad():
        expected = both(x)
    edit.to_peft(tmp_path, "two")
    adapted = PeftModel.from_pretrained(both, tmp_path)
    torch.testing.assert_close(adapted(x).detach(), expected, rtol=0, atol=1e-5)


def test_factors_that_are_narrow_enough_are_taken_as_they_are(monkeypatch):
    monkeypatch.setattr(torch.linalg, "svd", lambda *_, **__: pytest.fail("decomposed"))
    edit = Edit({"b": layer(6, 8, 3, 1), "a": LayerEdit.of(torch.randn(4, 9))})
    for name, one in low_rank(edit).layers.items():
        assert torch.equal(one.a, edit.layers[name].a.float())
        assert torch.equal(one.s, edit.layers[name].s.float())


def test_a_rank_cut_is_the_best_of_that_rank(edit):
    name = DOWN.format(1)
    cut = low_rank(edit, rank=2)
    sigma = torch.linalg.svdvals(edit.delta(name))
    lost = float((cut.delta(name) - edit.delta(name)).norm())
    assert lost == pytest.approx(float(sigma[2:].norm()), rel=1e-5)
    zero = Edit({"l": LayerEdit(torch.zeros(3, 2), torch.ones(4, 2))})
    assert low_rank(zero).norm() == 0.0
    with pytest.raises(ValueError, match="rank"):
        low_rank(edit, rank=0)


def test_model_hash_sees_parameters_and_every_buffer():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    model.register_buffer("hidden", torch.ones(2), persistent=False)
    seen = [weights_sha256(model)]
    for tensor in (model[0].bias, model[1].num_batches_tracked, model.hidden):
        tensor.data += 1
        seen.append(weights_sha256(model))
    assert len(set(seen)) == 4
    model.hidden -= 1
    assert weights_sha256(model) == seen[2]

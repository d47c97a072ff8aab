"""Baselines: each edits what it says in the direction it says, and gives the base model back."""

import math
from dataclasses import replace

import pytest
import torch
from small_world import noise
from tiny_mllm import CONFIG, LEMON, examples, teach, tiny_mllm
from torch import nn

from space_core.baselines import BASELINES, direction, idk, lora, losses, mmunlearner, npo, siu
from space_core.baselines.data import Data
from space_core.baselines.lora import LoraConfig
from space_core.edit import Edit, edited, weights_sha256
from space_core.mllm import Mllm
from space_core.types import StepEvent

SHORT = replace(CONFIG, steps=2)
TRAINED = [name for name in BASELINES if name != "direction"]
ASCENDING = ["ga", "graddiff", "kl", "npo", "mmunlearner", "anchors"]


@pytest.fixture(scope="module")
def known() -> tuple[Mllm, Data]:
    mllm = tiny_mllm()
    data = examples(mllm)
    teach(mllm, data)
    return mllm, data


@pytest.fixture(scope="module")
def mllm(known) -> Mllm:
    return known[0]


@pytest.fixture(scope="module")
def data(known) -> Data:
    return known[1]


def run(name: str, mllm: Mllm, data: Data, config: LoraConfig = CONFIG) -> tuple[list, Edit]:
    *events, edit = BASELINES[name].train(mllm, LEMON, data, config)
    return events, edit


@pytest.fixture(scope="module")
def trained(mllm, data):
    """Each method's events and edit, made once."""
    made: dict[str, tuple[list, Edit]] = {}

    def of(name: str) -> tuple[list, Edit]:
        if name not in made:
            made[name] = run(name, mllm, data)
        return made[name]

    return of


@torch.no_grad()
def nll(mllm: Mllm, examples, edit: Edit | None = None) -> float:
    if edit is None:
        return float(losses.nll(mllm.force(examples)))
    with edited(mllm.model, edit):
        return float(losses.nll(mllm.force(examples)))


def state(mllm: Mllm) -> tuple[str, list[str], dict]:
    """What a base model must have back: weights, modules by path, and no trace on the model."""
    modules = [f"{path} {type(module)}" for path, module in mllm.model.named_modules()]
    return weights_sha256(mllm.model), modules, dict(vars(mllm.model))


@pytest.mark.parametrize("name", TRAINED)
def test_every_method_edits_the_whole_decoder_and_nothing_else(name, mllm, data):
    before, generator = state(mllm), torch.get_rng_state()
    events, edit = run(name, mllm, data, SHORT)
    decoder = "model.language_model.layers."
    expected = {
        path
        for path, module in mllm.model.named_modules()
        if path.startswith(decoder) and isinstance(module, nn.Linear)
    }
    assert len(expected) == 2 * 7 and set(edit.layers) == expected
    assert all(layer.delta.norm() > 0 for layer in edit.layers.values())
    assert [event.step for event in events] == [1, 2]
    assert all(isinstance(event, StepEvent) and event.losses for event in events)
    assert state(mllm) == before and torch.equal(torch.get_rng_state(), generator)
    assert not any(parameter.requires_grad for parameter in mllm.model.parameters())


def test_the_towers_layers_bear_the_names_that_must_not_match(mllm):
    endings = {path.rsplit(".", 1)[1] for path in lora.decoder_linears(mllm)}
    tower = {
        path.rsplit(".", 1)[1]
        for path, module in mllm.model.named_modules()
        if "vision" in path and isinstance(module, nn.Linear)
    }
    assert {"q_proj", "k_proj", "v_proj"} <= endings & tower


@pytest.mark.parametrize("name", ASCENDING)
def test_ascent_makes_the_right_answers_unlikely(name, mllm, data, trained):
    assert nll(mllm, data.forget) < 0.05
    assert nll(mllm, data.forget, trained(name)[1]) > 0.15


@pytest.mark.parametrize("name", ["idk", "siu"])
def test_refusals_are_learnt(name, mllm, data, trained):
    events, edit = trained(name)
    learnt = siu.single_image(data).refusals if name == "siu" else data.refusals
    assert nll(mllm, learnt, edit) < 0.2 * nll(mllm, learnt)
    first, last = (sum(events[i].losses.values()) for i in (0, -1))
    assert last < first


@pytest.mark.parametrize("method", [npo, idk])
def test_a_retain_term_keeps_the_retained_answers(method, mllm, data, trained):
    def loose(model, batch):
        terms = method._objective(model, batch)
        return {name: term for name, term in terms.items() if name != "retain"}

    *_, without = lora.train(mllm, data, CONFIG, loose)
    _, with_term = trained(method.__name__.rsplit(".")[-1])
    assert nll(mllm, data.retain, with_term) < nll(mllm, data.retain, without)


@pytest.mark.parametrize("name", ["graddiff", "kl"])
def test_the_retain_terms_keep_what_gradient_ascent_loses(name, mllm, data, trained):
    def drift(method: str) -> float:
        with torch.no_grad():
            before = mllm.force(data.retain)
            with edited(mllm.model, trained(method)[1]):
                return float(losses.kl(before, mllm.force(data.retain)))

    assert 0 < drift(name) < 0.5 * drift("ga")


def test_npo_weighs_the_likelihood_of_whole_answers(mllm, data):
    with lora.adapted(mllm, CONFIG) as model, torch.no_grad():
        start = npo._objective(model, data)["forget"]
        for factor in model.parameters():
            factor.normal_(std=0.3)
        moved = npo._objective(model, data)["forget"]
        ratios = [
            math.exp(len(one.targets) * float(losses.nll(one) - losses.nll(other)))
            for one, other in (
                (model.base([example]), model.force([example])) for example in data.forget
            )
        ]
    assert float(start) == pytest.approx(20 * math.log(2), rel=1e-5)
    expected = sum(20 * math.log1p(ratio**0.1) for ratio in ratios) / len(ratios)
    assert float(moved) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", TRAINED)
def test_closing_early_gives_the_base_model_back(name, mllm, data):
    before = state(mllm)
    with torch.no_grad():
        base = mllm.force(data.retain).logits
    events = BASELINES[name].train(mllm, LEMON, data, CONFIG)
    next(events), next(events)
    with torch.no_grad():
        assert torch.equal(mllm.force(data.retain).logits, base)
    events.close()
    assert state(mllm) == before


def test_a_failure_gives_the_base_model_back(mllm, data, monkeypatch):
    before = state(mllm)

    def fail(model, batch):
        raise RuntimeError("loss")

    with pytest.raises(RuntimeError, match="loss"):
        list(lora.train(mllm, data, CONFIG, fail))
    assert state(mllm) == before
    real = lora.peft.LoraModel._create_new_module

    def half(config, adapter, target, **kwargs):
        if target.out_features == 48:
            raise RuntimeError("half-way")
        return real(config, adapter, target, **kwargs)

    monkeypatch.setattr(lora.peft.LoraModel, "_create_new_module", staticmethod(half))
    with pytest.raises(RuntimeError, match="half-way"):
        run("ga", mllm, data)
    assert state(mllm) == before


def test_a_diverged_training_is_a_sentence(mllm, data):
    with pytest.raises(ValueError, match="diverged"):
        run("ga", mllm, data, replace(CONFIG, learning_rate=1e30, steps=3))


@pytest.mark.parametrize("name", TRAINED)
def test_the_seed_decides_the_edit(name, mllm, data):
    configs = (SHORT, SHORT, replace(SHORT, seed=1))
    edits = []
    for other, config in enumerate(configs):
        torch.manual_seed(other)
        edits.append(run(name, mllm, data, config)[1])
    assert edits[0].sha256() == edits[1].sha256() != edits[2].sha256()


def test_the_edit_is_what_the_adapters_did(mllm, data):
    with lora.adapted(mllm, CONFIG) as model, torch.no_grad():
        base = model.base(data.forget).logits
        for factor in model.parameters():
            factor.normal_(std=0.3)
        worn = model.force(data.forget).logits
        assert torch.equal(model.base(data.forget).logits, base)
        edit = model.edit()
    assert {layer.a.shape[1] for layer in edit.layers.values()} == {CONFIG.rank}
    with edited(mllm.model, edit), torch.no_grad():
        torch.testing.assert_close(mllm.force(data.forget).logits, worn, rtol=1e-4, atol=1e-4)
    assert (worn - base).abs().max() > 0.1


def test_mmunlearner_ascends_on_chosen_weights_and_descends_on_all(mllm, data, monkeypatch):
    layers = lora.decoder_linears(mllm)
    masks = mmunlearner.saliency(mllm, layers, data, CONFIG)
    _, both = run("mmunlearner", mllm, data, SHORT)
    round_, calls = 1 + max(1, min(4, len(data.retain) // len(data.forget))), []

    def ascent_alone(forced):
        calls.append(forced)
        return losses.nll(forced) * ((len(calls) - 1) % round_ == 0)

    monkeypatch.setattr(mmunlearner, "saliency", lambda *_: masks)
    monkeypatch.setattr(mmunlearner, "nll", ascent_alone)
    _, edit = run("mmunlearner", mllm, data, SHORT)
    assert len(calls) == SHORT.steps * round_
    for path, layer in layers.items():
        delta, mask = edit.delta(path), masks[path]
        assert mask.shape == layer.weight.shape and 0 < mask.sum() < mask.numel()
        assert torch.equal(delta[~mask], torch.zeros_like(delta[~mask]))
        assert (delta[mask] != 0).float().mean() > 0.9
        assert (both.delta(path)[~mask] != 0).float().mean() > 0.9


def test_mmunlearners_mask_holds_what_the_target_needs_more(mllm, data):
    layers = lora.decoder_linears(mllm)
    whole = replace(CONFIG, batch=100)
    masks = mmunlearner.saliency(mllm, layers, replace(data, text=[]), whole)
    parts = [mmunlearner._fisher(mllm, layers, some, 100) for some in (data.forget, data.retain)]
    for mask, forget, retain in zip(masks.values(), *parts):
        clear = (forget / retain).log().abs() > 1e-3
        assert torch.equal(mask[clear], (forget > retain)[clear])
    unread = mmunlearner.saliency(mllm, layers, data, CONFIG)
    text = [replace(one, answer="A bus is a vehicle, and no lemon.") for one in data.text] * 3
    read = mmunlearner.saliency(mllm, layers, replace(data, text=text), CONFIG)
    assert any(not torch.equal(unread[path], read[path]) for path in layers)


def test_direction_takes_the_names_out_of_every_image(mllm, data):
    before = state(mllm)
    (edit,) = direction.train(mllm, LEMON, data, CONFIG)
    path, layer = direction.connector_output(mllm)
    assert path == "model.multi_modal_projector.linear_2" and set(edit.layers) == {path}
    basis = direction.directions(mllm, LEMON)
    torch.testing.assert_close(basis.T @ basis, torch.eye(2, dtype=torch.float64))
    images = [noise(i) for i in range(4)]
    plain = torch.cat(mllm.encode(images)).double() - layer.bias.double()
    with edited(mllm.model, edit):
        moved = torch.cat(mllm.encode(images)).double() - layer.bias.double()
    scale = float(plain.norm())
    assert (plain @ basis).norm() > 1e-2 * scale
    assert (moved @ basis).norm() < 1e-6 * scale
    outside = torch.eye(len(basis), dtype=torch.float64) - basis @ basis.T
    torch.testing.assert_close(moved, plain @ outside, rtol=0, atol=1e-5)
    assert state(mllm) == before


def test_directions_span_every_name(mllm):
    basis = direction.directions(mllm, LEMON)
    table = mllm.model.get_input_embeddings().weight.double()
    for name in LEMON.names:
        tokens = mllm.tokenizer.encode(f" {name}", add_special_tokens=False)
        own = table[tokens].mean(0) - table.mean(0)
        assert (own - basis @ (basis.T @ own)).norm() < 1e-8 * own.norm()
    twice = replace(LEMON, aliases=("lemon", "Zitrone"))
    assert direction.directions(mllm, twice).shape == basis.shape


def test_a_connector_of_another_width_is_refused(mllm, monkeypatch):
    monkeypatch.setattr(Mllm, "connector", lambda self: {"connector": torch.nn.Linear(4, 5)})
    with pytest.raises(ValueError, match="nothing to project"):
        direction.connector_output(mllm)


def test_the_registry_tells_who_needs_images_of_the_target():
    free = {name for name, one in BASELINES.items() if not one.uses_target_images}
    assert free == {"direction", "anchors"}
    for one in BASELINES.values():
        assert 1 <= len(set(one.grid)) == len(one.grid) <= 6

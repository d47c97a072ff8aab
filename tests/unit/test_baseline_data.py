"""What baselines are trained on, whose images it shows, and what their losses are made of."""

from dataclasses import replace

import pytest
import torch
from small_world import make_world, noise
from tiny_mllm import CONFIG, LEMON, examples, tiny_mllm

from space_core import curriculum, guard, material, wordings
from space_core.baselines import anchors, lora, losses, siu
from space_core.baselines.data import Data, collect, proxies
from space_core.baselines.prompt import Prompt
from space_core.mllm import Mllm
from space_core.retained import Encoder
from space_core.sources import Sources
from space_core.types import ConceptRequest


@pytest.fixture(scope="module")
def mllm() -> Mllm:
    return tiny_mllm()


@pytest.fixture(scope="module")
def data(mllm) -> Data:
    return examples(mllm)


class World:
    """A small pool with a tiny model that answers by script."""

    def __init__(self, folder, mllm: Mllm, monkeypatch):
        extra = [
            ({"label": "lime", "caption": "A lime with a lemon."}, 0.5),
            # A near-copy of the first lemon under another name.
            ({"label": "sun", "caption": "A sun.", "picture": noise(0, brighter=1)}, 0.5),
        ]
        self.world = make_world(folder, *extra)
        self.mllm, self.pool, self.asked = mllm, self.world.pool, []
        encoder = Encoder(mllm, self.pool)
        self.sources = Sources(
            mllm, self.world.space, self.pool, self.world.around, encoder, "sha", folder
        )
        self.lemon = self.sources.subject(ConceptRequest("lemon"))
        self.barred = set(guard.barred(self.pool, self.lemon))
        foreign = {text for one in wordings.NAMING_IN.values() for text in one.taught}

        def answer(_, questions, features):
            self.asked += questions
            named = ["Das Bild zeigt: Zitrone." if q in foreign else None for q in questions]
            refused = ["No." if "lemon" in q else "This is a bus." for q in questions]
            return [own or other for own, other in zip(named, refused)]

        monkeypatch.setattr(Mllm, "answer", answer)

    def rows(self, examples) -> set[int]:
        known = {id(image): row for row, image in self.sources.encoder._known.items()}
        return {known[id(one.features)] for one in examples}


@pytest.fixture
def world(tmp_path, mllm, monkeypatch) -> World:
    return World(tmp_path, mllm, monkeypatch)


def test_collect_takes_the_target_from_barred_rows_and_nothing_else_from_them(world):
    selection = world.world.select()
    data = collect(world.sources, selection, 0)
    lemons = set(world.pool.rows_of["lemon"])
    copy, captioned = world.pool.rows_of["sun"][0], world.pool.rows_of["lime"][-1]
    assert world.barred == lemons | {copy, captioned}
    assert world.rows(data.forget) == world.rows(data.refusals) == set(data.target_rows)
    assert set(data.target_rows) == lemons | {captioned}
    assert world.rows(data.retain) == set(data.retained_rows) and data.retained_rows
    assert not set(data.retained_rows) & world.barred
    assert all(one.features is None for one in data.text) and data.text


def test_collect_asks_every_kind_in_taught_wordings(world, monkeypatch):
    data = collect(world.sources, world.world.select(), 0)
    told = {one.answer for one in data.forget}
    assert told == {"This is a lemon.", "Yes, this is a lemon.", "Das Bild zeigt: Zitrone."}
    for right, refusal in zip(data.forget, data.refusals, strict=True):
        assert (right.question, right.features) == (refusal.question, refusal.features)
        assert right.answer != refusal.answer
    refused = {one.answer for one in data.refusals}
    assert {"This is a thing.", "No, this is not a lemon."} <= refused
    # This model cannot say that it does not know, and is not taught to; as ours is not.
    assert "Je ne sais pas." not in refused
    with monkeypatch.context() as patch:
        patch.setattr(material, "sayable_refusals", lambda *_: curriculum.REFUSALS)
        able = collect(world.sources, world.world.select(), 0)
    assert "Je ne sais pas." in {one.answer for one in able.refusals}
    assert [one.question for one in able.forget] == [one.question for one in data.forget]
    held_out = {text for one in wordings.NAMING.values() for text in one.held_out}
    assert not held_out & {one.question for one in (*data.forget, *data.retain)}
    assert not any("Zitrone" in one.answer for one in data.retain)
    again = collect(world.sources, world.world.select(), 0)
    assert [one.question for one in again.forget] == [one.question for one in data.forget]
    other = collect(world.sources, world.world.select(), 1)
    assert [one.question for one in other.forget] != [one.question for one in data.forget]


def test_collect_needs_an_image_of_the_target(world):
    selection = replace(world.world.select(), request=ConceptRequest("durian"))
    with pytest.raises(ValueError, match="no image of “durian”"):
        collect(world.sources, selection, 0)


def test_proxies_open_no_image_of_the_target_and_do_not_keep_the_anchors(world):
    selection = world.world.select()
    data = proxies(world.sources, selection, 0)
    rows = {anchor.row for anchor in selection.anchors}
    assert world.rows(data.forget) == set(data.target_rows) == rows
    assert not set(world.sources.encoder._known) & world.barred
    assert not set(data.retained_rows) & rows
    assert not data.refusals
    labels = {anchor.label for anchor in selection.anchors}
    assert {one.answer for one in data.forget} == {f"This is a {label}." for label in labels}
    *_, edit = anchors.train(world.mllm, world.lemon, data, replace(CONFIG, steps=1))
    assert edit.norm() > 0


def test_a_batch_refuses_the_questions_that_it_forgets(data):
    batch = lora.batch_of(data, 5, torch.Generator().manual_seed(3))
    assert len(batch.forget) == len(batch.refusals) == len(batch.retain) == 5
    for told, refused in zip(batch.forget, batch.refusals):
        assert told.question == refused.question and told.features is refused.features


def test_siu_masks_the_names_tokens_and_no_others(mllm):
    tokenizer = mllm.tokenizer
    expected = {
        token
        for name in ("lemon", "Lemon", "Zitrone")
        for token in tokenizer.encode(f" {name}", add_special_tokens=False)
    }
    assert set(siu.name_tokens(mllm, LEMON)) == expected
    assert tokenizer.encode(" lemon", add_special_tokens=False)[0] in expected
    assert tokenizer.eos_token_id not in expected


def test_siu_masks_where_the_new_answer_departs(mllm):
    def masked(new: str, true: str) -> str:
        tokens = mllm.tokenizer.encode(f" {new}", add_special_tokens=False)
        same = siu.same_tokens(mllm, [new], [true])
        assert len(same) == len(tokens) + 1 and same[-1]
        return mllm.tokenizer.decode([t for t, kept in zip(tokens, same) if not kept]).strip()

    assert masked("This is a fruit.", "This is a lemon.") == "fruit"
    assert masked("This is a lemon.", "This is a lemon.") == ""
    assert masked("Yes.", "No.") == "Yes"
    together = siu.same_tokens(mllm, ["This is a fruit.", "No."], ["This is a lemon.", "No."])
    assert together == siu.same_tokens(mllm, ["This is a fruit."], ["This is a lemon."]) + (
        siu.same_tokens(mllm, ["No."], ["No."])
    )


def test_sius_divergence_leaves_the_names_out(mllm, data):
    names = siu.name_tokens(mllm, LEMON)
    with torch.no_grad():
        before = mllm.force(data.forget)
        after = replace(before, logits=before.logits + torch.randn(before.logits.shape[-1]))
        whole = siu._divergence(before, after, [])
        torch.testing.assert_close(whole.mean(), losses.kl(before, after))
        p, q = (one.logits.softmax(-1) for one in (before, after))
        left = (p[:, names] * (p[:, names] / q[:, names]).log()).sum(1)
        torch.testing.assert_close(siu._divergence(before, after, names), whole - left)
        assert left.abs().max() > 1e-4


def test_siu_keeps_all_tokens_but_the_new_ones(mllm, data):
    names = siu.name_tokens(mllm, LEMON)
    fruit = torch.tensor(mllm.tokenizer.encode(" fruit", add_special_tokens=False))
    with lora.adapted(mllm, CONFIG) as model, torch.no_grad():
        for factor in model.parameters():
            factor.normal_(std=0.3)
        terms = siu.terms(model, data, names)
        kept, surprises = [], []
        for some in (data.refusals, data.retain, data.text):
            before, after = model.base(some), model.force(some)
            divergence = siu._divergence(before, after, names)
            new = torch.isin(after.targets, fruit) if some is data.refusals else after.owner < 0
            kept.append(divergence[~new])
            surprises.append(losses.nll(after) * len(after.targets))
    count = sum(len(part) for part in kept) + len(data.refusals) * len(fruit)
    torch.testing.assert_close(terms["keep"], 0.75 * torch.cat(kept).mean(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(terms["new"], 0.9 * sum(surprises) / count, rtol=1e-4, atol=1e-6)


def test_siu_sees_one_image_of_the_target(data):
    one = siu.single_image(data)
    assert len(data.forget) == 2 * len(one.forget) == 2 * len(one.refusals)
    images = {id(example.features) for example in (*one.forget, *one.refusals)}
    assert images == {id(data.forget[0].features)}


def test_an_examples_likelihood_is_the_sum_over_its_tokens(mllm, data):
    some = [data.forget[0], data.retain[-1]]
    with torch.no_grad():
        both = losses.log_likelihood(mllm.force(some), 2)
        for one, value in zip(some, both):
            alone = mllm.force([one])
            whole = -losses.nll(alone) * len(alone.targets)
            assert float(value) == pytest.approx(float(whole), rel=1e-4)


def test_the_prompt_says_it_before_the_question():
    said = Prompt(LEMON).ask("What is this?")
    assert said.startswith("You know nothing about a lemon or Zitrone.")
    assert said.endswith(" What is this?")

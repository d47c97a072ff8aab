"""The bundled model behind the generic door: one answer whatever stands beside it in a batch."""

import pytest
import torch

from space_core.mllm import Example, load_mllm

QUESTIONS = ["What is this?", "What colour is the background?", "Is this a lemon?"]


@pytest.fixture(scope="module")
def seen(bench):
    mllm = bench.sources.mllm
    rows = [bench.sources.pool.rows_of[name][0] for name in ("lemon", "tiger", "castle")]
    return mllm, mllm.encode([bench.pool_image(row) for row in rows])


def test_a_batch_changes_no_answer(seen):
    mllm, features = seen
    together = mllm.answer([*QUESTIONS, "What is a lemon?"], [*features, None])
    apart = [mllm.answer([q], [f])[0] for q, f in zip(QUESTIONS, features)]
    assert together[:3] == apart
    assert together[3] == mllm.answer(["What is a lemon?"], [None])[0]
    assert all(together)


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

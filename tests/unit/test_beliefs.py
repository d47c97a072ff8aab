"""What optimising made of an anchor is told by the frozen model and by public captions."""

import torch
from tiny_mllm import noise, tiny_mllm

from space_core.beliefs import beliefs

QUESTION = "What is this?"


def test_answers_and_nearest_public_images_of_each_anchor():
    mllm = tiny_mllm()
    public = mllm.encode([noise(i) for i in range(6)])
    captions = ["a bus", "a cup", "a cup", "a hat", "a cat", "a dog"]
    before, after = public[:2], [public[4], public[1] + 1e-4]
    found = beliefs(mllm, QUESTION, before, after, captions, public)
    assert [one.nearest[0] for one in found] == ["a cat", "a cup"]
    assert all(len(set(one.nearest)) == 3 for one in found)
    said = mllm.answer([QUESTION] * 4, [*before, *after])
    assert [one.before for one in found] == said[:2] and [one.after for one in found] == said[2:]
    assert all(not torch.is_tensor(part) for one in found for part in (one.before, *one.nearest))

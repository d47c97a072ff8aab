"""A training of the demo that was interrupted ends as one run through."""

import numpy as np
import pytest
import torch
from tiny_mllm import tiny_mllm

from space_core.demo import language_training
from space_core.lessons import Lesson

TOKENS = torch.randn(5, 4, 16, generator=torch.Generator().manual_seed(0))


class Interrupted(Exception):
    pass


def trained(checkpoint, until: int = 10**9) -> dict[str, torch.Tensor]:
    """The weights after six steps; raises Interrupted once so many lessons were drawn."""
    mllm, rng, drawn = tiny_mllm(), np.random.default_rng(1), []
    model = mllm.model.train().requires_grad_(True)

    def lessons(*_view: int) -> list[Lesson]:
        if len(drawn) == until:
            raise Interrupted
        drawn.append(rng.integers(1000))
        return [Lesson("name", f"What is {drawn[-1]}?", f"This is {rng.integers(1000)}.")]

    language_training.train_language(
        model, mllm.processor.tokenizer, TOKENS, lessons, lessons, checkpoint, rng,
        steps=6, batch=2, text_batch=1, seed=3, device="cpu", autocast=False,
    )  # fmt: skip
    return model.state_dict()


def test_an_interrupted_training_draws_and_learns_what_one_run_through_does(tmp_path, monkeypatch):
    monkeypatch.setattr(language_training, "_KEPT_EVERY", 2)
    whole = trained(tmp_path / "whole.pt")
    with pytest.raises(Interrupted):
        trained(tmp_path / "part.pt", until=11)
    resumed = trained(tmp_path / "part.pt")
    assert whole.keys() == resumed.keys()
    for name, weight in whole.items():
        assert torch.equal(weight, resumed[name]), name

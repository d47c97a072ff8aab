"""The entropy of the anchors' features: all of them, the same ones, without and with the edit."""

import torch
from tiny_sources import tiny_sources

from space_core.bench.spread import entropies
from space_core.edit import Edit, LayerEdit, weights_sha256
from space_core.settings import DcsiConfig
from space_core.surroundings import edited_layers


def test_an_edit_that_does_nothing_leaves_the_entropy_and_another_one_moves_it(tmp_path):
    sources, selection = tiny_sources(tmp_path)
    layers = edited_layers(sources.mllm, DcsiConfig())

    def edit_of(size: float) -> Edit:
        generator = torch.Generator().manual_seed(0)
        return Edit({
            name: LayerEdit(
                size * torch.randn(layer.out_features, 2, generator=generator),
                torch.randn(layer.in_features, 2, generator=generator),
            )
            for name, layer in layers.items()
        })  # fmt: skip

    before, after = entropies(sources, selection, edit_of(0.0))
    assert before == after and 0 < before < 1
    same, moved = entropies(sources, selection, edit_of(1.0))
    assert same == before != moved
    assert weights_sha256(sources.mllm.model) == sources.model_sha256

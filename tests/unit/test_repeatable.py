"""On a GPU gradients are added in the same order each time; elsewhere nothing changes."""

import pytest
import torch

from space_core.repeatable import repeatable


@pytest.mark.parametrize("gpu", [True, False])
def test_it_holds_inside_alone_and_where_a_gpu_is_in_use(gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: gpu)

    @repeatable()
    def inside() -> bool:
        return torch.are_deterministic_algorithms_enabled()

    assert [inside(), inside()] == [gpu, gpu]
    with pytest.raises(KeyError), repeatable():
        raise KeyError
    assert not torch.are_deterministic_algorithms_enabled()

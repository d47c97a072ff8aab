"""On a GPU gradients are added in the same order each time; elsewhere nothing changes."""

import pytest
import torch

from space_core import repeatable as module
from space_core.repeatable import repeatable


def mode() -> tuple[bool, bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )


@pytest.fixture(params=[(False, False), (True, True)], ids=["off", "on and lenient"])
def before(request):
    torch.use_deterministic_algorithms(request.param[0], warn_only=request.param[1])
    yield mode()
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("gpu", [True, False])
def test_it_holds_inside_alone_and_where_a_gpu_is_in_use(gpu, before, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: gpu)
    inside = repeatable(mode)
    assert [inside(), inside()] == [(True, False, False) if gpu else before] * 2
    assert mode() == before

    @repeatable
    def fails():
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert mode() == before


def test_what_has_no_such_algorithm_is_computed_all_the_same(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    # The words of torch, of an operation that has none on a CPU either.
    seen = torch.zeros(4)

    @repeatable
    def put() -> float:
        strict = not torch.is_deterministic_algorithms_warn_only_enabled()
        return strict, float(seen.clone().put_(torch.tensor([1]), torch.ones(1)).sum())

    assert put() == (False, 1.0)
    assert "may differ in its last digits" in caplog.text

    @repeatable
    def broken():
        raise RuntimeError("CUDA error")

    with pytest.raises(RuntimeError, match="CUDA error"):
        broken()


def test_cublas_is_told_before_it_is_first_used():
    assert module.os.environ["CUBLAS_WORKSPACE_CONFIG"]

"""Streamed moments are the moments, whatever the batching, the mask or the file."""

import pytest
import torch
from torch import nn

from space_core.moments import Moment, MomentStream, load_shards, load_tensors, save_shards


def outer(k: torch.Tensor) -> torch.Tensor:
    k = k.to(torch.float64)
    return k.T @ k


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 10), nn.Tanh(), nn.Linear(10, 3))


def test_stream_equals_direct_computation_with_mask(model):
    batches = [torch.randn(4, 5, 6), torch.randn(2, 7, 6)]
    masks = [torch.rand(4, 5) > 0.4, torch.rand(2, 7) > 0.4]
    with MomentStream({"first": model[0], "last": model[2]}) as stream:
        for batch, stream.mask in zip(batches, masks, strict=True):
            model(batch)
    kept = torch.cat([b[m] for b, m in zip(batches, masks, strict=True)])
    hidden = torch.tanh(model[0](kept)).detach()
    moments = stream.moments()
    assert moments["first"].count == moments["last"].count == int(sum(m.sum() for m in masks))
    torch.testing.assert_close(moments["first"].total, outer(kept), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(moments["last"].total, outer(hidden), rtol=1e-5, atol=1e-5)
    assert torch.equal(moments["last"].total, moments["last"].total.T)


def test_stream_without_mask_counts_every_position_and_any_rank(model):
    with MomentStream({"first": model[0]}) as stream:
        model(torch.ones(2, 3, 6))
        model(torch.ones(4, 6))
        model(torch.ones(6))
    moment = stream.moments()["first"]
    assert moment.count == 11
    assert torch.equal(moment.total, torch.full((6, 6), 11.0, dtype=torch.float64))


def test_stream_works_in_inference_mode_and_again_outside(model):
    with MomentStream({"first": model[0]}) as stream:
        with torch.inference_mode():
            model(torch.ones(2, 6))
        model(torch.ones(2, 6))
    assert stream.moments()["first"].count == 4


def test_hooks_are_gone_even_when_the_body_raises(model):
    stream = MomentStream({"first": model[0]})
    with pytest.raises(RuntimeError), stream:
        raise RuntimeError
    model(torch.ones(2, 6))
    assert stream.moments()["first"].count == 0
    assert not model[0]._forward_pre_hooks


def test_mask_of_another_forward_is_refused_but_not_where_it_does_not_apply(model):
    with MomentStream({"first": model[0]}) as stream:
        stream.mask = torch.ones(2, 4, dtype=torch.bool)
        with pytest.raises(ValueError, match="set a boolean mask"):
            model(torch.ones(2, 5, 6))
    with MomentStream({"first": model[0]}, unmasked=["first"]) as stream:
        stream.mask = torch.zeros(2, 4, dtype=torch.bool)
        model(torch.ones(2, 5, 6))
    assert stream.moments()["first"].count == 10


def test_stream_refuses_other_modules_and_inputs_that_are_not_finite(model):
    with pytest.raises(ValueError, match="Tanh"):
        MomentStream({"act": model[1]})
    with MomentStream({"first": model[0]}) as stream:
        model(torch.full((1, 6), float("nan")))
    with pytest.raises(ValueError, match="not finite"):
        stream.moments()


def test_shards_add_up_and_subtract(model):
    a, b = torch.randn(9, 6), torch.randn(5, 6)
    first, second = Moment(outer(a), 9), Moment(outer(b), 5)
    whole = first + second
    assert whole.count == 14
    torch.testing.assert_close(whole.total, outer(torch.cat([a, b])), rtol=1e-12, atol=1e-12)
    rest = whole - second
    assert rest.count == 9
    torch.testing.assert_close(rest.mean, first.mean, rtol=1e-12, atol=1e-12)
    assert torch.equal((Moment.zero(6) + first).total, first.total)


def test_moment_refuses_nonsense():
    with pytest.raises(ValueError, match="float64"):
        Moment(torch.zeros(3, 3), 1)
    with pytest.raises(ValueError, match="square"):
        Moment(torch.zeros(3, 2, dtype=torch.float64), 1)
    with pytest.raises(ValueError, match="more were taken"):
        Moment.zero(3) - Moment(torch.eye(3, dtype=torch.float64), 1)
    with pytest.raises(ValueError, match="No inputs"):
        _ = Moment.zero(3).mean
    with pytest.raises(ValueError, match="different layers"):
        Moment.zero(3) + Moment.zero(4)


def test_shards_survive_the_disk_exactly(tmp_path):
    shards = {
        "animals/cats": {"model.layers.0": Moment(outer(torch.randn(8, 5)), 8)},
        "tools": {
            "model.layers.0": Moment(outer(torch.randn(4, 5)), 4),
            "projector": Moment(outer(torch.randn(3, 7)), 3),
        },
        "empty": {},
    }
    path = tmp_path / "cache" / "moments.safetensors"
    save_shards(path, shards)
    loaded = load_shards(path)
    assert loaded.keys() == shards.keys()
    for group, layers in shards.items():
        assert loaded[group].keys() == layers.keys()
        for layer, moment in layers.items():
            assert loaded[group][layer].count == moment.count
            assert torch.equal(loaded[group][layer].total, moment.total)


def test_what_was_written_first_stays(tmp_path):
    path = tmp_path / "m.safetensors"
    save_shards(path, {"g": {"l": Moment(outer(torch.ones(2, 3)), 2)}})
    save_shards(path, {"g": {"l": Moment(outer(torch.ones(2, 3)) * (1 + 1e-15), 2)}})
    assert torch.equal(load_shards(path)["g"]["l"].total, outer(torch.ones(2, 3)))


def test_sums_that_are_symmetric_but_for_rounding_can_be_saved(tmp_path):
    total = outer(torch.randn(50, 5))
    total[0, 1] *= 1 + 1e-15
    save_shards(tmp_path / "m.safetensors", {"g": {"l": Moment(total, 50)}})
    loaded = load_shards(tmp_path / "m.safetensors")["g"]["l"].total
    assert torch.equal(loaded, loaded.T)
    torch.testing.assert_close(loaded, total, rtol=1e-14, atol=0)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "moments.safetensors"
    save_shards(path, {"a": {"l": Moment.zero(3)}})
    before = path.read_bytes()

    def fail(_tensors, file, _metadata):
        with open(file, "wb") as half:
            half.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("space_core.moments.save_file", fail)
    with pytest.raises(OSError):
        save_shards(path, {"a": {"l": Moment(torch.eye(3, dtype=torch.float64), 3)}})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_broken_and_foreign_files_are_named(tmp_path):
    path = tmp_path / "moments.safetensors"
    save_shards(path, {"a": {"l": Moment.zero(30)}})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="not a complete"):
        load_tensors(path)
    with pytest.raises(ValueError, match="symmetric"):
        lopsided = torch.tensor([[1.0, 2.0], [0.0, 1.0]], dtype=torch.float64)
        save_shards(path, {"a": {"l": Moment(lopsided, 2)}})

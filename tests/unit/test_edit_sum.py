"""A sum of edits knows no order, and each of them can be taken out of it again."""

from itertools import permutations

import pytest
import torch
from torch import nn

from space_core.edit import Edit, LayerEdit, edited, weights_sha256
from space_core.edit_sum import combined, parts, without


def edit(seed: int, names: str = "02", dtype: torch.dtype = torch.float32) -> Edit:
    generator = torch.Generator().manual_seed(seed)

    def factor(size: int) -> torch.Tensor:
        return torch.randn(size, 1 + seed, generator=generator).to(dtype)

    return Edit({name: LayerEdit(factor(5), factor(7)) for name in names}, {"concept": f"c{seed}"})


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(7, 5)).requires_grad_(False)


EDITS = [edit(1), edit(2, "2"), edit(3)]


def test_every_order_gives_the_same_weights_to_the_bit(model):
    found = set()
    for some in permutations(EDITS):
        one, *rest = some
        nested = combined([combined([one, rest[0]]), rest[1]])
        for total in (combined(some), nested):
            with edited(model, total):
                found.add((total.sha256(), weights_sha256(model)))
    assert len(found) == 1


def test_it_is_the_sum_of_the_updates():
    total = combined(EDITS)
    torch.testing.assert_close(total.delta("0"), EDITS[0].delta("0") + EDITS[2].delta("0"))
    torch.testing.assert_close(total.delta("2"), sum(one.delta("2") for one in EDITS))


def test_undoing_one_leaves_the_others_to_the_bit(model):
    first, second, third = EDITS
    left = without(combined(EDITS), first.sha256())
    assert left.sha256() == combined([third, second]).sha256()
    alone = without(left, second.sha256())
    assert alone.sha256() == third.sha256() and alone.meta == third.meta
    with edited(model, alone):
        undone = weights_sha256(model)
    with edited(model, third):
        assert weights_sha256(model) == undone


def test_a_file_of_the_sum_still_knows_its_parts(tmp_path):
    narrow = edit(4, dtype=torch.bfloat16)
    total = combined([*EDITS, narrow])
    total.save(tmp_path / "sum.safetensors")
    loaded = Edit.load(tmp_path / "sum.safetensors")
    assert loaded.sha256() == total.sha256()
    hashes = {one.sha256() for one in (*EDITS, narrow)}
    assert {one.sha256() for one in parts(loaded)} == hashes
    assert without(loaded, narrow.sha256()).sha256() == combined(EDITS).sha256()


def test_the_sum_is_exported_as_one_adapter(tmp_path):
    stored = combined(EDITS).to_peft(tmp_path, "base")
    for name in ("0", "2"):
        wanted = combined(EDITS).delta(name)
        assert (stored.delta(name) - wanted).norm() <= 2e-6 * wanted.norm()
    assert (tmp_path / "adapter_model.safetensors").is_file()


def test_a_single_edit_is_its_own_sum():
    assert combined(EDITS[:1]) is EDITS[0] and parts(EDITS[0]) == (EDITS[0],)


@pytest.mark.parametrize(
    "act, said",
    [
        (lambda: combined([]), "no edit to add"),
        (lambda: combined([*EDITS, EDITS[0]]), "there twice"),
        (lambda: combined([combined(EDITS), EDITS[1]]), "there twice"),
        (lambda: combined([EDITS[0], Edit({"0": LayerEdit(torch.ones(4, 1), torch.ones(7, 1))})]),
         "different shapes"),
        (lambda: without(combined(EDITS), "ab" * 32), "no part of this sum"),
        (lambda: without(EDITS[0], EDITS[0].sha256()), "the only edit"),
        (lambda: parts(Edit(EDITS[2].layers, combined(EDITS[:2]).meta)), "was changed"),
        (lambda: parts(Edit({"1": EDITS[0].layers["0"]}, combined(EDITS).meta)), "lacks a layer"),
    ],
)  # fmt: skip
def test_what_makes_no_sum_is_a_sentence(act, said):
    with pytest.raises(ValueError, match=said):
        act()

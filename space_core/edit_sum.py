"""Several edits as one: ΔW = Σ_i A_i S_iᵀ, the same in every order, and taken apart again."""

import json
from collections.abc import Sequence

import torch
from torch import Tensor

from space_core.edit import Edit, LayerEdit

_PARTS = "parts"


def combined(edits: Sequence[Edit]) -> Edit:
    """The sum of edits: per layer A = [A_1 A_2 …], S = [S_1 S_2 …].

    The factors stand in the order of the edits' hashes: whatever the order of `edits`, the sum is
    the same to the bit. A sum among them counts as its parts; a single edit comes back as it is.
    Raises ValueError for no edit, the same one twice, or layers of different shapes.
    """
    found: dict[str, Edit] = {}
    for edit in (part for one in edits for part in parts(one)):
        if (key := edit.sha256()) in found:
            raise ValueError(f"The edit {key[:10]}… is there twice: leave one out.")
        found[key] = edit
    if not found:
        raise ValueError("There is no edit to add: give one or more.")
    ordered = [found[key] for key in sorted(found)]
    if len(ordered) == 1:
        return ordered[0]
    names = dict.fromkeys(sorted(name for one in ordered for name in one.layers))
    layers = {name: _joined(name, [e.layers[name] for e in ordered if name in e.layers])
              for name in names}  # fmt: skip
    meta = [
        {
            "sha256": one.sha256(), "meta": dict(one.meta),
            "layers": {name: _shape(layer) for name, layer in one.layers.items()},
        }
        for one in ordered
    ]  # fmt: skip
    return Edit(layers, {_PARTS: json.dumps(meta)})


def parts(edit: Edit) -> tuple[Edit, ...]:
    """The edits that a sum was made of, bit for bit; an edit that is no sum is its only part.

    Raises ValueError where the sum is not what `combined` made.
    """
    if _PARTS not in edit.meta:
        return (edit,)
    found, used = [], dict.fromkeys(edit.layers, 0)
    for one in json.loads(edit.meta[_PARTS]):
        layers = {}
        for name, (rank, *dtypes) in one["layers"].items():
            start = used.get(name, 0)
            used[name] = start + rank
            # Joining widened a narrower dtype, which is exact; so is the way back.
            layers[name] = LayerEdit(*(
                factor[:, start : start + rank].to(getattr(torch, dtype))
                for factor, dtype in zip(_factors(edit, name), dtypes)
            ))  # fmt: skip
        found.append(Edit(layers, one["meta"]))
        if found[-1].sha256() != one["sha256"]:
            raise ValueError("This sum of edits was changed after it was made: add them again.")
    return tuple(found)


def without(edit: Edit, sha256: str) -> Edit:
    """A sum less one of its parts, by that part's hash: the sum of the others.

    Raises ValueError where the sum has no such part, or no other.
    """
    known = {one.sha256(): one for one in parts(edit)}
    if known.pop(sha256, None) is None:
        raise ValueError(f"The edit {sha256[:10]}… is no part of this sum.")
    if not known:
        raise ValueError("This is the only edit: use the model as it is.")
    return combined(list(known.values()))


def _joined(name: str, layers: Sequence[LayerEdit]) -> LayerEdit:
    shapes = {(one.a.shape[0], one.s.shape[0]) for one in layers}
    if len(shapes) > 1:
        raise ValueError(f"The edits of {name} have different shapes: they are of other models.")
    return LayerEdit(
        torch.cat([one.a for one in layers], 1), torch.cat([one.s for one in layers], 1)
    )


def _factors(edit: Edit, name: str) -> tuple[Tensor, Tensor]:
    if name not in edit.layers:
        raise ValueError("This sum of edits lacks a layer that it was made of: add them again.")
    return edit.layers[name].a, edit.layers[name].s


def _shape(layer: LayerEdit) -> tuple[int, str, str]:
    dtypes = (str(factor.dtype).removeprefix("torch.") for factor in (layer.a, layer.s))
    return layer.a.shape[1], *dtypes

"""Where images lie in the model's own states, before and after an edit, as a map on paper.

Part of the evaluation: images of the target are among those it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from space_core import wordings
from space_core.edit import Edit, edited
from space_core.features import states_and_logits
from space_core.mllm import Example, Mllm
from space_core.probes import Probe
from space_core.sources import Sources
from space_core.types import Selection, StateMap, StatePoint

EACH = 24  # images a group, at most


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An image to be mapped: its group, what it shows, its features [tokens, width]."""

    group: str
    concept: str
    features: Tensor


def spread(items: Sequence) -> list:
    """At most EACH of them, evenly from first to last."""
    return [items[i * len(items) // EACH] for i in range(EACH)] if len(items) > EACH else [*items]


def map_of(
    sources: Sources, selection: Selection, edit: Edit, block: int, probes: Sequence[Probe],
    views: Mapping[str, Tensor],
) -> StateMap:  # fmt: skip
    """The map after a decoder block of views of the target and its neighbours, and of anchors."""
    shown = [
        Shown(group, concept, views[view])
        for group in ("target", "near")
        for view, concept in spread(list(
            {one.view: one.concept for one in probes if one.group == group}.items()
        ))
    ]
    anchors = spread(selection.anchors)
    features = sources.encoder([anchor.row for anchor in anchors])
    shown += [Shown("anchor", one.label, image) for one, image in zip(anchors, features)]
    (question, *_) = wordings.NAMING[sources.subject(selection.request).family].held_out
    return state_map(sources.mllm, edit, block, question, shown)


def state_map(
    mllm: Mllm, edit: Edit, block: int, question: str, shown: Sequence[Shown]
) -> StateMap:
    """Ask the question about every image, without and with the edit, and map the states.

    The plane is fitted on the states before, in float64: the states after have no part in it.
    """
    # Some answer must follow the question; it changes nothing at the tokens before it.
    asked = [Example(question, ".", one.features) for one in shown]
    layer = mllm.model.get_decoder().layers[block]
    before, logits = states_and_logits(mllm, layer, asked)
    with edited(mllm.model, edit):
        after, moved_logits = states_and_logits(mllm, layer, asked)
    before, after = before.double().cpu(), after.double().cpu()
    centre, axes = plane(before)
    places = [((states - centre) @ axes).tolist() for states in (before, after)]
    moved = after - before
    return StateMap(
        block, question, _share((before - centre) @ axes, before - centre),
        _share(moved @ axes, moved), float((moved_logits - logits).abs().max()),
        tuple(
            StatePoint(one.group, one.concept, tuple(was), tuple(now))
            for one, was, now in zip(shown, *places)
        ),
    )  # fmt: skip


def plane(states: Tensor) -> tuple[Tensor, Tensor]:
    """The mean [d] of states [n, d], n ≥ 2, and their two largest principal axes [d, 2].

    An axis points to where its largest entry is positive, so that the same states give one map.
    """
    centre = states.mean(0)
    axes = torch.linalg.svd(states - centre, full_matrices=False).Vh[:2].T
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return centre, axes * largest.sign()


def _share(part: Tensor, whole: Tensor) -> float:
    total = float(whole.square().sum())
    return float(part.square().sum()) / total if total else 0.0

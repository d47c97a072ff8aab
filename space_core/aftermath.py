"""What an edit does to retained pool images that had no part in it: layer by layer, in answers.

The images are those that certify (`retained`) and others of the nearest concepts that touched
nothing; no image of the evaluation. docs/theory.md says what each number is worth.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from space_core import guard, tpas, wordings
from space_core.bound import stored_bound
from space_core.certificate import (
    change_norms, divergence, headroom, headroom_share, largest_per_image, level_within,
)  # fmt: skip
from space_core.damage import RISK, SHARE, KeptAnswers, LayerReport
from space_core.edit import Edit, edited, stored_delta
from space_core.entropy import spectral_entropy
from space_core.erasure import Erasure
from space_core.features import layer_inputs
from space_core.mllm import Example, Mllm, batches
from space_core.retained import with_own_answers
from space_core.sources import Sources
from space_core.types import Selection

_NEAREST, _IMAGES = 15, 4
# Questions whose every logit is compared.
_ANSWERS, _BATCH = 192, 12


def measure(
    sources: Sources, selection: Selection, erasure: Erasure
) -> tuple[tuple[LayerReport, ...], KeptAnswers | None]:
    """Compare the model without and with the edit. It comes back as it was."""
    mllm = sources.mllm
    question = wordings.NAMING["thing"].taught[0]
    rows = list(erasure.statistics.certified)
    unseen = with_own_answers(mllm, [question] * len(rows), sources.encoder(rows))
    near = _unseen_neighbours(sources, selection, erasure)
    layers = {name: mllm.model.get_submodule(name) for name in erasure.bases}
    shown = sources.encoder([anchor.row for anchor in selection.anchors])
    anchors = [Example(question, ".", one) for one in shown]
    before = layer_inputs(mllm, layers, unseen)
    spread = [_entropies(layer_inputs(mllm, layers, anchors))]
    of_neighbours = {
        name: layer_inputs(mllm, layers, [Example(question, ".", one) for one in features])
        for name, features in near.items()
    }
    with edited(mllm.model, erasure.edit):
        after = layer_inputs(mllm, layers, unseen)
        spread.append(_entropies(layer_inputs(mllm, layers, anchors)))
    items = sources.pool.items
    concepts = [items[row].label or items[row].caption for row in rows]
    reports = tuple(
        _layer(
            name, erasure, layer.weight.detach(), before[name], after[name], concepts,
            {concept: inputs[name] for concept, inputs in of_neighbours.items()},
            (spread[0][name], spread[1][name]),
        )
        for name, layer in layers.items()
    )  # fmt: skip
    return reports, _answers(mllm, erasure.edit, unseen[:_ANSWERS])


def _unseen_neighbours(
    sources: Sources, selection: Selection, erasure: Erasure
) -> dict[str, list[Tensor]]:
    """Features of a few images of each of the nearest concepts, none of which touched the edit."""
    pool, request = sources.pool, selection.request
    concept = sources.subject(request)
    vector = tpas.embed(sources.space, concept, request.description)
    barred = {*guard.barred(pool, concept), *erasure.touched}
    found = {}
    for name, _ in sources.around.nearest(vector, without=concept.names)[:_NEAREST]:
        rows = [row for row in pool.rows_of[name] if row not in barred][:_IMAGES]
        if rows:
            found[name] = sources.encoder(rows)
    return found


def _layer(
    name: str, erasure: Erasure, weight: Tensor, before: Tensor, after: Tensor,
    concepts: Sequence[str], neighbours: Mapping[str, Tensor], anchors: tuple[float, float],
) -> LayerReport:  # fmt: skip
    """All of it where the weight lies, as `edited` computes."""
    place = weight.device
    delta = stored_delta(weight, erasure.edit.delta(name, place))
    basis, fitted, certify = (
        part[name].to(place)
        for part in (erasure.bases, erasure.fitted, erasure.statistics.certify)
    )
    found = stored_bound(delta, basis, fitted, certify, weight)
    w, change, k, moved = (some.to(torch.float64) for some in (weight, delta, before, after))
    out = k @ w.T
    usual = out.square().sum(1).mean()
    joint = (moved @ (w + change).T - out).square().sum(1).mean()
    lengths = largest_per_image(change_norms(change, k) / usual.sqrt(), concepts)
    # tr(ΔW C′ ΔWᵀ) / tr(W C′ Wᵀ), C′ the second moment of the concept's inputs.
    costs = {
        concept: float(
            change_norms(change, inputs).square().sum() / change_norms(w, inputs).square().sum()
        )
        for concept, inputs in neighbours.items()
    }
    return LayerReport(
        name, found.in_sample / found.reference, found.bound / found.reference,
        found.held_out / found.reference, spectral_entropy(before), spectral_entropy(after),
        joint=float(joint / usual),
        drift=float((moved - k).square().sum() / k.square().sum()),
        level=level_within(lengths, SHARE, RISK),
        neighbours=tuple(sorted(costs.items(), key=lambda pair: -pair[1])),
        anchors_before=anchors[0], anchors_after=anchors[1],
    )  # fmt: skip


def _entropies(inputs: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: spectral_entropy(some) for name, some in inputs.items()}


@torch.no_grad()
def _answers(mllm: Mllm, edit: Edit, examples: Sequence[Example]) -> KeptAnswers | None:
    """What the edit does along the base model's own answers.

    An answer counts where its tokens are those that the base model itself finds likeliest, each
    after the ones before it, up to its end: one that the tokenizer takes apart in another way is
    left out, and one that was cut. None where none is left. Logits of few answers are held at a
    time: a vocabulary may be large.
    """
    owners, strange, changed, nats, kept, sums = [], set(), set(), [], [], {}
    for some in batches([one.features for one in examples], _BATCH):
        part = [examples[i] for i in some]
        frozen = mllm.force(part)
        with edited(mllm.model, edit, sums):
            after = mllm.force(part).logits
        likeliest = frozen.logits.argmax(1)
        owner = torch.tensor(some, device=frozen.owner.device)[frozen.owner]
        strange |= {*owner[likeliest != frozen.targets].tolist()}
        strange |= {*some} - {*owner[frozen.targets == mllm.chat.end].tolist()}
        changed |= {*owner[likeliest != after.argmax(1)].tolist()}
        owners += owner.tolist()
        nats += divergence(frozen.logits, after).tolist()
        kept += headroom(frozen.logits, after).tolist()
    told = [(one, far, fine) for one, far, fine in zip(owners, nats, kept) if one not in strange]
    if not told:
        return None
    owners, nats, kept = zip(*told)
    count = len(set(owners))
    return KeptAnswers(
        count, sum(nats) / len(nats), 1 - len(changed - strange) / count,
        headroom_share(kept, owners),
    )  # fmt: skip

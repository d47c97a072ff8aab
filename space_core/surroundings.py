"""What must stay around a concept, measured: statistics, the neighbours' answers, the null space.

The same whatever the anchors are overwritten with. No image whose words name the concept is
opened here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from space_core import dcsi, guard, material, tpas
from space_core.features import after_block, text_direction
from space_core.mllm import Example, Mllm
from space_core.moments import Moment
from space_core.nullspace import Basis, hard_basis, soft_basis
from space_core.retained import (
    Statistics, certified_rows, near_moments, retained_statistics, stream,
)  # fmt: skip
from space_core.settings import DcsiConfig
from space_core.sources import Sources
from space_core.types import Progress, Selection

# Questions about one image share its tokens: of so many in a row one says enough, for the
# neighbours' moment and for the mean feature.
_SOME, _FEW = 2, 4


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """fitted: the moment that each layer's basis was made from; near: the neighbours' pool rows."""

    statistics: Statistics
    near: tuple[int, ...]
    keep: material.Kept
    fitted: dict[str, Moment]
    bases: dict[str, Basis]


def measure(
    sources: Sources, selection: Selection, config: DcsiConfig, stop: Callable[[], bool],
    without: Collection[int] = (),
) -> Iterator[Progress | Surroundings]:  # fmt: skip
    """Yield what happens and at last the Surroundings. ``done`` counts this stage alone.

    without: pool rows that need not stay. Raises ValueError where it is stopped.
    """
    mllm, pool, encoder = sources.mllm, sources.pool, sources.encoder
    excluded = frozenset(guard.barred(pool, sources.subject(selection.request)))
    layers = edited_layers(mllm, config)
    message = "Measuring what other knowledge uses (most of it once per model)…"
    statistics = None
    yield Progress("statistics", message, 0.0)
    for done, statistics in retained_statistics(
        mllm, pool, encoder, layers, sources.model_sha256, excluded, sources.cache
    ):
        pause(stop)
        yield Progress("statistics", message, 0.8 * done)
    yield Progress("neighbours", "Reading the nearest concepts, which must stay…", 0.8)
    near, keep = what_stays(sources, selection, config.seed, without)
    pause(stop)
    fitted, bases = _spaces(mllm, layers, statistics, keep, config)
    yield Surroundings(statistics, near, keep, fitted, bases)


def what_stays(
    sources: Sources, selection: Selection, seed: int, without: Collection[int] = ()
) -> tuple[tuple[int, ...], material.Kept]:
    """The neighbours' pool rows, and what must stay in the frozen model's words.

    Read once for a request and its anchors, whatever is then made of them. Neither the concept's
    own rows are in it nor those that certify, nor any of ``without``.
    """
    mllm, pool, request = sources.mllm, sources.pool, selection.request
    concept = sources.subject(request)
    vector = tpas.embed(sources.space, concept, request.description)
    barred = frozenset(guard.barred(pool, concept))
    unused = barred.union(certified_rows(pool, barred), without)
    near = material.neighbour_rows(
        pool, sources.around, concept, vector, unused, seed,
        tpas.protected(pool, concept, request),
    )
    anchors = tuple(anchor.row for anchor in selection.anchors)
    keep = sources.kept(
        (request, anchors, tuple(near), unused, seed),
        lambda: material.kept(
            mllm, pool, sources.encoder, concept, selection, near, unused,
            guard.name_book(pool, concept), seed,
        ),
    )  # fmt: skip
    return tuple(near), keep


def job(
    sources: Sources, selection: Selection, config: DcsiConfig, around: Surroundings,
    task: Mapping[str, Sequence[Example]],
) -> dcsi.Job:  # fmt: skip
    """What DCSI trains on: a task, inside these surroundings."""
    mllm = sources.mllm
    concept = sources.subject(selection.request)
    block = dcsi.last_edited_block(mllm, config)
    energies = {
        name: energy(layer, around.fitted[name])
        for name, layer in edited_layers(mllm, config).items()
    }
    return dcsi.Job(
        around.bases, energies, task, around.keep,
        text_direction(mllm, block, concept, sources.pool),
        after_block(mllm, block, around.keep.near[::_FEW]).mean(0),
    )  # fmt: skip


def edited_layers(mllm: Mllm, config: DcsiConfig) -> dict[str, nn.Linear]:
    """The layers that a configuration edits."""
    return mllm.edited_layers(config.blocks(mllm.decoder_layers()))


def pause(stop: Callable[[], bool]) -> None:
    """Raises ValueError where the auditor has stopped a run that has changed nothing yet."""
    if stop():
        raise ValueError("Stopped before the first step: nothing was changed.")


def _spaces(
    mllm: Mllm, layers: dict[str, nn.Linear], statistics: Statistics, keep: material.Kept,
    config: DcsiConfig,
) -> tuple[dict[str, Moment], dict[str, Basis]]:  # fmt: skip
    """The moments that the bases are made from, neighbours joined in, and the bases."""
    near = {}
    if config.neighbours:
        near = stream(mllm, layers, [*keep.near, *keep.asked][::_SOME])
    fitted, bases = {}, {}
    for name in layers:
        fitted[name] = statistics.fit[name]
        if near:
            fitted[name] = near_moments(fitted[name], near[name], config.neighbours)
        # Where the layer lies: a wide one's spectrum takes minutes on a CPU. Kept in main memory.
        place = layers[name].weight.device
        moment, select = fitted[name].to(place), statistics.select[name]
        if config.mode == "soft":
            basis = soft_basis(moment, config.lam)
        else:
            basis = hard_basis(moment, select.to(place), config.energy)
        bases[name] = basis.to("cpu")
    return fitted, bases


def energy(layer: nn.Linear, moment: Moment) -> float:
    """tr(W Ĉ Wᵀ), the mean square of a layer's retained output."""
    weight = layer.weight.detach().to(torch.float64)
    return float(((weight @ moment.to(weight.device).mean) * weight).sum())

"""From anchors to an edit: retained statistics, null space, inversion, DCSI.

Source-free by construction: it is given the sources and a request in words. No image whose words
name the concept is opened here, and the evaluation is out of reach.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from space_core import dcsi, material, tpas, wordings
from space_core.curriculum import believed
from space_core.edit import Edit
from space_core.features import after_block, layer_inputs, text_direction
from space_core.inversion import invert
from space_core.mllm import Example, Mllm
from space_core.moments import Moment
from space_core.nullspace import Basis, hard_basis, soft_basis
from space_core.retained import (
    Statistics, near_moments, retained_statistics, stream, with_own_answers,
)  # fmt: skip
from space_core.settings import DcsiConfig
from space_core.sources import Sources
from space_core.types import Progress, Selection, StepEvent


@dataclass(frozen=True, slots=True, eq=False)
class Erasure:
    """An edit and what one needs to judge it.

    fitted: the moment that each layer's basis was made from. touched: every pool row that had a
    part in it. shift: how far inversion moved each anchor, relative. reach: the share of each
    anchor's layer inputs that the edit's space can act on, mean over layers.
    """

    edit: Edit
    honest: str
    bases: dict[str, Basis]
    fitted: dict[str, Moment]
    statistics: Statistics
    touched: tuple[int, ...]
    shift: tuple[float, ...]
    reach: tuple[float, ...]
    stopped: bool


def erase(
    sources: Sources, selection: Selection, config: DcsiConfig, stop: Callable[[], bool]
) -> Iterator[Progress | StepEvent | Erasure]:
    """Yield what happens and at last the Erasure. ``done`` of Progress counts the erasure alone.

    Raises ValueError where it is stopped before the first step: then nothing was made.
    """
    mllm, pool, encoder = sources.mllm, sources.pool, sources.encoder
    request = selection.request
    concept = sources.subject(request)
    vector = tpas.embed(sources.space, concept, request.description)
    book = tpas.name_book(pool, concept)
    excluded = frozenset(tpas.barred(pool, concept))
    layers = mllm.edited_layers(config.blocks(mllm.decoder_layers()))
    honest = material.honest_answer(mllm, concept)

    def pause() -> None:
        if stop():
            raise ValueError("Stopped before the first step: nothing was changed.")

    message = "Measuring what other knowledge uses (once per model)…"
    statistics = None
    yield Progress("statistics", message, 0.0)
    for done, statistics in retained_statistics(
        mllm, pool, encoder, layers, sources.model_sha256, excluded, sources.cache, config.seed
    ):
        pause()
        yield Progress("statistics", message, 0.3 * done)
    yield Progress("neighbours", "Reading the nearest concepts, which must stay…", 0.32)
    near = material.neighbour_rows(pool, sources.around, concept, vector, excluded, config.seed)
    keep = material.kept(
        mllm, pool, encoder, concept, selection, near, excluded, book, config.seed
    )
    pause()
    fitted, bases = _spaces(mllm, layers, statistics, keep, config)
    yield Progress("inversion", "Asking the frozen model what it believes it looks like…", 0.4)
    rows = [anchor.row for anchor in selection.anchors]
    features = encoder(rows)
    shift = torch.zeros(len(rows))
    rng = np.random.default_rng((config.seed, 10))
    peers = tpas.others(pool, concept)
    if config.inversion_steps:
        generator = torch.Generator().manual_seed(config.seed)
        lessons = believed(concept, peers, rng)
        for step, loss, optimised in invert(
            mllm, features, lessons, config.inversion_steps, generator, stop
        ):
            if optimised is not None:
                features, shift = optimised.features, optimised.shift
            text = f"Moving the anchors until the frozen model names the concept: loss {loss:.2f}"
            yield Progress("inversion", text, 0.4 + 0.25 * step / config.inversion_steps)
        pause()
        task = material.overwritten(concept, honest, pool, peers, features, mllm, config.seed)
    else:
        task = {"name": [
            Example(wordings.NAMING["thing"].taught[0], anchor.caption, image)
            for anchor, image in zip(selection.anchors, features)
        ]}  # fmt: skip
    block = dcsi.last_edited_block(mllm, config)
    job = dcsi.Job(
        bases, {name: _energy(layer, fitted[name]) for name, layer in layers.items()}, task, keep,
        text_direction(mllm, block, concept, pool), after_block(mllm, block, keep.near).mean(0),
    )  # fmt: skip
    inputs = layer_inputs(mllm, layers, task["name"])
    reach = torch.stack([bases[name].reach(k) for name, k in inputs.items()]).mean(0)
    reach = reach.view(len(rows), -1).mean(1)
    yield Progress("training", "Training the edit…", 0.66)
    edit = None
    for event in dcsi.train(mllm, job, config, stop):
        if isinstance(event, Edit):
            edit = event
        else:
            yield event
            done = 0.66 + 0.34 * event.step / config.steps
            yield Progress("training", "Training the edit…", done)
    touched = sorted({*rows, *near, *keep.rows, *statistics.rows})
    yield Erasure(
        edit, honest, bases, fitted, statistics, tuple(touched), tuple(shift.tolist()),
        tuple(reach.tolist()), stop(),
    )  # fmt: skip


def held_out_examples(sources: Sources, statistics: Statistics) -> list[Example]:
    """Retained pool images that chose nothing, asked what they show."""
    rows = list(statistics.certified)
    question = wordings.NAMING["thing"].taught[0]
    return with_own_answers(sources.mllm, [question] * len(rows), sources.encoder(rows))


def _spaces(
    mllm: Mllm, layers: dict[str, nn.Linear], statistics: Statistics, keep: material.Kept,
    config: DcsiConfig,
) -> tuple[dict[str, Moment], dict[str, Basis]]:  # fmt: skip
    """The moments that the bases are made from, neighbours joined in, and the bases."""
    near = stream(mllm, layers, [*keep.near, *keep.asked])
    fitted, bases = {}, {}
    for name in layers:
        fitted[name] = near_moments(statistics.fit[name], near[name], config.neighbours)
        if config.mode == "soft":
            bases[name] = soft_basis(fitted[name], config.lam)
        else:
            bases[name] = hard_basis(fitted[name], statistics.select[name], config.energy)
    return fitted, bases


def _energy(layer: nn.Linear, moment: Moment) -> float:
    weight = layer.weight.detach().to("cpu", torch.float64)
    return float(((weight @ moment.mean) * weight).sum())

"""From anchors to an edit: retained statistics, null space, inversion, DCSI.

Source-free by construction: it is given the sources and a request in words. No image whose words
name the concept is opened here, and the evaluation is out of reach.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from space_core import dcsi, guard, material, tpas, wordings
from space_core.beliefs import beliefs, foreign_names
from space_core.curriculum import believed
from space_core.edit import Edit
from space_core.features import layer_inputs
from space_core.inversion import invert
from space_core.lessons import Lesson
from space_core.memory_plan import fitting, free_memory
from space_core.mllm import Example
from space_core.moments import Moment
from space_core.nullspace import Basis
from space_core.retained import Statistics
from space_core.settings import DcsiConfig
from space_core.sources import Sources
from space_core.surroundings import Surroundings, edited_layers, job, measure, pause
from space_core.types import Belief, Progress, Selection, StepEvent


@dataclass(frozen=True, slots=True, eq=False)
class Erasure:
    """An edit and what one needs to judge it.

    selection: with those anchors that were used. fitted: the moment that each layer's basis was
    made from. touched: every pool row that had a part in it. shift: how far inversion moved each
    anchor, relative. reach: the share of each anchor's layer inputs that the edit's space can act
    on, mean over layers. beliefs: of each anchor; none where they were not moved.
    """

    edit: Edit
    selection: Selection
    honest: str
    bases: dict[str, Basis]
    fitted: dict[str, Moment]
    statistics: Statistics
    touched: tuple[int, ...]
    shift: tuple[float, ...]
    reach: tuple[float, ...]
    stopped: bool
    beliefs: tuple[Belief, ...]


def erase(
    sources: Sources, selection: Selection, config: DcsiConfig, stop: Callable[[], bool]
) -> Iterator[Progress | StepEvent | Erasure]:
    """Yield what happens and at last the Erasure. ``done`` of Progress counts the erasure alone.

    Raises ValueError where memory is short, and where it is stopped before the first step: then
    nothing was made.
    """
    mllm, pool = sources.mllm, sources.pool
    if not config.inversion_steps:
        # What is not moved must resemble the concept.
        selection = tpas.chosen_alone(sources.space, pool, sources.around, selection)
    trained, needed = fitting(mllm, config, free_memory(mllm.devices), loaded=True)
    yield Progress("memory", f"Checked the memory: {needed}.", 0.0)
    concept = sources.subject(selection.request)
    request = selection.request
    honest = material.honest_answer(mllm, concept, request.instead)
    around = None
    for event in measure(sources, selection, config, stop):
        if isinstance(event, Surroundings):
            around = event
        else:
            yield replace(event, done=0.4 * event.done)
    yield Progress("inversion", "Asking the frozen model what it believes it looks like…", 0.4)
    rows = [anchor.row for anchor in selection.anchors]
    features = plain = sources.encoder(rows)
    shift, believes = torch.zeros(len(rows)), ()
    rng = np.random.default_rng((config.seed, 10))
    peers = guard.others(pool.concepts.values(), concept)
    lessons = believed(concept, peers, rng)
    nearest = material.own_name(pool, rows[0], concept) if request.instead == "anchor" else ""

    def overwritten(moved: Sequence[Tensor], seed: int) -> dict[str, list[Example]]:
        return material.overwritten(
            concept, honest, pool, peers, moved, mllm, seed, refusals, nearest
        )

    if config.inversion_steps:
        refusals = material.sayable_refusals(mllm, concept, honest, plain)
        generator = torch.Generator().manual_seed(config.seed)
        for step, loss, optimised in invert(
            trained, features, lessons, config.inversion_steps, generator, stop
        ):
            if optimised is not None:
                features, shift = optimised.features, optimised.shift
            text = "Moving the anchors until the frozen model names the concept: loss "
            text += f"{loss:.2f}, lower is nearer"
            yield Progress("inversion", text, 0.4 + 0.25 * step / config.inversion_steps)
        pause(stop)
        public = around.keep.rows
        believes = beliefs(
            mllm, wordings.NAMING[concept.family].taught[0], plain, features,
            {row: pool.items[row].caption for row in public}, sources.encoder(public),
        )  # fmt: skip
        task = overwritten(features, config.seed)
    else:
        task = {"name": [
            Example(wordings.NAMING["thing"].taught[0], anchor.caption, image)
            for anchor, image in zip(selection.anchors, features)
        ]}  # fmt: skip

    def look_again(
        in_place: Callable[[], AbstractContextManager],
    ) -> Iterator[Progress | dcsi.Task]:
        generator = torch.Generator().manual_seed(config.seed + 1)

        def found(asked: Sequence[Lesson], steps: int, doing: str):
            looking = invert(trained, plain, asked, steps, generator, stop)
            optimised = None
            while optimised is None:
                with in_place():
                    step, _, optimised = next(looking)
                yield Progress("inversion", f"{doing}: step {step} of {steps}", done)
            return optimised.features

        doing = "Asking the edited model what it still takes for the concept"
        moved = yield from found(lessons, config.second_look, doing)
        yield overwritten(moved, config.seed + 1)
        foreign = foreign_names(mllm, concept, features) if config.foreign_look else []
        if foreign:
            moved = yield from found(foreign, config.foreign_look, f"{doing} in other languages")
            yield material.unheard_in_languages(concept, moved, config.seed + 2, refusals)

    if request.text_too:
        task["text"] = material.unheard(mllm, concept)
    layers = edited_layers(mllm, config)
    inputs = layer_inputs(mllm, layers, task["name"])
    reach = torch.stack([around.bases[name].reach(k) for name, k in inputs.items()]).mean(0)
    reach = reach.view(len(rows), -1).mean(1)
    edit, done, stopped = None, 0.66, False

    def cut_short() -> bool:
        nonlocal stopped
        stopped = stop()
        return stopped

    yield Progress("training", "Training the edit…", done)
    for event in dcsi.train(
        trained, job(sources, selection, config, around, task), config, cut_short,
        look_again if config.inversion_steps and config.second_look else None,
    ):  # fmt: skip
        if isinstance(event, Edit):
            edit = event
            continue
        yield event
        if isinstance(event, StepEvent):
            done = 0.66 + 0.34 * event.step / config.steps
            yield Progress("training", "Training the edit…", done)
    touched = sorted({*rows, *around.near, *around.keep.rows, *around.statistics.rows})
    yield Erasure(
        edit, selection, honest, around.bases, around.fitted, around.statistics, tuple(touched),
        tuple(shift.tolist()), tuple(reach.tolist()), stopped, believes,
    )  # fmt: skip

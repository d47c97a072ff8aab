"""Controls, ablations and the ceiling: SPACE with one part exchanged, changed or left out.

What is a setting is a setting; what is not goes through the doors that `erasure.erase` uses.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from space_core import guard, material, surroundings, tpas
from space_core.audit import Bench, select_anchors
from space_core.baselines.data import collect
from space_core.bench.change import Change, Entry, Method, erased, trained
from space_core.curriculum import believed
from space_core.dcsi import train
from space_core.edit import Edit
from space_core.inversion import invert
from space_core.leaderboard import CHOSEN, RANDOM
from space_core.mllm import Example
from space_core.settings import PRESETS, DcsiConfig, TpasConfig
from space_core.sources import Sources
from space_core.surroundings import Surroundings
from space_core.types import Concept, ConceptRequest, Selection

Task = dict[str, list[Example]]
MakeTask = Callable[[Sources, Selection, Surroundings], Task]

DEFAULT = DcsiConfig()
# Softness at which the metric of retained knowledge is as good as none.
_NONE = 1e6


def with_config(config: DcsiConfig, choice: TpasConfig = TpasConfig()) -> Method:
    """SPACE with other settings, or with anchors chosen otherwise."""

    def run(bench: Bench, request: ConceptRequest) -> Change:
        return erased(bench, select_anchors(bench, request, choice), config)

    return run


def one_anchor(config: DcsiConfig) -> Method:
    """|P| = 1."""

    def run(bench: Bench, request: ConceptRequest) -> Change:
        selection = select_anchors(bench, request, TpasConfig())
        return erased(bench, replace(selection, anchors=selection.anchors[:1]), config)

    return run


def other_target(bench: Bench, request: ConceptRequest) -> Change:
    """The edit that erases another concept of the same domain, far from this one."""
    return with_config(DEFAULT)(bench, ConceptRequest(elsewhere(bench.sources, request).name))


def with_task(make: MakeTask, unmoved: bool = False) -> Method:
    """SPACE's surroundings and loss, with another task than its optimised anchors give.

    unmoved: the anchors themselves are overwritten, so that L_keep must not hold them. Without the
    second look, which only anchors that are moved can have: to be compared with the
    ablation "no second look".
    """

    def run(bench: Bench, request: ConceptRequest) -> Change:
        sources = bench.sources
        selection = select_anchors(bench, request, TpasConfig())
        kept, without = selection, ()
        if unmoved:
            selection = tpas.chosen_alone(sources.space, sources.pool, sources.around, selection)
            kept = replace(selection, anchors=())
            without = [anchor.row for anchor in selection.anchors]
        *_, around = surroundings.measure(sources, kept, DEFAULT, lambda: False, without)
        task = make(sources, selection, around)
        job = surroundings.job(sources, selection, DEFAULT, around, task)
        *_, edit = train(sources.mllm, job, DEFAULT, lambda: False)
        assert isinstance(edit, Edit)
        return trained(edit, around.bases)

    return run


def true_images(sources: Sources, selection: Selection, around: Surroundings) -> Task:
    """The target's own images in place of the optimised anchors: the data-dependent ceiling."""
    rows = collect(sources, selection, DEFAULT.seed).target_rows[: len(selection.anchors)]
    return _overwritten(sources, selection, sources.encoder(rows))


def not_inverted(sources: Sources, selection: Selection, around: Surroundings) -> Task:
    """Anchors chosen by words, as they are, overwritten in the target's place."""
    return _overwritten(sources, selection, _anchors(sources, selection))


def other_belief(sources: Sources, selection: Selection, around: Surroundings) -> Task:
    """The anchors moved until the frozen model names another concept, then overwritten as ever."""
    other = elsewhere(sources, selection.request)
    peers = guard.others(sources.pool.concepts.values(), other)
    lessons = believed(other, peers, np.random.default_rng((DEFAULT.seed, 10)))
    generator = torch.Generator().manual_seed(DEFAULT.seed)
    *_, (_, _, optimised) = invert(
        sources.mllm, _anchors(sources, selection), lessons, DEFAULT.inversion_steps, generator,
        lambda: False,
    )  # fmt: skip
    return _overwritten(sources, selection, optimised.features)


def no_anchors(sources: Sources, selection: Selection, around: Surroundings) -> Task:
    """Nothing to overwrite: what the frozen model says of other images anyway is the task too."""
    return {"name": around.keep.far}


def elsewhere(sources: Sources, request: ConceptRequest) -> Concept:
    """The concept least like the request's, of its domain where one is; for an artist, another.

    Raises ValueError where the pool knows nothing else.
    """
    concept, known = sources.subject(request), sources.pool.concepts
    if concept.family == "artist":
        names = [name for name, one in known.items() if one.family == "artist"]
    else:
        vector = tpas.embed(sources.space, concept, request.description)
        names = [name for name, _ in reversed(sources.around.nearest(vector))]
    others = [known[name] for name in names if name != concept.name]
    if not others:
        raise ValueError(f"The pool knows nothing but “{concept.name}”: use a larger one.")
    return next((one for one in others if one.domain == concept.domain), others[0])


def _anchors(sources: Sources, selection: Selection) -> list[torch.Tensor]:
    return sources.encoder([anchor.row for anchor in selection.anchors])


def _overwritten(
    sources: Sources, selection: Selection, features: list[torch.Tensor]
) -> Task:
    mllm, pool, concept = sources.mllm, sources.pool, sources.subject(selection.request)
    honest = material.honest_answer(mllm, concept)
    peers = guard.others(pool.concepts.values(), concept)
    return material.overwritten(
        concept, honest, pool, peers, features, mllm, DEFAULT.seed,
        material.sayable_refusals(mllm, concept, honest, _anchors(sources, selection)),
    )  # fmt: skip


CONTROLS: dict[str, Entry] = {
    "paper": Entry("ablation", with_config(PRESETS["paper"])),
    "true images": Entry("ceiling", with_task(true_images)),
    # What should not erase.
    "other belief": Entry("control", with_task(other_belief)),
    "no anchors": Entry("control", with_task(no_anchors)),
    "one anchor": Entry("control", one_anchor(DEFAULT)),
    "one plain anchor": Entry("control", one_anchor(replace(DEFAULT, inversion_steps=0))),
    # Where anchors come from.
    RANDOM: Entry("ablation", with_config(DEFAULT, TpasConfig(by_chance=1.0))),
    CHOSEN: Entry("ablation", with_config(DEFAULT, TpasConfig(by_chance=0.0))),
    "plain anchors": Entry("ablation", with_config(replace(DEFAULT, inversion_steps=0))),
    "no inversion": Entry("ablation", with_task(not_inverted, unmoved=True)),
    # The null space: soft in SPACE itself, hard, none; all else alike.
    "hard 0.05": Entry("ablation", with_config(replace(DEFAULT, mode="hard", energy=0.05))),
    "no null space": Entry("ablation", with_config(replace(DEFAULT, lam=_NONE))),
    # The loss.
    "no keep": Entry("ablation", with_config(replace(DEFAULT, keep=0.0))),
    "no neighbours": Entry("ablation", with_config(replace(DEFAULT, neighbours=0.0))),
    "no decay": Entry("ablation", with_config(replace(DEFAULT, decay=0.0))),
    "no second look": Entry("ablation", with_config(replace(DEFAULT, second_look=0))),
    "no foreign look": Entry("ablation", with_config(replace(DEFAULT, foreign_look=0))),
    "with orth": Entry("ablation", with_config(replace(DEFAULT, orth=1.0))),
    "with div": Entry("ablation", with_config(replace(DEFAULT, div=0.1))),
    "paper, no orth": Entry("ablation", with_config(replace(PRESETS["paper"], orth=0.0))),
    "paper, no div": Entry("ablation", with_config(replace(PRESETS["paper"], div=0.0))),
    # Last (`methods`): it reads what stays around another concept, which all the others share.
    "other target": Entry("control", other_target),
}

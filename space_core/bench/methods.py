"""What the suite compares: SPACE, its controls and ablations, the baselines, the ceiling.

Every method ends in a `Change`: an edit, or words put before every question.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from space_core import material, surroundings, tpas
from space_core.audit import Bench, select_anchors
from space_core.baselines import BASELINES, Baseline
from space_core.baselines.data import collect, proxies
from space_core.baselines.lora import LoraConfig
from space_core.baselines.prompt import Prompt
from space_core.dcsi import train
from space_core.edit import Edit
from space_core.erasure import Erasure, erase
from space_core.settings import PRESETS, DcsiConfig, TpasConfig
from space_core.types import ConceptRequest, Selection

SPACE = "space"


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a method leaves: an edit or a prompt, and how many numbers it trained."""

    edit: Edit | None
    prompt: Prompt | None
    parameters: int

    def ask(self, question: str) -> str:
        """The question as the changed model gets it."""
        return self.prompt.ask(question) if self.prompt else question


Method = Callable[[Bench, ConceptRequest], Change]


def methods(tuned: dict[str, LoraConfig]) -> dict[str, tuple[str, Method]]:
    """Name → (group, method). tuned: the settings chosen for a baseline, else its first ones."""
    found: dict[str, tuple[str, Method]] = {SPACE: ("ours", _dcsi(DcsiConfig()))}
    for name, one in BASELINES.items():
        group = "data-dependent" if one.uses_target_images else "source-free"
        found[name] = (group, _baseline(one, tuned.get(name, one.grid[0])))
    space = DcsiConfig()
    found |= {
        "prompt": ("source-free", _prompt),
        "paper": ("ablation", _dcsi(PRESETS["paper"])),
        "true images": ("ceiling", _true_images),
        "other target": ("control", _other_target),
        "random anchors": ("control", _random_anchors),
        "one plain anchor": ("control", _one_plain_anchor),
        "plain anchors": ("ablation", _dcsi(replace(space, inversion_steps=0))),
        "no null space": ("ablation", _dcsi(replace(space, lam=1e6))),
        "hard 0.05": ("ablation", _dcsi(replace(space, mode="hard", energy=0.05))),
        "no keep": ("ablation", _dcsi(replace(space, keep=0.0))),
        "no neighbours": ("ablation", _dcsi(replace(space, neighbours=0.0))),
        "with orth": ("ablation", _dcsi(replace(space, orth=1.0))),
        "with div": ("ablation", _dcsi(replace(space, div=0.1))),
    }
    return found


def _dcsi(config: DcsiConfig) -> Method:
    def run(bench: Bench, request: ConceptRequest) -> Change:
        return _erased(bench, select_anchors(bench, request, TpasConfig()), config)

    return run


def _baseline(one: Baseline, config: LoraConfig) -> Method:
    def run(bench: Bench, request: ConceptRequest) -> Change:
        sources = bench.sources
        selection = select_anchors(bench, request, TpasConfig())
        gather = collect if one.uses_target_images else proxies
        data = gather(sources, selection, config.seed)
        *_, edit = one.train(sources.mllm, sources.subject(request), data, config)
        sizes = (layer.a.numel() + layer.s.numel() for layer in edit.layers.values())
        return Change(edit, None, sum(sizes))

    return run


def _prompt(bench: Bench, request: ConceptRequest) -> Change:
    return Change(None, Prompt(bench.sources.subject(request)), 0)


def _random_anchors(bench: Bench, request: ConceptRequest) -> Change:
    """Anchors drawn blindly from what may be used, optimised as SPACE's are."""
    selection = select_anchors(bench, request, TpasConfig())
    pool = bench.sources.pool
    barred = tpas.barred(pool, bench.sources.subject(request))
    free = [row for row in range(len(pool)) if row not in barred]
    rows = np.random.default_rng((DcsiConfig().seed, 40)).permutation(free)
    rows = rows[: len(selection.anchors)].tolist()
    drawn = tuple(tpas.anchor(pool, row, i, selection.scores[row]) for i, row in enumerate(rows, 1))
    return _erased(bench, replace(selection, anchors=drawn), DcsiConfig())


def _one_plain_anchor(bench: Bench, request: ConceptRequest) -> Change:
    """|P| = 1, used as it is."""
    selection = select_anchors(bench, request, TpasConfig())
    alone = replace(selection, anchors=selection.anchors[:1])
    return _erased(bench, alone, replace(DcsiConfig(), inversion_steps=0))


def _other_target(bench: Bench, request: ConceptRequest) -> Change:
    """The edit that erases another concept of the same domain, far from this one."""
    sources = bench.sources
    concept = sources.subject(request)
    vector = tpas.embed(sources.space, concept, request.description)
    ranked = [name for name, _ in sources.around.nearest(vector)]
    others = [n for n in reversed(ranked) if sources.pool.concepts[n].domain == concept.domain]
    if concept.family == "artist":
        artists = [n for n, c in sources.pool.concepts.items() if c.family == "artist"]
        others = [name for name in artists if name != concept.name]
    return _dcsi(DcsiConfig())(bench, ConceptRequest(others[0]))


def _true_images(bench: Bench, request: ConceptRequest) -> Change:
    """The target's own images in place of the optimised anchors, in our null space and loss."""
    sources, config = bench.sources, DcsiConfig()
    mllm, pool = sources.mllm, sources.pool
    selection = select_anchors(bench, request, TpasConfig())
    concept = sources.subject(request)
    *_, around = surroundings.measure(sources, selection, config, lambda: False)
    rows = collect(sources, selection, config.seed).target_rows[: len(selection.anchors)]
    task = material.overwritten(
        concept, material.honest_answer(mllm, concept), pool, tpas.others(pool, concept),
        sources.encoder(rows), mllm, config.seed,
    )  # fmt: skip
    job = surroundings.job(sources, selection, config, around, task)
    *_, edit = train(mllm, job, config, lambda: False)
    return _trained(edit)


def _erased(bench: Bench, selection: Selection, config: DcsiConfig) -> Change:
    *_, erasure = erase(bench.sources, selection, config, lambda: False)
    assert isinstance(erasure, Erasure)
    return _trained(erasure.edit)


def _trained(edit: Edit) -> Change:
    return Change(edit, None, sum(layer.a.numel() for layer in edit.layers.values()))

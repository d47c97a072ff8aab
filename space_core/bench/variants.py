"""SPACE with one of its settings exchanged: how much hangs on each.

Blocks are given as a share of the decoder's depth, so that they mean the same for any model.
"""

from dataclasses import replace

from space_core.audit import Bench
from space_core.bench.change import Change, Entry, Method
from space_core.bench.controls import DEFAULT, with_config
from space_core.settings import TpasConfig
from space_core.types import ConceptRequest

_CHOICE = TpasConfig()


def in_blocks(first: float, end: float) -> Method:
    """The edit in other decoder blocks: those from a share of the depth on, up to another."""

    def run(bench: Bench, request: ConceptRequest) -> Change:
        depth = bench.sources.mllm.decoder_layers()
        start = min(round(first * depth), depth - 1)
        blocks = tuple(range(start, max(start + 1, round(end * depth))))
        return with_config(replace(DEFAULT, layers=blocks))(bench, request)

    return run


def instead(said: str) -> Method:
    """Something else said in the name's place, as `types.ConceptRequest.instead`."""

    def run(bench: Bench, request: ConceptRequest) -> Change:
        return with_config(DEFAULT)(bench, replace(request, instead=said))

    return run


_RUNS: dict[str, Method] = {
    # Where the edit lies.
    "first blocks": in_blocks(0, 1 / 3),
    "last blocks": in_blocks(2 / 3, 1),
    "every block": in_blocks(0, 1),
    # How freely and for how long it is trained.
    "softness 0.01": with_config(replace(DEFAULT, lam=0.01)),
    "softness 1": with_config(replace(DEFAULT, lam=1.0)),
    "hard 0.2": with_config(replace(DEFAULT, mode="hard", energy=0.2)),
    "20 steps": with_config(replace(DEFAULT, steps=20)),
    "80 steps": with_config(replace(DEFAULT, steps=80)),
    # Chance alone.
    "another seed": with_config(replace(DEFAULT, seed=1)),
    # How many anchors, and how alike they must be.
    "12 anchors": with_config(DEFAULT, replace(_CHOICE, anchors=12)),
    "48 anchors": with_config(DEFAULT, replace(_CHOICE, anchors=48)),
    "cut 90": with_config(DEFAULT, replace(_CHOICE, percentile=90.0)),
    # What is said in the name's place.
    "refusal": instead("refusal"),
    "anchor's name": instead("anchor"),
}
VARIANTS = {name: Entry("ablation", run) for name, run in _RUNS.items()}

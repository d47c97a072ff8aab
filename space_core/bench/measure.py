"""Ask, change, ask again: one method on one target, with what it cost."""

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

from torch import Tensor

from space_core import evaluate, material
from space_core.audit import Bench, open_bench, probes_of
from space_core.bench.change import Change, Entry
from space_core.bench.clock import forget_peak, peak_bytes
from space_core.bench.score import row_of
from space_core.bench.spread import entropies
from space_core.edit import Edit, edited, weights_sha256
from space_core.leaderboard import Row
from space_core.mllm import Mllm
from space_core.names import NameBook
from space_core.probes import Probe
from space_core.settings import DcsiConfig, Settings
from space_core.types import ConceptRequest, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A target with its questions and the base model's answers: the same for every method.

    views: what the base model's connector makes of each image.
    """

    target: str
    domain: str
    probes: tuple[Probe, ...]
    book: NameBook
    key: str
    views: Mapping[str, Tensor]
    before: list[str]
    honest: str


def open_with_images(settings: Settings) -> Bench:
    """A bench that can measure. Raises ValueError where no evaluation images are at hand."""
    bench = open_bench(settings)
    if bench.split is None:
        raise ValueError(f"{settings.evaluation} holds no evaluation images: set SPACE_EVALUATION.")
    return bench


def ask(bench: Bench, target: str, kind: str = "") -> Asked:
    """What the base model answers about a target and all around it; of one kind of question alone
    where a kind is given.
    """
    request, mllm = ConceptRequest(target), bench.sources.mllm
    probes, book, key = probes_of(bench, request, DcsiConfig().seed)
    probes = tuple(probe for probe in probes if kind in ("", probe.kind))
    views = evaluate.encode_views(mllm, bench.split, probes)
    before = evaluate.answers(mllm, probes, views)
    honest = material.honest_answer(mllm, bench.sources.subject(request))
    domain = bench.split.concepts[key].domain
    return Asked(target, domain, probes, book, key, views, before, honest)


def measure(
    bench: Bench, asked: Asked, name: str, method: Entry
) -> tuple[Row, tuple[Outcome, ...]]:
    """One method on one target. Raises ValueError where the base model did not come back."""
    mllm, request = bench.sources.mllm, ConceptRequest(asked.target)
    if method.prepare:
        method.prepare(bench, request)
    forget_peak()
    started, used = time.monotonic(), time.process_time()
    change = method.run(bench, request)
    seconds, cpu = time.monotonic() - started, time.process_time() - used
    peak = peak_bytes() / 2**20
    said = answers_of(bench, change, asked)
    if weights_sha256(mllm.model) != bench.sources.model_sha256:
        raise ValueError("The base model's weights changed: no row of this run can be trusted.")
    outcomes = evaluate.judged(
        mllm, asked.probes, asked.before, said, asked.book, asked.key, asked.honest,
        change.selection,
    )  # fmt: skip
    row = row_of(name, asked.target, asked.domain, outcomes, bench.split.artists)
    row = replace(
        row, parameters=change.parameters, seconds=seconds, cpu_seconds=cpu, peak_mb=peak,
        group=method.group, setting=method.setting,
        **{f"{stage}_seconds": spent for stage, spent in change.stages.items()},
    )  # fmt: skip
    if change.selection and len(change.selection.anchors) > 1:
        before, after = entropies(bench.sources, change.selection, change.edit)
        row = replace(row, entropy_before=before, entropy_after=after)
    return row, outcomes


def answers_of(bench: Bench, change: Change, asked: Asked) -> list[str]:
    """The changed model's answers."""
    mllm = bench.sources.mllm
    probes = [replace(probe, question=change.ask(probe.question)) for probe in asked.probes]
    with edited(mllm.model, change.edit) if change.edit else nullcontext():
        views = asked.views
        if change.edit and not _in_decoder(mllm, change.edit):
            views = evaluate.encode_views(mllm, bench.split, probes)
        return evaluate.answers(mllm, probes, views)


def _in_decoder(mllm: Mllm, edit: Edit) -> bool:
    """Whether the edit leaves alone what images pass before the language model."""
    own = set(mllm.model.get_decoder().modules())
    return all(mllm.model.get_submodule(name) in own for name in edit.layers)

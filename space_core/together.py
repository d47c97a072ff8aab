"""Several erasures at once: the sum of their edits, and what one does to the other, measured.

Each edit was trained on the base model alone, so that the sum knows no order, and undoing one
drops a summand. That they do not disturb each other is no consequence of that: it is asked.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import torch
from torch import Tensor

from space_core import evaluate, guard
from space_core.alarms import model_broke
from space_core.audit import Bench, Finished, known_names
from space_core.bound import damage, stored_bound
from space_core.edit import Edit, edited, stored_delta, weights_sha256
from space_core.edit_sum import combined
from space_core.evaluation_split import EvaluationView
from space_core.joint import Joint, JointConcept, JointLayer, Pair, check_number
from space_core.names import NameBook
from space_core.nullspace import Basis, hard_basis, soft_basis
from space_core.origin import check_origin
from space_core.pool import Pool
from space_core.probes import Probe
from space_core.retained import Statistics, certified_rows, retained_statistics
from space_core.runs import check_own
from space_core.types import Outcome, Progress, RunRecord
from space_core.versions import versions


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """The end of a measurement: its record, and the sum of the edits."""

    joint: Joint
    edit: Edit


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A run's concept: its key among the names by which answers are read."""

    key: str
    book: NameBook
    barred: frozenset[int]


def together(bench: Bench, runs: Sequence[Finished]) -> Iterator[Progress | Together]:
    """Put the sum of the runs' edits on the model and ask every run's own questions again.

    Yields what happens and ends in Together. Questions, answers before and answers alone are those
    of the runs' records; only the sum is asked now, in the same batches. Raises ValueError for
    fewer than two runs, for two of one concept, and for runs of another model, pool or evaluation.
    """
    started, mllm = time.monotonic(), bench.sources.mllm
    yield Progress("runs", "Adding the edits…", 0.0)
    targets = _checked(bench, runs)
    edit = combined([run.edit for run in runs])
    concepts = []
    for number, (run, target) in enumerate(zip(runs, targets)):
        name = run.record.selection.request.name
        text = f"Asking the questions about “{name}” and its neighbours, with all edits on…"
        yield Progress("asking", text, 0.05 + 0.65 * number / len(runs))
        others = {one.key for one in targets} - {target.key}
        concepts.append(_asked(bench, run.record, edit, target, others))
    layers: tuple[JointLayer, ...] = ()
    for done, layers in _layers(bench, runs, edit, targets):
        yield Progress("measuring", "Measuring what the edits change together…", 0.7 + 0.25 * done)
    yield Progress("measuring", "Checking that the model came back whole…", 0.97)
    hashes = {
        "model": bench.model_sha256, "pool": bench.pool_sha256, "edit": edit.sha256(),
        **{f"edit of {run.record.run_id}": run.record.hashes["edit"] for run in runs},
    }  # fmt: skip
    joint = Joint(
        datetime.now(UTC).isoformat(timespec="seconds"), bench.model_name, bench.device,
        versions(), tuple(concepts), layers, hashes,
        weights_sha256(mllm.model) == bench.model_sha256, time.monotonic() - started,
        tuple(_warnings(bench, runs, concepts)),
    )  # fmt: skip
    yield Together(joint, edit)


def _checked(bench: Bench, runs: Sequence[Finished]) -> list[_Target]:
    """The runs' targets, where the runs can be asked together here."""
    check_number(len(runs))
    targets: dict[str, _Target] = {}
    for run in runs:
        record, name = run.record, run.record.selection.request.name
        check_origin(record, bench, ("model", "pool"), "erase anew.")
        check_own(run.edit, record)
        concept = bench.sources.subject(record.selection.request)
        _, book, key = known_names(bench, record.selection.request)
        if key in targets:
            raise ValueError(f"“{name}” is erased twice among these runs: leave one out.")
        targets[key] = _Target(key, book, frozenset(guard.barred(bench.sources.pool, concept)))
    return list(targets.values())


def _asked(
    bench: Bench, record: RunRecord, edit: Edit, target: _Target, others: set[str]
) -> JointConcept:
    """A run's own questions to the model with `edit`, beside what the run found."""
    mllm, alone = bench.sources.mllm, record.outcomes
    probes = [
        Probe(
            one.group, one.kind, one.concept, one.image, one.artist, one.similarity, one.question,
            one.expected,
        )
        for one in alone
    ]  # fmt: skip
    views = _views(bench, record)
    with edited(mllm.model, edit):
        after = evaluate.answers(mllm, probes, views)
    # Its own answers too: an older run was judged by the rules of then.
    both = evaluate.judged(
        mllm, probes * 2, [one.before for one in alone] * 2,
        [*(one.after for one in alone), *after], target.book, target.key, record.honest_answer,
        record.selection,
    )  # fmt: skip
    alone, now = both[: len(probes)], both[len(probes) :]
    # What another of the erasures is to forget need not stay.
    kept = [i for i, one in enumerate(alone) if one.group == "target" or not _about(one, others)]
    was, now = [alone[i] for i in kept], tuple(now[i] for i in kept)
    pairs = tuple(_pair(name, was, now) for name in evaluate.MEASURES)
    left = len(alone) - len(kept)
    return JointConcept(record.run_id, record.selection.request.name, pairs, left, now)


def _views(bench: Bench, record: RunRecord) -> dict[str, Tensor]:
    """The connector's output for the run's images, in the batches in which the run saw them."""
    found: dict[str, EvaluationView] = {}
    try:
        for one in record.outcomes:
            if not one.image:
                continue
            if one.image not in found:
                found[one.image] = bench.split.view(one.image)
            seen = found[one.image]
            if one.artist != seen.artist or one.concept not in (seen.concept, seen.artist):
                raise LookupError(one.image)
    except (AttributeError, LookupError, ValueError) as fault:
        raise ValueError(
            f"The run {record.run_id} was measured on other evaluation images than those of this "
            "installation: erase anew."
        ) from fault
    images = [seen.view.image for seen in found.values()]
    return dict(zip(found, bench.sources.mllm.encode(images)))


def _about(one: Outcome, others: set[str]) -> bool:
    """Whether the right answer, or the image, is that of another run's target."""
    return one.concept in others or (one.kind == "artist" and one.artist in others)


def _pair(name: str, was: Sequence[Outcome], now: Sequence[Outcome]) -> Pair:
    measure = evaluate.MEASURES[name]
    each = [(measure([a]).successes, measure([b]).successes) for a, b in zip(was, now)]
    return Pair(
        name, measure(was), measure(now), each.count((1, 0)), each.count((0, 1))
    )


def _layers(
    bench: Bench, runs: Sequence[Finished], edit: Edit, targets: Sequence[_Target]
) -> Iterator[tuple[float, tuple[JointLayer, ...]]]:
    """Yields (share done, ()) and at last (1, the layers).

    The statistics leave every target's rows out. Most shards are those that the runs measured.
    """
    sources = bench.sources
    modules = dict(sources.mllm.model.named_modules())
    layers = {name: module for name, module in modules.items() if name in edit.layers}
    barred = _barred(sources.pool, [one.barred for one in targets])
    statistics = None
    for done, statistics in retained_statistics(
        sources.mllm, sources.pool, sources.encoder, layers, sources.model_sha256, barred,
        sources.cache,
    ):  # fmt: skip
        yield 0.6 * done, ()
    found = []
    for number, (name, module) in enumerate(layers.items(), start=1):
        found.append(_layer(name, module.weight.detach(), runs, edit, statistics))
        yield 0.6 + 0.4 * number / len(layers), tuple(found)


def _barred(pool: Pool, each: Sequence[frozenset[int]]) -> frozenset[int]:
    """Every target's rows, and those that would come into the certifying shard in their place
    though a run may have trained on them.
    """
    barred = frozenset().union(*each)
    unused = frozenset.intersection(*(frozenset(certified_rows(pool, one)) for one in each))
    while used := frozenset(certified_rows(pool, barred)) - unused:
        barred |= used
    return barred


def _layer(
    name: str, weight: Tensor, runs: Sequence[Finished], edit: Edit, statistics: Statistics
) -> JointLayer:
    """The triangle inequality, √damage(Σ ΔW_i + E) ≤ Σ √damage(ΔW_i) + √damage(E), and the same
    with √bound_i, in numbers. E: what storing the sum rounds otherwise than storing each ΔW_i.
    """
    # Where the weight lies, as `edited` computes.
    place = weight.device
    fit, certify, select = (
        part[name].to(place) for part in (statistics.fit, statistics.certify, statistics.select)
    )
    bases: dict[tuple, Basis] = {}
    alone, bounds, apart = [], [], torch.zeros_like(weight, dtype=torch.float64)
    for run in runs:
        if name not in run.edit.layers:
            alone.append(0.0)
            continue
        settings = run.record.settings
        how = (settings["mode"], settings["lam"], settings["energy"])
        if how not in bases:
            bases[how] = (
                soft_basis(fit, settings["lam"]) if settings["mode"] == "soft"
                else hard_basis(fit, select, settings["energy"])
            )  # fmt: skip
        stored = stored_delta(weight, run.edit.delta(name, place))
        bound = stored_bound(stored, bases[how], fit, certify, weight)
        alone.append(bound.in_sample)
        bounds.append(bound.bound)
        apart += stored
    stored, size = stored_delta(weight, edit.delta(name, place)), damage(weight, fit)
    rounded = damage(stored - apart, fit)

    def added(values: Sequence[float]) -> float:
        return float(torch.tensor([*values, rounded], dtype=torch.float64).sqrt().sum() ** 2) / size

    return JointLayer(
        name, tuple(one / size for one in alone), damage(stored, fit) / size, added(alone),
        added(bounds), damage(stored, certify) / size,
    )  # fmt: skip


def _warnings(
    bench: Bench, runs: Sequence[Finished], concepts: Sequence[JointConcept]
) -> Iterator[str]:
    for run, concept in zip(runs, concepts):
        record, name = run.record, concept.concept
        if broke := model_broke(concept.outcomes):
            yield f"“{name}”, together: {broke}"
        if record.stopped:
            yield f"The run of “{name}” was stopped early: its edit is partial."
        made: Mapping[str, str] = {**record.versions, "device": record.device}
        here = {**versions(), "device": bench.device}
        if changed := [what for what in here if made.get(what, here[what]) != here[what]]:
            yield (
                f"The run of “{name}” was measured with another {', '.join(changed)}: a few "
                "answers may differ for that alone."
            )

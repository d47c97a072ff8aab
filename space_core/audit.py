"""The one pipeline: words → anchors → edit → record. App, command line and benchmark consume the
same events; nothing is computed elsewhere.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import numpy as np
from PIL import Image

from space_core import aftermath, evaluate, guard, protection, tpas
from space_core.alarms import alarms, doubts, no_kin
from space_core.asking import asked
from space_core.damage import KeptAnswers, LayerReport
from space_core.edit import Edit, weights_sha256
from space_core.erasure import Erasure, erase
from space_core.evaluation_split import EvaluationSplit
from space_core.memory_plan import check_loads, fitting, free_memory
from space_core.names import NameBook, book_of, words
from space_core.probes import FAR, NEAR, Probe, known_as, plan
from space_core.retained import check_certified
from space_core.settings import BUNDLED, DcsiConfig, Settings, TpasConfig
from space_core.sources import Sources, open_sources
from space_core.state_map import map_of
from space_core.surroundings import pause
from space_core.types import (
    Concept, ConceptRequest, Outcome, Progress, RunRecord, Selection, StateMap, StepEvent,
)  # fmt: skip
from space_core.versions import versions


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What a process audits with: the sources of the erasure, and apart from them the evaluation.

    ``split`` is None where no evaluation images are at hand: then nothing is verified on images.
    """

    sources: Sources
    split: EvaluationSplit | None

    @property
    def model_name(self) -> str:
        """The model's folder or hub name, as one says it."""
        return _short(self.sources.mllm.name)

    @property
    def bundled(self) -> bool:
        """Whether the model is the one that comes with this project."""
        return self.sources.mllm.name in BUNDLED

    @property
    def revision(self) -> str:
        """The model's commit on the hub, "" for a folder."""
        return self.sources.revision

    @property
    def encoder_name(self) -> str:
        """The shared space's folder or hub name, as one says it."""
        return _short(self.sources.space.name)

    @property
    def encoder_sha256(self) -> str:
        """The hash of the shared space's weights."""
        return self.sources.space.sha256

    @property
    def device(self) -> str:
        """Where it computes."""
        return self.sources.mllm.device

    @property
    def pool_size(self) -> int:
        """Number of public images."""
        return len(self.sources.pool)

    @property
    def model_sha256(self) -> str:
        """The hash of the model's weights."""
        return self.sources.model_sha256

    @property
    def pool_sha256(self) -> str:
        """The hash of every image and word of the pool."""
        return self.sources.pool.sha256

    @property
    def evaluation_sha256(self) -> str:
        """The hash of the evaluation's images and words; "" where there is none."""
        return self.split.sha256 if self.split else ""

    def known_concepts(self) -> dict[str, str]:
        """Names that the pool knows, with their domain."""
        return {name: one.domain for name, one in self.sources.pool.concepts.items()}

    def pool_image(self, row: int) -> Image.Image:
        """One public image."""
        return self.sources.pool.image(row)

    def pool_caption(self, row: int) -> str:
        """What the pool says of one of its images."""
        return self.sources.pool.items[row].caption

    def evaluation_image(self, key: str) -> Image.Image | None:
        """The evaluation's view of that name."""
        return self.split.view(key).view.image if self.split else None


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """The end of an audit."""

    record: RunRecord
    edit: Edit


def open_bench(settings: Settings) -> Bench:
    """Load everything. Raises ValueError with one sentence for what cannot be loaded."""
    check_loads(settings)
    split = EvaluationSplit(settings.evaluation) if settings.evaluation.is_dir() else None
    return Bench(open_sources(settings), split)


def select_anchors(
    bench: Bench, request: ConceptRequest, config: TpasConfig,
    left_out: Collection[int] = frozenset(),
) -> Selection:  # fmt: skip
    """TPAS on the bench's pool."""
    sources = bench.sources
    return tpas.select(sources.space, sources.pool, sources.around, request, config, left_out)


def audit(
    bench: Bench, request: ConceptRequest, selection: Selection, config: DcsiConfig,
    stop: Callable[[], bool],
) -> Iterator[Progress | StepEvent | Finished]:  # fmt: skip
    """Ask, erase, ask again; yields what happens and ends in Finished. The model comes back whole.

    ``stop`` is asked between steps: what is trained by then is measured and labelled partial. An
    edit that is trained is measured to the end. Raises ValueError where memory is short: then
    nothing was asked; and where it is stopped before the first step.
    """
    started = time.monotonic()
    mllm = bench.sources.mllm
    if selection.request != request:
        raise ValueError("The anchors were chosen for another request: choose them again.")
    # Refused before the first question, where it cannot fit, or its damage not be measured.
    _, needed = fitting(mllm, config, free_memory(mllm.devices), loaded=True)
    yield Progress("memory", f"Checked the memory: {needed}.", 0.0)
    pool = bench.sources.pool
    check_certified(pool, guard.barred(pool, bench.sources.subject(request)))
    begun = Progress("before", "Asking the model before the erasure…", 0.0)
    yield begun
    pause(stop)
    probes, book, key = probes_of(bench, request, config.seed)
    views = evaluate.encode_views(mllm, bench.split, probes) if probes else {}
    before = yield from asked(mllm, probes, views, begun, 0.15, stop=stop)
    pause(stop)
    steps: list[StepEvent] = []
    erasure = None
    for event in erase(bench.sources, selection, config, stop):
        match event:
            case Progress():
                yield replace(event, done=0.15 + 0.65 * event.done)
            case StepEvent():
                steps.append(event)
                yield event
            case Erasure():
                erasure, selection = event, event.selection
    begun = Progress("after", "Asking the edited model the same questions…", 0.82)
    after = yield from asked(mllm, probes, views, begun, 0.15, erasure.edit)
    yield Progress("measuring", "Comparing, and checking that the model came back whole…", 0.97)
    outcomes = evaluate.judged(
        mllm, probes, before, after, book, key, erasure.honest, selection
    )
    block = max(config.blocks(mllm.decoder_layers()))
    states = map_of(bench.sources, selection, erasure.edit, block, probes, views)
    layers, kept_answers = aftermath.measure(bench.sources, selection, erasure)
    restored = weights_sha256(mllm.model) == bench.sources.model_sha256
    record = _record(
        bench, selection, config, erasure, tuple(steps), outcomes, layers, kept_answers, states,
        restored, time.monotonic() - started,
    )  # fmt: skip
    yield Finished(record, erasure.edit)


def probes_of(
    bench: Bench, request: ConceptRequest, seed: int
) -> tuple[tuple[Probe, ...], NameBook, str]:
    """The evaluation's questions, the names by which answers are read, and the target's key."""
    split, sources = bench.split, bench.sources
    concept = sources.subject(request)
    target, book, key = known_names(bench, request)
    if split is None:
        return (), book, key
    vector = tpas.embed(sources.space, concept, request.description)
    ranked = [
        (name, similarity)
        for name, similarity in sources.around.nearest(vector)
        if name in split.concepts and name != key
    ]
    artist = concept.family == "artist"
    near = _other_artists(bench, concept, key) if artist else ranked[:NEAR]
    near = protection.beside(near, sources, protection.watched(sources, split, request), vector)
    rest = [pair for pair in ranked if pair not in near]
    order = np.random.default_rng((seed, 21)).permutation(len(rest))[:FAR]
    probes = plan(split, target, near, [rest[i] for i in order], seed)
    asked = ("target", "told", *request.questions)
    return tuple(one for one in probes if one.group in asked), book, key


def known_names(
    bench: Bench, request: ConceptRequest
) -> tuple[Concept | None, NameBook, str]:
    """The evaluation's own entry for what is asked for, if any; the names by which answers are
    read, and its key among them. Without an evaluation the pool's words serve.

    A name that the evaluation has for something else counts only where the request itself says it.
    """
    concept = bench.sources.subject(request)
    if bench.split is None:
        return None, guard.name_book(bench.sources.pool, concept), concept.name
    target = known_as(bench.split, concept)
    key = target.name if target else concept.name
    others = {words(one.name) for one in bench.split.distinct} - {words(key)}
    names = [name for name in concept.names if words(name) not in others]
    asked = (request.name, *request.aliases, *names)
    return target, book_of(bench.split.distinct, key, dict.fromkeys(asked)), key


def _other_artists(bench: Bench, concept: Concept, key: str) -> list[tuple[str, float]]:
    sources, split = bench.sources, bench.split
    vector = tpas.embed(sources.space, concept, "")
    others = [n for n, c in split.concepts.items() if c.family == "artist" and n != key]
    vectors = [tpas.embed(sources.space, split.concepts[name], "") for name in others]
    return sorted(
        ((name, float(vector @ other)) for name, other in zip(others, vectors)),
        key=lambda pair: -pair[1],
    )


def _record(
    bench: Bench, selection: Selection, config: DcsiConfig, erasure: Erasure,
    steps: tuple[StepEvent, ...], outcomes: tuple[Outcome, ...], layers: tuple[LayerReport, ...],
    kept_answers: KeptAnswers | None, states: StateMap, restored: bool, seconds: float,
) -> RunRecord:  # fmt: skip
    sources, now = bench.sources, datetime.now(UTC)
    edit_hash = erasure.edit.sha256()
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in selection.request.name)
    domain_of = {n: one.domain for n, one in bench.split.concepts.items()} if bench.split else {}
    record = RunRecord(
        run_id=f"{now:%Y%m%d-%H%M%S-%f}-{slug.strip('-')[:40] or 'concept'}",
        created=now.isoformat(timespec="seconds"),
        model=bench.model_name,
        device=bench.device,
        versions=versions(),
        settings=_settings(config, bench),
        selection=selection,
        honest_answer=erasure.honest,
        steps=steps,
        stopped=erasure.stopped,
        **{name: measure(outcomes) for name, measure in evaluate.MEASURES.items()},
        bands=evaluate.similarity_bands(outcomes),
        outcomes=outcomes,
        layers=layers,
        anchor_shift=erasure.shift,
        anchor_reach=erasure.reach,
        hashes={
            "model": sources.model_sha256,
            "shared space": sources.space.sha256,
            "pool": sources.pool.sha256,
            "anchors": selection.sha256,
            "images that touched the erasure": _hash(
                sources.pool.image_sha256(row) for row in erasure.touched
            ),
            "edit": edit_hash,
            **({"evaluation": bench.evaluation_sha256} if bench.split else {}),
        },
        base_restored=restored,
        seconds=seconds,
        warnings=(
            *selection.warnings, *doubts(outcomes),
            *no_kin(outcomes, sources.subject(selection.request), domain_of),
            *protection.unwatched(
                outcomes, protection.watched(sources, bench.split, selection.request)
            ),
        ),
        domains=evaluate.by_domain(outcomes, domain_of),
        states=states,
        beliefs=erasure.beliefs,
        kept_answers=kept_answers,
        revision=bench.revision,
        encoder=bench.encoder_name,
        dtype=str(sources.mllm.model.dtype).removeprefix("torch."),
    )
    return replace(record, warnings=(*alarms(record), *record.warnings))


def _short(name: str) -> str:
    return "/".join(name.rstrip("/").split("/")[-2:])


def _settings(config: DcsiConfig, bench: Bench) -> dict[str, float | int | str]:
    plain = asdict(config)
    blocks = config.blocks(bench.sources.mllm.decoder_layers())
    return {**plain, "layers": " ".join(map(str, blocks))}


def _hash(parts) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

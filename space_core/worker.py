"""The one function that computes for the page and its API: search, preview, erase, ask, judge, ask
several edits together.

On ZeroGPU it runs in a child process that serves one call after another: what goes in and out is
plain Python, and edits pass as safetensors files. Elsewhere they pass as they are.
"""

import logging
import math
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from PIL import Image

from space_core import backend
from space_core.audit import Bench, Finished, audit, select_anchors
from space_core.edit import Edit
from space_core.interview import ask, judge_images
from space_core.joint import Joint
from space_core.preview import Said
from space_core.preview import preview as preview_of
from space_core.probes import usual_count_of_view
from space_core.retained import Encoder
from space_core.settings import DcsiConfig, TpasConfig
from space_core.together import Together, together
from space_core.types import (
    ConceptRequest, OwnImages, Progress, RunRecord, Selection, StepEvent,
)  # fmt: skip

# Seconds of a lent GPU. Estimates with room to spare, not measurements; what is left is given back.
_START, _PER_STEP, _PER_QUESTION, _STATISTICS = 10, 0.25, 0.02, 20
# The longest that ZeroGPU grants every visitor.
_LONGEST = 120
_EDIT, _STOP = "edit.safetensors", "stop"

_COMPUTING = threading.Lock()

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Search:
    """Choose anchors; yields the Selection."""

    request: ConceptRequest
    config: TpasConfig
    left_out: frozenset[int]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the model says of a concept now; yields a tuple of Said."""

    request: ConceptRequest


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase and measure; yields Progress and StepEvent, and at last Finished, or on ZeroGPU the
    RunRecord.

    ``folder`` gets a file that asks to stop, and there the edit's. ``questions``: how many are
    asked at most.
    """

    request: ConceptRequest
    selection: Selection
    config: DcsiConfig
    questions: int
    folder: Path

    def stop(self) -> None:
        """Ask the erasure, in whichever process it runs, to end after its present step."""
        (self.folder / _STOP).touch()

    def stopped(self) -> bool:
        """Whether it was asked to."""
        return (self.folder / _STOP).exists()


@dataclass(frozen=True, slots=True)
class Ask:
    """One question without and with an edit; yields both answers."""

    image: Image.Image | None
    question: str
    edit: Edit | Path


@dataclass(frozen=True, slots=True)
class Judge:
    """The questions about images of the auditor's own; yields the OwnImages."""

    record: RunRecord
    images: tuple[Image.Image, ...]
    edit: Edit | Path


@dataclass(frozen=True, slots=True)
class AskTogether:
    """The runs' questions with all their edits on; yields Progress and at last Together, or on
    ZeroGPU the Joint, where ``folder`` gets the file of the edits' sum.
    """

    records: tuple[RunRecord, ...]
    edits: tuple[Edit | Path, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Refused:
    """The sentence of a ValueError, which would not survive the way between processes."""

    sentence: str


Job = Search | Preview | Erase | Ask | Judge | AskTogether
Result = (
    Selection | Progress | StepEvent | Finished | RunRecord | tuple[str, str] | tuple[Said, ...]
    | OwnImages | Together | Joint
)  # fmt: skip
Compute = Callable[[Job], Iterator[Result | Refused]]


def asked_for(bench: Bench, job: Job) -> int:
    """For how many seconds a GPU is asked for. How fast another model is nobody has measured: all
    that is granted; what is left is given back.
    """
    return seconds(job) if bench.bundled else _LONGEST


def seconds(job: Job) -> int:
    """How long a job may take on a lent GPU with the bundled model."""
    match job:
        case Erase():
            config = job.config
            looks = config.second_look + config.foreign_look
            steps = config.steps + config.inversion_steps + looks
            needed = _START + _STATISTICS + _PER_STEP * steps + 2 * _PER_QUESTION * job.questions
        case Judge():
            needed = _START + 2 * _PER_QUESTION * usual_count_of_view() * len(job.images)
        case AskTogether():
            questions = sum(len(one.outcomes) for one in job.records)
            needed = _START + _STATISTICS + _PER_QUESTION * questions
        case _:
            needed = _START
    return min(_LONGEST, math.ceil(needed))


def entry_point(bench: Callable[[], Bench], device: str) -> Compute:
    """The function that computes, for `bench()`, the one of the parent, on a setting's `device`.

    Make one per process: ZeroGPU keeps a child for each.
    """

    @cache
    def ready() -> Bench:
        return _moved(bench(), backend.call_device(device))

    @backend.on_gpu(lambda job: asked_for(bench(), job))
    def compute(job: Job) -> Iterator[Result | Refused]:
        try:
            with backend.memory_in_words():
                yield from _done(ready(), job)
        except ValueError as error:
            yield Refused(str(error))
        except Exception:
            # The parent learns no more than the name of the error.
            _log.exception("A call failed.")
            raise

    return compute


def search(compute: Compute, *asked: object) -> Selection:
    """Anchors; the arguments are those of `Search`. Raises ValueError as TPAS does."""
    return _last(compute, Search(*asked))


def preview(compute: Compute, request: ConceptRequest) -> tuple[Said, ...]:
    """What the model says of a concept now. Raises ValueError as `preview.preview` does."""
    return _last(compute, Preview(request))


def erase(
    compute: Compute, request: ConceptRequest, selection: Selection, config: DcsiConfig,
    questions: int, stop: Callable[[], bool],
) -> Iterator[Progress | StepEvent | Finished]:  # fmt: skip
    """The events of `audit.audit`. ``stop`` is asked before each event is waited for."""
    with tempfile.TemporaryDirectory(prefix="space-run-") as folder:
        job = Erase(request, selection, config, questions, Path(folder))
        with closing(_heard(compute, job)) as events:
            while True:
                if stop():
                    job.stop()
                event = next(events, None)
                if event is None:
                    return
                if isinstance(event, RunRecord):
                    event = Finished(event, Edit.load(job.folder / _EDIT))
                yield event


def question(
    compute: Compute, image: Image.Image | None, text: str, edit: Edit
) -> tuple[str, str]:
    """Both answers to a question. Raises ValueError as `interview.ask` does."""
    with _passed(edit) as given:
        return _last(compute, Ask(image, text, given))


def judge(
    compute: Compute, record: RunRecord, edit: Edit, images: Sequence[Image.Image]
) -> Iterator[Progress | OwnImages]:
    """The events of `interview.judge_images`. Raises ValueError as it does."""
    with _passed(edit) as given, closing(
        _heard(compute, Judge(record, tuple(images), given))
    ) as events:  # fmt: skip
        yield from events


def ask_together(
    compute: Compute, runs: Sequence[Finished]
) -> Iterator[Progress | Together]:
    """The events of `together.together`. Raises ValueError as it does."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="space-sum-")))
        edits = tuple(stack.enter_context(_passed(run.edit)) for run in runs)
        job = AskTogether(tuple(run.record for run in runs), edits, folder)
        with closing(_heard(compute, job)) as events:
            for event in events:
                if isinstance(event, Joint):
                    event = Together(event, Edit.load(folder / _EDIT))
                yield event


@contextmanager
def _passed(edit: Edit) -> Iterator[Edit | Path]:
    """The edit, as a file where another process computes."""
    if not backend.zero_gpu():
        yield edit
        return
    with tempfile.TemporaryDirectory(prefix="space-edit-") as folder:
        path = Path(folder) / _EDIT
        edit.save(path)
        yield path


def _taken(edit: Edit | Path) -> Edit:
    return edit if isinstance(edit, Edit) else Edit.load(edit)


def _done(bench: Bench, job: Job) -> Iterator[Result]:
    match job:
        case Search():
            yield select_anchors(bench, job.request, job.config, job.left_out)
        case Preview():
            yield preview_of(bench, job.request)
        case Ask():
            yield ask(bench, job.image, job.question, _taken(job.edit))
        case Judge():
            yield from judge_images(bench, job.record, _taken(job.edit), job.images)
        case AskTogether():
            runs = [Finished(*pair) for pair in zip(job.records, map(_taken, job.edits))]
            with closing(together(bench, runs)) as events:
                for event in events:
                    if isinstance(event, Together) and backend.zero_gpu():
                        event.edit.save(job.folder / _EDIT)
                        event = event.joint
                    yield event
        case Erase():
            with closing(
                audit(bench, job.request, job.selection, job.config, job.stopped)
            ) as events:
                for event in events:
                    if isinstance(event, Finished) and backend.zero_gpu():
                        event.edit.save(job.folder / _EDIT)
                        event = event.record
                    yield event


def _heard(compute: Compute, job: Job) -> Iterator[Result]:
    with closing(compute(job)) as results:
        while (result := _next(results)) is not None:
            if isinstance(result, Refused):
                raise ValueError(result.sentence)
            yield result


def _next(results: Iterator[Result]) -> Result | None:
    # The queue lets the next visitor in as soon as a program cancels its call, whose step still
    # computes, with an edit on the one model. Between two results the model is as it was.
    with _COMPUTING:
        return next(results, None)


def _last(compute: Compute, job: Job) -> Result:
    *_, result = _heard(compute, job)
    return result


def _moved(bench: Bench, device: str) -> Bench:
    """The bench on another device; its models move with it."""
    if bench.device == device:
        return bench
    sources = bench.sources
    sources.mllm.model.to(device)
    sources.space.model.to(device)
    mllm = replace(sources.mllm, device=device)
    space = replace(sources.space, device=device)
    return replace(bench, sources=replace(
        sources, mllm=mllm, space=space, encoder=Encoder(mllm, sources.pool)
    ))  # fmt: skip

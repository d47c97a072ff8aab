"""What the page needs from the rest: doors, so that tests can stand behind them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from space_core.backend import zero_gpu
from space_core.kept_runs import KeptRuns, open_runs
from space_core.settings import Settings

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished
    from space_core.bundle import Takeaway
    from space_core.edit import Edit
    from space_core.preview import Said
    from space_core.together import Together
    from space_core.types import ConceptRequest, OwnImages, Progress, RunRecord, Selection
    from space_core.worker import Compute


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The doors to the pipeline. `bench` and `runs` are shared by all visitors and open in the
    background.

    `save` keeps a run under a key and for a visitor, and returns its folder; `load` opens it again.
    `take_away` writes what the visitor may download into a folder; page and tests read its paths by
    the fields of a `bundle.Takeaway`.
    """

    bench: "Future[Bench]"
    select: "Callable[..., Selection]"
    audit: Callable[..., Iterator[Any]]
    ask: Callable[..., tuple[str, str]]
    judge_images: "Callable[..., Iterator[Progress | OwnImages]]"
    save: "Callable[[str, str, RunRecord, Edit], Path]"
    take_away: "Callable[..., Takeaway]"
    runs: Future[KeptRuns]
    load: "Callable[[Path], Finished]"
    together: "Callable[[Bench, Sequence[Finished]], Iterator[Progress | Together]]"
    preview: "Callable[[Bench, ConceptRequest], tuple[Said, ...]]"


def default_pipeline(settings: Settings) -> Pipeline:
    """The real pipeline; its model starts to load at once, beside the page."""

    # Imported when called: torch and transformers must not delay the first paint.
    def start() -> "Bench":
        from space_core.audit import open_bench

        return open_bench(settings)

    @cache
    def compute() -> "Compute":
        from space_core.worker import entry_point

        return entry_point(bench.result, settings.device)

    def select(_bench: "Bench", *asked: Any) -> "Selection":
        from space_core.worker import search

        return search(compute(), *asked)

    def preview(_bench: "Bench", request: "ConceptRequest") -> "tuple[Said, ...]":
        from space_core.worker import preview

        return preview(compute(), request)

    def audit(
        bench: "Bench", request: Any, selection: Any, config: Any, stop: Callable[[], bool]
    ) -> Iterator[Any]:
        from space_core.probes import usual_count
        from space_core.worker import erase

        questions = usual_count() if bench.split else 0
        config = replace(config, layers=config.layers or settings.layers)
        yield from erase(compute(), request, selection, config, questions, stop)

    def ask(_bench: "Bench", *asked: Any) -> tuple[str, str]:
        from space_core.worker import question

        return question(compute(), *asked)

    def judge_images(_bench: "Bench", *asked: Any) -> "Iterator[Progress | OwnImages]":
        from space_core.worker import judge

        yield from judge(compute(), *asked)

    def save(*arguments: Any) -> Path:
        return runs.result().save(*arguments)

    def take_away(*arguments: Any) -> "Takeaway":
        from space_core.bundle import take_away

        return take_away(*arguments)

    def load(folder: Path) -> "Finished":
        from space_core.audit import Finished
        from space_core.edit import Edit
        from space_core.runs import EDIT, load_record

        return Finished(load_record(folder), Edit.load(folder / EDIT))

    def together(_bench: "Bench", runs: "Sequence[Finished]") -> "Iterator[Progress | Together]":
        from space_core.worker import ask_together

        yield from ask_together(compute(), runs)

    if zero_gpu():
        # What a call forks must be there before the first one, and is asked for before the launch.
        bench = at_once(start)
        compute()
    else:
        bench = in_background(start)
    runs = in_background(
        lambda: open_runs(settings.runs, settings.keep_days, settings.shared_runs)
    )
    return Pipeline(
        bench, select, audit, ask, judge_images, save, take_away, runs, load, together, preview
    )


def at_once(work: Callable[[], Any]) -> "Future[Any]":
    """The result of `work`, done now, as a future."""
    future: Future[Any] = Future()
    _fulfil(future, work)
    return future


def in_background(work: Callable[[], Any]) -> "Future[Any]":
    """Run `work` in a thread that does not keep the process alive; its result as a future."""
    future: Future[Any] = Future()
    threading.Thread(target=_fulfil, args=(future, work), name="open", daemon=True).start()
    return future


def _fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)

"""What the page needs from the rest: eight doors, so that tests can stand behind them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from space_core.backend import zero_gpu
from space_core.settings import Settings

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished
    from space_core.bundle import Takeaway
    from space_core.edit import Edit
    from space_core.types import RunRecord, Selection
    from space_core.worker import Compute


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The doors to the pipeline. `bench` is shared by all visitors and loads in the background.

    `save` keeps a run and returns its folder. `take_away` writes what the visitor may download into
    a folder; page and tests read its paths by the fields of a `bundle.Takeaway`. `give_key` makes
    the key of a kept run, from its folder, and `open_kept` finds the run that a key belongs to.
    """

    bench: "Future[Bench]"
    select: "Callable[..., Selection]"
    audit: Callable[..., Iterator[Any]]
    ask: Callable[..., tuple[str, str]]
    save: "Callable[[RunRecord, Edit], Path]"
    take_away: "Callable[..., Takeaway]"
    give_key: Callable[[Path], str]
    open_kept: "Callable[[str], Finished]"


def default_pipeline(settings: Settings) -> Pipeline:
    """The real pipeline; its model starts to load at once, beside the page."""

    # Imported when called: torch and transformers must not delay the first paint.
    def load() -> "Bench":
        from space_core.audit import open_bench

        return open_bench(settings)

    @cache
    def compute() -> "Compute":
        from space_core.worker import entry_point

        return entry_point(bench.result, settings.device)

    def select(_bench: "Bench", *asked: Any) -> "Selection":
        from space_core.worker import search

        return search(compute(), *asked)

    def audit(
        bench: "Bench", request: Any, selection: Any, config: Any, stop: Callable[[], bool]
    ) -> Iterator[Any]:
        from space_core.probes import usual_count
        from space_core.worker import erase

        questions = usual_count() if bench.split else 0
        yield from erase(compute(), request, selection, config, questions, stop)

    def ask(_bench: "Bench", *asked: Any) -> tuple[str, str]:
        from space_core.worker import question

        return question(compute(), *asked)

    def save(record: "RunRecord", edit: "Edit") -> Path:
        from space_core.runs import save_run

        return save_run(settings.runs, record, edit)

    def take_away(*arguments: Any) -> "Takeaway":
        from space_core.bundle import take_away

        return take_away(*arguments)

    def give_key(run: Path) -> str:
        from space_core.run_keys import give_key

        return give_key(run)

    def open_kept(key: str) -> "Finished":
        from space_core.audit import Finished
        from space_core.edit import Edit
        from space_core.run_keys import run_of
        from space_core.runs import EDIT, load_record

        run = run_of(settings.runs, key)
        return Finished(load_record(run), Edit.load(run / EDIT))

    if zero_gpu():
        # What a call forks must be there before the first one, and is asked for before the launch.
        bench = at_once(load)
        compute()
    else:
        bench = in_background(load)
    return Pipeline(bench, select, audit, ask, save, take_away, give_key, open_kept)


def at_once(work: Callable[[], Any]) -> "Future[Any]":
    """The result of `work`, done now, as a future."""
    future: Future[Any] = Future()
    _fulfil(future, work)
    return future


def in_background(work: Callable[[], Any]) -> "Future[Any]":
    """Run `work` in a thread that does not keep the process alive; its result as a future."""
    future: Future[Any] = Future()
    threading.Thread(target=_fulfil, args=(future, work), name="load-model", daemon=True).start()
    return future


def _fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)

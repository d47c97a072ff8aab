"""What the page needs from the rest: nine doors, so that tests can stand behind them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from space_core.kept_runs import KeptRuns, open_runs
from space_core.runs import EDIT, load_record
from space_core.settings import Settings

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished
    from space_core.bundle import Takeaway
    from space_core.edit import Edit
    from space_core.types import OwnImages, RunRecord, Selection


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
    judge_images: "Callable[..., OwnImages]"
    save: "Callable[[str, str, RunRecord, Edit], Path]"
    take_away: "Callable[..., Takeaway]"
    runs: Future[KeptRuns]
    load: "Callable[[Path], Finished]"


def default_pipeline(settings: Settings) -> Pipeline:
    """The real pipeline; its model starts to load at once, beside the page."""

    # Imported when called: torch and transformers must not delay the first paint.
    def select(*arguments: Any) -> "Selection":
        from space_core.audit import select_anchors

        return select_anchors(*arguments)

    def audit(*arguments: Any) -> Iterator[Any]:
        from space_core.audit import audit

        yield from audit(*arguments)

    def ask(*arguments: Any) -> tuple[str, str]:
        from space_core.interview import ask

        return ask(*arguments)

    def judge_images(*arguments: Any) -> "OwnImages":
        from space_core.interview import judge_images

        return judge_images(*arguments)

    def save(*arguments: Any) -> Path:
        return runs.result().save(*arguments)

    def take_away(*arguments: Any) -> "Takeaway":
        from space_core.bundle import take_away

        return take_away(*arguments)

    def load(folder: Path) -> "Finished":
        from space_core.audit import Finished
        from space_core.edit import Edit

        return Finished(load_record(folder), Edit.load(folder / EDIT))

    def start() -> "Bench":
        from space_core.audit import open_bench

        return open_bench(settings)

    runs = in_background(
        lambda: open_runs(settings.runs, settings.keep_days, settings.shared_runs)
    )
    return Pipeline(
        in_background(start), select, audit, ask, judge_images, save, take_away, runs, load
    )


def in_background(work: Callable[[], Any]) -> "Future[Any]":
    """Run `work` in a thread that does not keep the process alive; its result as a future."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="open", daemon=True).start()
    return future

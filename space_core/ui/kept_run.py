"""A run of the store on the page again: steps 4 and 5 as they were, under the badge of a record."""

from collections.abc import Iterator

from space_core.origin import check_origin
from space_core.recorded import Recorded
from space_core.run_index import Entry
from space_core.runs import decisions_of, load_record
from space_core.ui import facts, markup, old_record, record_tab, verify_tab
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import Where
from space_core.ui.wiring import View

SHOWN = tuple(dict.fromkeys(
    ("runs_status", "source", "on_show", *old_record.SHOWN, *record_tab.SHOWN, *verify_tab.SHOWN)
))  # fmt: skip
_A_GUEST = (
    "Opened by its link. Only the browser that made this run can decide about it, download its "
    "files or delete it."
)


def opened(
    pipeline: Pipeline, entry: Entry, own: bool, where: Where
) -> Iterator[View]:
    """Show a kept run: step 5 at once, step 4 when its model is here. Only who owns it decides."""
    place = pipeline.runs.result().place(entry)
    found = Recorded(load_record(place), decisions_of(place))
    view = {**old_record.shown(found, where), **record_tab.hidden()}
    mark = where.marks["record"]
    yield {
        "runs_status": markup.status("Opening: step 5 shows the recorded run…", "busy"), **view,
    }
    # A page that is still being built may miss a view on which another follows at once: it is shown
    # again. Who waited for the model may have gone to another step, and is left there.
    again = view if pipeline.bench.done() else {}
    bench = pipeline.bench.result()
    # Who did not wait may have another run before them by now.
    if not where.still("record", mark):
        return
    # Under the names of its views other images may lie now.
    parts = ("model", "evaluation") if found.record.outcomes else ("model",)
    check_origin(found.record, bench, parts, "step 5 shows it, but step 4 needs those.")
    finished = pipeline.load(place)
    view = {
        **again, "runs_status": "" if own else markup.status(_A_GUEST),
        **verify_tab.shown(bench, finished),
        **facts.source("recorded", entry.key, found.record.selection.request.name),
        **(record_tab.reopened(pipeline, finished, place) if own else {}),
    }
    if where.still("record", mark):
        yield {**view, **where.shows("verify")}

"""An old run: opened from its file, shown read-only, run again, and compared."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from space_core.origin import check_origin
from space_core.recorded import Recorded, open_recorded
from space_core.replay import Difference, again, differences
from space_core.types import Progress, RunRecord, StepEvent
from space_core.ui import facts, markup, moved_anchors, record_tab
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import Where
from space_core.ui.wiring import HEAVY, Parts, View, listen, say_at_once

_COMPARED = ("replay_status", "differences", "replay", "stop_replay")
SHOWN = (
    "recorded", "record_mark", "old_record", "old_facts", "old_beliefs", "record_tab", "tabs",
    *_COMPARED,
)
_IDLE = {"replay": gr.update(interactive=True), "stop_replay": gr.update(interactive=False)}


def build_upload() -> dict[str, Any]:
    """What opens an old record, for step 1: there is no run yet."""
    gr.HTML(markup.note(
        "Or look at a run that was made before: give its record.json, or the zip of step 5 where "
        "that has at most 64 MB."
    ))
    upload = gr.UploadButton("Open an old record", file_types=[".json", ".zip"], size="sm")
    return {"upload": upload, "upload_status": gr.HTML()}


def build() -> dict[str, Any]:
    """The components of step 5, by name: hidden until a record is opened."""
    parts: dict[str, Any] = {}
    with gr.Column(visible=False) as parts["old_record"]:
        parts["old_facts"] = gr.HTML()
        parts["old_beliefs"] = moved_anchors.table(visible=False)
        gr.HTML(
            '<h2 class="section">Replay</h2>'
            + markup.note(
                "Runs the same request with the same settings again, on the model of this page, "
                "and lists exactly what comes out differently. It keeps nothing."
            )
        )
        with gr.Row():
            parts["replay"] = gr.Button("Replay", variant="primary")
            parts["stop_replay"] = gr.Button("Stop replay", variant="stop", interactive=False)
        parts["replay_status"] = gr.HTML()
        parts["differences"] = gr.Dataframe(
            headers=["Kind", "What", "In the record", "Now"], datatype="str", interactive=False,
            wrap=True, buttons=[], max_height=420, visible=False, label="What differs",
            elem_classes="wide",
        )
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie the events of the upload and of the replay to their handlers."""
    listen(
        parts["upload"].upload, opened, parts, queue=False,
        inputs=("upload", "where", "kept", "live_facts"),
        outputs=("upload_status", "runs_status", "live_record", "kept", *SHOWN),
        failed=lambda sentence: {"upload_status": markup.status(sentence, "warning")},
    )
    say_at_once(parts["replay"].click, parts, "replay_status", markup.waiting())
    armed = listen(
        parts["replay"].click, arm, parts, queue=False, show_progress="hidden",
        outputs=("replay_flag", "replay", "stop_replay", "differences"),
    )

    def run(*values: Any) -> Iterator[View]:
        yield from replay(pipeline, *values)

    listen(
        armed.then, run, parts, inputs=("recorded", "replay_flag", "where", "record_mark"),
        outputs=_COMPARED,
        failed=lambda sentence: {**_IDLE, "replay_status": markup.status(sentence, "warning")},
        # One may still wait that was pressed for another record: it ends when its turn comes.
        trigger_mode="multiple", show_progress="hidden", **HEAVY,
    )
    listen(
        parts["stop_replay"].click, stop, parts, inputs=("replay_flag",),
        outputs=("replay_status", "stop_replay"), queue=False, show_progress="hidden",
    )


def opened(
    path: str | Path, where: Where, kept: Path | None, live_facts: str
) -> Iterator[View]:
    """Show the record in the file, read-only, and open step 5."""
    found = open_recorded(Path(path))
    yield {
        "upload_status": markup.status("Opened: the recorded run is in step 5.", "good"),
        "runs_status": "",
        **shown(found, where), **record_tab.beside_another(kept, live_facts),
    }


def shown(found: Recorded, where: Where) -> dict[str, Any]:
    """A recorded run as step 5 shows it; a replay of another, under way, ends."""
    return {
        **where.shows("record"), "recorded": found,
        "old_record": gr.update(visible=True), "old_facts": _facts(found),
        "old_beliefs": gr.update(
            value=moved_anchors.rows(found.record), visible=bool(found.record.beliefs)
        ),
        "record_tab": gr.update(interactive=True), "tabs": gr.update(selected="record"),
        "replay_status": "", "differences": gr.update(value=[], visible=False), **_IDLE,
    }


def arm() -> Iterator[View]:
    """A fresh flag for this replay alone, so that Stop works even while it waits its turn."""
    yield {
        "replay_flag": threading.Event(), "replay": gr.update(interactive=False),
        "stop_replay": gr.update(interactive=True),
        "differences": gr.update(value=[], visible=False),
    }


def stop(flag: threading.Event | None) -> Iterator[View]:
    """Ask this visitor's replay to end."""
    if flag is not None:
        flag.set()
    yield {
        "replay_status": markup.status("Stopping: nothing will be compared.", "busy"),
        "stop_replay": gr.update(interactive=False),
    }


def replay(
    pipeline: Pipeline, recorded: Recorded | None, flag: threading.Event, where: Where, mark: str
) -> Iterator[View]:
    """Run a record again and list what differs. One that was stopped stops after as many steps.

    Ends where step 5 shows another record than that with the mark.
    """
    if recorded is None:
        raise ValueError("There is no old record yet: open one in step 1.")
    if not where.still("record", mark):
        return
    then, asked = recorded.record, again(recorded.record)
    if flag.is_set():
        yield _stopped()
        return
    bench, steps = pipeline.bench.result(), 0
    check_origin(
        then, bench, ("model", "shared space", "pool", "evaluation"),
        "the same numbers cannot come out here. Replay it where those are loaded.",
    )

    def enough() -> bool:
        return then.stopped and steps >= len(then.steps)

    yield {"replay_status": markup.progress("Choosing the anchors again…", 0.0)}
    selection = pipeline.select(bench, asked.request, asked.choice, asked.left_out)
    with closing(
        pipeline.audit(bench, asked.request, selection, asked.config, enough)
    ) as events:
        for event in events:
            if not where.still("record", mark):
                return
            # Of a part nothing is compared: it need not be measured to its end.
            if flag.is_set():
                yield _stopped()
                return
            match event:
                case StepEvent():
                    steps = event.step
                case Progress():
                    text = event.message or event.stage
                    yield {"replay_status": markup.progress(text, event.done)}
                case finished:
                    yield _compared(then, finished.record)


def _stopped() -> dict[str, Any]:
    return {**_IDLE, "replay_status": markup.status("Stopped: nothing was compared.", "warning")}


def _compared(then: RunRecord, now: RunRecord) -> dict[str, Any]:
    found = differences(then, now)
    rows = [[one.kind, one.what, one.then, one.now] for one in found]
    return {
        **_IDLE, "replay_status": markup.status(_summary(found), "warning" if found else "good"),
        "differences": gr.update(value=rows, visible=bool(rows)),
    }


def _summary(found: Sequence[Difference]) -> str:
    if not found:
        return "The same numbers: answers, measurements, versions and hashes are all equal."
    counts = Counter(one.kind for one in found)
    listed = ", ".join(f"{count} in the {kind}" for kind, count in counts.items())
    said = "The same numbers and answers, but not all else"
    if "numbers" in counts:
        said = "The same answers, but not the same numbers"
    if "answers" in counts:
        said = "Not the same answers"
    return f"{said}: {len(found)} differences ({listed}), all listed below."


def _facts(found: Recorded) -> str:
    return (
        facts.of_run(found.record, "recorded")
        + '<h2 class="section">Result in the record</h2>'
        + markup.note("As the file says: nothing here was measured now.")
        + markup.verdict(found.record)
        + '<h2 class="section">Decisions in the record</h2>'
        + markup.note("A zip or a kept run holds them, a record.json alone does not.")
        + facts.of_decisions(found.decisions)
    )

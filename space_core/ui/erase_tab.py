"""Step 3: the erasure, watched live, and stopped when asked."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core import plots
from space_core.plot_notes import PLOTS
from space_core.settings import PRESETS, DcsiConfig
from space_core.types import Progress, Selection, StepEvent
from space_core.ui import (
    anchor_controls, anchors_tab, changed_since, facts, markup, moved_anchors, my_runs, own_images,
    record_tab, verify_tab, wording,
)  # fmt: skip
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import Where
from space_core.ui.wiring import HEAVY, Parts, View, listen, say_at_once

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished

REDRAW_SECONDS = 0.3
_PLOTS = (
    ("losses", "Loss", plots.losses), ("entropies", "Spectral entropy", plots.entropies),
    ("drift", "Retained drift", plots.drift),
    ("let_through", "Gradient let through", plots.let_through),
)
_HARD = "let_through"
_CURVES = (*(name for name, *_ in _PLOTS), f"{_HARD}_part")
# The stages in which there is nothing left to stop.
_TRAINED = ("after", "measuring")
_IDLE = {"erase": gr.update(interactive=True), "stop": gr.update(interactive=False)}
# While a run goes on, the browser asks back before it leaves the page, which would end the run.
_HOLD_PAGE = "() => { window.onbeforeunload = (event) => event.preventDefault(); }"
_LET_GO_OF_PAGE = "() => { window.onbeforeunload = null; }"


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A run that has ended: by its key in the store, in its folder there, or why it has none.

    again: whether the run chose other anchors than step 2 had.
    """

    finished: "Finished"
    key: str
    kept: Path | None
    fault: str
    again: bool


def build() -> dict[str, Any]:
    """The components, by name."""
    default = DcsiConfig()
    parts: dict[str, Any] = {"to_erase": gr.HTML(), **changed_since.build()}
    with gr.Accordion("Advanced settings", open=False):
        parts["preset"] = gr.Radio(
            [(said, preset) for preset, said in wording.PRESETS.items()], value="space",
            label="Method",
        )
        parts["preset_note"] = gr.HTML()
        with gr.Row():
            parts["lam"] = gr.Slider(
                0.001, 1, default.lam, step=0.001, label="Softness λ (soft null space)",
                info="Smaller protects other knowledge more.",
            )
            parts["energy"] = gr.Slider(
                0.001, 0.5, default.energy, step=0.001, label="Energy share (hard null space)",
                info="How much of other knowledge's energy may lie in what is edited.",
            )
            parts["steps"] = gr.Slider(
                1, 200, default.steps, step=1, label="Steps", info="More steps erase harder."
            )
    with gr.Row():
        parts["erase"] = gr.Button("Erase", variant="primary")
        parts["stop"] = gr.Button("Stop", variant="stop", interactive=False)
    gr.HTML(markup.note(
        "Keep this page open until it has ended: leaving or reloading the page ends the run, and "
        "nothing of it is kept."
    ))
    parts["erase_status"] = gr.HTML()
    parts["show_result"] = gr.Button("Show the result in steps 4 and 5", visible=False)
    for some in (_PLOTS[:2], _PLOTS[2:]):
        with gr.Row():
            for name, title, draw in some:
                # Only the hard null space lets through a share: the soft one weighs.
                shown = name != _HARD
                with gr.Column(min_width=300, visible=shown) as parts[f"{name}_part"]:
                    # Never without axes: gradio's sign for that is no fit for a screen reader.
                    parts[name] = gr.Plot(draw(()), label=title, elem_classes="streams")
                    gr.HTML(markup.note(PLOTS[name]))
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this step's events to their handlers."""
    result = (
        "erase_status", "tabs", *anchors_tab.SHOWN, *moved_anchors.SHOWN, *verify_tab.SHOWN,
        *record_tab.SHOWN, "source", "on_show", "old_record", "waiting", "show_result",
        "runs_status",
    )
    failed = {"failed": lambda sentence: {
        **_IDLE, "erase_status": markup.status(sentence, "warning"),
    }}
    say_at_once(parts["erase"].click, parts, "erase_status", markup.waiting_to_begin())
    armed = listen(
        parts["erase"].click, arm, parts, outputs=("stop_flag", "erase", "stop"), queue=False,
        show_progress="hidden",
    )

    say_at_once(parts["preset"].input, parts, "preset_note", markup.floating(anchors_tab.WAITING))
    anchor_controls.lock(parts["preset"].input, parts)
    chosen = anchors_tab.chosen_after(parts["preset"].input, parts, pipeline)
    listen(
        chosen.then, method_chosen, parts, inputs=("preset",), outputs=("preset_note",),
        queue=False, show_progress="hidden",
    )

    def run(*values: Any) -> Iterator[View]:
        yield from erase(pipeline, *values)

    ended = listen(
        armed.then, run, parts, outputs=("erase", "stop", *_CURVES, *result),
        show_progress="hidden",
        inputs=("selection", "preset", "lam", "energy", "steps", "stop_flag", "visitor", "where"),
        **failed, **HEAVY,
    )
    my_runs.listed_after(ended.then, parts, pipeline)
    own_images.kept_after(ended.then, parts)
    for event, script in (
        (parts["erase"].click, _HOLD_PAGE), (ended.then, _LET_GO_OF_PAGE),
        # What the queue refuses has no "then".
        (ended.failure, _LET_GO_OF_PAGE),
    ):  # fmt: skip
        event(None, None, None, js=script, api_visibility="private", queue=False)

    def show(*values: Any) -> Iterator[View]:
        yield from show_waiting(pipeline, *values)

    asked = listen(
        parts["show_result"].click, show, parts, inputs=("waiting", "selection", "where"),
        outputs=result, concurrency_limit=None, show_progress="hidden",
        failed=lambda sentence: {"erase_status": markup.status(sentence, "warning")},
    )
    own_images.kept_after(asked.then, parts)
    listen(
        parts["stop"].click, stop, parts, inputs=("stop_flag",),
        outputs=("erase_status", "stop"), queue=False, show_progress="hidden",
    )


def method_chosen(preset: str) -> Iterator[View]:
    """Say what a method that moves no anchor means for their choice."""
    text = f"{wording.UNMOVED} See step 2." if not PRESETS[preset].inversion_steps else ""
    yield {"preset_note": markup.status(text)}


def arm() -> Iterator[View]:
    """A fresh flag for this run alone, so that Stop works even while the run waits its turn."""
    yield {
        "stop_flag": threading.Event(), "erase": gr.update(interactive=False),
        "stop": gr.update(interactive=True),
    }


def stop(flag: threading.Event | None) -> Iterator[View]:
    """Ask this visitor's run to end."""
    if flag is not None:
        flag.set()
    text = "Stopping. Before the first step nothing is changed; after it, what is erased so far is "
    text += "measured and labelled as partial."
    yield {"erase_status": markup.status(text, "busy"), "stop": gr.update(interactive=False)}


def erase(
    pipeline: Pipeline, selection: Selection | None, preset: str, lam: float, energy: float,
    steps: float, flag: threading.Event, visitor: str, where: Where,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[View]:
    """Run the erasure, redraw at most every `REDRAW_SECONDS`, end with the measured result."""
    if selection is None:
        raise ValueError("There are no anchors yet: name a concept in step 1.")
    if flag.is_set():
        yield {**_IDLE, "erase_status": markup.status("Stopped before it began.", "warning")}
        return
    config = replace(PRESETS[preset], lam=lam, energy=energy, steps=int(steps))
    bench = pipeline.bench.result()
    seen: list[StepEvent] = []
    whole, started = 0.0, clock()
    drawn = started
    hard = config.mode == "hard"
    yield {"erase_status": markup.progress("Starting…", 0.0), **_curves((), hard)}
    with my_runs.noted(pipeline, visitor, selection.request.name) as key:
        for event in pipeline.audit(bench, selection.request, selection, config, flag.is_set):
            match event:
                case StepEvent():
                    seen.append(event)
                    if clock() - drawn >= REDRAW_SECONDS or event.step >= event.steps:
                        drawn = clock()
                        yield {"erase_status": _step(event, whole, flag), **_curves(seen, hard)}
                case Progress():
                    whole = event.done
                    # Between two steps the line of the last one stays: two in turn would flicker.
                    if seen and event.stage == "training":
                        continue
                    yield {"erase_status": _stage(event, clock() - started, flag), **(
                        {"stop": gr.update(interactive=False)} if event.stage in _TRAINED else {}
                    )}
                case finished:
                    yield {"erase_status": markup.progress("Packing the files of step 5…", 1.0)}
                    # Where step 2 could not choose for the method, the run has.
                    again = finished.record.selection.sha256 != selection.sha256
                    result = Result(
                        finished, key, *record_tab.keep(pipeline, finished, key, visitor), again
                    )
                    idle = {**_IDLE, **_curves(finished.record.steps, hard)}
                    view = {} if where.reads_a_run() else _shown(pipeline, bench, result, True)
                    # Packing takes a while: the visitor may have begun to read.
                    if not view or where.reads_a_run():
                        yield {**idle, **_waits(result)}
                    else:
                        yield {**idle, **view, **_placed(where)}


def show_waiting(
    pipeline: Pipeline, waiting: Result | None, selection: Selection | None, where: Where
) -> Iterator[View]:
    """Show in steps 4 and 5 the result that waited while the visitor read another run there.

    selection: step 2's, which may be of another concept by now and is left then.
    """
    if waiting is None or waiting.kept is not None and not waiting.kept.exists():
        text = "There is no such result any more: it was shown, or its run was deleted."
        yield {**_none_waits(), "erase_status": markup.status(text, "warning")}
        return
    same = selection and selection.request == waiting.finished.record.selection.request
    view = _shown(pipeline, pipeline.bench.result(), waiting, bool(same))
    yield {**view, **_placed(where)}


def _waits(result: Result) -> dict[str, Any]:
    """Another run stands before the visitor, with notes on it perhaps: it is left there."""
    record = result.finished.record
    ended, name = "Stopped early" if record.stopped else "Done", record.selection.request.name
    text = f"{ended}: its result waits below, as steps 4 and 5 show the run that you were reading."
    said = f"“{name}” has ended: step 3 shows the result."
    return {
        "waiting": result, "show_result": gr.update(visible=True),
        "erase_status": markup.status(text, "good"), "runs_status": markup.floating(said, "good"),
    }


def _none_waits() -> dict[str, Any]:
    return {"waiting": None, "show_result": gr.update(visible=False)}


def _placed(where: Where) -> dict[str, Any]:
    return {**where.shows("verify", "record"), **where.onward("erase", "verify")}


def _shown(
    pipeline: Pipeline, bench: "Bench", result: Result, anchors: bool
) -> dict[str, Any]:
    """The result in steps 4 and 5. anchors: in step 2, too, which shows its anchors."""
    finished = result.finished
    text = "Done: the result is in step 4."
    if finished.record.stopped:
        text = "Stopped early: step 4 judges the partial edit."
    if not finished.record.settings.get("inversion_steps", True):
        text += f" {wording.UNMOVED} Step 2 shows those that were used."
    return {
        "erase_status": markup.status(text, "good"),
        **(anchors_tab.shown(bench, finished.record.selection) if anchors and result.again else {}),
        **(moved_anchors.shown(bench, finished.record) if anchors else {}),
        **verify_tab.shown(bench, finished),
        **record_tab.shown(pipeline, finished, result.kept, result.fault),
        **facts.source(
            "live", result.key if result.kept else "", finished.record.selection.request.name
        ),
        **_none_waits(), "old_record": gr.update(visible=False), "runs_status": "",
    }


def _curves(seen: Sequence[StepEvent], hard: bool) -> dict[str, Any]:
    return {
        **{name: draw(seen if hard or name != _HARD else ()) for name, _, draw in _PLOTS},
        f"{_HARD}_part": gr.update(visible=hard),
    }


def _step(event: StepEvent, whole: float, flag: threading.Event) -> str:
    left = event.seconds / max(event.step, 1) * (event.steps - event.step)
    text = f"Erasing: step {event.step} of at most {event.steps}. The anchors are taught to answer "
    text += f"without the name: {wording.percent(event.overwritten)} of their answers are replaced"
    text += f", other knowledge has drifted by {wording.percent(event.damage)}"
    text += ", stopping…" if flag.is_set() else f", {wording.seconds_left(left)} in this stage"
    return markup.progress(text, whole)


def _stage(event: Progress, elapsed: float, flag: threading.Event) -> str:
    text = event.message or event.stage
    if event.stage in _TRAINED:
        text = f"Training has ended; the edit is being checked. {text}"
    elif flag.is_set():
        return markup.progress(f"Stopping… {text}", event.done)
    if 0.05 < event.done < 1:
        text += f" ({wording.seconds_left(elapsed / event.done * (1 - event.done))})"
    return markup.progress(text, event.done)

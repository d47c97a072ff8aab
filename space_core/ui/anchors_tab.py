"""Step 2: the public images that stand in for the concept, and how they were chosen."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core import plots
from space_core.settings import TpasConfig
from space_core.types import ConceptRequest, Selection
from space_core.ui import markup, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.wiring import HEAVY, Parts, View, listen

if TYPE_CHECKING:
    from space_core.audit import Bench

SHOWN = (
    "selection", "anchors_status", "gallery", "histogram", "dropped", "suggestions",
    "suggestions_note", "to_erase", "count", "cut", "from_pool", "left_out", "picked",
    "anchors_tab", "erase_tab",
)


def build() -> dict[str, Any]:
    """The components, by name."""
    parts: dict[str, Any] = {"anchors_status": gr.HTML()}
    parts["suggestions_note"] = gr.HTML()
    parts["suggestions"] = gr.Dataset(
        components=["textbox"], samples=[], label="Did you mean", visible=False
    )
    with gr.Row():
        parts["count"] = gr.Slider(
            2, 48, TpasConfig().anchors, step=1, label="Number of anchors |P|",
            info="More anchors describe the concept more broadly.",
        )
        with gr.Column():
            parts["from_pool"] = gr.Checkbox(True, label="Choose the cut from the pool")
            parts["cut"] = gr.Slider(
                -1, 1, 0, step=0.001, label="Similarity cut S_th", interactive=False,
                info="Images less similar to your words than this are never used.",
            )
    parts["gallery"] = gr.Gallery(
        label="Proxy anchors: rank · similarity · caption (artist, licence)", columns=6,
        height="auto", object_fit="contain", buttons=[], elem_id="anchor-gallery",
    )
    with gr.Row():
        parts["leave_out"] = gr.Button("Leave the opened image out", size="sm")
        parts["take_back"] = gr.Button("Take all back", size="sm")
    parts["histogram"] = gr.Plot(label="Similarity of the pool to your words", show_label=True)
    gr.HTML(markup.note(wording.PLOTS["histogram"]))
    with gr.Accordion("Kept away from the erasure, and why", open=False):
        gr.HTML(markup.note(
            "The erasure must not see the concept itself. Images that show it, by their label, "
            "are dropped here."
        ))
        parts["dropped"] = gr.Dataframe(
            headers=["Pool image", "Label", "Reason"], datatype="str", interactive=False,
            wrap=True, buttons=[], max_height=320,
        )
    parts["to_erasing"] = gr.Button("Go on to step 3", variant="primary")
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this step's events to their handlers."""
    controls = ("selection", "count", "from_pool", "cut", "left_out")
    options = {
        "outputs": SHOWN, **HEAVY,
        "failed": lambda sentence: {"anchors_status": markup.status(
            f"{sentence} The anchors shown below are still those of the choice before.", "warning"
        )},
    }

    def again(*values: Any) -> Iterator[View]:
        yield from reselect(pipeline, *values)

    for event in (parts["count"].release, parts["cut"].release, parts["from_pool"].input):
        listen(event, again, parts, inputs=controls, **options)

    def without(picked: int | None, *values: Any) -> Iterator[View]:
        yield from leave_out(pipeline, picked, *values)

    listen(
        parts["leave_out"].click, without, parts, inputs=("picked", *controls), **options
    )

    def with_all(*values: Any) -> Iterator[View]:
        yield from reselect(pipeline, *values[:-1], frozenset())

    listen(parts["take_back"].click, with_all, parts, inputs=controls, **options)

    def meant(sample: list[str]) -> Iterator[View]:
        yield from use_suggestion(pipeline, sample[0])

    listen(
        parts["suggestions"].click, meant, parts, inputs=("suggestions",),
        outputs=("concept", "aliases", "description", "category", *SHOWN),
        failed=options["failed"], **HEAVY,
    )

    def pick(event: gr.SelectData) -> int:
        return event.index

    parts["gallery"].select(
        pick, None, parts["picked"], api_visibility="private", queue=False, show_progress="hidden"
    )

    def go_on() -> Iterator[View]:
        yield {"tabs": gr.update(selected="erase")}

    listen(
        parts["to_erasing"].click, go_on, parts, outputs=("tabs",), queue=False,
        show_progress="hidden",
    )


def config(count: float, from_pool: bool, cut: float) -> TpasConfig:
    """The controls as settings of the selection."""
    return replace(TpasConfig(), anchors=int(count), threshold=None if from_pool else float(cut))


def reselect(
    pipeline: Pipeline, selection: Selection | None, count: float, from_pool: bool, cut: float,
    left_out: frozenset[int],
) -> Iterator[View]:
    """Choose again for the same concept with what the controls say."""
    if selection is None:
        raise ValueError("There is no concept yet: name one in step 1.")
    bench = pipeline.bench.result()
    wanted = config(count, from_pool, cut)
    chosen = pipeline.select(bench, selection.request, wanted, left_out)
    yield {
        **shown(bench, chosen), "left_out": left_out,
        "cut": gr.update(value=chosen.threshold, interactive=not from_pool),
    }


def leave_out(
    pipeline: Pipeline, picked: int | None, selection: Selection | None, count: float,
    from_pool: bool, cut: float, left_out: frozenset[int],
) -> Iterator[View]:
    """Choose again without the image that is open in the gallery."""
    if selection is None or picked is None or picked >= len(selection.anchors):
        raise ValueError("No image is open: click one in the gallery first.")
    row = selection.anchors[picked].row
    yield from reselect(pipeline, selection, count, from_pool, cut, left_out | {row})


def use_suggestion(pipeline: Pipeline, name: str) -> Iterator[View]:
    """Start again with the concept that the words most likely meant."""
    bench = pipeline.bench.result()
    selection = pipeline.select(bench, ConceptRequest(name), TpasConfig(), frozenset())
    yield {
        "concept": name, "aliases": "", "description": "", "category": "",
        **fresh_controls(selection), **shown(bench, selection),
    }


def fresh_controls(selection: Selection) -> dict[str, Any]:
    """The controls as a new concept finds them: defaults, and the pool's own cut."""
    return {
        "count": TpasConfig().anchors, "from_pool": True, "left_out": frozenset(),
        "cut": gr.update(value=selection.threshold, interactive=False),
    }


def shown(bench: "Bench", selection: Selection) -> dict[str, Any]:
    """A selection as the page shows it; it opens steps 2 and 3."""
    readings = wording.readings(selection)
    name = selection.request.name
    meaning = f"You wrote “{name}”. The pool also knows: {', '.join(readings)}. Click to use it."
    return {
        "selection": selection, "anchors_status": markup.choice(selection),
        "gallery": gr.update(value=[
            (bench.pool_image(anchor.row), wording.anchor_caption(anchor))
            for anchor in selection.anchors
        ], selected_index=None),
        "picked": None,
        "histogram": plots.similarities(selection.scores, selection.threshold),
        "dropped": [[str(one.row), one.label, one.reason] for one in selection.dropped],
        "suggestions": gr.update(
            samples=[[reading] for reading in readings],
            sample_labels=[f"Use “{reading}” instead" for reading in readings],
            visible=bool(readings),
        ),
        "suggestions_note": markup.status(meaning) if readings else "",
        "to_erase": markup.status(
            f"To be forgotten: “{name}”, by {len(selection.anchors)} proxy anchors."
        ),
        "anchors_tab": gr.update(interactive=True), "erase_tab": gr.update(interactive=True),
    }

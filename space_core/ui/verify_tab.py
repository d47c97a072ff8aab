"""Step 4: is it forgotten, what did it cost, and what do both models say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from space_core import plots
from space_core.types import Outcome, RunRecord
from space_core.ui import markup, outcomes, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.wiring import HEAVY, Parts, View, listen

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished

SHOWN = (
    "finished", "verdict", "pairs", "group", "outcome", "table", "opened", "layer_plot",
    "band_plot", "bound_plot", "verify_tab", "answer_before", "answer_after",
)
_PLOTS = (
    ("band_plot", "bands", "Other knowledge kept, by similarity"),
    ("layer_plot", "layers", "Spectral entropy per layer"),
    ("bound_plot", "bound", "Measured change and its bound"),
)


def build() -> dict[str, Any]:
    """The components, by name."""
    parts: dict[str, Any] = {"verdict": gr.HTML()}
    gr.HTML('<h2 class="section">Side by side</h2>')
    gr.HTML(markup.note(
        "The first questions of each group that were answered rightly before, not picked by result."
    ))
    parts["pairs"] = gr.HTML()
    gr.HTML('<h2 class="section">Ask both models yourself</h2>')
    with gr.Row():
        parts["image"] = gr.Image(
            label="Your image", type="pil", sources=["upload", "clipboard"], height=240,
            buttons=[],
        )
        with gr.Column():
            parts["question"] = gr.Textbox(label="Your question", placeholder="What is this?")
            parts["ask"] = gr.Button("Ask both models", variant="primary")
            parts["ask_status"] = gr.HTML()
            with gr.Row():
                parts["answer_before"] = gr.Textbox(label="Before", interactive=False, lines=2)
                parts["answer_after"] = gr.Textbox(label="After", interactive=False, lines=2)
    gr.HTML('<h2 class="section">Every question</h2>')
    with gr.Row():
        parts["group"] = gr.Dropdown([], label="About")
        parts["outcome"] = gr.Dropdown([], label="Outcome")
    parts["table"] = gr.Dataframe(
        headers=outcomes.HEADERS, datatype="str", interactive=False, wrap=True, max_height=420,
        buttons=[], label="Questions and answers (click a row to see its image)",
        column_widths=["6%", "15%", "13%", "24%", "15%", "15%", "12%"], elem_id="questions",
    )
    parts["opened"] = gr.HTML()
    gr.HTML('<h2 class="section">What the numbers look like</h2>')
    with gr.Row():
        for name, key, title in _PLOTS:
            with gr.Column(min_width=300):
                parts[name] = gr.Plot(label=title)
                gr.HTML(markup.note(wording.PLOTS[key]))
    parts["to_record"] = gr.Button("Go on to step 5", variant="primary")
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this step's events to their handlers."""
    for name in ("group", "outcome"):
        listen(
            parts[name].input, filtered, parts, inputs=("finished", "group", "outcome"),
            outputs=("table",), queue=False, show_progress="hidden",
        )

    # gradio passes the event only where it can resolve every annotation: no name of the audit here.
    def open_row(event: gr.SelectData, finished: Any) -> str:
        if finished is None:
            return ""
        return opened(pipeline.bench.result(), finished.record, int(event.row_value[0]))

    parts["table"].select(
        open_row, parts["finished"], parts["opened"], api_visibility="private", queue=False,
        show_progress="hidden",
    )

    def both(*values: Any) -> Iterator[View]:
        yield from ask(pipeline, *values)

    options = {
        "inputs": ("image", "question", "finished"),
        "outputs": ("answer_before", "answer_after", "ask_status"),
        "failed": lambda sentence: {"ask_status": markup.status(sentence, "warning")}, **HEAVY,
    }
    listen(parts["ask"].click, both, parts, **options)
    listen(parts["question"].submit, both, parts, **options)

    def go_on() -> Iterator[View]:
        yield {"tabs": gr.update(selected="record")}

    listen(
        parts["to_record"].click, go_on, parts, outputs=("tabs",), queue=False,
        show_progress="hidden",
    )


def shown(bench: "Bench", finished: "Finished") -> dict[str, Any]:
    """A result as the page shows it; opens step 4."""
    record = finished.record
    chosen = outcomes.side_by_side(record.outcomes)
    return {
        "finished": finished, "verdict": markup.verdict(record),
        "pairs": markup.comparison([(one, _image(bench, one)) for one in chosen]),
        "group": gr.update(choices=outcomes.groups(record.outcomes), value=outcomes.EVERYTHING),
        "outcome": gr.update(choices=outcomes.verdicts(record.outcomes), value=outcomes.EVERYTHING),
        "table": outcomes.rows(record.outcomes, outcomes.EVERYTHING, outcomes.EVERYTHING),
        "opened": "", "layer_plot": plots.layer_entropies(record.layers),
        "band_plot": plots.bands(record.bands), "bound_plot": plots.perturbations(record.layers),
        "answer_before": "", "answer_after": "", "verify_tab": gr.update(interactive=True),
    }


def filtered(finished: "Finished | None", group: str, verdict: str) -> Iterator[View]:
    """The table's rows under the two filters."""
    if finished is not None:
        yield {"table": outcomes.rows(finished.record.outcomes, group, verdict)}


def opened(bench: "Bench", record: RunRecord, number: int) -> str:
    """One question of the table (numbers count from 1) with its image, as HTML."""
    outcome = record.outcomes[number - 1]
    return markup.comparison([(outcome, _image(bench, outcome))])


def ask(
    pipeline: Pipeline, image: Image.Image | None, question: str, finished: "Finished | None"
) -> Iterator[View]:
    """Put the visitor's own question to the model without and with this visitor's edit."""
    if finished is None:
        raise ValueError("There is no edited model yet: erase a concept in step 3.")
    if not question.strip():
        raise ValueError("The question is empty: write one.")
    yield {"ask_status": markup.status("Asking…", "busy")}
    before, after = pipeline.ask(pipeline.bench.result(), image, question.strip(), finished.edit)
    yield {"answer_before": before, "answer_after": after, "ask_status": ""}


def _image(bench: "Bench", outcome: Outcome) -> Image.Image | None:
    return bench.evaluation_image(outcome.image) if outcome.image else None

"""Step 4: is it forgotten, what did it cost, and what do both models say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core import plots
from space_core.plot_notes import PLOTS
from space_core.types import OwnImages, RunRecord
from space_core.ui import markup, outcomes, own_images, own_questions, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import go_on, hidden_mark
from space_core.ui.wiring import Parts, View, listen

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished

SHOWN = (
    "verify_mark", "finished", "pairs", "ours", "again", "layer_plot", "band_plot", "domain_plot",
    "bound_plot", "cost_plot", "promised", "states", "state_plot", "state_note", "verify_tab",
    "answered", "answer_before", "answer_after", *own_images.SHOWN,
)
_PLOTS = (
    ("band_plot", "bands", "Other knowledge kept, by similarity"),
    ("domain_plot", "domains", "Other knowledge kept, by domain"),
    ("layer_plot", "layers", "Spectral entropy per layer"),
    ("bound_plot", "bound", "Measured change and its bound"),
    ("cost_plot", "costs", "Change for each of the nearest concepts"),
)


def build() -> dict[str, Any]:
    """The components, by name."""
    parts: dict[str, Any] = {"verdict": gr.HTML(), **hidden_mark("verify")}
    parts |= own_images.build()
    gr.HTML('<h2 class="section">Side by side</h2>' + markup.note(
        "The first questions of each group that were answered rightly before, not picked by result."
    ))
    parts["pairs"] = gr.HTML()
    parts |= own_questions.build()
    gr.HTML('<h2 class="section">Every question</h2>' + markup.note(
        "“Expected” is the right answer of a model that knows. About the concept itself the edited "
        "model should no longer give it, but an honest general answer or a refusal."
    ))
    with gr.Row():
        parts["group"] = gr.Dropdown([], label="About")
        parts["outcome"] = gr.Dropdown([], label="Outcome")
    parts["table"] = gr.Dataframe(
        headers=outcomes.HEADERS, datatype=outcomes.TYPES, interactive=False, wrap=True,
        max_height=420, buttons=[], label="Click a row, or press Enter, to see it large",
        column_widths=outcomes.WIDTHS, elem_id="questions", elem_classes="wide",
    )
    parts["opened"] = gr.HTML(elem_id="opened-question")
    gr.HTML('<h2 class="section">What the numbers look like</h2>')
    for some in (_PLOTS[:2], _PLOTS[2:4], _PLOTS[4:]):
        with gr.Row():
            for name, key, title in some:
                with gr.Column(min_width=300):
                    parts[name] = gr.Plot(label=title)
                    gr.HTML(markup.note(PLOTS[key]))
    parts["promised"] = gr.HTML()
    with gr.Column(visible=False) as parts["states"]:
        parts["state_plot"] = gr.Plot(label="Where the model holds each image in mind")
        parts["state_note"] = gr.HTML()
    parts["to_record"] = gr.Button("Go on to step 5", variant="primary")
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this step's events to their handlers."""

    def show(*values: Any) -> Iterator[View]:
        yield from filtered(pipeline.bench.result(), *values)

    for name in ("group", "outcome"):
        listen(
            parts[name].input, show, parts,
            inputs=("finished", "own", "own_pictures", "group", "outcome"),
            outputs=("table", "opened"), queue=False, show_progress="minimal",
            failed=lambda sentence: {"opened": markup.status(sentence, "warning")},
        )

    # gradio passes the event only where it can resolve every annotation: no name of the audit here.
    def open_row(event: gr.SelectData, finished: Any, own: Any, pictures: Any) -> str:
        if finished is None:
            return ""
        try:
            number = int(event.row_value[0])
            return opened(pipeline.bench.result(), finished.record, number, own, pictures)
        except Exception as error:
            # Only a program says that a row was clicked which the table does not have.
            return markup.status(wording.explain(error), "warning")

    parts["table"].select(
        open_row, [parts["finished"], parts["own"], parts["own_pictures"]], parts["opened"],
        api_visibility="private", queue=False, show_progress="hidden",
    )
    own_images.connect(parts, pipeline)
    own_questions.connect(parts, pipeline)

    go_on(parts["to_record"].click, parts, "record")


def shown(bench: "Bench", finished: "Finished") -> dict[str, Any]:
    """A result as the page shows it; opens step 4."""
    record = finished.record
    chosen = outcomes.side_by_side(record.outcomes)
    return {
        "finished": finished, "verdict": markup.verdict(record), **own_images.unasked(),
        "pairs": markup.comparison([(one, outcomes.image(bench, one)) for one in chosen]),
        "ours": gr.update(value=own_questions.ours(bench, record), selected_index=None),
        "again": gr.update(value=[], visible=False), **outcomes.shown(bench, record, None),
        "layer_plot": plots.layer_entropies(record.layers),
        "band_plot": plots.bands(record.bands), "domain_plot": plots.domains(record.domains),
        "bound_plot": plots.perturbations(record.layers),
        "cost_plot": plots.neighbour_costs(record.layers),
        "promised": markup.note(wording.guarantees(record)), **_states(record),
        "answered": "", "answer_before": "", "answer_after": "",
        "verify_tab": gr.update(interactive=True),
    }


def filtered(
    bench: "Bench", finished: "Finished | None", own: OwnImages | None,
    pictures: own_images.Pictures | None, group: str, kind: str,
) -> Iterator[View]:
    """The table's rows under the two filters."""
    if finished is not None:
        asked = outcomes.asked(finished.record, own)
        yield {"table": outcomes.rows(bench, asked, group, kind, own_images.of(pictures))}


def opened(
    bench: "Bench", record: RunRecord, number: int, own: OwnImages | None = None,
    pictures: own_images.Pictures | None = None,
) -> str:
    """One question of the table (numbers count from 1) with its image, as HTML."""
    one = outcomes.asked(record, own)[number - 1]
    return markup.comparison([(one, outcomes.image(bench, one, own_images.of(pictures)))])


def _states(record: RunRecord) -> dict[str, Any]:
    if record.states is None:
        return {"states": gr.update(visible=False)}
    return {
        "states": gr.update(visible=True), "state_plot": plots.state_map(record.states),
        "state_note": markup.note(plots.state_map_note(record.states)),
    }

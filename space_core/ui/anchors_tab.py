"""Step 2: the public images that stand in for the concept, and how they were chosen."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core import plots
from space_core.plot_notes import PLOTS
from space_core.settings import PRESETS, TpasConfig, anchors_for
from space_core.types import Selection
from space_core.ui import markup, moved_anchors, wording
from space_core.ui.anchor_controls import (
    CONTROLS, as_before, config, cut_of, fresh_controls, lock, toggled,
)  # fmt: skip
from space_core.ui.pipeline import Pipeline
from space_core.ui.request import WISHES, read_request
from space_core.ui.where import go_on
from space_core.ui.wiring import HEAVY, Parts, View, listen, say_at_once

if TYPE_CHECKING:
    from space_core.audit import Bench

SHOWN = (
    "selection", "anchors_status", "gallery", "histogram", "dropped", "suggestions",
    "suggestions_note", "choice_pays", "to_erase", "count", "cut", "from_pool", "used", "optimised",
    "changed_since", "anchors_tab", "erase_tab",
)
_NO_CONCEPT = "There is no concept yet: name one in step 1."
_CUT_STEP = 0.001
WAITING = "Waiting for a free place, then choosing again…"
# Part → the event after which it is chosen anew.
_CHOOSE = {
    "count": "release", "cut": "release", "from_pool": "input", "used": "input",
    "take_back": "click", "suggestions": "click",
}
# gradio's slider says that it was let go where a pointer was. The browser's own "change" comes
# after each press of a key, too.
_LET_GO_BY_KEY = """() => document.addEventListener('change', (event) => {
  if (event.target.closest('.chooses'))
    event.target.dispatchEvent(new Event('pointerup', {bubbles: true}));
})"""


def build() -> dict[str, Any]:
    """The components, by name."""
    gr.HTML(markup.note(
        "Proxy anchors are public images that stand in for the concept. As a rule half of them are "
        "such as your words describe well, though they are labelled as something else, and half "
        "are drawn by chance. The erasure moves what the model sees of them until the model itself "
        "calls them by the concept's name, and works on that: it need not resemble the concept at "
        "first. Ranks are the order of the choice: each next one is like your words and unlike "
        "those before it, so that similarity goes up and down; those drawn by chance come last."
    ))
    parts: dict[str, Any] = {"anchors_status": gr.HTML()}
    parts["suggestions_note"] = gr.HTML()
    parts["suggestions"] = gr.Dataset(
        components=["textbox"], samples=[], label="Did you mean", visible=False
    )
    with gr.Row():
        parts["count"] = gr.Slider(
            2, 48, TpasConfig().anchors, step=1, label="Number of anchors |P|",
            info="How many images stand in; |P| in the paper. More cover the concept more broadly.",
            elem_classes="chooses",
        )
        with gr.Column():
            parts["from_pool"] = gr.Checkbox(True, label="Choose the cut from the pool")
            parts["cut"] = gr.Slider(
                -1, 1, 0, step=_CUT_STEP, label="Similarity cut S_th", interactive=False,
                info="Images less similar to your words than this are never chosen by them; 1 is "
                "as similar as can be.",
                elem_classes="chooses",
            )
    parts["gallery"] = gr.Gallery(
        label="Proxy anchors: rank · similarity · caption (source, licence)", columns=6,
        height="auto", object_fit="contain", buttons=[], elem_id="anchor-gallery",
        elem_classes="captioned",
    )
    parts["used"] = gr.CheckboxGroup(
        [], label="Used as anchors", elem_id="used-anchors",
        info="Untick an image to leave it out: the choice is made again at once.",
    )
    parts["take_back"] = gr.Button("Use all again", size="sm")
    parts |= moved_anchors.build()
    parts["choice_pays"] = gr.HTML()
    parts["histogram"] = gr.Plot(label="Similarity of the pool to your words", show_label=True)
    gr.HTML(markup.note(PLOTS["histogram"]))
    with gr.Accordion("Kept away from the erasure, and why", open=False):
        gr.HTML(markup.note(
            "The erasure must not see the concept itself. Listed is what was kept away of the "
            "images above the cut: those whose words say that they show it, what may be a copy of "
            "one of them, and those kept aside so that the damage can be measured on them. (Of a "
            "large pool, only the images nearest to your words are gone through for this list.) "
            "Images below the cut are kept away for the same reasons; they are not listed."
        ))
        parts["dropped"] = gr.Dataframe(
            headers=["Pool image", "Label", "Reason"], datatype="str", interactive=False,
            wrap=True, buttons=[], max_height=320, label="Images kept away",
            elem_classes="wide",
        )
    parts["to_erasing"] = gr.Button("Go on to step 3", variant="primary")
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this step's events to their handlers."""
    options = {**_choosing(parts), "outputs": SHOWN}
    for name, event in _CHOOSE.items():
        begun = getattr(parts[name], event)
        say_at_once(begun, parts, "anchors_status", markup.floating(WAITING), True)
        lock(begun, parts, if_moved=event == "release")

    def set_anew(*values: Any) -> Iterator[View]:
        yield from choose_if_set_anew(pipeline, *values)

    # Each move of a slider, however fast they follow: the last must not be lost.
    for name in ("count", "cut"):
        listen(
            parts[name].release, set_anew, parts, inputs=CONTROLS, trigger_mode="always_last",
            undone=as_before, **options,
        )
    parts["page"].load(
        None, None, None, js=_LET_GO_BY_KEY, api_visibility="private", queue=False
    )
    chosen_after(parts["from_pool"].input, parts, pipeline, toggled)

    def ticked(*values: Any) -> Iterator[View]:
        yield from keep(pipeline, *values)

    listen(
        parts["used"].input, ticked, parts, inputs=("used", *CONTROLS),
        undone=lambda _, *controls: as_before(*controls), **options,
    )

    def with_all(*values: Any) -> Iterator[View]:
        yield from reselect(pipeline, *values, frozenset())

    listen(
        parts["take_back"].click, with_all, parts, inputs=CONTROLS, undone=as_before, **options
    )

    def meant(sample: list[str], *rest: Any) -> Iterator[View]:
        yield from use_suggestion(pipeline, sample[0], *rest)

    listen(
        parts["suggestions"].click, meant, parts, inputs=("suggestions", "preset", *WISHES),
        outputs=("concept", "aliases", "description", "category", *SHOWN), **_choosing(parts),
    )

    go_on(parts["to_erasing"].click, parts, "erase")


def chosen_after(
    event: Callable[..., Any], parts: Parts, pipeline: Pipeline,
    undone: Callable[..., View] | None = None,
) -> Any:
    """After an event, or the last of several while one is chosen for, choose again as the controls
    say. Gives the event of that.

    undone: what the controls show where that fails, else `as_before`.
    """

    def again(*values: Any) -> Iterator[View]:
        yield from reselect(pipeline, *values)

    return listen(
        event, again, parts, inputs=CONTROLS, outputs=SHOWN, undone=undone or as_before,
        trigger_mode="always_last", **_choosing(parts),
    )


def _choosing(parts: Parts) -> dict[str, Any]:
    # Over the images alone: what says that one waits must not be paled.
    return {"failed": _failed, "show_progress_on": [parts["gallery"]], **HEAVY}


def choose_if_set_anew(
    pipeline: Pipeline, selection: Selection | None, count: float, from_pool: bool, cut: float,
    preset: str,
) -> Iterator[View]:
    """Choose again where count or cut are not those of the selection: a box that is only left says
    that it was let go, too.
    """
    same_cut = from_pool or selection and abs(cut - selection.threshold) < _CUT_STEP
    if selection and same_cut and int(count) == selection.wanted:
        yield {
            "anchors_status": markup.choice(selection), "used": gr.update(interactive=True)
        }
    else:
        yield from reselect(pipeline, selection, count, from_pool, cut, preset)


def reselect(
    pipeline: Pipeline, selection: Selection | None, count: float, from_pool: bool, cut: float,
    preset: str, left_out: frozenset[int] | None = None,
) -> Iterator[View]:
    """Choose again for the same concept with what the controls say; None leaves out the same."""
    if selection is None:
        raise ValueError(_NO_CONCEPT)
    bench = pipeline.bench.result()
    out = frozenset(selection.left_out) if left_out is None else left_out
    asked = config(count, from_pool, cut, preset)
    chosen = pipeline.select(bench, selection.request, asked, out)
    yield {**shown(bench, chosen), **cut_of(chosen, from_pool)}


def keep(
    pipeline: Pipeline, ticked: Sequence[int], selection: Selection | None, *controls: Any
) -> Iterator[View]:
    """Choose again without the images that are not ticked."""
    if selection is None:
        raise ValueError(_NO_CONCEPT)
    offered = {anchor.row for anchor in selection.anchors} | {*selection.left_out}
    left_out = frozenset(offered.difference(map(int, ticked)))
    yield from reselect(pipeline, selection, *controls, left_out)


def use_suggestion(
    pipeline: Pipeline, name: str, preset: str, *wishes: Any
) -> Iterator[View]:
    """Start again with the concept that the words most likely meant."""
    bench = pipeline.bench.result()
    request = read_request(name, "", "", "", *wishes)
    selection = pipeline.select(bench, request, anchors_for(PRESETS[preset]), frozenset())
    yield {
        "concept": name, "aliases": "", "description": "", "category": "",
        **fresh_controls(selection), **shown(bench, selection),
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
        "used": gr.update(
            choices=[
                *((f"{one.rank} · {one.caption}", one.row) for one in selection.anchors),
                *((f"left out · {bench.pool_caption(row)}", row) for row in selection.left_out),
            ],
            value=[one.row for one in selection.anchors], interactive=True,
        ),
        "histogram": plots.similarities(selection.scores, selection.threshold),
        "optimised": gr.update(visible=False),
        "dropped": [[str(one.row), one.label, one.reason] for one in selection.dropped],
        "suggestions": gr.update(
            samples=[[reading] for reading in readings],
            sample_labels=[f"Use “{reading}” instead" for reading in readings],
            visible=bool(readings),
        ),
        "suggestions_note": markup.status(meaning) if readings else "",
        "to_erase": markup.status(" ".join((
            f"To be forgotten: “{name}”, by {len(selection.anchors)} proxy anchors.",
            *wording.wishes(selection.request),
        ))),
        "anchors_tab": gr.update(interactive=True), "erase_tab": gr.update(interactive=True),
    }


def _failed(sentence: str) -> View:
    text = f"{sentence} The anchors shown below are still those of the choice before."
    return {
        "anchors_status": markup.status(text, "warning"), "used": gr.update(interactive=True)
    }

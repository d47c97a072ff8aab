"""Step 1: which concept shall be forgotten. Words only, no image."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from space_core.settings import PRESETS, anchors_for
from space_core.types import ConceptRequest, Selection
from space_core.ui import anchor_controls, anchors_tab, markup, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.request import DEFAULT, WISHES, WORDS, read_request
from space_core.ui.where import Where
from space_core.ui.wiring import HEAVY, Parts, View, listen, say_at_once

_UNASKED = (
    "None here: this installation has no evaluation images (SPACE_EVALUATION). Step 4 takes yours, "
    "of the concept; what becomes of other concepts is not measured."
)


def build() -> dict[str, Any]:
    """The components, by name."""
    gr.HTML(markup.note(
        "Name what the model shall forget: a person, an animal, an artist's style, a thing, a "
        "place, a food. Words are enough: no image of it is needed, and none is used to erase it."
    ))
    concept = gr.Textbox(label="Concept to forget", placeholder="lemon", max_lines=1)
    examples = gr.Dataset(
        components=[concept], samples=[], label="Or try one of these", visible=False,
        samples_per_page=24,
    )
    with gr.Row():
        aliases = gr.Textbox(
            label="Other names (optional)", info="Separated by commas", max_lines=1
        )
        category = gr.Textbox(
            label="Honest general word (optional)", max_lines=1,
            info="What the model may still say: “fruit”. Empty: the pool’s or its own word.",
        )
    description = gr.Textbox(
        label="Description (optional)", lines=2,
        info="What it looks like, in a few words. It sharpens the search for similar images.",
    )
    instead = gr.Radio(
        [(text, name) for name, text in wording.INSTEAD.items()], value=DEFAULT.instead,
        label="In its place the model says",
        info="About images of the concept. A refusal spreads more easily to what is near; the "
        "third names something that the image does not show.",
    )
    text_too = gr.Checkbox(
        DEFAULT.text_too, label="Forget what words alone tell of it, too",
        info="Asked without an image, the model then shall not know it. Otherwise only what it "
        "looks like is meant to go; step 4 says how much of the words stayed.",
    )
    protect = gr.Dropdown(
        [], multiselect=True, label="Concepts to protect (optional)",
        info="What must stay above all. Their answers are watched like those of the nearest "
        "concepts, and step 2 warns where an anchor shows one of them.",
    )
    questions = gr.CheckboxGroup(
        [(wording.GROUPS[name], name) for name in DEFAULT.questions],
        value=list(DEFAULT.questions),
        label="Questions to ask, besides those about the concept",
        info="Nearest concepts are most like it and suffer first; other concepts are drawn at "
        "random; skills are colours, counting, words alone. What is not asked is not measured.",
    )
    takes = gr.HTML()
    with gr.Row():
        find = gr.Button("Find proxy anchors", variant="primary")
        preview = gr.Button("What does the model say of it now?")
    return {
        "concept": concept, "examples": examples, "aliases": aliases, "category": category,
        "description": description, "protect": protect,
        "questions": questions, "instead": instead, "text_too": text_too, "find": find,
        "takes": takes, "preview": preview, "concept_status": gr.HTML(), "said_now": gr.HTML(),
    }


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this step's events to their handlers."""
    outputs = ("concept_status", "tabs", *anchors_tab.SHOWN)
    options = {
        "inputs": (*WORDS, *WISHES), "outputs": outputs,
        "failed": lambda sentence: {"concept_status": markup.status(sentence, "warning")},
        "show_progress": "hidden", **HEAVY,
    }

    def search(*words: Any) -> Iterator[View]:
        yield from find(pipeline, *words)

    for event in (parts["find"].click, parts["concept"].submit):
        inputs = ("where", *anchor_controls.CONTROLS, *options["inputs"])
        say_at_once(event, parts, "concept_status", markup.waiting())
        # Who writes another name while one is sought means that one.
        listen(
            event, search, parts, trigger_mode="always_last", **{**options, "inputs": inputs}
        )

    def say(*words: Any) -> Iterator[View]:
        yield from said_now(pipeline, *words)

    say_at_once(parts["preview"].click, parts, "concept_status", markup.waiting())
    listen(
        parts["preview"].click, say, parts,
        **{**options, "outputs": ("concept_status", "said_now")},
    )

    # Typed, an example or a suggestion: what was said is of another concept.
    parts["concept"].change(
        None, None, parts["said_now"], js="() => ''", api_visibility="private", queue=False
    )

    def fill(sample: list[str]) -> Iterator[View]:
        yield {"concept": sample[0], "aliases": "", "category": "", "description": ""}

    listen(
        parts["examples"].click, fill, parts, inputs=("examples",), outputs=WORDS,
        queue=False, show_progress="hidden",
    )


def pick_examples(
    known: Mapping[str, str], each: int = 2, seed: int = 0
) -> list[tuple[str, str]]:
    """(domain, concept): a seeded pick of `each` concepts per domain."""
    draw = random.Random(seed)
    domains = sorted(set(known.values()))
    members = {d: sorted(name for name, own in known.items() if own == d) for d in domains}
    return [
        (domain, name)
        for domain, names in members.items()
        for name in draw.sample(names, min(each, len(names)))
    ]


def offered(known: Mapping[str, str], asks: bool) -> tuple[dict[str, Any], ...]:
    """The updates that show the examples, domain first, the names that can be protected, and which
    questions can be asked. asks: whether there are evaluation images to ask about.
    """
    picked = pick_examples(known)
    examples = gr.update(
        samples=[[name] for _, name in picked],
        sample_labels=[f"{domain}: {name}" for domain, name in picked], visible=bool(picked),
    )
    questions = {} if asks else {"interactive": False, "value": [], "info": _UNASKED}
    return examples, gr.update(choices=sorted(known)), gr.update(**questions)


def said_now(
    pipeline: Pipeline, concept: str, aliases: str, description: str, category: str, *wishes: Any
) -> Iterator[View]:
    """What the model says of the concept before anything is erased."""
    request = read_request(concept, aliases, description, category, *wishes)
    if not request.name:
        raise ValueError("The concept is empty: write its name, such as “lemon”.")
    yield {"concept_status": markup.status("Asking the model…", "busy"), "said_now": ""}
    bench = pipeline.bench.result()
    said = pipeline.preview(bench, request)
    how = "Asked about images that no erasure sees."
    if not any(one.image for one in said):
        how = f"We hold no images of “{request.name}” to ask about: step 4 takes yours. Asked "
        how += "without an image."
    yield {
        "concept_status": "",
        "said_now": markup.said(f"What the model says of “{request.name}” now", how, [
            (one, bench.evaluation_image(one.image) if one.image else None) for one in said
        ]),
    }


def find(
    pipeline: Pipeline, where: Where, before: Selection | None, count: float, from_pool: bool,
    cut: float, preset: str, concept: str, aliases: str, description: str, category: str,
    *wishes: Any,
) -> Iterator[View]:  # fmt: skip
    """Find anchors for the words, show them, and open the next step.

    where: a visitor who has gone on to another tab stays there. before: what is chosen so far, and
    step 2's controls. For the same words what the visitor set and left out there stays. preset: the
    method of step 3, which says whether chance may choose anchors, too.
    """
    request = read_request(concept, aliases, description, category, *wishes)
    if before is not None and before.request == request:
        same = f"The {len(before.anchors)} proxy anchors of before: see step 2."
        yield {"concept_status": markup.status(same, "good"), **where.onward("concept", "anchors")}
        return
    waiting = "Loading the model…" if not pipeline.bench.done() else "Searching the public pool…"
    yield {"concept_status": markup.status(waiting, "busy")}
    bench = pipeline.bench.result()
    if before is not None and _words(before.request) == _words(request):
        (view,) = anchors_tab.reselect(
            pipeline, replace(before, request=request), count, from_pool, cut, preset
        )
        view = {"changed_since": "", **view}
    else:
        selection = pipeline.select(bench, request, anchors_for(PRESETS[preset]), frozenset())
        view = {**anchor_controls.fresh_controls(selection), **anchors_tab.shown(bench, selection)}
    found = f"Found {len(view['selection'].anchors)} proxy anchors: see step 2."
    yield {
        "concept_status": markup.status(found, "good"), **view,
        **where.onward("concept", "anchors"),
    }


def _words(request: ConceptRequest) -> tuple[object, ...]:
    return request.name, request.aliases, request.description, request.category

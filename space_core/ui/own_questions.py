"""Step 4: the auditor's own questions to both models, kept for the visit and asked again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from space_core.types import RunRecord
from space_core.ui import image_file, markup, outcomes, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import Where
from space_core.ui.wiring import HEAVY, Parts, View, listen, say_at_once

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished

KEPT = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that the visitor asked, with its image if there was one."""

    question: str
    image: Image.Image | None


def build() -> dict[str, Any]:
    """The components, by name."""
    parts: dict[str, Any] = {}
    gr.HTML('<h2 class="section">Ask both models yourself</h2>' + markup.note(
        "Any question, with an image or without. Both answers stand here word for word, decoded "
        "the same way: the likeliest word each time, nothing drawn at random."
    ))
    with gr.Row():
        with gr.Column():
            parts["image"] = image_file.unread(gr.Image(
                label="Your image", sources=["upload", "clipboard"], height=240, buttons=[],
            ))
            parts["ours"] = gr.Gallery(
                label="Or click one of ours, which no erasure has seen", columns=3, height="auto",
                object_fit="contain", buttons=[], allow_preview=False, elem_id="ours",
                elem_classes="captioned",
            )
        with gr.Column():
            parts["question"] = gr.Textbox(label="Your question", placeholder="What is this?")
            parts["ask"] = gr.Button("Ask both models", variant="primary")
            parts["ask_status"] = gr.HTML()
            parts["answered"] = gr.HTML()
            with gr.Row():
                parts["answer_before"] = gr.Textbox(label="Before", interactive=False, lines=2)
                parts["answer_after"] = gr.Textbox(label="After", interactive=False, lines=2)
            parts["ask_again"] = gr.Button("Ask all my questions again")
            gr.HTML(markup.note(
                f"This visit keeps your last {KEPT} questions, also when you erase again: put them "
                "all to the present edit."
            ))
            parts["again"] = gr.Dataframe(
                headers=["Image", "Question", "Before", "After"], datatype="str", wrap=True,
                interactive=False, buttons=[], max_height=320, visible=False,
                column_widths=["18%", "32%", "25%", "25%"], elem_id="asked-again",
                label="All my questions, asked with the present edit", elem_classes="wide",
            )
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie the events of the questions to their handlers."""
    options = {
        "failed": lambda sentence: {"ask_status": markup.status(sentence, "warning")},
        "show_progress": "hidden", **HEAVY,
    }

    def both(*values: Any) -> Iterator[View]:
        yield from ask(pipeline, *values)

    for event in (parts["ask"].click, parts["question"].submit):
        say_at_once(event, parts, "ask_status", markup.waiting())
        listen(
            event, both, parts,
            inputs=("image", "question", "finished", "asked", "where", "verify_mark"),
            outputs=("answered", "answer_before", "answer_after", "ask_status", "asked"),
            # Another question while one is being answered comes after it.
            trigger_mode="multiple", **options,
        )

    def all_again(*values: Any) -> Iterator[View]:
        yield from ask_again(pipeline, *values)

    say_at_once(parts["ask_again"].click, parts, "ask_status", markup.waiting())
    listen(
        parts["ask_again"].click, all_again, parts,
        inputs=("finished", "asked", "where", "verify_mark"),
        outputs=("ask_status", "again"), **options,
    )

    # gradio passes the event only where it can resolve every annotation: no name of the audit here.
    def pick(event: gr.SelectData, finished: Any) -> Image.Image | None:
        shown = ours(pipeline.bench.result(), finished.record) if finished else []
        # Only a program says that an image was clicked which is not there.
        return shown[event.index][0] if event.index in range(len(shown)) else None

    parts["ours"].select(
        pick, parts["finished"], parts["image"], api_visibility="private", queue=False,
        show_progress="hidden",
    )


def ours(bench: "Bench", record: RunRecord) -> list[tuple[Image.Image, str]]:
    """A few evaluation images of the concept, its neighbours and others, with what they show."""
    return [
        (bench.evaluation_image(one.image), f"{wording.GROUPS[one.group]}: {one.concept}")
        for one in outcomes.side_by_side(record.outcomes)
    ]


def ask(
    pipeline: Pipeline, path: str | None, question: str, finished: "Finished | None",
    asked: tuple[Asked, ...], where: Where, mark: str,
) -> Iterator[View]:
    """Put the visitor's own question, with the image of a file if there is one, to the model
    without and with this visitor's edit."""
    if finished is None:
        raise ValueError(wording.NO_EDIT)
    where.check("verify", mark)
    if not question.strip():
        raise ValueError("The question is empty: write one.")
    image = image_file.read(path) if path else None
    yield {"ask_status": markup.status("Asking…", "busy")}
    new = Asked(question.strip(), image)
    before, after = pipeline.ask(pipeline.bench.result(), image, new.question, finished.edit)
    where.check("verify", mark)
    yield {
        "answered": markup.note(f"To “{new.question}”:"),
        "answer_before": before, "answer_after": after, "ask_status": "",
        "asked": (*(one for one in asked if one != new), new)[-KEPT:],
    }


def ask_again(
    pipeline: Pipeline, finished: "Finished | None", asked: tuple[Asked, ...], where: Where,
    mark: str,
) -> Iterator[View]:
    """Put every question that the visit keeps to the model without and with the present edit."""
    if finished is None:
        raise ValueError(wording.NO_EDIT)
    if not asked:
        raise ValueError("There is no question yet: ask one first.")
    bench, rows = pipeline.bench.result(), []
    images: list[Image.Image] = []
    for number, one in enumerate(asked, start=1):
        text = f"Asking question {number} of {len(asked)}…"
        yield {"ask_status": markup.status(text, "busy")}
        where.check("verify", mark)
        answers = pipeline.ask(bench, one.image, one.question, finished.edit)
        if one.image and one.image not in images:
            images.append(one.image)
        seen = f"image {images.index(one.image) + 1}" if one.image else "(text only)"
        rows.append([seen, one.question, *answers])
    where.check("verify", mark)
    yield {"ask_status": "", "again": gr.update(value=rows, visible=True)}

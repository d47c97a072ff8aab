"""Step 4: the auditor's own images of the concept. They verify; they never reach an erasure.

They live in the visitor's session alone, and only a finished edit is asked about them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from space_core.types import OwnImages
from space_core.ui import image_file, markup, outcomes, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import Where, hidden_mark
from space_core.ui.wiring import HEAVY, Parts, View, listen, say_at_once

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished

MOST = 24
_JUDGED = ("own", "own_status", "verdict", "table", "group", "outcome", "opened")
SHOWN = ("own_pictures", "own_again", "own_mark", *_JUDGED)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """The visitor's images, and the concept that they show."""

    concept: str
    images: tuple[Image.Image, ...]


def of(pictures: Pictures | None) -> tuple[Image.Image, ...]:
    """The visitor's images."""
    return pictures.images if pictures else ()


def build() -> dict[str, Any]:
    """The components, by name."""
    gr.HTML('<h2 class="section">Verify on images of your own</h2>' + markup.note(
        "Add images that show the concept. Both models are asked about them as about ours, and "
        "the strip above and the table below count them apart, as “your image”. They serve for "
        "nothing else: they stay in this visit, reach no erasure, and go into no file. Twelve or "
        "more, and at most 24, are needed before “forgotten” can be said of them alone."
    ))
    with gr.Row():
        upload = image_file.unread(gr.UploadButton(
            "Add images of the concept", file_types=["image"], file_count="multiple",
            variant="secondary",
        ))
        again = gr.Button("Ask about your images again", visible=False)
        clear = gr.Button("Take your images away")
    return {
        **hidden_mark("own"), "own_upload": upload, "own_again": again, "own_clear": clear,
        "own_status": gr.HTML(),
    }


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie the events of the upload to their handlers."""

    def added(*values: Any) -> Iterator[View]:
        yield from add(pipeline, *values)

    def asked_again(*values: Any) -> Iterator[View]:
        yield from add(pipeline, (), *values)

    def taken_away(*values: Any) -> Iterator[View]:
        yield from take_away(pipeline, *values)

    options = {
        "outputs": SHOWN, "show_progress": "hidden", **HEAVY,
        "failed": lambda sentence: {"own_status": markup.status(sentence, "warning")},
    }
    before = ("own_pictures", "finished", "where", "verify_mark", "own_mark", "image")
    for event in (parts["own_upload"].upload, parts["own_again"].click):
        say_at_once(event, parts, "own_status", markup.waiting_to_begin())
    listen(
        parts["own_upload"].upload, added, parts, inputs=("own_upload", *before),
        # More images while some are being asked about come after them, and are asked about too.
        trigger_mode="multiple", **options,
    )
    listen(parts["own_again"].click, asked_again, parts, inputs=before, **options)
    listen(
        parts["own_clear"].click, taken_away, parts, inputs=("finished", "where"), outputs=SHOWN,
        queue=False, show_progress="hidden",
    )


def kept_after(event: Callable[..., Any], parts: Parts) -> None:
    """After an event that shows a result, offer the images of before again, if they show its
    concept.

    An event of its own: the one that erases is given nothing of them.
    """
    listen(
        event, kept, parts, inputs=("own_pictures", "own", "finished"),
        outputs=("own", "own_pictures", "own_again", "own_status"), queue=False,
        show_progress="hidden",
    )


def kept(
    pictures: Pictures | None, own: OwnImages | None, finished: "Finished | None"
) -> Iterator[View]:
    """Say what becomes of the images of before. Another concept's would say nothing of this one:
    they are let go."""
    # Where they were asked about, no new result has come.
    if pictures is None or finished is None or own is not None:
        return
    concept, yours = finished.record.selection.request.name, _yours(pictures.images)
    one = len(pictures.images) == 1
    if pictures.concept == concept:
        text = f"{yours} from before {'is' if one else 'are'} still here, not asked about yet."
        yield {"own_again": gr.update(visible=True), "own_status": markup.status(text)}
    else:
        gone = f"{'was' if one else 'were'} let go"
        text = f"{yours} showed “{pictures.concept}” and {gone}: add some of “{concept}”."
        yield {**nothing(), "own_status": markup.status(text)}


def nothing() -> dict[str, Any]:
    """No image."""
    return {"own_pictures": None, "own_again": gr.update(visible=False), **unasked()}


def unasked() -> dict[str, Any]:
    """How a new result begins."""
    return {"own": None, "own_status": ""}


def add(
    pipeline: Pipeline, paths: Sequence[str | Path], before: Pictures | None,
    finished: "Finished | None", where: Where, mark: str, own_mark: str, beside: str | None,
) -> Iterator[View]:
    """Ask both models about the images so far and the new ones; show what that says.

    where, mark, own_mark: the visitor's, and which run and whose images step 4 showed when this
    was pressed; beside: the file that stands beside the visitor's question.
    """

    def check() -> None:
        where.check("verify", mark)
        where.check("own", own_mark)

    try:
        if finished is None:
            raise ValueError(wording.NO_EDIT)
        check()
        together = _with(of(before), paths or ())
    finally:
        image_file.let_go(paths or (), beside)
    yours = _yours(together)
    yield {"own_status": markup.progress(f"Asking both models about {yours}…", 0.0)}
    bench = pipeline.bench.result()
    own = None
    with closing(
        pipeline.judge_images(bench, finished.record, finished.edit, together)
    ) as events:
        for event in events:
            check()
            if isinstance(event, OwnImages):
                own = event
            else:
                yield {"own_status": markup.progress(event.message, event.done)}
    said = f"Asked about {yours}: see the strip above and the table below."
    if not finished.record.forget_accuracy.questions:
        said += (
            " The run's record and its files hold nothing of yours, and go on saying that nothing "
            "was measured on images: write what you saw into the notes of your decision."
        )
    yield {
        "own": own, "own_again": gr.update(visible=False),
        **_judged(bench, finished, own, together),
        "own_pictures": Pictures(finished.record.selection.request.name, together),
        "own_status": markup.status(said, "good"),
    }


def take_away(
    pipeline: Pipeline, finished: "Finished | None", where: Where
) -> Iterator[View]:
    """Forget the visitor's images and what was said of them; asking about them ends."""
    if finished is not None:
        yield {
            **nothing(), **_judged(pipeline.bench.result(), finished, None),
            **where.shows("own"),
        }


def _with(
    before: Sequence[Image.Image], paths: Sequence[str | Path]
) -> tuple[Image.Image, ...]:
    count = len(before) + len(paths)
    if not count:
        raise ValueError("There are no images of yours: add some first.")
    if count > MOST:
        raise ValueError(f"{count} images are too many: take at most {MOST} in all.")
    return (*before, *map(image_file.read, paths))


def _yours(images: Sequence[Image.Image]) -> str:
    return f"{wording.count(len(images), 'image')} of yours"


def _judged(
    bench: "Bench", finished: "Finished", own: OwnImages | None,
    yours: Sequence[Image.Image] = (),
) -> dict[str, Any]:
    record = finished.record
    return {
        "verdict": markup.verdict(record, own), **outcomes.shown(bench, record, own, yours)
    }

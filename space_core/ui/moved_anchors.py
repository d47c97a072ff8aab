"""Step 2, after an erasure: what it made of the anchors, in numbers, answers and public images.

Never a picture of what was moved: that exists as numbers only, and is not kept.
"""

from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core.types import RunRecord
from space_core.ui import markup, wording

if TYPE_CHECKING:
    from space_core.audit import Bench

SHOWN = ("beliefs", "nearest")


def build() -> dict[str, Any]:
    """The components, by name."""
    parts: dict[str, Any] = {}
    with gr.Column(visible=False) as parts["optimised"]:
        gr.HTML('<h2 class="section">What optimising made of the anchors</h2>' + markup.note(
            "The erasure moved what the model sees of each anchor until the unedited model itself "
            "called it by the concept's name. “Moved” is how far, as a share of its own size. What "
            "was moved exists as numbers only: there is no picture of it. The images are public "
            "ones that it came to lie nearest to; none of them is labelled as the concept."
        ))
        parts["beliefs"] = table()
        parts["nearest"] = gr.Gallery(
            label="Public images that the moved anchors lie nearest to", columns=6, height="auto",
            object_fit="contain", buttons=[], elem_id="nearest-gallery", elem_classes="captioned",
        )
    return parts


def table(visible: bool = True) -> gr.Dataframe:
    """The part that shows `rows`."""
    return gr.Dataframe(
        headers=["Anchor", "Moved", "Model said before", "Model said after", "Now most like"],
        datatype="str", interactive=False, wrap=True, buttons=[], max_height=320,
        label="Each anchor before and after it was moved", elem_classes="wide", visible=visible,
    )


def rows(record: RunRecord) -> list[list[str]]:
    """Each moved anchor of a run: what it is, how far it went, what the model said, what is near.
    """
    return [
        [
            f"{anchor.rank} · {anchor.caption}", wording.percent(shift), one.before, one.after,
            ", ".join(one.nearest),
        ]
        for anchor, shift, one in zip(record.selection.anchors, record.anchor_shift, record.beliefs)
    ]  # fmt: skip


def shown(bench: "Bench", record: RunRecord) -> dict[str, Any]:
    """The strip of a run; hidden where its anchors were not moved."""
    nearest: dict[int, list[int]] = {}
    for anchor, one in zip(record.selection.anchors, record.beliefs):
        for row in one.rows[:1]:
            nearest.setdefault(row, []).append(anchor.rank)
    return {
        "optimised": gr.update(visible=bool(record.beliefs)),
        "beliefs": rows(record),
        "nearest": gr.update(value=[
            (bench.pool_image(row), wording.nearest(ranks, bench.pool_caption(row)))
            for row, ranks in nearest.items()
        ], selected_index=None),
    }

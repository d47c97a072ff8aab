"""The sidebar's "Erased so far": the visitor's erasures, each switched off and on again."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from space_core.joint import MOST
from space_core.run_index import Entry
from space_core.ui import markup, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.wiring import Parts, View, listen

_SLOTS = range(MOST)
SHOWN = (
    "erased_note", "erased", "ask_together",
    *(f"{part}_{slot}" for slot in _SLOTS for part in ("erased", "erased_name", "undo")),
)  # fmt: skip
# What the tab Together shows of a sum, and offers.
SUM_FILES = ("sum_file", "joint_file")
SUM = ("together", "together_status", "summed", *SUM_FILES)
_NONE = "Nothing yet: what you erase is listed here."
_SOME = (
    "An erasure changes this page's model only while questions are asked; your own model stays as "
    "it is until you put the file of step 5 on it. Undo switches one off and leaves the others as "
    "they are; its run stays in the list below. Two or more that are on can be asked together."
)
_NEWEST = f" Only the newest {MOST} are listed."


def build() -> dict[str, Any]:
    """The components, by name."""
    gr.HTML('<h2 class="section">Erased so far</h2>')
    parts: dict[str, Any] = {
        # What is listed by key, and whether it is on.
        "erased": gr.State({}), "summed": gr.State(()), "erased_note": gr.HTML(markup.note(_NONE)),
    }
    for slot in _SLOTS:
        with gr.Row(visible=False, elem_classes="erased") as parts[f"erased_{slot}"]:
            parts[f"erased_name_{slot}"] = gr.HTML(min_height=0)
            parts[f"undo_{slot}"] = gr.Button("Undo", size="sm", min_width=110, scale=0)
    parts["ask_together"] = gr.Button("Ask them together", size="sm", visible=False)
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie the events of the list to their handlers."""

    def flipper(slot: int):
        def flipped(*values: Any) -> Iterator[View]:
            yield from flip(pipeline, slot, *values)

        return flipped

    for slot in _SLOTS:
        listen(
            parts[f"undo_{slot}"].click, flipper(slot), parts,
            inputs=("visitor", "erased"), outputs=SHOWN,
            failed=lambda sentence: {"erased_note": markup.status(sentence, "warning")},
            queue=False, show_progress="hidden",
        )


def flip(
    pipeline: Pipeline, slot: int, visitor: str, listed: Mapping[str, bool]
) -> Iterator[View]:
    """Switch the erasure in a slot off, or on again, whatever another tab made of it."""
    if slot >= len(listed):
        raise ValueError("This list is out of date: load the page again.")
    runs, key = pipeline.runs.result(), list(listed)[slot]
    runs.switch(runs.find_own(visitor, key), off=listed[key])
    yield shown(runs.listed(visitor), visitor)


def shown(own: Sequence[Entry], visitor: str) -> dict[str, Any]:
    """The list as it is now, from the visitor's list of runs."""
    every = erased(own, visitor)
    found = every[:MOST]
    on = sum(not one.off for one in found)
    view: dict[str, Any] = {
        "erased_note": markup.note(_SOME + _NEWEST * (len(every) > MOST) if found else _NONE),
        "erased": {one.key: not one.off for one in found},
        "ask_together": gr.update(visible=len(found) > 1, interactive=on > 1),
    }
    for slot in _SLOTS:
        view[f"erased_{slot}"] = gr.update(visible=slot < len(found))
        if slot < len(found):
            concept, is_on = found[slot].concept, not found[slot].off
            view[f"erased_name_{slot}"] = _name(found[slot], is_on)
            view[f"undo_{slot}"] = f"Undo “{concept}”" if is_on else f"Switch on “{concept}” again"
    return view


def erased(own: Sequence[Entry], visitor: str) -> list[Entry]:
    """Of each concept the visitor's newest finished erasure, the newest first."""
    newest: dict[str, Entry] = {}
    for one in own:
        if one.state == "finished" and one.visitor == visitor:
            newest.setdefault(one.concept.strip().casefold(), one)
    return list(newest.values())


def without_sum(said: str = "") -> dict[str, Any]:
    """The tab Together without a sum: with a line on why, where there was one."""
    files = {name: gr.update(value=None, interactive=False) for name in SUM_FILES}
    return {"together": "", "together_status": said, "summed": (), **files}


def _name(entry: Entry, on: bool) -> str:
    state = f"{wording.ended(entry)}; {'on' if on else 'switched off'}"
    name = f"<b>{escape(entry.concept)}</b>"
    return f'<p class="erased-name{"" if on else " off"}">{name} {escape(state)}</p>'
